"""Multiplications and taps, counted by loops."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from typing import Any

import oracle
from axes import amounts, errors

from convcalc.model.operators.contract import ELEMENTWISE
from convcalc.model.ops.convolution.conv import Conv
from convcalc.model.ops.convolution.conv_transpose import ConvTranspose
from convcalc.model.ops.convolution.depthwise_conv import DepthwiseConv
from convcalc.model.ops.pooling.adaptive_avg_pool import AdaptiveAvgPool
from convcalc.model.ops.pooling.max_pool import MaxPool
from convcalc.model.quantities.shape import Shape

SPATIAL = [(5,), (4, 3), (2, 3, 2)]
CHANNELS = [(4, 2, 1), (4, 2, 2), (2, 4, 2), (3, 3, 3), (2, 3, 1), (6, 3, 3)]  # in, out, groups


def counting_grid() -> Iterator[tuple[Any, ...]]:
    """Small layers on one, two and three axes, anisotropic where there are several axes."""
    kernels = {1: [(1,), (3,)], 2: [(1, 2), (3, 2)], 3: [(1, 2, 1), (2, 1, 2)]}
    for spatial, channels, batch in product(SPATIAL, CHANNELS, (1, 2)):
        rank = len(spatial)
        for kernel, stride, dilation in product(kernels[rank], (1, 2), (1, 2)):
            yield spatial, channels, batch, kernel, (stride,) * rank, (dilation,) * rank


def test_convolution_multiplies_as_often_as_loops_do() -> None:
    compared = 0
    for spatial, (c, out, g), batch, kernel, stride, dilation in counting_grid():
        padding = tuple((1, 0) if k % 2 == 0 else (k // 2, 1) for k in kernel)
        operator = Conv(
            out_channels=out,
            kernel_size=kernel,
            stride=stride,
            padding=padding,
            dilation=dilation,
            groups=g,
            bias=True,
            padding_mode="zeros",
        )
        grid = zip(spatial, padding, kernel, stride, dilation, strict=True)
        sizes = tuple(len(oracle.window_starts(*axis)) for axis in grid)
        x = Shape(batch, c, spatial)
        if not all(sizes):
            assert errors(operator, x) == ["empty-output"] * sizes.count(0)
            continue
        analysis = operator.analyse([x])
        assert analysis.output == Shape(batch, out, sizes)
        assert amounts(analysis) == {
            "weight": oracle.multiplications(batch, sizes, c, out, kernel, g),
            "bias": batch * out * len(oracle.positions(sizes)),
        }
        learned = oracle.weight_indices(c, out, kernel, g)
        assert len(oracle.positions(analysis.weights["weight"])) == len(learned)
        compared += 1
    assert compared == 288


def test_transposed_convolution_multiplies_once_per_input_position_and_tap() -> None:
    compared = 0
    for spatial, (c, out, g), batch, kernel, stride, dilation in counting_grid():
        operator = ConvTranspose(
            out_channels=out,
            kernel_size=kernel,
            stride=stride,
            padding=((0, 0),) * len(spatial),
            dilation=dilation,
            output_padding=(0,) * len(spatial),
            groups=g,
            bias=False,
        )
        grid = zip(spatial, ((0, 0),) * len(spatial), kernel, stride, dilation, strict=True)
        sizes = tuple(len(oracle.stamped(*axis)) for axis in grid)
        analysis = operator.analyse([Shape(batch, c, spatial)])
        assert analysis.output == Shape(batch, out, sizes)
        assert amounts(analysis) == {
            "weight": oracle.multiplications(batch, spatial, c, out, kernel, g)
        }
        learned = oracle.weight_indices(c, out, kernel, g)
        assert len(oracle.positions(analysis.weights["weight"])) == len(learned)
        compared += 1
    assert compared == 288


def test_depthwise_convolution_multiplies_as_often_as_loops_do() -> None:
    for spatial, channels, multiplier, batch in product(SPATIAL, (1, 3), (1, 2), (1, 2)):
        rank = len(spatial)
        operator = DepthwiseConv(
            depth_multiplier=multiplier,
            kernel_size=(2,) * rank,
            stride=(1,) * rank,
            padding=((0, 0),) * rank,
            dilation=(1,) * rank,
            bias=False,
            padding_mode="zeros",
        )
        sizes = tuple(len(oracle.window_starts(n, (0, 0), 2)) for n in spatial)
        analysis = operator.analyse([Shape(batch, channels, spatial)])
        assert analysis.output == Shape(batch, channels * multiplier, sizes)
        assert amounts(analysis)["weight"] == oracle.multiplications(
            batch, sizes, channels, channels * multiplier, (2,) * rank, channels
        )


def test_pooling_on_several_axes_counts_the_taps_of_every_window() -> None:
    for spatial, ceil_mode in product([(5, 4), (3, 6), (3, 4, 2)], (False, True)):
        rank = len(spatial)
        kernel, stride = (3, 2, 1)[:rank], (2, 3, 1)[:rank]
        padding = ((1, 1), (0, 1), (0, 0))[:rank]
        operator = MaxPool(
            kernel_size=kernel,
            stride=stride,
            padding=padding,
            dilation=(1,) * rank,
            ceil_mode=ceil_mode,
        )
        starts = [
            oracle.window_starts(n, sides, k, s, 1, ceil_mode)
            for n, sides, k, s in zip(spatial, padding, kernel, stride, strict=True)
        ]
        windows = list(product(*starts))
        analysis = operator.analyse([Shape(2, 3, spatial)])
        assert analysis.output.spatial == tuple(map(len, starts))
        taps = len(windows) * len(oracle.positions(kernel))
        assert [(t.kind, t.amount) for t in analysis.terms] == [(ELEMENTWISE, 2 * 3 * taps)]


def test_adaptive_pooling_on_several_axes_counts_the_taps_of_every_part() -> None:
    for spatial, outputs in product([(7, 5), (4, 9)], [(3, 2), (5, 7), (1, 4)]):
        analysis = AdaptiveAvgPool(output_size=outputs).analyse([Shape(2, 3, spatial)])
        taps = sum(
            len(oracle.part(y, n, m)) * len(oracle.part(z, h, w))
            for (n, h), (m, w) in [(spatial, outputs)]
            for y in range(m)
            for z in range(w)
        )
        assert amounts(analysis) == {"pool": 2 * 3 * taps}
