"""What changed between two networks: matching, sums and tolerances."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from shipped import report as shipped
from small import report_of

from convcalc.analysis.comparison.compare import Change, Comparison, compare
from convcalc.analysis.comparison.tolerance import WrongTolerance, excesses, parse_tolerance
from convcalc.analysis.report.from_json import load_report
from convcalc.analysis.report.to_json import report_payload
from convcalc.model.quantities.unknown import UNKNOWN

PAIRS = [("resnet50", "resnet101"), ("resnet50", "resnet18"), ("unet", "unet_original")]
PAIRS += [("mobilenet_v2", "mobilenet_v2"), ("vgg11", "vgg19"), ("resnet50", "vgg16")]
SUMMED = ("params", "trainable", "buffers", "macs", "flops", "sampling", "elementwise")
SUMMED += ("activations",)
CONV: dict[str, Any] = {"conv": {"out": 8, "k": 3, "p": 1}}


def kinds(comparison: Comparison) -> dict[str, str]:
    """What became of each layer, by its path; the old path behind a new one."""
    return {
        change.layer.path: change.kind
        if not change.old or change.old.path == change.layer.path
        else f"{change.kind} {change.old.path}"
        for change in comparison.layers
    }


def difference(old: list[Any], new: list[Any], **top: Any) -> Comparison:
    return compare(report_of(old, [3, 16, 16], **top), report_of(new, [3, 16, 16], **top))


# --- identities ----------------------------------------------------------------------------------


@pytest.mark.parametrize("pair", PAIRS, ids=" ".join)
def test_the_changes_of_the_layers_add_up_to_those_of_the_totals(pair: tuple[str, str]) -> None:
    old, new = map(shipped, pair)
    comparison = compare(old, new)
    for key in SUMMED:
        change = comparison.total(key)
        assert sum(layer.delta(key) for layer in comparison.layers) == change.delta
        assert change.delta == getattr(new.totals, key) - getattr(old.totals, key)
    count = sum((c.new is not None) - (c.old is not None) for c in comparison.layers)
    assert count == comparison.total("layers").delta


@pytest.mark.parametrize("pair", PAIRS, ids=" ".join)
def test_the_way_back_is_the_way_there_reversed(pair: tuple[str, str]) -> None:
    old, new = map(shipped, pair)
    there, back = compare(old, new), compare(new, old)
    swapped = {"added": "removed", "removed": "added"}
    assert sorted(swapped.get(c.kind, c.kind) for c in there.layers) == sorted(
        c.kind for c in back.layers
    )
    for key in SUMMED:
        one, other = there.total(key).delta, back.total(key).delta
        assert one is not None
        assert other == -one


@pytest.mark.parametrize("name", ["resnet50", "unet", "densenet121"])
def test_a_network_is_the_same_as_itself_and_as_its_saved_report(name: str) -> None:
    report = shipped(name)
    back = load_report(json.dumps(report_payload(report)).encode(), "x.json")
    assert compare(report, shipped(name)).is_same
    assert compare(back, report).is_same
    assert compare(report, back).layers == ()


WORDS = st.lists(
    st.sampled_from(
        ["relu", "batch_norm", CONV, {"conv": {"out": 4, "k": 1}}, {**CONV, "id": "stem"}]
    ),
    min_size=1,
    max_size=6,
    unique_by=lambda item: "stem" if isinstance(item, dict) and "id" in item else object(),
)


@given(WORDS, WORDS)
def test_every_layer_is_matched_once_and_the_sums_are_right(old: list[Any], new: list[Any]) -> None:
    comparison = difference(old, new)
    for side, report in (("old", comparison.old), ("new", comparison.new)):
        met = [getattr(c, side).path for c in comparison.layers if getattr(c, side)]
        assert len(set(met)) == len(met)
        assert set(met) <= {layer.path for layer in report.layers}
    gone = sum(c.new is None for c in comparison.layers)
    come = sum(c.old is None for c in comparison.layers)
    assert come - gone == len(new) - len(old)
    assert sum(c.delta("macs") for c in comparison.layers) == comparison.total("macs").delta
    assert comparison.is_same == (old == new)


# --- which layer is which ------------------------------------------------------------------------


def test_a_changed_field_is_told_with_what_follows_from_it() -> None:
    wider = {"conv": {"out": 8, "k": 5, "p": 2}}
    comparison = difference([CONV, "relu"], [wider, "relu"])
    conv, relu = comparison.layers
    assert conv.fields == {"kernel_size": ([3, 3], [5, 5]), "padding": ([[1, 1]] * 2, [[2, 2]] * 2)}
    assert conv.delta("params") == 8 * 3 * (25 - 9)
    assert conv.delta("macs") == 8 * 3 * (25 - 9) * 16 * 16
    assert relu.is_distant
    assert not conv.is_distant


def test_a_layer_that_gets_an_index_is_the_same_layer() -> None:
    comparison = difference([CONV, "relu"], [CONV, "relu", {"conv": {"out": 2, "k": 1}}])
    assert kinds(comparison) == {"conv[0]": "renamed conv", "conv[1]": "added"}
    back = difference([CONV, "relu", {"conv": {"out": 2, "k": 1}}], [CONV, "relu"])
    assert kinds(back) == {"conv": "renamed conv[0]", "conv[1]": "removed"}


def test_a_renamed_layer_may_have_changed_too() -> None:
    comparison = difference(
        [CONV], [{"conv": {"out": 4, "k": 3, "p": 1}}, {"conv": {"out": 2, "k": 1}}]
    )
    assert kinds(comparison) == {"conv[0]": "changed conv", "conv[1]": "added"}
    assert comparison.layers[0].fields == {"out_channels": (8, 4)}


def test_a_renamed_block_is_recognised_by_its_work() -> None:
    blocks = {"Body": {"layers": [CONV, "relu"]}}
    old: list[Any] = ["relu", {"Body": {}, "id": "body"}, {"linear": {"out": 2}}]
    new: list[Any] = ["relu", {"Body": {}, "id": "stage"}, {"linear": {"out": 2}}]
    assert kinds(difference(old, new, blocks=blocks)) == {
        "stage.conv": "renamed body.conv",
        "stage.relu": "renamed body.relu",
    }


def test_what_is_not_clear_is_no_rename() -> None:
    """One of two equal layers stays: which one, nobody can tell."""
    old = [{**CONV, "id": "a"}, {"relu": {}, "id": "b"}, {"relu": {}, "id": "c"}]
    new = [{**CONV, "id": "a"}, {"relu": {}, "id": "d"}]
    assert kinds(difference(old, new)) == {"b": "removed", "c": "removed", "d": "added"}


def test_a_block_of_which_only_a_part_is_the_same_was_not_renamed() -> None:
    """ResNet's two kinds of blocks share the norms."""
    comparison = compare(shipped("resnet50"), shipped("resnet18"))
    became = set(kinds(comparison).values())
    assert became == {"added", "removed", "changed"}
    blocks = {"Body": {"layers": [CONV, "relu"]}, "Other": {"layers": [CONV, "gelu"]}}
    assert kinds(difference(["relu", "Body"], ["relu", "Other"], blocks=blocks)) == {
        "Body.conv": "removed",
        "Body.relu": "removed",
        "Other.conv": "added",
        "Other.gelu": "added",
    }


