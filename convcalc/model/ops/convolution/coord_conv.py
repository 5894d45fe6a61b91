"""Convolution that knows where it is: the coordinates are concatenated to the channels.

    out_size = floor((n + p_before + p_after - d·(k - 1) - 1) / s) + 1     per axis
    weight   = (out_channels, in_channels + rank (+ 1 if with_r), *kernel_size)
    params   = prod(weight) + out_channels if bias
    MACs     = batch · prod(out_size) · prod(weight)

n input size, k kernel_size, s stride, p padding, d dilation, rank the number of spatial axes. Each
axis adds a channel with the position scaled to -1 … 1, with_r one more with the distance from
the center. The coordinates depend on the size alone, so making them is not counted.

Common mistakes: the layer is a ``conv`` of more input channels; 64 inputs and 64 outputs with
k = 3 have 38,080 parameters, 1,152 more than without coordinates. An axis of size 1 gives no
number, since the position is divided by n - 1.

Source: Liu et al., "An intriguing failing of convolutional neural networks" (arXiv 1807.03247);
uber-research/CoordConv, CoordConv.py.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from convcalc.model.geometry.sizes import Padding, axis_name
from convcalc.model.operators import fields
from convcalc.model.operators.composing import function, merge_analyses, sibling
from convcalc.model.operators.contract import NOTHING, Analysis, Operator, Problem, operator
from convcalc.model.ops.convolution.conv import Conv
from convcalc.model.quantities.formula import formula
from convcalc.model.quantities.shape import Shape


@operator
class CoordConv(Operator):
    """A convolution with coordinates; see the module's docstring."""

    ranks = (1, 3)

    out_channels: int = fields.out_channels()
    kernel_size: tuple[int, ...] = fields.kernel_size()
    stride: tuple[int, ...] = fields.stride()
    padding: Padding = fields.padding()
    dilation: tuple[int, ...] = fields.dilation()
    bias: bool = fields.bias()
    with_r: bool = fields.flag("whether the distance from the center is a channel too", False)

    def check(self, inputs: Sequence[Shape]) -> Iterator[Problem]:
        """A window must fit, and a warning where a coordinate has no range."""
        (x,) = inputs
        yield from self._conv().check(inputs)
        for axis, n in enumerate(x.spatial):
            if n == 1:
                message = f"the coordinate of {axis_name(axis, x.rank)} 1 is divided by 0"
                advice = "an axis of at least 2 positions"
                yield Problem("unsupported-combination", "", message, advice, 0, "warning")

    def analyse(self, inputs: Sequence[Shape]) -> Analysis:
        """The convolution of more channels."""
        (x,) = inputs
        channels = coordinate_channels(x.channels, x.rank, int(self.with_r))
        located = x.with_channels(channels)
        done = self._conv().analyse([located])
        return merge_analyses(
            done.output,
            done.axes,
            function("coordinates", (0,), located, keeps=NOTHING),
            function("conv", ("coordinates",), done.output, *done.terms, weights=done.weights),
        )

    def _conv(self) -> Conv:
        return sibling(Conv, self)


@formula
def coordinate_channels(in_channels: int, rank: int, with_r: int) -> int:
    """The input's channels, one coordinate per axis, and the distance if it is wanted."""
    return in_channels + rank + with_r
