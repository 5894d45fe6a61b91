"""Blur pooling: a fixed binomial filter and a stride, so that subsampling does not alias.

    p_before = floor((k - 1) / 2), p_after = ceil((k - 1) / 2)      unless padding is given
    out_size = floor((n + p_before + p_after - k) / s) + 1          per axis
    buffer   = (in_channels, 1, *kernel_size)
    MACs     = batch · prod(out_size) · prod(kernel_size) · in_channels

No parameters: the taps are a row of Pascal's triangle, [1, 2, 1] for k = 3, normalised, and stored
with the network. They are multiplied like the weights of a ``depthwise_conv``, and count as MACs.
The padding mirrors the input. Max pooling becomes a ``max_pool`` with stride 1 and a blur pooling,
a strided convolution one with stride 1 and a blur pooling behind its activation.

Common mistake: average pooling with k = s is not a blur in this sense, although it is one of k = 2.

Source: Zhang, "Making convolutional networks shift-invariant again", arXiv 1904.11486, and its
antialiased_cnns ``BlurPool``; timm ``BlurPool2d``, which pads floor((s - 1 + k - 1) / 2) on each
side.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from convcalc.model.geometry.sizes import Padding, greater_half, smaller_half
from convcalc.model.operators import fields
from convcalc.model.operators.contract import NOTHING, Analysis, Operator, Problem, operator
from convcalc.model.ops.convolution.fixed_conv import FixedConv
from convcalc.model.quantities.shape import Shape


@operator
class BlurPool(Operator):
    """The pooling; see the module's docstring."""

    ranks = (1, 3)
    keeps = NOTHING

    kernel_size: tuple[int, ...] = fields.kernel_size(3)
    stride: tuple[int, ...] = fields.stride(2)
    padding: Padding | None = fields.padding(None)
    padding_mode: str = fields.word(
        ("zeros", "reflect", "replicate"), "what fills the padding", "reflect"
    )

    def check(self, inputs: Sequence[Shape]) -> Iterator[Problem]:
        """A window must fit, and the input must be able to fill the padding."""
        return self._conv(inputs[0]).check(inputs)

    def analyse(self, inputs: Sequence[Shape]) -> Analysis:
        """The filter's analysis."""
        return self._conv(inputs[0]).analyse(inputs)

    def _conv(self, x: Shape) -> FixedConv:
        around = tuple((smaller_half(k - 1), greater_half(k - 1)) for k in self.kernel_size)
        return FixedConv(
            kernel_size=self.kernel_size,
            stride=self.stride,
            padding=around if self.padding is None else self.padding,
            dilation=(1,) * x.rank,
            padding_mode=self.padding_mode,
        )