def test_the_same_work_elsewhere_is_no_rename() -> None:
    old = [{"relu": {}, "id": "first"}, {**CONV, "id": "a"}]
    new = [{**CONV, "id": "a"}, {"relu": {}, "id": "last"}]
    assert kinds(difference(old, new)) == {"first": "removed", "last": "added"}


def test_another_operator_under_the_same_id_is_a_change() -> None:
    old, new = [{"relu": {}, "id": "act"}], [{"gelu": {}, "id": "act"}]
    (change,) = difference(old, new).layers
    assert (change.kind, change.parts["operator"]) == ("changed", ("relu", "gelu"))


def test_what_stays_unknown_is_no_change_and_what_becomes_known_is_one() -> None:
    unknown = report_of([CONV], [3, None, None])
    assert compare(unknown, report_of([CONV], [3, None, None])).is_same
    change = compare(unknown, report_of([CONV], [3, 4, 4])).total("macs")
    assert not change.is_same
    assert change.delta is UNKNOWN
    assert change.ratio is None


# --- tolerances ----------------------------------------------------------------------------------


def exceeded(text: str, old: Any, new: Any) -> list[str]:
    limits = parse_tolerance(text)
    report = shipped("vgg11")
    change = Change(limits.metric, old, new)
    return list(excesses(limits, Comparison(report, report, (change,), ())))


