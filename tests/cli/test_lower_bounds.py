"""Sums that something is missing from: what the rest adds up to, marked as a lower bound."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from command import Command

HEAD = "convcalc: 1\nname: net\ninput: [3, 32, 32]\nlayers:\n"
# 16·3·9·32·32 = 442,368 and 16·16·9·16·16 = 589,824 multiply-accumulates.
FIRST = "  - conv: {out: 16, k: 3, p: 1}\n"
LAST = "  - conv: {out: 16, k: 3, p: 1}\n"
HOLE = "  - opaque: {output: [16, 16, 16], params: 40}\n"
KNOWN = 442_368 + 589_824


@pytest.fixture
def run(folder: Path, convcalc: Command) -> Command:
    """Runs a command line in a folder with networks that have a hole, a stated layer, an error."""
    stated = HOLE.replace("params: 40", "params: 40, macs: 7")
    texts = {
        "hole": HEAD + FIRST + HOLE + LAST,
        "stated": HEAD + FIRST + stated + LAST,
        "broken": HEAD + FIRST + "  - conv: {out: 16, k: 3, groups: 5}\n" + LAST,
        "strided": HEAD + FIRST + HOLE.replace("params: 40", "receptive_field: 1") + LAST,
    }
    for name, text in texts.items():
        (folder / f"{name}.convcalc.yaml").write_text(text, "utf-8")
    for limit in (1_032_191, 1_032_192):
        budget = f"budgets: {{macs: {{max: {limit}}}}}\n"
        (folder / f"max{limit}.convcalc.yaml").write_text(texts["hole"] + budget, "utf-8")
    return convcalc


def totals(run: Command, line: str) -> dict[str, object]:
    found: dict[str, object] = json.loads(run(f"show {line} -f json")[1])["totals"]
    return found


def test_an_unknown_total_is_null_beside_what_the_known_layers_add_up_to(run: Command) -> None:
    found = totals(run, "hole.convcalc.yaml")
    assert found["macs"] is None
    assert found["params"] == 448 + 40 + 2320
    bounds = found["at_least"]
    assert isinstance(bounds, dict)
    assert (bounds["macs"], bounds["flops"]) == (KNOWN, 2 * KNOWN)
    assert "params" not in bounds  # which are exact


def test_what_is_stated_leaves_nothing_unknown(run: Command) -> None:
    found = totals(run, "stated.convcalc.yaml")
    assert found["macs"] == KNOWN + 7
    assert found["at_least"] == {"convention": {}, "fused": {}}


# thop leaves out the parameters of modules that it has no rule for.
@pytest.mark.parametrize(("tool", "params"), [("fvcore", 2808), ("thop", 2768), ("ptflops", 2808)])
def test_a_tool_knows_the_parameters_and_a_bound_of_the_work(
    run: Command, tool: str, params: int
) -> None:
    found = totals(run, f"hole.convcalc.yaml --convention {tool}")
    numbers, bounds = found["convention"], found["at_least"]
    assert isinstance(numbers, dict)
    assert isinstance(bounds, dict)
    assert numbers["params"] == params
    unknown = {key for key, amount in numbers.items() if amount is None}
    assert unknown == {*bounds["convention"]}
    assert min(bounds["convention"].values()) > 0


def test_tables_mark_it(run: Command) -> None:
    out = run("show hole.convcalc.yaml --convention fvcore")[1]
    assert out.count("≥ 1.032 M") >= 3
    out = run("show broken.convcalc.yaml")[1]
    assert "total (incomplete)" in out
    assert "≥ 442.4 k" in out
    assert totals(run, "broken.convcalc.yaml")["macs"] == 442_368


def test_programs_read_unknown(run: Command) -> None:
    assert "≥" not in run("show hole.convcalc.yaml -f csv")[1]


@pytest.mark.parametrize("path", ["totals.macs", "totals.convention.flops --convention fvcore"])
def test_get_fails_and_names_the_layer_and_the_bound(run: Command, path: str) -> None:
    code, out, err = run(f"get {path} hole.convcalc.yaml")
    assert code == 1
    assert not out
    assert "opaque: " in err
    assert "at least 1,032,192: get totals.at_least." in err


def test_a_bound_can_be_asked_for(run: Command) -> None:
    assert run("get totals.at_least.macs hole.convcalc.yaml")[1].strip() == str(KNOWN)


def test_a_bound_above_the_limit_exceeds_it_and_one_below_passes_nothing(run: Command) -> None:
    code, out, err = run(f"check max{KNOWN - 1}.convcalc.yaml")
    assert code == 1
    assert "exceeds" in out + err
    assert "at least 1,032,192" in out + err
    code, out, err = run(f"check max{KNOWN}.convcalc.yaml")
    assert code == 1
    assert "cannot be known" in out + err


def test_the_sizes_of_a_declared_layer_are_no_stride_that_skips(run: Command) -> None:
    out, err = run("check strided.convcalc.yaml")[1:]
    assert "CC204" not in out + err
    assert "CC201" not in out + err
