"""Depthwise convolution: every channel is filtered by itself, channels never mix.

    out_channels = in_channels · depth_multiplier
    out_size     = floor((n + p_before + p_after - d·(k - 1) - 1) / s) + 1     per axis
    weight       = (out_channels, 1, *kernel_size)
    params       = prod(weight) + out_channels if bias
    MACs         = batch · prod(out_size) · prod(weight)

n input size, k kernel_size, s stride, p padding, d dilation. The same as ``conv`` with
groups = in_channels, which it is built from; the bias is one addition per output element,
counted as elementwise work. Output channel c·depth_multiplier + j filters input channel c.

Common mistakes: out_channels is not a field, since it must be a multiple of in_channels; what
mixes the channels afterwards is a ``pointwise_conv``, and ``separable_conv`` is the two in a
row.

Source: Keras ``DepthwiseConv2D``; PyTorch ``torch.nn.Conv2d`` with groups = in_channels.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from convcalc.model.geometry.sizes import Padding
from convcalc.model.operators import fields
from convcalc.model.operators.contract import Analysis, Operator, Problem, operator
from convcalc.model.ops.convolution.conv import Conv
from convcalc.model.quantities.formula import formula
from convcalc.model.quantities.shape import Shape


@operator
class DepthwiseConv(Operator):
    """A convolution with as many groups as channels; see the module's docstring."""

    ranks = (1, 3)

    depth_multiplier: int = fields.integer("output channels per input channel", 1, minimum=1)
    kernel_size: tuple[int, ...] = fields.kernel_size()
    stride: tuple[int, ...] = fields.stride()
    padding: Padding = fields.padding()
    dilation: tuple[int, ...] = fields.dilation()
    bias: bool = fields.bias()
    padding_mode: str = fields.word(
        ("zeros", "reflect", "replicate", "circular"), "what fills the padding", "zeros"
    )
    weight_norm: str = fields.weight_norm()

    def check(self, inputs: Sequence[Shape]) -> Iterator[Problem]:
        """A window must fit, and so must the padding."""
        return self._conv(inputs[0]).check(inputs)

    def analyse(self, inputs: Sequence[Shape]) -> Analysis:
        """The convolution's analysis."""
        return self._conv(inputs[0]).analyse(inputs)

    def _conv(self, x: Shape) -> Conv:
        return Conv(
            out_channels=multiplied(x.channels, self.depth_multiplier),
            kernel_size=self.kernel_size,
            stride=self.stride,
            padding=self.padding,
            dilation=self.dilation,
            groups=x.channels,
            bias=self.bias,
            padding_mode=self.padding_mode,
            weight_norm=self.weight_norm,
        )


@formula
def multiplied(in_channels: int, depth_multiplier: int) -> int:
    """So many output channels for each input channel."""
    return in_channels * depth_multiplier
