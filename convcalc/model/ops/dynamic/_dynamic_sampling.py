"""Deformable convolution, versions 3 and 4: no dense k × k weight, one factor per tap and group.

Both sample each group of channels at moved taps and add the samples up, weighted by numbers
that the input gives (the aggregation); they differ in how offsets and factors are made.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from math import ceil, floor, prod
from typing import NamedTuple

from convcalc.model.geometry.axis_maps import IDENTITY, AxisMap, Deformed, Slide, Union
from convcalc.model.geometry.sizes import Padding, resolve_padding
from convcalc.model.operators.checks import uneven_groups
from convcalc.model.operators.composing import function, part_terms
from convcalc.model.operators.contract import (
    DYNAMIC,
    ELEMENTWISE,
    SAMPLING,
    Analysis,
    Function,
    Operator,
    Part,
    Problem,
    Term,
)
from convcalc.model.operators.windows import arm, slide_sizes
from convcalc.model.operators.work import interpolation, work
from convcalc.model.ops.activation.gelu import Gelu
from convcalc.model.ops.activation.sigmoid import Sigmoid
from convcalc.model.ops.activation.softmax import Softmax
from convcalc.model.ops.convolution.depthwise_conv import DepthwiseConv
from convcalc.model.ops.convolution.linear import Linear
from convcalc.model.ops.norm.layer_norm import LayerNorm
from convcalc.model.quantities.formula import formula
from convcalc.model.quantities.shape import Shape

CHANNEL_STEP = 16  # version 4: channels per group come in multiples of this
ROW_STEP = 8  # version 4: offsets and factors of a position are stored in multiples of this


@formula
def sampled_taps(kernel_size: tuple[int, ...], left_out: int) -> int:
    """Taps that are sampled: K, or K - 1 without the center."""
    return prod(kernel_size) - left_out


@formula
def factor_count(groups: int, taps: int) -> int:
    """Factors of a position: one per group and tap."""
    return groups * taps


@formula
def offset_count(rank: int, factors: int) -> int:
    """Offsets of a position: one per axis and factor."""
    return rank * factors


@formula
def row_length(rank: int, factors: int, step: int) -> int:
    """Version 4: offsets and factors of a position, filled up to a multiple of ``step``."""
    return -(-((rank + 1) * factors) // step) * step


class DynamicSampling(NamedTuple):
    """Version 3 or 4; ``dw_kernel_size`` is None where no depthwise convolution is."""

    version: int
    kernel_size: tuple[int, ...]
    stride: tuple[int, ...]
    padding: Padding
    dilation: tuple[int, ...]
    groups: int
    dw_kernel_size: tuple[int, ...] | None
    center_feature_scale: bool
    remove_center: bool
    offset_scale: Fraction
    pointwise: bool
    output_bias: bool
    bound: Fraction | None

    @property
    def taps(self) -> int:
        """Taps that are sampled: P = K, or K - 1 without the center."""
        return sampled_taps(self.kernel_size, int(self.remove_center))

    # --- problems ----------------------------------------------------------------------------

    def check(self, inputs: Sequence[Shape]) -> Iterator[Problem]:
        """Groups must divide, and the size must stay: offsets are made at the input's positions."""
        (x,) = inputs
        if x.rank != 2:
            message = f"version {self.version} needs 2 spatial axes, but the input has {x.rank}"
            yield Problem("wrong-rank", "version", message, "version 1 or 2", 0)
            return
        yield from uneven_groups(self.groups, x.channels, "in_channels")
        per_group = x.channels // self.groups
        if self.version == 4 and x.channels % self.groups == 0 and per_group % CHANNEL_STEP:
            message = f"{CHANNEL_STEP} does not divide the {per_group} channels of each group"
            advice = f"in_channels / groups a multiple of {CHANNEL_STEP}"
            yield Problem("does-not-divide", "groups", message, advice, 0)
        if self.remove_center and (self.taps == 0 or any(k % 2 == 0 for k in self.kernel_size)):
            message = f"remove_center with kernel_size {_size_text(self.kernel_size)}"
            advice = "an odd kernel_size above 1 has a center to leave out"
            yield Problem("unsupported-combination", "remove_center", message, advice)
        yield from self._size_problems(x)

    def _size_problems(self, x: Shape) -> Iterator[Problem]:
        guide, output = self._guide_sizes(x), self._sizes(x)
        if any(n != m for n, m in zip(x.spatial, guide, strict=True)):
            name = "dw_kernel_size"
            kernel_size = _size_text(self.dw_kernel_size or ())
            message = f"{name} {kernel_size} is even: {_size_text(guide)} offsets"
            message += f" for {_size_text(x.spatial)} positions"
            yield Problem("unsupported-combination", name, message, f"an odd {name}")
        elif any(n != m for n, m in zip(x.spatial, output, strict=True)):
            field = "stride" if any(s > 1 for s in self.stride) else "padding"
            message = (
                f"version {self.version} makes offsets at the {_size_text(x.spatial)} positions of "
                f"its input, but the output has {_size_text(output)}"
            )
            advice = "stride 1 and padding half; a conv or a pooling before it makes smaller"
            yield Problem("unsupported-combination", field, message, advice, 0)

    def _sizes(self, x: Shape) -> tuple[int, ...]:
        padding = resolve_padding(
            self.padding, x.spatial, self.kernel_size, self.stride, self.dilation
        )
        return slide_sizes(x.spatial, self.kernel_size, self.stride, padding, self.dilation)

    def _guide_sizes(self, x: Shape) -> tuple[int, ...]:
        if self.dw_kernel_size is None:
            return x.spatial
        return self._depthwise(self.dw_kernel_size).analyse([x]).output.spatial

    # --- work --------------------------------------------------------------------------------

    def analyse(self, inputs: Sequence[Shape]) -> Analysis:
        """The parts in the order in which they run."""
        (x,) = inputs
        parts = self._guide(x)
        guides: tuple[str, ...] = ("offset", "softmax") if self.version == 3 else ("offset_mask",)
        value: int | str = 0
        if self.pointwise:
            value = {3: "input_proj", 4: "value_proj"}[self.version]
            parts.append(_part(value, Linear(out_channels=x.channels), x, 0))
        samples = work(self.taps, x.numel)
        terms = [
            Term("sampling", SAMPLING, interpolation(x.rank, samples)),
            Term("aggregation", DYNAMIC, samples),
        ]
        parts.append(function("aggregation", (value, *guides), x, *terms))
        if self.center_feature_scale:
            parts += self._blend(x, value)
        if self.pointwise:
            project = Linear(out_channels=x.channels, bias=self.output_bias)
            parts.append(_part("output_proj", project, x, parts[-1].name))
        terms, weights = _collect(parts)
        return Analysis(x, (self._axes(x),), tuple(terms), weights, parts=tuple(parts))

    def _blend(self, x: Shape, value: int | str) -> Iterator[Part]:
        """The parts that blend what was sampled with the feature at the center."""
        gate = _part("center_feature_scale", Linear(out_channels=self.groups), x, "activation")
        yield gate
        yield _part("sigmoid", Sigmoid(), gate.analysis.output, gate.name)
        # 1 - scale, a product with either side, their sum
        blend = Term("blend", ELEMENTWISE, work(4, x.numel))
        yield function("blend", ("aggregation", value, "sigmoid"), x, blend)

    def _guide(self, x: Shape) -> list[Part]:
        """The parts that make offsets and factors."""
        parts: list[Part] = []
        if self.dw_kernel_size is not None:
            parts.append(_part("dw", self._depthwise(self.dw_kernel_size), x, 0))
        made: int | str = "dw" if parts else 0
        factors = factor_count(self.groups, self.taps)
        if self.version == 4:
            row = row_length(x.rank, factors, ROW_STEP)
            return [*parts, _part("offset_mask", Linear(out_channels=row), x, made)]
        offset = Linear(out_channels=offset_count(x.rank, factors))
        mask = _part("mask", Linear(out_channels=factors), x, "activation")
        return [
            *parts,
            _part("norm", LayerNorm(), x, made),
            _part("activation", Gelu(), x, "norm"),
            _part("offset", offset, x, "activation"),
            mask,
            _part("softmax", Softmax(), mask.analysis.output, "mask"),
        ]

    @staticmethod
    def _depthwise(kernel_size: tuple[int, ...]) -> DepthwiseConv:
        """Its stride is always 1, and it keeps the size if kernel_size is odd."""
        return DepthwiseConv(
            kernel_size=kernel_size,
            stride=(1,) * len(kernel_size),
            padding=tuple((arm(k), arm(k)) for k in kernel_size),
            dilation=(1,) * len(kernel_size),
        )

    # --- receptive field ---------------------------------------------------------------------

    def _axes(self, x: Shape) -> tuple[AxisMap, ...]:
        padding = resolve_padding(
            self.padding, x.spatial, self.kernel_size, self.stride, self.dilation
        )
        grids = (
            _grid(k, d, before, self.offset_scale)
            for k, d, (before, _) in zip(self.kernel_size, self.dilation, padding, strict=True)
        )
        windows: Sequence[AxisMap] = [IDENTITY] * x.rank
        if self.dw_kernel_size is not None:
            windows = [Slide(k, 1, arm(k)) for k in self.dw_kernel_size]
        moved = (Deformed(grid, self.bound) for grid in grids)
        return tuple(Union(both) for both in zip(moved, windows, strict=True))


