"""Receptive fields through tensors whose axes were permuted, merged and split."""

from __future__ import annotations

from itertools import product
from math import prod
from typing import Any

import pytest
from small import network_of, report_of

from convcalc.analysis.receptive_field.study import study
from convcalc.model.ops.rearranging._axes import regrouped
from convcalc.model.quantities.unknown import known

CONV = {"conv": {"out": 4, "k": [3, 5], "p": [1, 2], "s": [1, 2]}}
TOKENS = [{"reshape": {"shape": [4, -1]}}, {"linear": {"out": 4}}]


def field_of(layers: list[Any], sizes: list[int]) -> Any:
    field = report_of(layers, sizes).layers[-1].receptive_field
    assert field is not None
    return field


def test_tokens_that_become_an_image_again_see_what_they_saw() -> None:
    back = {"reshape": {"shape": [4, 8, 4]}}
    through = field_of([CONV, *TOKENS, back, CONV], [3, 8, 8])
    without = field_of([CONV, {"linear": {"out": 4}}, CONV], [3, 8, 8])
    assert (through.size, through.jump) == (without.size, without.jump) == ((5, 13), (1, 4))
    assert through.center == without.center


@pytest.mark.parametrize("dims", [[1, 3, 2], [2, 3, 1], [3, 1, 2], [2, 1, 3], [3, 2, 1]])
def test_permutations_there_and_back_change_nothing(dims: list[int]) -> None:
    back = [dims.index(dim) + 1 for dim in (1, 2, 3)]
    layers = [CONV, {"permute": {"dims": dims}}, "relu", {"permute": {"dims": back}}, CONV]
    through = field_of(layers, [3, 8, 8])
    assert (through.size, through.jump) == ((5, 13), (1, 4))
    assert not through.is_global


def test_a_window_after_an_exchange_lies_on_the_other_axis() -> None:
    layers = [{"permute": {"dims": [1, 3, 2]}}, {"conv": {"out": 1, "k": [3, 5]}}]
    assert field_of(layers, [3, 8, 8]).size == (5, 3)


def test_what_mixes_channels_that_hold_one_axis_sees_all_of_that_axis() -> None:
    layers = [{"permute": {"dims": [2, 1, 3]}}, {"linear": {"out": 9}}]
    field = field_of(layers, [3, 8, 7])
    assert field.global_axes == (True, False)
    assert not field.is_global


def test_the_study_of_a_token_is_that_of_its_place_in_the_image() -> None:
    network = network_of([CONV, {"reshape": {"shape": [4, -1]}}], [3, 8, 8])
    found = study(network, "reshape", (2, 1))
    assert found.positions == (2, 1)
    assert found.inside == 3 * 5


@pytest.mark.parametrize(
    "layers",
    [
        [{"reshape": {"shape": [3, 4, 16]}}],
        [{"reshape": {"shape": [3, 2, 4, 8]}}],
        [*TOKENS[:1], {"conv": {"out": 4, "k": 3, "p": 1}}],
        ["flatten", {"reshape": {"shape": [3, 8, 8]}}],
        [
            {"identity": {}, "id": "x"},
            {"permute": {"dims": [1, 3, 2]}},
            {"add": ["prev", "x"]},
        ],
        [
            {"conv": {"out": 3, "k": 3, "p": 1}, "id": "x"},
            {"concat": {"axis": "height"}, "from": ["x", "input"]},
        ],
    ],
)
def test_what_cannot_be_followed_is_not_known(layers: list[Any]) -> None:
    if layers[0] == TOKENS[0]:
        layers = [{"reshape": {"shape": [3, -1]}}, *layers[1:]]
    field = field_of(layers, [3, 8, 8])
    assert field.reason


SIZES = [s for rank in (1, 2, 3) for s in product((1, 2, 3, 4, 6), repeat=rank) if prod(s) <= 24]


