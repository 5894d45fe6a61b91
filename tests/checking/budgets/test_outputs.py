"""Budgets and pins on several outputs hold for each, whatever their order."""

from __future__ import annotations

import json
from itertools import permutations
from pathlib import Path

import pytest
from budgeted import broken, checked, holds

from convcalc.analysis.analyse import analyse
from convcalc.analysis.report.to_json import report_payload
from convcalc.checking.budgets.pin_edits import Pin, Refused, pinned_text
from convcalc.language.reading import read_network
from convcalc.language.sources.target import Target

# Receptive fields by hand: 3, and 3 + 2·2; a step of 2 each, so that 2 positions are an
# output's own: it reads none after them at a, 2 at b.
NET = """\
convcalc: 1
name: net
input: [3, 32, 32]
outputs: [%s]
layers:
- {conv: {out: 8, k: 3, s: 2, p: 1}, id: a}
- {conv: {out: 4, k: 3, p: 1}, id: b}
"""
ORDERS = ["a, b", "b, a"]


@pytest.fixture(autouse=True)
def _folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("order", ORDERS)
def test_a_budget_without_a_place_holds_for_every_output(order: str) -> None:
    text = NET % order
    for metric, least, most in [("receptive_field", 3, 7), ("jump", 2, 2), ("coverage", 1, 1)]:
        assert holds(f"{metric}: {{min: {least}}}", text)
        assert holds(f"{metric}: {{max: {most}}}", text)
    assert not holds("receptive_field: {min: 4}", text)
    assert not holds("receptive_field: {max: 6}", text)
    assert holds("receptive_field: [{equals: 3, at: a}, {equals: 7, at: b}]", text)
    assert not holds("receptive_field: {min: 4, input: input}", text)
    assert not holds("output: {equals: [8, 16, 16]}", text)
    assert holds("output: {equals: [null, 16, 16]}", text)
    assert holds("output: [{equals: [8, 16, 16], at: a}, {equals: [4, 16, 16], at: b}]", text)


def test_a_finding_names_its_output_and_how_to_limit_one_alone() -> None:
    assert broken("receptive_field: {min: 8}", NET % "b, a") == [
        ("error CC303", "receptive_field at b 7 is below 8 by 1 (-12.5 %)"),
        ("error CC303", "receptive_field at a 3 is below 8 by 5 (-62.5 %)"),
    ]
    (found,) = checked("output: {equals: [8, 16, 16]}", NET % "a, b").findings
    assert found.message == "the output of b is 4×16×16, not 8×16×16"
    assert found.help == "it holds for both outputs; 'at: a' limits one"


def test_a_single_output_has_the_sentences_that_it_had() -> None:
    assert broken("receptive_field: {min: 8}", NET % "b") == [
        ("error CC303", "receptive_field 7 is below 8 by 1 (-12.5 %)")
    ]


def test_a_warning_beside_a_broken_limit_is_told_for_other_outputs() -> None:
    assert broken("receptive_field: {min: 4, warn: 8}", NET % "a, b") == [
        ("error CC303", "receptive_field at a 3 is below 4 by 1 (-25 %)"),
        ("warning CC303", "receptive_field at b 7 is below the warning level 8 by 1 (-12.5 %)"),
    ]


def test_on_one_axis_the_look_ahead_of_every_output_is_held() -> None:
    for order in ORDERS:
        text = NET.replace("[3, 32, 32]", "[3, 32]") % order
        assert holds("look_ahead: {max: 2}", text)
        assert not holds("look_ahead: {max: 1}", text)


def test_an_output_that_is_an_input_sees_its_own_position() -> None:
    text = NET % "input, a, b"
    assert holds("coverage: {min: 1}", text)
    assert holds("receptive_field: [{min: 1}, {max: 7}]", text)
    assert not holds("receptive_field: {min: 3}", text)
    assert holds("look_ahead: {max: 2}", text.replace("[3, 32, 32]", "[3, 32]"))
    assert holds("look_ahead: {equals: 0, at: input}", text.replace("[3, 32, 32]", "[3, 32]"))