def _grid(kernel_size: int, dilation: int, padding: int, scale: Fraction) -> AxisMap:
    """The taps before any offset: ``scale`` spreads them around the center of the window."""
    if scale == 1:
        return Slide(kernel_size, 1, padding, dilation)
    center = dilation * (kernel_size - 1) // 2
    at = [center - padding + (t * dilation - center) * scale for t in range(kernel_size)]
    read = sorted({floor(y) for y in at} | {ceil(y) for y in at})
    return Union(tuple(Slide(padding=-y) for y in read))


def _part(name: str, operator: Operator, x: Shape, source: int | str) -> Part:
    return Part(name, operator, (x,), operator.analyse([x]), (source,))


def _collect(parts: Sequence[Part]) -> tuple[list[Term], dict[str, tuple[int, ...]]]:
    """The terms and weights of parts, prefixed with their names.

    The only term of a part has just the part's name.
    """
    terms: list[Term] = []
    weights: dict[str, tuple[int, ...]] = {}
    for name, operator, _, part, _ in parts:
        if isinstance(operator, Function):
            terms += part.terms
            continue
        lone = [term._replace(name=name) for term in part.terms]
        terms += lone if len(lone) == 1 else part_terms(name, part.terms)
        weights |= {f"{name}.{key}": shape for key, shape in part.weights.items()}
    return terms, weights


def _size_text(sizes: Sequence[int]) -> str:
    return "×".join(map(str, sizes))
