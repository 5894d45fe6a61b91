"""CARAFE: upsampling whose kernels are computed from the input, one per output position.

    out_size        = scale · n                                        per axis
    compress.weight = (Cm, C, 1, ...),  encode.weight = (S·K·g, Cm, ke, ...)
    params          = Cm·C + Cm + S·K·g·Cm·Ke + S·K·g
    MACs            = batch · N · (C·Cm + Ke·Cm·S·K·g)                 compress, encode
                      + batch · S·N · C·K                              reassemble, dynamic
    softmax         = 3 · batch · S·N·K·g                              elementwise

C in_channels, Cm compressed_channels, K taps of kernel_size, Ke taps of encoder_kernel_size, S the
product of the scale, g groups, N input positions. A 1 x 1 convolution compresses the channels, a
second one makes the kernels, which are moved to their output positions (a pixel shuffle) and
normalised over their taps. Each output is the sum of its kernel with the window around the input
position that it comes from, for each channel of a group the same: 25 MACs per output element with
the usual kernel_size 5. Both kernels are odd; taps beyond the border are counted.

An output channel reads its own channel through the window, and all channels through the encoder's,
both around the input position floor(y / scale).

Source: Wang et al., "CARAFE" (arXiv 1905.02188), section 3; the authors' CARAFEPack in mmcv.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from math import prod

from convcalc.model.geometry.axis_maps import Axes, Resize, Slide, Union, compose
from convcalc.model.geometry.channel_maps import Block, Blocks, ChannelMap, Hidden
from convcalc.model.operators import fields
from convcalc.model.operators.checks import uneven_groups
from convcalc.model.operators.composing import analyse_chain, function, merge_analyses
from convcalc.model.operators.contract import (
    DYNAMIC,
    ELEMENTWISE,
    FACTORS,
    OUTPUT,
    Analysis,
    Operator,
    Problem,
    Term,
    operator,
)
from convcalc.model.operators.work import work, work_of_taps
from convcalc.model.ops.convolution.conv import Conv
from convcalc.model.ops.convolution.pointwise_conv import PointwiseConv
from convcalc.model.ops.rearranging.pixel_shuffle import PixelShuffle
from convcalc.model.quantities.formula import formula
from convcalc.model.quantities.shape import Shape
from convcalc.model.quantities.unknown import known


@operator
class Carafe(Operator):
    """Content-aware reassembly of features; see the module's docstring."""

    ranks = (1, 3)

    scale: tuple[int, ...] = fields.axes(
        "output positions per input position, per axis", 2, minimum=1
    )
    kernel_size: tuple[int, ...] = fields.kernel_size(5, "taps of a reassembly kernel, per axis")
    encoder_kernel_size: tuple[int, ...] = fields.axes(
        "taps of the convolution that makes the kernels, per axis", 3, minimum=1
    )
    compressed_channels: int = fields.integer("channels before that convolution", 64, minimum=1)
    groups: int = fields.groups()

    def check(self, inputs: Sequence[Shape]) -> Iterator[Problem]:
        """Groups must divide the channels, and kernels have a center."""
        yield from uneven_groups(self.groups, inputs[0].channels, "in_channels")
        for name in ("kernel_size", "encoder_kernel_size"):
            if even := [k for k in getattr(self, name) if k % 2 == 0]:
                message = f"{name} {even[0]} has no center"
                yield Problem("unsupported-combination", name, message, "an odd one")

    def analyse(self, inputs: Sequence[Shape]) -> Analysis:
        """The kernels in a row, then one product per tap of every output element."""
        (x,) = inputs
        ones = (1,) * x.rank
        made = kernel_channels(self.scale, self.kernel_size, self.groups)
        compress = PointwiseConv(out_channels=self.compressed_channels, stride=ones)
        encode = Conv(
            out_channels=made,
            kernel_size=self.encoder_kernel_size,
            stride=ones,
            padding="half",
            dilation=ones,
        )
        shuffle = PixelShuffle(factor=self.scale)
        kernels = analyse_chain({"compress": compress, "encode": encode, "shuffle": shuffle}, x)
        output = x.with_spatial(kernels.output.spatial)
        softmax = Term("softmax", ELEMENTWISE, work(3, kernels.output.numel))
        sums = Term("reassemble", DYNAMIC, work_of_taps(output.numel, self.kernel_size))
        near = self._around(x, self.kernel_size)
        guide = self._around(x, self.encoder_kernel_size)
        return merge_analyses(
            output,
            (tuple(a if a == b else Union((a, b)) for a, b in zip(near, guide, strict=True)),),
            kernels,
            function("softmax", ("shuffle",), kernels.output, softmax, keeps=OUTPUT),
            function("reassemble", (0, "softmax"), output, sums, keeps=FACTORS),
            channels=(_channel_map(x.channels, near, guide),),
        )

    def _around(self, x: Shape, kernel_size: tuple[int, ...]) -> Axes:
        """A window around the position that an output comes from."""
        return tuple(
            compose(Resize("nearest", Fraction(1, f)), Slide(k, 1, k // 2), n)
            if f > 1
            else Slide(k, 1, k // 2)
            for f, k, n in zip(self.scale, kernel_size, x.spatial, strict=True)
        )


def _channel_map(channels: int, near: Axes, guide: Axes) -> ChannelMap:
    """Each channel through the window, and all of them through the encoder."""
    if not known(channels):
        return Hidden("the number of channels is not known")
    every = range(channels)
    return Blocks((Block(every, every, channels, near), Block(every, every, 1, guide)))


@formula
def kernel_channels(scale: tuple[int, ...], kernel_size: tuple[int, ...], groups: int) -> int:
    """A kernel per group for each output position of an input position."""
    return prod(scale) * prod(kernel_size) * groups
