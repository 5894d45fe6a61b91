"""Files that are made to take long, and files that were damaged."""

from __future__ import annotations

import random
import re
from contextlib import suppress
from pathlib import Path

import pytest
from effort import at_most, calls
from problems import HEAD, read

from convcalc.analysis.analyse import analyse
from convcalc.diagnostics.text import full_text
from convcalc.diagnostics.work import TooMuchWork
from convcalc.language.reading import read_network
from convcalc.language.sources.shipped import shipped_files
from convcalc.language.sources.target import Target, TargetError

# --- hostile files -----------------------------------------------------------------------------


def doubling(leaf: str, levels: int = 40) -> str:
    """Blocks of which each calls the next one twice."""
    calls = "".join(f"  B{n}: [B{n + 1}, B{n + 1}]\n" for n in range(levels))
    return f"blocks:\n{calls}  B{levels}: {leaf}\nlayers: [B0]\n"


def nested(item: str, times: str, levels: int) -> str:
    """Repeated lists in one another, in the flow style."""
    return f"layers:\n- {'{seq: [' * levels}{item}{f'], repeat: {times}}}' * levels}\n"


CHAIN = "".join(f"  B{n}: [B{n + 1}]\n" for n in range(2000))

HOSTILE = {
    "one repeat": "layers:\n- {relu: {}, repeat: 10**9}\n",
    "repeats in repeats": nested("{relu: {}, repeat: 1000}", "1000", 2),
    "repeats in repeats in repeats": nested("relu", "1000", 10),
    "a repeat of nothing": "layers:\n- {seq: [], repeat: 10**9}\n",
    "repeats of nothing in repeats": nested("{seq: [], repeat: 1000}", "1000", 5),
    "repeats of what is left out": nested("{relu: {}, if: false, repeat: 1000}", "1000", 5),
    "repeats of a broken layer": nested("{conv: {out: 0, k: 1}, repeat: 1000}", "1000", 5),
    "a block that calls itself": "blocks:\n  A: [relu, A]\nlayers: [A]\n",
    "blocks that call each other": "blocks:\n  A: [B]\n  B: [A]\nlayers: [A, B]\n",
    "doubling blocks": doubling("[relu]"),
    "doubling empty blocks": doubling("[]"),
    "doubling broken blocks": doubling("[conv: {out: 0, k: 1}]"),
    "doubling blocks under an if": doubling("[{relu: {}, if: false}]"),
    "doubling branches": doubling("[residual: [relu]]"),
    "a chain of blocks": f"blocks:\n{CHAIN}  B2000: [relu]\nlayers: [B0]\n",
    "deep lists": "layers:\n- " + "{seq: [" * 10_000 + "relu" + "]}" * 10_000 + "\n",
    "lists as deep as allowed": "layers:\n- " + "{seq: [" * 22 + "relu" + "]}" * 22 + "\n",
    "a long loop in a loop": (
        "params: {l: [" + ", ".join("1" * 2000) + "]}\n"
        "layers:\n- {seq: [{relu: {}, for: {c: l}}], for: {d: l}}\n"
    ),
    "a repeat of a long loop": (
        "params: {l: [" + ", ".join("1" * 2000) + "]}\n"
        "layers:\n- {seq: [{relu: {}, for: {c: l}, if: false}], repeat: 100000}\n"
    ),
    "a wide transposed kernel": "layers:\n- conv_transpose: {out: 1, k: 100000000, s: 3}\n",
    "a wide kernel after upsampling": (
        "layers:\n- conv_transpose: {out: 1, k: 1, s: 3}\n"
        "- conv: {out: 1, k: 100000000, p: 100000000}\n"
    ),
    "a large scale": "layers:\n- upsample: {scale: 100000000}\n- conv: {out: 1, k: 3}\n",
    "many parts": "layers:\n- adaptive_avg_pool: {output_size: 77777777}\n- relu\n",
    "many phases": "layers:\n- upsample: {size: 4093}\n- upsample: {size: 4091}\n- relu\n",
    "large strides": (
        "layers:\n- conv_transpose: {out: 3, k: 3000, s: 4000}\n"
        "- conv_transpose: {out: 3, k: 3, s: 2}\n- conv: {out: 1, k: 3}\n"
    ),
    "large groups": "layers:\n- conv: {out: 10**12, k: 1}\n- conv: {out: 3, k: 3, g: 7}\n",
    "large branches": "layers:\n- {branches: [" + "[], " * 10_000 + "[]]}\n",
    "many ids": "layers:\n" + "".join(f"- {{relu: {{}}, id: a{n}}}\n" for n in range(2000)),
    "many wrong ids": "layers:\n" + "".join(f"- {{relu: {{}}, from: a{n}}}\n" for n in range(2000)),
    "many wrong names": "layers:\n" + "".join(f"- cnov{n}: {{out: 3}}\n" for n in range(500)),
}


