"""Damaged files with lowered limits: a message, soon, in little memory, and never a traceback."""

from __future__ import annotations

import json
import random
import re
from pathlib import Path

import pytest
from command import process
from grids import Part
from hypothesis import given, settings
from hypothesis import strategies as st
from places import TESTS

from convcalc.checking.budgets.repository import read_budgets
from convcalc.checking.configuration import FORMATS
from convcalc.checking.discovery import Found
from convcalc.checking.run import Options, Run
from convcalc.language.assertions.vocabulary import METRICS
from convcalc.language.sources.shipped import shipped_folder
from convcalc.output.findings.base import View, chunks

ORIGINALS = [
    *sorted(shipped_folder().glob("*.convcalc.yaml")),
    *sorted((TESTS / "rules").glob("*/bad.convcalc.yaml")),
    *sorted((TESTS / "golden" / "errors").glob("*.yaml")),
]
LIMITS = "[limits]\nlayers = 5000\nnodes = 20000\nbytes = 131072\n"
TOKENS = [b"[", b"]", b"{", b"}", b":", b",", b"- ", b'"', b"'", b"*a", b"&a ", b"!!x ", b"%", b"|"]
TOKENS += [b"\t", b"\r", b"\x00", b"\xff", b"\xef\xbb\xbf", b"\xe2\x80\xa8", b"1e309", b"9" * 400]
TOKENS += [b"10**9", b"2**62", b"-1", b"0", b"null", b"true", b"{a: {a: {a: 1}}}", b"c//0", b"nan"]
TOKENS += [b"repeat: 1000", b"k: 100000", b"s: 99999", b"d: 99999", b"p: 1000000", b"x" * 300]
TOKENS += [
    b"budgets: {params: {max: 1}, coverage: {min: 1}, look_ahead: {max: 0}}\n",
    b"5M",
    b"20%",
]
TOKENS += [
    b"budgets: {compare: {base: HEAD}, macs: {max_increase: 1%}}\n",
    b"expect: {a: {macs: 1}}\n",
]
TOKENS += [b"  # convcalc: ignore[CC201]\n", b"# convcalc: ignore-file[CC\n", b"opaque", b"input"]


def damaged(content: bytes, rng: random.Random) -> bytes:
    """A file with a few lines lost, doubled, swapped, cut, stretched, nested or overwritten."""
    lines = content.split(b"\n")
    for _ in range(rng.choice((1, 1, 2, 3, 6))):
        lines = lines or [b""]
        here, there = rng.randrange(len(lines)), rng.randrange(len(lines))
        line = lines[here]
        at = rng.randint(0, len(line))
        kind = rng.randrange(11)
        if kind == 0:
            del lines[here]
        elif kind == 1:
            lines.insert(there, line)
        elif kind == 2:
            lines[here], lines[there] = lines[there], line
        elif kind == 3:
            lines = lines[: here + 1]
        elif kind == 4:
            lines[here] = line[:at]
        elif kind in (5, 6):
            lines[here] = line[:at] + rng.choice(TOKENS) + line[at:]
        elif kind == 7:
            lines[here] = line[:at] + rng.randbytes(rng.randint(1, 4)) + line[at:]
        elif kind == 8:
            lines[here] = line * rng.choice((2, 50))
        elif kind == 9:
            lines[here] = line + rng.choice((b"[", b"{a: ")) * rng.choice((10, 60, 3000))
        elif words := list(re.finditer(rb"[\w.%-]+", line)):
            word = rng.choice(words)
            number = str(rng.choice((0, 1, 7, 1000, 10**6, 10**12, -3, 0.5))).encode()
            lines[here] = line[: word.start()] + number + line[word.end() :]
    return b"\n".join(lines)


