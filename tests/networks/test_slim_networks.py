"""Receptive fields that another tool published, of the networks in ``slim.py``.

Source: google-research/receptive_field, RECEPTIVE_FIELD_TABLE.md, all of its 561 rows, written
as one line per end point; the small graphs are those of its receptive_field_computation_test.py.
That tool gives the padding P with which output 0 begins at input position -P; None where it
depends on a size that is not known.
"""

from __future__ import annotations

import csv
from fractions import Fraction
from itertools import product
from typing import Any, NamedTuple

import pytest
from places import TESTS
from slim import LAYOUTS, Item, conv, max_pool
from small import network_of

from convcalc.analysis.receptive_field.alignment import drifts
from convcalc.analysis.receptive_field.per_layer import receptive_fields
from convcalc.analysis.receptive_field.study import study, tensor_of
from convcalc.analysis.report.report import ReceptiveField
from convcalc.model.graph.network import Network
from convcalc.model.quantities.unknown import known


class Seen(NamedTuple):
    """One axis in the terms of that tool."""

    size: int
    stride: Fraction | int
    padding: Fraction | int | None


def seen(field: ReceptiveField) -> list[Seen]:
    """The axes of a field, height first."""
    axes = zip(field.size, field.jump, field.center, strict=True)
    return [
        Seen(size, jump, Fraction(size - 1, 2) - center if known(center) else None)
        for size, jump, center in axes
    ]


# --- the table -------------------------------------------------------------------------------

with (TESTS / "slim_receptive_fields.csv").open(encoding="utf-8") as _file:
    TABLE = list(csv.DictReader(_file))
COLUMNS = {None: "padding", 224: "padding_224", 321: "padding_321"}


def published(network: str, size: int | None) -> dict[str, Seen]:
    """What the table says, by end point; height and width are equal."""
    return {
        row["end_point"]: Seen(
            int(row["size"]),
            int(row["stride"]),
            None if row[COLUMNS[size]] == "None" else int(row[COLUMNS[size]]),
        )
        for row in TABLE
        if row["network"] == network
    }


def network(name: str, size: int | None) -> Network:
    return network_of(LAYOUTS[name](), [3, size, size])


def test_every_row_of_the_table_is_compared() -> None:
    assert {row["network"] for row in TABLE} == LAYOUTS.keys()
    assert sum(len(published(*each)) for each in product(LAYOUTS, COLUMNS)) == 561


@pytest.mark.parametrize(("name", "size"), [*product(LAYOUTS, COLUMNS)])
def test_receptive_fields_are_as_published(name: str, size: int | None) -> None:
    found = network(name, size)
    fields = receptive_fields(found)
    expected = published(name, size)
    axes = {point: seen(fields[tensor_of(found, point) - 1]["input"]) for point in expected}
    assert axes == {point: [value, value] for point, value in expected.items()}
    # The other tool refuses a network whose branches drift apart, where it knows the sizes.
    assert not list(drifts(found))


def test_a_position_of_inception_resnet_v2_is_centered_where_its_readme_says() -> None:
    found = study(network("inception_resnet_v2", None), "Conv2d_7b_1x1", (0, 2))
    assert [axis.center for axis in found.axes] == [37, 101]


# --- small graphs ----------------------------------------------------------------------------


def pad(before: int, after: int = 0) -> Item:
    return {"pad": {"p": [[before, after]] * 2}}


def fork(start: str, left: list[Item], right: list[Item], end: str) -> list[Item]:
    """Two paths from ``start``, added up in ``end``."""
    return [
        {"seq": left, "from": start, "id": f"{end}_left"},
        {"seq": right, "from": start},
        {"add": [f"{end}_left", "prev"], "id": end},
    ]


def valid(k: Any, s: int = 1) -> Item:
    return conv(k, s, "valid")