def test_an_output_without_a_field_makes_its_budget_fail() -> None:
    text = """\
convcalc: 1
name: net
inputs: {words: [16], image: [3, 8, 8]}
outputs: [map, text]
layers:
- {linear: {out: 10}, from: words, id: text}
- {conv: {out: 10, k: 3}, from: image, id: map}
"""
    assert [code for code, _ in broken("receptive_field: {min: 3}", text)] == ["error CC310"]
    assert holds("receptive_field: {min: 3, at: map}", text)


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize(("before", "fails"), [("a, b", False), ("b, a", False), ("b", False)])
def test_changes_are_those_of_the_output_with_that_name(
    order: str, before: str, fails: bool
) -> None:
    network = read_network(Target("net.yaml", None, NET % before))
    Path("old.json").write_text(json.dumps(report_payload(analyse(network))), "utf-8")
    more = "receptive_field: {max_increase: 0}\n  compare: {base: old.json}"
    assert holds(more, NET % order) is not fails
    # A larger kernel in b is seen at b alone.
    wider = (NET % order).replace("out: 4, k: 3, p: 1", "out: 4, k: 5, p: 2")
    assert broken(more, wider) == [
        (
            "error CC306",
            "receptive_field at b grew from 7 in old.json to 11 (+57.1 %), by more than 0",
        )
    ]


# --- pins ----------------------------------------------------------------------------------------


def drifts(order: str, pinned: str) -> list[str]:
    text = f"{NET % order}expect:\n  net: {pinned}\n"
    return [message for _, message in broken("params: {min: 1}", text)]


@pytest.mark.parametrize("order", ORDERS)
def test_a_pinned_value_holds_for_every_output_or_by_name(order: str) -> None:
    assert drifts(order, "{jump: 2, output: [null, 16, 16]}") == []
    by_name = "{output: {a: [8, 16, 16], b: [4, 16, 16]}, receptive_field: {b: 7}}"
    assert drifts(order, by_name) == []
    assert drifts(order, "{receptive_field: 7}") == ["receptive_field of a is 3, not 7 as pinned"]
    assert drifts(order, "{output: {b: [8, 16, 16]}}") == [
        "output of b is [4, 16, 16], not [8, 16, 16] as pinned"
    ]
    assert drifts(order, "{output: {c: [8, 16, 16]}}") == [
        "output is pinned at 'c', which is not an output"
    ]
    assert drifts(order, "{jump: {a: 2, b: 3}}") == ["jump of b is 2, not 3 as pinned"]


def test_a_single_output_may_be_pinned_by_its_name_too() -> None:
    assert drifts("b", "{output: {b: [4, 16, 16]}}") == []
    assert drifts("b", "{output: [4, 16, 16]}") == []


def pinned(text: str) -> str:
    network = read_network(Target("net.yaml", None, text))
    assert [str(problem) for problem in network.problems] == []
    return pinned_text(text, [Pin("net", analyse(network), network.expect.get("net", {}))])


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("{output: [8, 16, 16]}", "{output: {a: [8, 16, 16], b: [4, 16, 16]}}"),
        ("{output: {b: [9, 16, 16]}}", "{output: {b: [4, 16, 16]}}"),
        ("{output: {b: [4, 16, 16], a: [8, 1, 1]}}", "{output: {b: [4, 16, 16], a: [8, 16, 16]}}"),
        ("{receptive_field: {a: 9, b: 9}}", "{receptive_field: {a: 3, b: 7}}"),
        ("{jump: 3}", "{jump: 2}"),
        ("{jump: {a: 3}}", "{jump: {a: 2}}"),
        ("{jump: {a: 2}}", "{jump: {a: 2}}"),
        ('{"output": [8, 16, 16]}', '{"output": {"a": [8, 16, 16], "b": [4, 16, 16]}}'),
    ],
)
def test_pin_writes_what_differs_by_the_names_of_the_outputs(old: str, new: str) -> None:
    text = NET % "a, b"
    assert pinned(f"{text}expect:\n  net: {old}\n") == f"{text}expect:\n  net: {new}\n"


def test_a_new_entry_names_outputs_that_differ() -> None:
    for order in permutations(("a", "b")):
        text = NET % ", ".join(order)
        shapes = {"a": "a: [8, 16, 16]", "b": "b: [4, 16, 16]"}
        listed = ", ".join(shapes[name] for name in order)
        assert pinned(text).endswith(f"output: {{{listed}}}}}\n")
        assert pinned(pinned(text)) == pinned(text)


def test_an_entry_of_no_output_is_not_pinned() -> None:
    with pytest.raises(Refused, match="'c' in line 9 is not an output"):
        pinned(f"{NET % 'a, b'}expect:\n  net: {{output: {{c: [1]}}}}\n")