# In a process of its own, so that its memory is its own: exit codes, the most calls of Python
# functions and builtins for one file, and the greatest resident size in MiB.
MEASURE = """
import contextlib, io, json, sys
from convcalc.cli import main
codes, most_calls, errors = set(), 0, []
def profile(frame, event, argument):
    global calls
    calls += event in ("call", "c_call")
for number, path in enumerate(sys.argv[2:]):
    form = json.loads(sys.argv[1])[number % 8]
    out, err = io.StringIO(), io.StringIO()
    calls = 0
    sys.setprofile(profile)
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        codes.add(main(["check", path, "-f", form]))
    sys.setprofile(None)
    most_calls = max(most_calls, calls)
    if "Traceback" in err.getvalue() or "convcalc failed" in out.getvalue() + err.getvalue():
        errors.append(path + ": " + out.getvalue()[-300:] + err.getvalue()[-300:])
(most,) = (int(line.split()[1]) // 1024 for line in open("/proc/self/status") if "VmHWM" in line)
print(json.dumps([sorted(codes), most_calls, most, errors]))
"""


def test_damaged_files_end_soon_with_a_message(tmp_path: Path, part: Part) -> None:
    (tmp_path / "convcalc.toml").write_text(LIMITS)
    names = []
    for number in part(part(range(500))):  # 32 of them, or all
        rng = random.Random(number)
        names.append(f"{number}.convcalc.yaml")
        content = rng.choice(ORIGINALS).read_bytes()
        (tmp_path / names[-1]).write_bytes(damaged(content, rng))
    done = process(json.dumps(FORMATS), *names, code=MEASURE, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    codes, most_calls, memory, errors = json.loads(done.stdout)
    assert errors == []
    assert set(codes) <= {0, 1}
    assert most_calls < 8_000_000  # measured 4.2 million, in 0.24 s
    assert memory < 200  # MiB


def checked(content: bytes) -> None:
    results = list(Run(Options(stdin=content, debug=True)).check([Found("net.convcalc.yaml")]))
    for form in FORMATS:
        text = "\n".join(chunks(form, results, View(True, True)))
        assert all(c.isprintable() or c == "\n" for c in text)


@given(st.binary(max_size=200))
def test_any_bytes(content: bytes) -> None:
    checked(content)


@given(st.text(max_size=200))
def test_any_text_behind_a_good_beginning(text: str) -> None:
    checked(b"convcalc: 1\ninput: [3, 8, 8]\nlayers: [relu]\n" + text.encode("utf-8", "replace"))


BESIDE = ["max", "min", "equals", "warn", "max_increase", "at", "of", "metric", "dtype", "batch"]
BESIDE += ["part", "message", "base", "missing", "input"]
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**20), 10**20)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.sampled_from(["20%", "5M", "12MiB", "1/2", "relu", "a", "main", "x.json", "∞", ""])
    | st.text(max_size=6),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from([*METRICS, *BESIDE]),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)
BUDGETS = st.dictionaries(st.sampled_from([*METRICS, "compare"]), VALUES, max_size=4)


@settings(max_examples=3 * settings.default.max_examples)
@given(BUDGETS)
def test_any_values_under_budgets(budgets: dict[str, object]) -> None:
    head = b"convcalc: 1\nname: a\ninput: [3, 8, 8]\nlayers: [relu]\nbudgets: "
    checked(head + json.dumps(budgets).encode())


@settings(max_examples=2 * settings.default.max_examples)
@given(
    st.dictionaries(
        st.sampled_from(
            ["name", "models", "variants", "inputs", "message", "assert", "rules", "compare"]
        ),
        VALUES | BUDGETS,
    )
)
def test_any_values_in_a_file_of_budgets(budget: dict[str, object]) -> None:
    read_budgets(json.dumps({"convcalc-budgets": 1, "budgets": [budget]}), "b.yaml")


@pytest.mark.parametrize("depth", [40, 100, 10_000])
def test_deep_budgets(depth: int) -> None:
    text = "budgets: {params: {max: " + "[" * depth + "]" * depth + "}}"
    checked(f"convcalc: 1\ninput: [3, 8, 8]\nlayers: [relu]\n{text}\n".encode())
