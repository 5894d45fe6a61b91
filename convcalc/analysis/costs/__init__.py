"""Computes the cost of a convolution, depending on the algorithm that computes it.

    costs(operator, x, names) -> one Cost per algorithm

``x`` is the input's shape, ``names`` are any of MODELS; ``winograd`` stands for winograd2,
winograd4 and winograd6, and every winograd<m> may be asked for. ``operator`` is a ``conv``,
``depthwise_conv`` or ``pointwise_conv`` that fits the input (:func:`has_costs`). :func:`rows` makes
plain rows for a table of them: model, multiplications, by how much that is less than direct,
elements of the buffers, and why a way does not apply.

All count multiplications of real numbers for the whole batch, and buffers in elements for one
image (images follow one another). Ways that transform first count the products between the
transforms; the transforms stand apart, since those of the kernel are done once, and those of
inputs and outputs grow with the channels, not with their product. A Winograd transform is
counted row by row of its matrix, an FFT as the complex one of radix 2 (N/2·log2 N butterflies per
line), of which real data need about half.

    direct       batch · prod(out_size) · prod(weight), taps in the padding included
    im2col       the same; the windows are copied out as the columns of a matrix:
                 per group a product M×K by K×N, M = out_channels / g, K = in_channels / g · taps,
                 N = prod(out_size), and a buffer of in_channels · taps · N
    winograd<m>  F(m×m, r×r): batch · prod(ceil(out_size / m)) · prod(m + r - 1) · in · out; a tile
                 that hangs over the edge costs as much as any. Stride, dilation and groups 1 only
    fft          one transform of the whole image, N >= (out_size - 1)·s + extent per axis, a power
                 of two: batch · in · out / g · N·(N/2 + 1) complex products of 4 real ones each
                 (3 by Gauss's trick), half the spectrum because the image is real. Any stride,
                 but all positions are computed and one in s kept

A kernel of size 1, stride 1 and no padding needs no columns: its input is the matrix already.

Source: Chellapilla et al. 2006 (im2col); Lavin & Gray, arXiv 1509.09308 (Winograd); Mathieu et
al., arXiv 1312.5851 (FFT).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from typing import NamedTuple

from convcalc.analysis.costs.models import Cost, Layer, direct, fft, im2col, winograd
from convcalc.diagnostics.suggestion import UnknownName, advise
from convcalc.model.geometry.axis_maps import Slide
from convcalc.model.operators.contract import Operator
from convcalc.model.ops.convolution.conv import Conv
from convcalc.model.ops.convolution.depthwise_conv import DepthwiseConv
from convcalc.model.ops.convolution.pointwise_conv import PointwiseConv
from convcalc.model.quantities.shape import Shape
from convcalc.model.quantities.unknown import known

MODELS = ("direct", "im2col", "winograd", "fft")
TILES = (2, 4, 6)  # outputs per axis of a Winograd tile, if no number is given
LARGEST = 16  # of those that may be asked for
_PLAIN = {"direct": direct, "im2col": im2col, "fft": fft}


class Row(NamedTuple):
    """One line of a table; ``saving`` is direct divided by this, ``buffer`` all of them together.

    ``additions`` are those of the input's and output's transforms.
    """

    model: str
    multiplications: int | None
    saving: Fraction | None
    additions: int | None
    buffer: int | None
    remark: str


def has_costs(operator: Operator) -> bool:
    """Whether the operator is a convolution that these algorithms can compute."""
    return isinstance(operator, Conv | DepthwiseConv | PointwiseConv)


def costs(operator: Operator, x: Shape, names: Sequence[str] = MODELS) -> list[Cost]:
    """One cost per algorithm; raises UnknownName if a name is not one."""
    layer = _layer(operator, x)
    return [way(layer) for name in names for way in _ways(name)]


def rows(found: Sequence[Cost], macs: int) -> list[Row]:
    """The costs as rows; savings refer to ``macs``, the layer's multiply-accumulates."""
    return [_row(cost, macs) for cost in found]


def _row(cost: Cost, macs: int) -> Row:
    if cost.multiplications is None:
        return Row(cost.model, None, None, None, None, cost.remark)
    countable = known((cost.multiplications, macs)) and cost.multiplications
    saving = Fraction(macs, cost.multiplications) if countable else None
    additions = sum(t.times * t.additions for t in cost.transforms if t.name != "kernel")
    buffer = sum(cost.buffers.values())
    return Row(cost.model, cost.multiplications, saving, additions, buffer, cost.remark)


def _layer(operator: Operator, x: Shape) -> Layer:
    if not has_costs(operator):
        raise TypeError(f"{type(operator).__name__} is not a convolution")
    analysis = operator.analyse([x])
    out_channels, per_group, *kernel_size = analysis.weights["weight"]
    slides = [axis for axis in analysis.axes[0] if isinstance(axis, Slide)]
    return Layer(
        x.batch,
        x.channels,
        out_channels,
        x.channels // per_group,
        tuple(kernel_size),
        tuple(slide.stride for slide in slides),
        tuple(slide.dilation for slide in slides),
        x.spatial,
        analysis.output.spatial,
    )


def _no_way(name: str, advice: str) -> UnknownName:
    return UnknownName(f"unknown way of computing '{name}'", advice)


def _ways(name: str) -> Iterator[Callable[[Layer], Cost]]:
    """The algorithms that a name stands for; UnknownName if there is none."""
    if name in _PLAIN:
        yield _PLAIN[name]
        return
    listed = f"ways: {', '.join(MODELS)}, or winograd<m> for another tile"
    head, digits = name[: len("winograd")], name[len("winograd") :]
    if head != "winograd" or (digits and not (digits.isascii() and digits.isdigit())):
        raise _no_way(name, advise(name, MODELS, listed))
    sizes = (int(digits),) if digits else TILES
    if not all(1 <= m <= LARGEST for m in sizes):
        raise _no_way(name, f"winograd1 to winograd{LARGEST}")
    yield from (lambda layer, m=m: winograd(layer, m) for m in sizes)
