"""Involution: each position filters its own window with a kernel generated from its own channels.

    out_size       = n / s                                   per axis; the stride must fit
    generator      = pool s (if s > 1), reduce, norm, ReLU, span
    reduce.weight  = (C/r, C, 1, ..., 1)                     no bias, a norm follows
    span.weight    = (K·G, C/r, 1, ..., 1), and a bias       G = C / group_channels groups
    params         = C·C/r + 2·C/r + (C/r)·K·G + K·G
    MACs           = batch · O · (C·C/r + (C/r)·K·G + K·C)   reduce, span, aggregate

C in_channels (which stay), r reduction_ratio, K taps of the kernel, O output positions, s stride,
n input size. ``aggregate`` multiplies with weights computed from the input (kind dynamic); the
G kernels of a position are shared by group_channels channels each. The norm counts two
elementwise operations per element, ReLU one, the bias one, the pooling one per tap.

For C = 64, k = 7 on 8x8: 4,388 parameters, 65,536 + 200,704 + 200,704 = 466,944 MACs.

A window reads (k - 1) // 2 positions before its place, the generator reads the s x s positions
that it pools; the receptive field is the union of both. Windows and generated kernels must
pair up, so a stride has to divide the size, and with stride 1 the kernel must be odd.

Common mistakes: "linear in the channels" is true of ``aggregate`` alone: generating the kernels
takes C²·(1/r + K/(r·group_channels)) parameters, 4,388 for 64 channels but 17,096 for 128.
"Shared across the channels" holds only within a group of group_channels.

Source: Li et al., "Involution" (arXiv 2103.06255); d-li14/involution, involution_naive.py.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from math import prod

from convcalc.model.geometry.axis_maps import Axes, Slide, Union
from convcalc.model.geometry.channel_maps import Block, Blocks
from convcalc.model.geometry.sizes import axis_name, slide_size
from convcalc.model.operators import fields
from convcalc.model.operators.checks import uneven_groups
from convcalc.model.operators.composing import analyse_chain, function, merge_analyses
from convcalc.model.operators.contract import (
    DYNAMIC,
    FACTORS,
    Analysis,
    Operator,
    Problem,
    Term,
    operator,
)
from convcalc.model.operators.work import share, work_of_taps
from convcalc.model.ops.activation.relu import Relu
from convcalc.model.ops.convolution.pointwise_conv import PointwiseConv
from convcalc.model.ops.norm.batch_norm import BatchNorm
from convcalc.model.ops.pooling.avg_pool import AvgPool
from convcalc.model.quantities.formula import formula
from convcalc.model.quantities.shape import Shape


@operator
class Involution(Operator):
    """An involution; see the module's docstring."""

    ranks = (1, 3)

    kernel_size: tuple[int, ...] = fields.kernel_size()
    stride: tuple[int, ...] = fields.stride()
    reduction_ratio: int = fields.integer(
        "in_channels per channel between reduce and span", 4, minimum=1
    )
    group_channels: int = fields.integer("channels that share a generated kernel", 16, minimum=1)

    def check(self, inputs: Sequence[Shape]) -> Iterator[Problem]:
        """Groups must divide the channels, and each window needs one generated kernel."""
        (x,) = inputs
        yield from uneven_groups(self.group_channels, x.channels, "in_channels", "group_channels")
        if self.reduction_ratio > x.channels:
            message = f"reduction_ratio {self.reduction_ratio} leaves none of {x.channels} channels"
            yield Problem("out-of-range", "reduction_ratio", message, f"at most {x.channels}", 0)
        for axis, (n, k, s) in enumerate(
            zip(x.spatial, self.kernel_size, self.stride, strict=True)
        ):
            yield from _pairing_problems(axis_name(axis, x.rank), n, k, s)

    def analyse(self, inputs: Sequence[Shape]) -> Analysis:
        """The generator in a row, then one product per tap of every window and channel."""
        (x,) = inputs
        generator = analyse_chain(self._generator(x), x)
        output = x.with_spatial(generator.output.spatial)
        aggregate = Term("aggregate", DYNAMIC, work_of_taps(output.numel, self.kernel_size))
        product = function("aggregate", (0, "span"), output, aggregate, keeps=FACTORS)
        every = range(x.channels)
        window = tuple(Slide(k, s, before(k)) for k, s in self._windows())
        pooled = tuple(Slide(s, s) for s in self.stride)
        maps = (Block(every, every, x.channels, window), Block(every, every, 1, pooled))
        return merge_analyses(output, (self._axes(),), generator, product, channels=(Blocks(maps),))

    def _windows(self) -> Iterator[tuple[int, int]]:
        return zip(self.kernel_size, self.stride, strict=True)

    def _generator(self, x: Shape) -> Mapping[str, Operator]:
        """The layers that generate the kernel of each output position."""
        ones = (1,) * x.rank
        kernels = kernel_channels(self.kernel_size, x.channels, self.group_channels)
        pool = AvgPool(kernel_size=self.stride, stride=self.stride, padding="valid")
        return ({"pool": pool} if self.stride != ones else {}) | {
            "reduce": PointwiseConv(
                out_channels=share(x.channels, self.reduction_ratio), stride=ones, bias=False
            ),
            "norm": BatchNorm(),
            "activation": Relu(),
            "span": PointwiseConv(out_channels=kernels, stride=ones),
        }

    def _axes(self) -> Axes:
        """The windows, and what the generator pools."""
        return tuple(
            Union((Slide(k, s, before(k)), Slide(s, s))) if s > 1 else Slide(k, s, before(k))
            for k, s in self._windows()
        )


def before(kernel_size: int) -> int:
    """Padding on either side of an axis: (k - 1) // 2."""
    return (kernel_size - 1) // 2


def _pairing_problems(name: str, n: int, k: int, s: int) -> Iterator[Problem]:
    """A problem unless an axis has as many windows as generated kernels, and at least one."""
    windows, kernels = slide_size(n, k, s, before(k), before(k)), n // s
    if kernels < 1:
        message = f"stride {s} leaves no position of {name} {n}"
        yield Problem("empty-output", "stride", message, f"a stride of at most {n}", 0)
    elif windows != kernels:
        message = f"{windows} windows of kernel_size {k} on {name} {n}, but {kernels} kernels"
        if n % s:
            advice = f"a {name} that stride {s} divides, such as {n - n % s}"
            yield Problem("does-not-divide", "stride", message, advice, 0)
        else:
            advice = f"an odd kernel_size, such as {k + 1}"
            yield Problem("unsupported-combination", "kernel_size", message, advice)


@formula
def kernel_channels(kernel_size: tuple[int, ...], in_channels: int, group_channels: int) -> int:
    """One number per tap and group of channels."""
    return prod(kernel_size) * (in_channels // group_channels)