@pytest.mark.parametrize(
    ("text", "old", "new", "is_exceeded"),
    [
        ("params:+2%", 100, 102, False),
        ("params:+2%", 100, 103, True),
        ("params:+2%", 10_000, 10_201, True),
        ("params:+2%", 100, 1, False),
        ("params:-2%", 100, 98, False),
        ("params:-2%", 100, 97, True),
        ("params:-2%", 100, 500, False),
        ("params:2%", 100, 97, True),
        ("params:2%", 100, 103, True),
        ("params:+0", 100, 101, True),
        ("params:0", 100, 99, True),
        ("params:0", 100, 100, False),
        ("params:+10%", 0, 1, True),
        ("params:+10%", 0, 0, False),
        ("macs:+1.5k", 100, 1600, False),
        ("macs:+1.5k", 100, 1601, True),
        ("memory: +1MiB", 0, 2**20, False),
        ("memory:+1MiB", 0, 2**20 + 1, True),
        ("layers:+0.5%", 199, 200, True),
        ("params:+2%", UNKNOWN, 100, True),
        ("params:+2%", 100, UNKNOWN, True),
        ("params:+2%", UNKNOWN, UNKNOWN, True),
    ],
)
def test_a_tolerance_is_exact(text: str, old: int, new: int, is_exceeded: bool) -> None:
    assert bool(exceeded(text, old, new)) is is_exceeded


def test_a_receptive_field_is_held_on_every_axis() -> None:
    old = report_of([{"conv": {"out": 2, "k": [3, 3]}}], [3, 16, 16])
    new = report_of([{"conv": {"out": 2, "k": [5, 1]}}], [3, 16, 16])
    assert list(excesses(parse_tolerance("receptive_field:-0"), compare(old, new))) == [
        "receptive_field fell from 3 to 1 (-66.7 %), more than -0 allows"
    ]
    assert list(excesses(parse_tolerance("receptive_field:+2"), compare(old, new))) == []


def test_what_exceeds_is_said_in_numbers() -> None:
    assert exceeded("params:+2%", 25_557_032, 44_549_160) == [
        "params grew from 25.56 M to 44.55 M (+74.3 %), more than +2% allows"
    ]
    assert exceeded("params:+0", 25_557_032, 25_557_033) == [
        "params grew from 25,557,032 to 25,557,033 (+<0.1 %), more than +0 allows"
    ]
    assert exceeded("macs:+2%", UNKNOWN, 3) == ["macs is unknown, so that +2% cannot be held"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("params", "'params' has no colon"),
        ("", "'' has no colon"),
        ("parms:+2%", "'parms:+2%': unknown metric 'parms'"),
        ("params:", "'params:': '' is not an amount"),
        ("params:lots", "'params:lots': 'lots' is not an amount"),
        ("params:+-2%", "'params:+-2%': '+-2%' is not an amount"),
        ("params:>2%", "'params:>2%': '>2%' is not an amount"),
        ("params:+2MiB", "'params:+2MiB': params is not measured in bytes"),
        ("params:+1e999", "'params:+1e999': '+1e999' is not an amount"),
    ],
)
def test_a_wrong_tolerance_says_what_is_wrong(text: str, message: str) -> None:
    with pytest.raises(WrongTolerance) as caught:
        parse_tolerance(text)
    assert caught.value.message == message
    assert caught.value.help