RIGHT = [pad(1), valid(3, 2)]  # output y sees around position 2y
ALIGNED = fork("input", [valid(1, 4)], [*RIGHT, valid(1, 2)], "a")
POOLED = fork(
    "input", [valid(1, 4)], [pad(1), max_pool(3, 2, "valid"), max_pool(1, 2, "valid")], "a"
)
DROPOUT = fork("input", [valid(1, 4)], [*RIGHT, valid(1, 2), {"dropout": {}}], "a")
UNALIGNED = fork("input", [pad(2, 1), valid(5, 2)], [valid(3), valid(3)], "a")
BY_SIZE = fork("input", [valid(1, 4)], [conv(3, 2), valid(1, 2)], "a")
CHAIN = [valid([3, 5], 2), valid([3, 1], 2)]
TWO_FORKS = [*ALIGNED, *fork("a", [valid(1, 2)], RIGHT, "b")]
KERAS = [
    *fork("input", [valid(1, 4)], [*RIGHT, conv(1, 2)], "a"),
    *fork("a", [valid(1, 2)], RIGHT, "b"),
]
SAME_FORKS = [
    *fork("input", [conv(1, 4)], [conv(3, 2), conv(1, 2)], "a"),
    *fork("a", [conv(1, 2)], [conv(3, 2)], "b"),
]

# The numbers of create_test_network_<n> there: layers, input size, what output 0 sees (y, x).
GRAPHS = {
    "1": (ALIGNED, None, [Seen(3, 4, 1)] * 2),
    "2": (POOLED, None, [Seen(3, 4, 1)] * 2),
    "4": (BY_SIZE, None, [Seen(3, 4, None)] * 2),
    "4 at 9": (BY_SIZE, 9, [Seen(3, 4, 1)] * 2),
    "5": (CHAIN, None, [Seen(7, 4, 0), Seen(5, 4, 0)]),
    "6": (DROPOUT, None, [Seen(3, 4, 1)] * 2),
    "7": (ALIGNED, 8, [Seen(3, 4, 1)] * 2),
    "8": (TWO_FORKS, None, [Seen(11, 8, 5)] * 2),
    "8 of keras": (KERAS, None, [Seen(11, 8, 5)] * 2),
    "9": (SAME_FORKS, 17, [Seen(11, 8, 5)] * 2),
}


def square(layers: list[Item], size: int | None) -> Network:
    return network_of(layers, [1, size, size])


@pytest.mark.parametrize(
    ("layers", "size", "expected"),
    [pytest.param(*graph, id=name) for name, graph in GRAPHS.items()],
)
def test_small_graphs_see_what_is_published(
    layers: list[Item], size: int | None, expected: list[Seen]
) -> None:
    found = square(layers, size)
    assert seen(receptive_fields(found)[-1]["input"]) == expected
    assert not list(drifts(found))


@pytest.mark.parametrize(
    ("layers", "size", "offset", "per_output"),
    [
        (UNALIGNED, None, 2, 1),  # strides 2 and 1; output 0 sees around 0 and around 2
        (BY_SIZE, 8, 1, 0),  # padding same: 1 position, which goes after
    ],
    ids=["3", "4 at 8"],
)
def test_small_graphs_that_the_other_tool_refuses_drift_apart(
    layers: list[Item], size: int | None, offset: int, per_output: int
) -> None:
    found = [(each.axis, each.offset, each.per_output) for each in drifts(square(layers, size))]
    assert found == [(axis, offset, per_output) for axis in (0, 1)]


OPERATORS = {
    "conv": {"out": 1},
    "max_pool": {},
    "deform_conv": {"version": 1, "out": 1},
}


@pytest.mark.parametrize("operator", OPERATORS)
def test_padding_same_is_unknown_only_where_it_depends_on_the_size(operator: str) -> None:
    """Against all sizes up to 12, since it repeats after one stride; width is known, and 8."""
    for k, s, d in product(range(1, 7), range(1, 5), (1, 2)):
        layer = {operator: OPERATORS[operator] | {"k": k, "s": s, "d": d, "p": "same"}}
        sized = {center(layer, n) for n in range(1, 13)}
        height = sized.pop()[0] if len(sized) == 1 else None
        assert center(layer, None) == (height, center(layer, 8)[1]), (k, s, d)


def center(layer: Item, height: int | None) -> tuple[Fraction | None, ...]:
    """Where output 0 of a layer looks on an input of width 8; None if that is unknown."""
    fields = receptive_fields(network_of([layer], [1, height, 8]))[0]["input"]
    return tuple(each if known(each) else None for each in fields.center)