def test_axes_that_are_regrouped_hold_the_elements_that_memory_order_puts_there() -> None:
    """Element by element: its place on each axis of the target, from its places on those that the
    axis holds, against its number in memory."""
    compared = 0
    for sizes, target in product(SIZES, repeat=2):
        if prod(sizes) != prod(target):
            continue
        arranged = regrouped(sizes, target)
        if arranged is None:
            continue
        split = [dims for dims in arranged if arranged.count(dims) > 1 and dims]
        for number in range(prod(sizes)):
            here, there = places(number, sizes), places(number, target)
            for dims, place in zip(arranged, there, strict=True):
                if dims in split:
                    continue
                expected = 0
                for dim in dims:
                    expected = expected * sizes[dim] + here[dim]
                assert place == expected, (sizes, target, arranged)
            for dims in split:
                parts = [i for i, each in enumerate(arranged) if each == dims]
                whole = 0
                for part in parts:
                    whole = whole * target[part] + there[part]
                assert whole == here[dims[0]], (sizes, target, arranged)
        compared += 1
    assert compared > 300


def places(number: int, sizes: tuple[int, ...]) -> list[int]:
    """The place of an element on each axis."""
    found = []
    for size in reversed(sizes):
        number, place = divmod(number, size)
        found.append(place)
    return found[::-1]


def test_channels_that_were_moved_apart_and_joined_later_are_seen_in_their_order() -> None:
    """What two kernels made is given up late, when what it reads must still be there."""
    layers = [
        {"mix_conv": {"k": [3, 5], "s": 2}},
        {"reshape": {"shape": [15, 1, 3, 3]}, "id": "moved"},
        {"conv": {"out": 4, "k": [1, 1, 1]}, "id": "mixed"},
        {"concat": ["mixed", "moved"]},
    ]
    assert report_of(layers, [5, 5, 6, 5]).layers[-1].receptive_field is not None


@pytest.mark.parametrize(
    ("layers", "sizes"),
    [
        # every position of the one axis is that of the input, and then again
        (
            [
                {"stack": {"axis": "width"}, "from": ["input", "input"]},
                {"reshape": {"shape": [4, 22]}},
            ],
            [4, 11],
        ),
        ([{"reshape": {"shape": [1, 8, 5]}}], [2, 4, 5]),
        # rows and columns of the same input side by side
        (
            [
                {"permute": {"dims": [1, 3, 2]}, "id": "turned", "from": "input"},
                {"concat": ["turned", "input"]},
                {"slice": {"axis": "width", "step": 3}},
            ],
            [1, 5, 5],
        ),
    ],
)
def test_positions_that_cannot_be_followed_are_given_up(
    layers: list[Any], sizes: list[int]
) -> None:
    field = report_of(layers, sizes).layers[-1].receptive_field
    assert field is not None
    assert not known(field.size)


def test_windows_in_one_axis_are_a_map_again_of_as_many_windows() -> None:
    """3×2 windows of a 4×4 map; behind the reshape they are followed like a convolution."""
    windows = {"unfold": {"k": [2, 3]}}
    through = field_of([windows, {"reshape": {"shape": [12, 3, 2]}}, CONV], [2, 4, 4])
    without = field_of([{"conv": {"out": 12, "k": [2, 3]}}, CONV], [2, 4, 4])
    assert (through.size, through.jump) == (without.size, without.jump) == ((4, 7), (1, 2))


@pytest.mark.parametrize("attends", [{"attention": {"heads": 2}}, "global_avg_pool"])
def test_tokens_beside_others_in_the_channels_are_not_told_apart(attends: Any) -> None:
    """A class token beside positions in the channels: unknown, and what sees all is global."""
    layers = [
        CONV,
        {"reshape": {"shape": [4, -1]}},
        {"permute": {"dims": [2, 1]}, "id": "tokens"},
        {"parameter": {"shape": [1, 4]}, "id": "own"},
        {"concat": {"axis": "channels"}, "from": ["own", "tokens"]},
        {"permute": {"dims": [2, 1]}},
        attends,
    ]
    *_, joined, back, last = report_of(layers, [3, 8, 8]).layers
    for layer in (joined, back):
        assert layer.receptive_field is not None
        assert layer.receptive_field.reason == "positions lie in one axis with something else"
        assert not layer.receptive_field.is_global
    assert last.receptive_field is not None
    assert last.receptive_field.is_global