@pytest.mark.exhaustive
@pytest.mark.parametrize("which", HOSTILE)
def test_a_hostile_file_ends_soon(which: str) -> None:
    with at_most(4_000_000):  # the aim is 1 s
        network = read(HOSTILE[which])
        with suppress(TooMuchWork):  # which is a sentence, too
            analyse(network)
        for problem in network.problems:
            assert len(full_text(problem, network.sources)) < 5000


@pytest.mark.parametrize(
    "which",
    [
        "one repeat",
        "repeats in repeats",
        "repeats in repeats in repeats",
        "a repeat of nothing",
        "doubling blocks",
        "doubling empty blocks",
        "doubling blocks under an if",
        "deep lists",
        "a long loop in a loop",
        "a repeat of a long loop",
    ],
)
def test_what_is_too_large_says_so(which: str) -> None:
    with at_most(1_500_000):
        network = read(HOSTILE[which])
    assert [problem.name for problem in network.problems] == ["too-large"]


@pytest.mark.parametrize("which", ["repeats in repeats", "doubling blocks"])
def test_what_is_too_large_is_not_built_first(which: str) -> None:
    """Of a network that is refused, at most a part is worth showing."""
    with at_most(1_500_000):
        assert len(read(HOSTILE[which]).layers) <= 10_000


def test_a_join_costs_as_much_as_it_has_branches() -> None:
    def join(branches: int) -> int:
        text = "layers:\n- {branches: [" + "[], " * (branches - 1) + "[]]}\n"
        return calls(lambda: analyse(read(text)))

    assert join(2000) < 5 * join(500)


def test_imports_in_long_chains_and_wide_fans_end(tmp_path: Path) -> None:
    (tmp_path / "convcalc.toml").touch()
    for n in range(1200):
        text = f"convcalc: 1\nimports: {{n: c{n + 1}.yaml}}\nblocks: {{A: [n.A]}}\n"
        (tmp_path / f"c{n}.yaml").write_text(text)
    for n in range(40):
        text = f"convcalc: 1\nimports: {{n: f{n + 1}.yaml}}\nblocks: {{A: [n.A, n.A]}}\n"
        (tmp_path / f"f{n}.yaml").write_text(text)
    for last in ("c1200", "f40"):
        (tmp_path / f"{last}.yaml").write_text("convcalc: 1\nblocks: {A: [relu]}\n")
    for first in ("c0", "f0"):
        text = f"{HEAD}imports: {{x: {first}.yaml}}\nlayers: [x.A]\n"
        with at_most(1_700_000):
            network = read_network(Target(str(tmp_path / "net.yaml"), None, text))
        assert [problem.name for problem in network.problems] == ["too-large"], first


# --- files that were damaged -------------------------------------------------------------------

WORDS = ["conv", "relu", "seq", "residual", "branches", "concat", "opaque", "prev", "input", "id"]
WORDS += ["from", "repeat", "for", "if", "share", "shape", "in", "trainable", "split", "join"]
WORDS += ["shortcut", "layers", "params", "nope", "Block", "true", "null", "0", "-1", "1e9", "[1]"]


def damaged(text: str, rng: random.Random) -> str:
    """A file with a few lines lost, doubled, swapped, cut or changed."""
    lines = text.split("\n")
    for _ in range(rng.choice((1, 1, 2, 4))):
        here, there = rng.randrange(len(lines)), rng.randrange(len(lines))
        kind = rng.randrange(7)
        if kind == 0 and len(lines) > 1:
            del lines[here]
        elif kind == 1:
            lines.insert(there, lines[here])
        elif kind == 2:
            lines[here], lines[there] = lines[there], lines[here]
        elif kind == 3:
            lines = lines[: here + 1]
        elif kind == 4:
            lines[here] = lines[here][: rng.randint(0, len(lines[here]))]
        elif kind == 5:
            at = rng.randint(0, len(lines[here]))
            lines[here] = lines[here][:at] + rng.choice("[]{}:,-\"'*&!%#|>@` \t") + lines[here][at:]
        elif words := list(re.finditer(r"[\w-]+", lines[here])):
            word = rng.choice(words)
            line = lines[here]
            lines[here] = line[: word.start()] + rng.choice(WORDS) + line[word.end() :]
    return "\n".join(lines)


@pytest.mark.exhaustive
@pytest.mark.parametrize("path", shipped_files(), ids=lambda path: path.name.partition(".")[0])
def test_a_damaged_file_gives_problems_and_never_a_crash(path: Path) -> None:
    text = path.read_text("utf-8")
    for seed in range(20):
        rng = random.Random(f"{path.name} {seed}")
        try:
            network = read_network(Target(str(path), None, damaged(text, rng)))
        except TargetError:
            continue
        analyse(network)
        for problem in network.problems:
            full_text(problem, network.sources)


def test_a_value_that_is_refused_never_shows_the_numbers_of_another() -> None:
    body = "params: {w: {default: 8, min: 1}}\nlayers:\n- conv: {out: w, k: 1}\n"
    network = read(body, params={"w": 0})
    assert [problem.name for problem in network.problems] == ["out-of-range"]
    assert not network.layers
