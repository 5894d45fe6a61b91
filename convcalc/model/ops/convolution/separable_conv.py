"""Depthwise separable convolution: a depthwise convolution, then a pointwise one.

    out_size = floor((n + p_before + p_after - d·(k - 1) - 1) / s) + 1     per axis
    depthwise.weight = (in_channels · depth_multiplier, 1, *kernel_size)
    pointwise.weight = (out_channels, in_channels · depth_multiplier, 1, ..., 1)
    params = prod of both, + in_channels · depth_multiplier + out_channels if bias
    MACs   = batch · prod(out_size) · (prod(depthwise.weight) + prod(pointwise.weight))

n input size, k kernel_size, s stride, p padding, d dilation. Stride, padding and dilation
belong to the depthwise part. Each bias is one addition per element, counted as elementwise
work. With depth_multiplier 1 and K taps, params and MACs are 1/out_channels + 1/K of those of
an ordinary convolution, biases aside.

From 3 to 30 channels with k = 10 these are 303 + 120 = 423 parameters against 9,030.

Common mistakes: ``bias`` stands for both parts; Keras ``SeparableConv2D`` has none between the
parts, which is a ``depthwise_conv`` with ``bias: false`` followed by a ``pointwise_conv``. The
depthwise part filters each channel by itself and only the pointwise part mixes channels; a
norm or an activation between them (MobileNet has both, Xception neither) is not included.

Source: Chollet, "Xception" (arXiv 1610.02357); Howard et al., "MobileNets" (arXiv 1704.04861),
equation 5.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from convcalc.model.geometry.sizes import Padding
from convcalc.model.operators import fields
from convcalc.model.operators.composing import analyse_chain, chain_problems
from convcalc.model.operators.contract import Analysis, Operator, Problem, operator
from convcalc.model.ops.convolution.depthwise_conv import DepthwiseConv
from convcalc.model.ops.convolution.pointwise_conv import PointwiseConv
from convcalc.model.quantities.shape import Shape


@operator
class SeparableConv(Operator):
    """A depthwise and a pointwise convolution in a row; see the module's docstring."""

    ranks = (1, 3)

    out_channels: int = fields.out_channels()
    kernel_size: tuple[int, ...] = fields.kernel_size()
    stride: tuple[int, ...] = fields.stride()
    padding: Padding = fields.padding()
    dilation: tuple[int, ...] = fields.dilation()
    depth_multiplier: int = fields.integer(
        "channels between the parts per input channel", 1, minimum=1
    )
    bias: bool = fields.flag("whether both parts add a learned bias to each channel", True)

    def check(self, inputs: Sequence[Shape]) -> Iterator[Problem]:
        """A window must fit."""
        return chain_problems(self._parts(inputs[0]), inputs[0])

    def analyse(self, inputs: Sequence[Shape]) -> Analysis:
        """The parts' analyses, joined."""
        return analyse_chain(self._parts(inputs[0]), inputs[0])

    def _parts(self, x: Shape) -> Mapping[str, Operator]:
        return {
            "depthwise": DepthwiseConv(
                depth_multiplier=self.depth_multiplier,
                kernel_size=self.kernel_size,
                stride=self.stride,
                padding=self.padding,
                dilation=self.dilation,
                bias=self.bias,
            ),
            "pointwise": PointwiseConv(
                out_channels=self.out_channels, stride=(1,) * x.rank, bias=self.bias
            ),
        }
