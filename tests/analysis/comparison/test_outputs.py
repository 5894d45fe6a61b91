"""What changed at each output: matched by name, renamed, added, removed; and tolerances of all."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import pytest
from command import Command

from convcalc.analysis.analyse import analyse
from convcalc.analysis.comparison.compare import Comparison, compare, difference
from convcalc.analysis.comparison.to_json import difference_payload
from convcalc.analysis.comparison.tolerance import excesses, parse_tolerance
from convcalc.analysis.report.report import Report
from convcalc.language.reading import read_network
from convcalc.language.sources.target import Target

NET = """\
convcalc: 1
name: net
input: [3, 32, 32]
outputs: [%s]
layers:
- {conv: {out: 8, k: 3, p: 1}, id: a}
- {conv: {out: 4, k: 3, p: 1}, id: b}
- {conv: {out: 2, k: 1}, id: c}
"""
WIDER = NET.replace("{out: 4, k: 3, p: 1}", "{out: 4, k: 5, p: 2}")  # seen at b and at c


def reported(text: str, outputs: str) -> Report:
    return analyse(read_network(Target("net.yaml", None, text % outputs)))


def compared(old: Report, new: Report) -> dict[tuple[str | None, str | None], list[str]]:
    """What changed at each pair of outputs."""
    return {
        (each.old, each.new): [change.key for change in each.changes if not change.is_same]
        for each in compare(old, new).outputs
    }


@pytest.mark.parametrize("order", ["a, b", "b, a"])
def test_each_output_is_compared_with_that_of_its_name(order: str) -> None:
    found = compared(reported(NET, "a, b"), reported(WIDER, order))
    assert found == {("a", "a"): [], ("b", "b"): ["receptive_field"]}


def test_outputs_come_go_and_are_renamed() -> None:
    every = ["output", "receptive_field", "jump"]
    assert compared(reported(NET, "a"), reported(NET, "b, a")) == {
        (None, "b"): every,
        ("a", "a"): [],
    }
    assert compared(reported(NET, "b, a"), reported(NET, "a")) == {
        ("a", "a"): [],
        ("b", None): every,
    }
    renamed = NET.replace("id: b", "id: x")
    assert compared(reported(NET, "a, b"), reported(renamed, "x, a")) == {
        ("b", "x"): [],
        ("a", "a"): [],
    }


def broken(limit: str, found: Comparison) -> Sequence[str]:
    return list(excesses(parse_tolerance(limit), found))


def test_a_tolerance_holds_at_every_output() -> None:
    for order in ("a, b", "b, a"):
        there = compare(reported(NET, order), reported(WIDER, order))
        back = compare(reported(WIDER, order), reported(NET, order))
        assert broken("receptive_field:-0", there) == []
        assert broken("receptive_field:+2", there) == []
        assert broken("receptive_field:+1", there) == [
            "receptive_field of b grew from 5 to 7 (+40 %), more than +1 allows"
        ]
        assert broken("receptive_field:-0", back) == [
            "receptive_field of b fell from 7 to 5 (-28.6 %), more than -0 allows"
        ]
    alone = compare(reported(WIDER, "b"), reported(NET, "b"))
    assert broken("receptive_field:-0", alone) == [
        "receptive_field fell from 7 to 5 (-28.6 %), more than -0 allows"
    ]
    assert broken("receptive_field:0", compare(reported(NET, "a"), reported(NET, "a, b"))) == []


def test_json_has_every_output_and_keeps_the_first_among_the_totals() -> None:
    payload = difference_payload(difference("net", reported(NET, "a, b"), reported(WIDER, "a, b")))
    json.dumps(payload)
    assert payload["totals"]["receptive_field"]["new"]["size"] == [3, 3]
    assert [(each["name"], each["old_name"]) for each in payload["outputs"]] == [
        ("a", "a"),
        ("b", "b"),
    ]
    sizes = [each["receptive_field"]["new"]["size"] for each in payload["outputs"]]
    assert sizes == [[3, 3], [7, 7]]


def test_the_table_has_a_row_for_each(convcalc: Command, tmp_path: Path) -> None:
    for name, text in [("old", NET % "a, b"), ("new", WIDER % "a, b, c")]:
        (tmp_path / f"{name}.convcalc.yaml").write_text(text, "utf-8")
    ran = convcalc(f"diff {tmp_path}/old.convcalc.yaml {tmp_path}/new.convcalc.yaml")
    rows = [" ".join(line.split()) for line in ran.out.splitlines()]
    assert "shape of a 8×32×32 8×32×32 – –" in rows
    assert "receptive field of b 5 7 +2 –" in rows
    assert "shape of c – 2×32×32 added –" in rows
