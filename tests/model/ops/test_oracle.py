"""Small integers exhaustively: operators against the oracle, which knows no formula.

Each test collects every combination that differs, and says how many it compared, so that a
grid that quietly shrinks is seen too.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from itertools import product
from typing import Any

import oracle
import pytest
from axes import DILATIONS, KERNELS, PADDINGS, SIZES, STRIDES, WINDOWS, amounts, errors, listed
from grids import Part

from convcalc.model.geometry import sizes
from convcalc.model.operators.contract import Operator
from convcalc.model.ops.convolution.conv import Conv
from convcalc.model.ops.convolution.conv_transpose import ConvTranspose
from convcalc.model.ops.pooling.adaptive_avg_pool import AdaptiveAvgPool
from convcalc.model.ops.pooling.adaptive_max_pool import AdaptiveMaxPool
from convcalc.model.ops.pooling.avg_pool import AvgPool
from convcalc.model.ops.pooling.max_pool import MaxPool
from convcalc.model.ops.rearranging.crop import Crop
from convcalc.model.ops.rearranging.pad import Pad
from convcalc.model.ops.rearranging.upsample import Upsample
from convcalc.model.quantities.shape import Shape

# --- windows that slide -----------------------------------------------------------------------


def conv(k: int, s: int, sides: Any, d: int, **more: Any) -> Conv:
    """A convolution of one channel on one axis."""
    padding = sides if isinstance(sides, str) else (sides,)
    given = {"out_channels": 1, "groups": 1, "bias": False, "padding_mode": "zeros", **more}
    return Conv(kernel_size=(k,), stride=(s,), padding=padding, dilation=(d,), **given)


def test_convolution_has_a_window_wherever_one_fits() -> None:
    wrong = []
    for n, k, s, sides, d in WINDOWS:
        starts = oracle.window_starts(n, sides, k, s, d)
        operator, x = conv(k, s, sides, d), Shape(1, 1, (n,))
        if not starts:
            ok = errors(operator, x) == ["empty-output"]
        else:
            analysis = operator.analyse([x])
            ok = (
                errors(operator, x) == []
                and analysis.output.spatial == (len(starts),)
                and listed(analysis.axes[0][0], len(starts))
                == [oracle.window(start, k, d) for start in starts]
            )
        if not ok:
            wrong.append((n, k, s, sides, d))
    assert wrong == []
    assert len(WINDOWS) == 7680


@pytest.mark.parametrize("pool", [MaxPool, AvgPool])
@pytest.mark.parametrize("ceil_mode", [False, True])
def test_pooling_has_a_window_wherever_one_fits_or_may_hang_over(
    pool: Callable[..., Operator], ceil_mode: bool
) -> None:
    wrong, compared = [], 0
    for n, k, s, sides, d in WINDOWS:
        dilated = {"dilation": (d,)} if pool is MaxPool else {}
        if max(sides) > k // 2 or (d > 1 and not dilated):
            continue
        starts = oracle.window_starts(n, sides, k, s, d, ceil_mode)
        operator = pool(
            kernel_size=(k,), stride=(s,), padding=(sides,), ceil_mode=ceil_mode, **dilated
        )
        x = Shape(2, 3, (n,))
        compared += 1
        if not starts:
            ok = errors(operator, x) == ["empty-output"]
        else:
            analysis = operator.analyse([x])
            taps = [oracle.window(start, k, d) for start in starts]
            ok = (
                errors(operator, x) == []
                and analysis.output == Shape(2, 3, (len(starts),))
                and listed(analysis.axes[0][0], len(starts)) == taps
                and amounts(analysis) == {"pool": 2 * 3 * sum(map(len, taps))}
            )
        if not ok:
            wrong.append((n, k, s, sides, d))
    assert wrong == []
    assert compared == (2592 if pool is MaxPool else 864)


def test_pooling_refuses_more_padding_than_half_a_kernel() -> None:
    for k, sides in product(KERNELS, PADDINGS):
        operator = MaxPool(
            kernel_size=(k,), stride=None, padding=(sides,), dilation=(1,), ceil_mode=False
        )
        refused = "padding-too-large" in errors(operator, Shape(1, 1, (6,)))
        assert refused == any(2 * side > k for side in sides), (k, sides)


def sides_in_words(word: str, n: int, k: int, s: int, d: int) -> oracle.Sides:
    """What a word of padding means."""
    return {
        "valid": (0, 0),
        "same": oracle.same_sides(n, k, s, d),
        "half": oracle.half_sides(k, d),
        "causal": oracle.causal_sides(k, s, d),
    }[word]


@pytest.mark.parametrize("word", sizes.PADDING_WORDS)
def test_a_word_of_padding_means_its_numbers(word: str) -> None:
    grid = list(product(range(1, 10), KERNELS, STRIDES, DILATIONS))
    wrong = [
        (n, k, s, d)
        for n, k, s, d in grid
        if sizes.resolve_padding(word, (n,), (k,), (s,), (d,))
        != (sides_in_words(word, n, k, s, d),)
    ]
    assert wrong == []
    assert len(grid) == 540


def test_same_gives_one_output_per_stride_begun() -> None:
    for n, k, s, d in product(range(1, 10), range(1, 6), STRIDES, DILATIONS):
        x = Shape(1, 1, (n,))
        assert conv(k, s, "same", d).analyse([x]).output.spatial == (len(range(0, n, s)),)


def test_causal_pads_before_the_first_axis_and_by_half_on_the_others() -> None:
    for k, d in product(range(1, 6), range(1, 4)):
        expected = (oracle.causal_sides(k, 1, d), oracle.half_sides(k, d))
        assert sizes.resolve_padding("causal", (9, 9), (k, k), (1, 1), (d, d)) == expected


def test_a_crop_reads_what_it_leaves_and_a_pad_what_was_there() -> None:
    for n, (before, after) in product(SIZES, PADDINGS):
        x = Shape(1, 1, (n,))
        left = list(range(before, n - after))
        crop = Crop(size=None, margins=((before, after),))
        if not left:
            assert errors(crop, x) == ["empty-output"]
            continue
        analysis = crop.analyse([x])
        assert [[i] for i in left] == listed(analysis.axes[0][0], *analysis.output.spatial)
        padded = Pad(padding=((before, after),), mode="constant").analyse([x])
        around = [[i] for i in range(-before, n + after)]
        assert around == listed(padded.axes[0][0], *padded.output.spatial)


def test_a_crop_to_a_size_cuts_no_more_before_than_after_and_at_most_one_less() -> None:
    for n, m in product(range(1, 9), range(1, 9)):
        crop, x = Crop(size=(m,), margins=None), Shape(1, 1, (n,))
        if m > n:
            assert errors(crop, x) == ["out-of-range"]
            continue
        analysis = crop.analyse([x])
        read = listed(analysis.axes[0][0], m)
        assert analysis.output.spatial == (m,)
        assert (n - 1 - read[-1][0]) - read[0][0] in (0, 1)


def test_a_crop_keeps_the_first_or_the_last_positions() -> None:
    for n, m in product(range(1, 8), range(1, 8)):
        for keep, left in (("first", list(range(n))[:m]), ("last", list(range(n))[-m:])):
            crop, x = Crop(size=(m,), keep=keep), Shape(1, 1, (n,))
            if m > n:
                assert errors(crop, x) == ["out-of-range"]
            else:
                assert listed(crop.analyse([x]).axes[0][0], m) == [[y] for y in left]


def test_a_pad_to_a_size_adds_or_cuts_as_the_usual_unet_code() -> None:
    for n, m in product(range(1, 9), range(1, 9)):
        x, like, before = Shape(1, 1, (n,)), Shape(1, 3, (m,)), (m - n) // 2
        for pad, inputs in ((Pad(), [x, like]), (Pad(size=(m,)), [x])):
            assert not errors(pad, *inputs)
            analysis = pad.analyse(inputs)
            assert analysis.output.spatial == (m,)
            assert listed(analysis.axes[0][0], m) == [[y - before] for y in range(m)]
            assert (m - n - before) - before in (0, 1)


def test_a_crop_with_an_offset_begins_there() -> None:
    for n, m, before in product(range(1, 8), range(1, 8), range(4)):
        crop, x, like = Crop(offset=(before,)), Shape(1, 1, (n,)), Shape(1, 3, (m,))
        if before + m > n:
            assert errors(crop, x, like) == ["shape-mismatch" if m > n else "out-of-range"]
            continue
        read = listed(crop.analyse([x, like]).axes[0][0], m)
        assert read == [[before + y] for y in range(m)]


# --- kernels that are stamped -----------------------------------------------------------------


def conv_transpose(k: int, s: int, sides: Any, d: int, more: int) -> ConvTranspose:
    """A transposed convolution of one channel on one axis."""
    return ConvTranspose(
        out_channels=1,
        kernel_size=(k,),
        stride=(s,),
        padding=(sides,),
        dilation=(d,),
        output_padding=(more,),
        groups=1,
        bias=False,
    )


def test_transposed_convolution_reads_what_was_stamped(part: Part) -> None:
    wrong, compared, empty = [], 0, 0
    grid = list(product(part(WINDOWS), range(3)))
    for (n, k, s, sides, d), more in grid:
        operator, x = conv_transpose(k, s, sides, d, more), Shape(1, 1, (n,))
        if more >= max(s, d):
            compared += errors(operator, x).count("output-padding-too-large")
            continue
        strip = oracle.stamped(n, sides, k, s, d, more)
        compared += 1
        if not strip:
            ok = errors(operator, x) == ["empty-output"]
            empty += 1
        else:
            analysis = operator.analyse([x])
            taps = listed(analysis.axes[0][0], len(strip))
            inside = [[i for i in read if 0 <= i < n] for read in taps]
            ok = (
                errors(operator, x) == []
                and analysis.output.spatial == (len(strip),)
                and inside == strip
            )
        if not ok:
            wrong.append((n, k, s, sides, d, more))
    assert wrong == []
    assert compared == len(grid)
    assert empty


def test_a_transposed_convolution_undoes_the_size_of_the_convolution() -> None:
    for n, k, s, sides, d in WINDOWS:
        operator, x = conv_transpose(k, s, sides, d, 0), Shape(1, 1, (n,))
        if errors(operator, x):
            continue
        smallest = oracle.unslid_size(n, sides, k, s, d)
        assert operator.analyse([x]).output.spatial == (smallest,), (n, k, s, sides, d)


# --- parts and interpolation ------------------------------------------------------------------


@pytest.mark.parametrize("pool", [AdaptiveAvgPool, AdaptiveMaxPool])
def test_adaptive_pooling_reads_the_positions_that_each_part_overlaps(
    pool: Callable[..., Operator],
) -> None:
    for n, m in product(range(1, 17), range(1, 17)):
        analysis = pool(output_size=(m,)).analyse([Shape(2, 3, (n,))])
        windows = [oracle.part(y, n, m) for y in range(m)]
        assert analysis.output == Shape(2, 3, (m,))
        assert amounts(analysis) == {"pool": 2 * 3 * sum(map(len, windows))}, (n, m)
        if m > 1:  # one part is the whole axis
            assert listed(analysis.axes[0][0], m) == windows, (n, m)


def clamped(taps: Sequence[int], size: int) -> list[int]:
    """The positions that remain when those outside move to the border, as interpolation does."""
    return sorted({min(max(i, 0), size - 1) for i in taps})


@pytest.mark.parametrize("mode", ["nearest", "linear", "cubic"])
@pytest.mark.parametrize("corners", [False, True])
def test_interpolation_reads_the_positions_of_non_zero_weight(mode: str, corners: bool) -> None:
    wrong, compared = [], 0
    for n, m in product(range(1, 11), range(1, 17)):
        other = (3,) if mode == "cubic" else ()  # which has two axes
        operator = Upsample(size=(m, *other), scale=None, mode=mode, align_corners=corners)
        x = Shape(1, 1, (n, *other))
        if mode == "nearest" and corners:
            assert errors(operator, x) == ["unsupported-combination"]
            continue
        axis = operator.analyse([x]).axes[0][0]
        step = Fraction(n, m)
        expected = [
            oracle.resize_taps(mode, y, oracle.place(y, n, m, corners), step) for y in range(m)
        ]
        compared += 1
        if [clamped(t, n) for t in listed(axis, m)] != [clamped(t, n) for t in expected]:
            wrong.append((n, m))
    assert wrong == []
    assert compared == (0 if mode == "nearest" and corners else 160)


def test_interpolation_by_a_scale_reads_as_by_the_size_that_it_gives() -> None:
    for n, scale in product(range(1, 9), (1, 2, 3, 4)):
        x = Shape(1, 1, (n,))
        for mode in ("nearest", "linear"):
            by_scale = Upsample(size=None, scale=(Fraction(scale),), mode=mode, align_corners=False)
            by_size = Upsample(size=(n * scale,), scale=None, mode=mode, align_corners=False)
            assert by_scale.analyse([x]) == by_size.analyse([x])
