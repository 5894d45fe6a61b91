"""Receptive fields by channel: networks whose right values are known."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest
from small import network_of_text

from convcalc import ReceptiveField, analyse, study
from convcalc.analysis.receptive_field.axis_study import StudyError
from convcalc.analysis.receptive_field.preimage import Unseen

# A concatenation of what sees 3 and what sees 7 positions, four channels each.
TWO = """
- {conv: {out: 4, k: 3, p: 1}, from: input, id: a}
- {conv: {out: 4, k: 7, p: 3}, from: input, id: b}
- {concat: [a, b], id: both}
"""
GLOBAL = """
- {conv: {out: 4, k: 1}, id: stem}
- {global_avg_pool: {keepdim: true}}
- {upsample: {size: [32, 32], mode: nearest}, id: mean}
- {concat: [stem, mean]}
"""


def fields(layers: str, shape: str = "[8, 32, 32]") -> dict[str, ReceptiveField]:
    """The receptive fields of all layers, by path."""
    report = analyse(network_of_text(f"input: {shape}\nlayers:\n{layers}"), support=True)
    found = {layer.path: layer.receptive_field for layer in report.layers}
    return {path: field for path, field in found.items() if field is not None}


def last(layers: str, shape: str = "[8, 32, 32]") -> ReceptiveField:
    """The receptive field of the last layer."""
    return [*fields(layers, shape).values()][-1]


def sizes(field: ReceptiveField) -> Any:
    """What the classes of channels see on the first axis, by channels."""
    return [([*each.channels], each.field and each.field.size[0]) for each in field.channels]


@pytest.mark.parametrize(
    ("layers", "size"),
    [
        (f"{TWO}- channel_slice: {{stop: 4}}", 3),
        (f"{TWO}- channel_slice: {{start: 3}}", 7),
        (
            f"{TWO}- branches: [[{{conv: {{out: 4, k: 3, p: 1}}}}], [identity]]\n"
            "  split: channels\n  join: concat",
            7,
        ),
        (f"{TWO}- {{conv: {{out: 8, k: 3, p: 1, groups: 2}}}}\n- channel_slice: {{stop: 4}}", 5),
        (
            f"{TWO}- {{conv: {{out: 8, k: 3, p: 1, groups: 2}}, repeat: 2}}\n"
            "- channel_slice: {stop: 4}",
            7,
        ),
        (f"{TWO}- {{conv: {{out: 8, k: 3, p: 1}}}}\n- channel_slice: {{stop: 4}}", 9),
        ("- pixel_unshuffle: {factor: 2}\n- pixel_shuffle: {factor: 2}", 1),
        ("- pixel_unshuffle: {factor: 2}\n- channel_slice: {start: 3, stop: 4}", 1),
        ("- pixel_unshuffle: {factor: 2}\n- {conv: {out: 8, k: 1}}", 2),
        (f"{GLOBAL}- channel_slice: {{stop: 4}}", 1),
        ("- flatten", 1),
        ("- {ghost_conv: {out: 1}}", 1),
        ("- {ghost_conv: {out: 2}}", 3),
    ],
)
def test_what_a_whole_tensor_sees_is_the_largest_of_its_channels(layers: str, size: int) -> None:
    found = last(layers)
    assert found.size == (size, size)
    assert not found.is_global
    assert found.coverage == (1, 1)
    assert found.holes == (0, 0)


def test_what_sees_the_whole_input_is_told_apart_from_what_does_not() -> None:
    both = fields(GLOBAL)["concat"]
    assert both.is_global
    assert [each.field and each.field.is_global for each in both.channels] == [False, True]
    assert fields("- flatten\n- {linear: {out: 3}}")["linear"].is_global
    every = "- {channel_slice: {stop: 1024}}"  # the first of eight channels, all its positions
    assert fields(f"- flatten\n{every}\n- {{linear: {{out: 3}}}}")["linear"].is_global
    some = fields("- flatten\n- {channel_slice: {stop: 1000}}\n- {linear: {out: 3}}")["linear"]
    assert "part of the positions" in some.reason


@pytest.mark.parametrize(
    ("layers", "size", "whole"),
    [
        ("", 1, True),
        ("- {conv: {out: 2, k: 3, p: 1}}\n- {conv: {out: 2, k: 1, s: 3}}", 1, True),
        ("- {conv_transpose: {out: 2, k: 3, s: 2}}", 1, True),
        ("- {conv: {out: 2, k: 3, s: 3}}", 3, True),
        ("- {conv: {out: 2, k: 1, s: 3}}", 3, False),  # it has left out two of three
    ],
)
@pytest.mark.parametrize("last", ["global_avg_pool", "{squeeze_excite: {squeeze_channels: 1}}"])
def test_what_a_single_position_is_interpolated_to_sees_all_of_it(
    layers: str, size: int, whole: bool, last: str
) -> None:
    """All outputs are equal, however far apart: with align_corners the step is 0."""
    first = "- upsample: {size: [4], mode: linear, align_corners: true}"
    order = [layers, first] if size == 3 else [first, layers]
    report = analyse(
        network_of_text("\n".join([f"input: [2, {size}]\nlayers:", *order, f"- {last}"]))
    )
    found = report.layers[-1].receptive_field
    assert found is not None
    assert (found.is_global, found.is_partly_global) == (whole, not whole)


def test_classes_are_named_by_their_channels() -> None:
    assert sizes(fields(TWO)["both"]) == [([range(4)], 3), ([range(4, 8)], 7)]
    odd = last(f"{TWO}- {{channel_shuffle: {{groups: 2}}}}")
    assert sizes(odd) == [([range(0, 7, 2)], 3), ([range(1, 8, 2)], 7)]
    chosen = last(f"{TWO}- {{channel_select: {{indices: [7, 0, 1, 6, 5]}}}}")
    assert sizes(chosen) == [([range(1), range(3, 5)], 7), ([range(1, 3)], 3)]
    assert last(f"{TWO}- {{conv: {{out: 8, k: 1}}}}").channels == ()


@pytest.mark.parametrize(
    ("layer", "expected"),
    [
        ("relu", {3: 4, 7: 4}),
        ("softmax", {7: 8}),
        ("{depthwise_conv: {k: 3, p: 1, depth_multiplier: 2}}", {5: 8, 9: 8}),
        ("{conv_transpose: {out: 8, k: 3, p: 1, groups: 2}}", {5: 4, 9: 4}),
        ("{local_response_norm: {size: 2}}", {3: 4, 7: 4}),  # a channel and the one below it
        ("{local_response_norm: {size: 3}}", {3: 3, 7: 5}),
        ("{channel_slice: {start: 2, stop: 6}}", {3: 2, 7: 2}),
        ("{max_pool: {k: 3, s: 1, p: 1}}", {5: 4, 9: 4}),
        ("{mix_conv: {k: [3, 5]}}", {5: 4, 11: 4}),
        ("{partial_conv: {k: 3, n_div: 4}}", {3: 2, 5: 2, 7: 4}),
        ("{octave_conv: {out: 8, k: 1, alpha_out: 0}}", {7: 8}),
        ("{cond_conv: {out: 8, k: 3, p: 1, experts: 2, groups: 2}}", {5: 4, 9: 4}),
        ("{gated_conv: {out: 8, k: 3, p: 1, groups: 2}}", {5: 4, 9: 4}),
        ("{involution: {k: 3, group_channels: 4}}", {7: 4, 9: 4}),  # kernels from all channels
        ("{squeeze_excite: {reduction: 2}}", {3: 4, 7: 4}),
        ("{group_norm: {groups: 2}}", {3: 4, 7: 4}),
        ("{layer_norm: {}}", {7: 8}),
        ("{global_response_norm: {}}", {3: 4, 7: 4}),
        ("{large_kernel_attention: {k: 3, d: 1}}", {9: 8}),
        (
            "{deform_conv: {version: 1, out: 8, k: 3, p: 1, groups: 2}}",
            {9: 8},
        ),  # offsets from all channels
    ],
)
def test_operators_keep_channels_apart_or_mix_them(layer: str, expected: dict[int, int]) -> None:
    found = last(f"{TWO}- {layer}")
    counts: dict[int, int] = {}
    if found.channels:
        for each in found.channels:
            assert each.field is not None
            size = each.field.size[0]
            counts[size] = counts.get(size, 0) + each.numbers
    else:
        counts = {found.size[0]: sum(expected.values())}
    assert counts == expected


def test_a_gate_and_what_it_scales_are_no_product_of_axes() -> None:
    layers = "- large_kernel_attention: {k: 3, d: 2}"
    network = network_of_text(f"input: [2, 1, 4]\nlayers:\n{layers}")
    # on one row the dilated window lies in the padding: nothing but the own position is read
    assert study(network, position=(0, 0)).inside == 1
    wide = network_of_text(f"input: [2, 9, 9]\nlayers:\n{layers}")
    # 3 dense taps around each of 2 taps that lie 2 apart: 5 on each axis
    assert study(wide, position=(4, 4)).inside == 5 * 5


def test_a_gated_linear_unit_reads_both_halves() -> None:
    assert last(f"{TWO}- glu").size == (7, 7)
    apart = last(f"{TWO}- {{channel_shuffle: {{groups: 4}}}}\n- glu")  # 0 and 1, 2 and 3, …
    assert sizes(apart) == [([range(2)], 3), ([range(2, 4)], 7)]


def test_statistics_of_a_group_see_the_whole_input_and_the_place_is_the_channels_own() -> None:
    found = last(f"{GLOBAL}- {{group_norm: {{groups: 2}}}}")
    assert [each.field and each.field.is_global for each in found.channels] == [True, True]
    assert found.is_global


def test_images_of_a_batch_see_their_own_phase() -> None:
    space = "- {space_to_batch: {factor: 2}, id: s}\n"
    back = "\n- {batch_to_space: {undoes: s}}"
    dilated = last(f"{space}- {{conv: {{out: 8, k: 3, p: 1}}}}{back}", "[8, 16, 16]")
    plain = last("- {conv: {out: 8, k: 3, p: 2, d: 2}}", "[8, 16, 16]")
    assert dilated == plain
    attended = last(f"{space}- {{attention: {{heads: 1}}}}{back}", "[8, 16, 16]")
    assert (attended.size, attended.is_global, attended.is_partly_global) == ((1, 1), False, True)


@pytest.mark.parametrize(
    ("layers", "whole"),
    [
        ("- {conv: {out: 8, k: 1, s: 2}}", False),  # every second row and column is left out
        ("- {conv: {out: 8, k: 3, s: 2, d: 2, p: 2}}", False),
        ("- {conv: {out: 8, k: 2, s: 2}}", True),
        ("- {conv: {out: 8, k: 3, p: 1}}\n- {max_pool: {k: 1, s: 2}}", True),
        ("- {pixel_unshuffle: {factor: 2}}\n- {pixel_shuffle: {factor: 2}}", True),
        ("- {upsample: {scale: 0.5, mode: nearest}}", False),
        ("- {upsample: {scale: 2, mode: nearest}}", True),
    ],
)
def test_what_is_pooled_in_part_is_not_called_global(layers: str, whole: bool) -> None:
    found = last(f"{layers}\n- global_avg_pool")
    assert (found.is_global, found.is_partly_global) == (whole, not whole)


def test_axes_are_told_apart() -> None:
    strip = "- {conv: {out: 8, k: 3, p: 1}}\n- {adaptive_avg_pool: {output_size: [null, 1]}}\n"
    found = last(f"{strip}- {{conv: {{out: 8, k: [3, 1], p: [1, 0]}}}}")
    assert (found.size, found.is_global, found.global_axes) == ((5, 32), False, (False, True))
    rows = "- {adaptive_avg_pool: {output_size: [null, 1]}, from: x, id: rows}\n"
    columns = "- {adaptive_avg_pool: {output_size: [1, null]}, from: x, id: columns}\n"
    gates = f"- {{conv: {{out: 8, k: 3, p: 1}}, id: x}}\n{rows}{columns}- mul: [x, rows, columns]\n"
    cross = fields(gates)["mul"]  # coordinate attention: its row and its column
    assert (cross.size, cross.is_global, cross.global_axes) == ((3, 3), False, (True, True))
    again = f"{gates}- {{adaptive_avg_pool: {{output_size: [null, 1]}}}}"
    assert last(again).is_global  # the columns of all positions of a row are all there is


def test_a_study_is_of_the_channels_that_see_furthest_of_one_or_of_all_together() -> None:
    layers = (
        "- {conv: {out: 1, k: 3, p: 1}, from: input, id: a}\n"
        "- {conv: {out: 3, k: 5, d: 2, p: 4}, from: input, id: b}\n- concat: [a, b]\n"
    )
    network = network_of_text(f"input: [2, 32]\nlayers:\n{layers}")
    furthest = study(network)
    assert (furthest.axes[0].size, furthest.coverage, furthest.classes) == (9, Fraction(5, 9), 2)
    assert furthest.channels == (range(1, 4),)
    one = study(network, channel=0)
    assert (one.axes[0].size, one.coverage, one.channels) == (3, 1, (range(1),))
    together = study(network, union=True)
    assert (together.axes[0].size, together.coverage, together.channels) == (9, Fraction(7, 9), ())
    with pytest.raises(StudyError, match="no channel 4"):
        study(network, channel=4)


def test_a_vector_of_many_histories_stands_for_all_of_the_tensor_before() -> None:
    layers = "- {pixel_unshuffle: {factor: 2}, id: u}\n- flatten\n- {linear: {out: 3}, id: l}\n"
    network = network_of_text(f"input: [8, 32, 32]\nlayers:\n{layers}")
    found = study(network)
    assert (found.place, found.axes[0].size, found.is_global) == ("u", 2, True)
    assert analyse(network).layers[-1].receptive_field.size == (2, 2)  # type: ignore[union-attr]


def test_many_channels_cost_nothing_and_too_many_histories_are_said() -> None:
    large = "- {conv: {out: 1000000, k: 3}, id: a}\n- concat: [a, input]\n"
    found = last(large.replace("k: 3", "k: 3, p: 1"), "[1, 8]")
    assert sizes(found) == [([range(1000000)], 3), ([range(1000000, 1000001)], 1)]
    cut = last(
        f"{large.replace('k: 3', 'k: 3, p: 1')}- {{channel_select: {{indices: [0]}}}}", "[1, 8]"
    )
    assert "not told apart" in cut.reason
    wide = "- {pixel_unshuffle: {factor: 16}}\n"
    assert "more than 128" in last(wide).reason
    assert last(f"{wide}- {{conv: {{out: 4, k: 1}}}}").size == (16, 16)


def test_positions_that_are_woven_unevenly_are_not_guessed() -> None:
    layers = (
        "- {conv: {out: 2, k: 3, p: 1}, from: input, id: a}\n"
        "- {conv: {out: 2, k: 7, p: 3}, from: input, id: b}\n"
        "- {channel_select: {indices: [0, 3, 1, 2]}, from: both}\n- pixel_shuffle: {factor: 2}\n"
    ).replace("- {channel", "- {concat: [a, b], id: both}\n- {channel")
    assert "differs with the position on another" in last(layers).reason
    with pytest.raises(Unseen):
        study(network_of_text(f"input: [8, 32, 32]\nlayers:\n{layers}"))
