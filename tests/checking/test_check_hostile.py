"""Damaged files with lowered limits: a message, soon, in little memory, and never a traceback."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest
from command import process
from damage import ORIGINALS, damaged
from grids import Part
from hypothesis import given, settings
from hypothesis import strategies as st

from convcalc.checking import FORMATS
from convcalc.checking.budgets.repository import read_budgets
from convcalc.checking.discovery import Found
from convcalc.checking.run import Options, Run
from convcalc.language.assertions.vocabulary import METRICS
from convcalc.output.findings.base import View, chunks

LIMITS = "[limits]\nlayers = 5000\nnodes = 20000\nbytes = 131072\n"

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
