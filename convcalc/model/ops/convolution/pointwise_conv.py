"""Pointwise convolution: a kernel of size 1 mixes the channels of each position.

    out_size = floor((n - 1) / s) + 1     per axis; n itself for stride 1
    weight   = (out_channels, in_channels / groups, 1, ..., 1)
    params   = prod(weight) + out_channels if bias
    MACs     = batch · prod(out_size) · prod(weight)

n input size, s stride. The same as ``conv`` with kernel_size 1, which it is built from. The
bias is one addition per output element, counted as elementwise work.

From 3 to 30 channels it has 120 parameters, from 100 to 50 on 224 x 224 it takes 250,880,000 MACs.

Common mistakes: it is not a grouped convolution, every output channel sees every input channel. It
sees a single position, so it never widens the receptive field. With stride 2 on two axes it reads
one input position in four and drops the others.

Source: Lin, Chen, Yan, "Network in network" (arXiv 1312.4400); PyTorch ``torch.nn.Conv2d``
with kernel_size 1.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from convcalc.model.operators import fields
from convcalc.model.operators.contract import Analysis, Operator, Problem, operator
from convcalc.model.ops.convolution.conv import Conv
from convcalc.model.quantities.shape import Shape


@operator
class PointwiseConv(Operator):
    """A convolution of kernel size 1; see the module's docstring."""

    ranks = (1, 3)

    out_channels: int = fields.out_channels()
    stride: tuple[int, ...] = fields.stride()
    groups: int = fields.groups()
    bias: bool = fields.bias()
    weight_norm: str = fields.weight_norm()

    def check(self, inputs: Sequence[Shape]) -> Iterator[Problem]:
        """Groups must divide both channel counts."""
        return self._conv(inputs[0]).check(inputs)

    def analyse(self, inputs: Sequence[Shape]) -> Analysis:
        """The convolution's analysis."""
        return self._conv(inputs[0]).analyse(inputs)

    def _conv(self, x: Shape) -> Conv:
        ones = (1,) * x.rank
        return Conv(
            out_channels=self.out_channels,
            kernel_size=ones,
            stride=self.stride,
            padding="valid",
            dilation=ones,
            groups=self.groups,
            bias=self.bias,
            weight_norm=self.weight_norm,
        )
