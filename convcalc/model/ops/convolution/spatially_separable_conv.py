"""Spatially separable convolution: one axis after another, k x 1 and then 1 x k.

    out_size = floor((n + p_before + p_after - d·(k - 1) - 1) / s) + 1     per axis
    height.weight = (mid_channels, in_channels, k_h, 1)
    width.weight  = (out_channels, mid_channels, 1, k_w)
    params = prod of both, + mid_channels + out_channels if bias
    MACs   = batch · (out_h · in_w · prod(height.weight) + out_h · out_w · prod(width.weight))

n input size, k kernel_size, s stride, p padding, d dilation. Each axis' kernel_size, stride,
padding and dilation belong to the pass over that axis, so the first pass still has the full
input width. On three axes the passes are ``depth``, ``height`` and ``width``, the channels
between them mid_channels (out_channels if not given); on one axis there is nothing to
separate: use ``conv``. Each bias is one addition per element, counted as elementwise work.

Common mistakes: the cost is 2/k of that of a k x k kernel only if in_channels, mid_channels
and out_channels are equal and the stride is 1: from 3 to 30 channels with k = 10 the two have
9,900 weights, more than the 9,000 of the full kernel. The two passes equal a k x k kernel exactly
only if that kernel has rank 1; in a network they replace it, they do not compute it.

Source: Szegedy et al., "Rethinking the Inception architecture" (arXiv 1512.00567), section 3.2.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from convcalc.model.geometry.sizes import Padding, axis_name
from convcalc.model.operators import fields
from convcalc.model.operators.composing import analyse_chain
from convcalc.model.operators.contract import Analysis, Operator, Problem, operator
from convcalc.model.operators.windows import window_problems
from convcalc.model.ops.convolution.conv import Conv
from convcalc.model.quantities.shape import Shape


@operator
class SpatiallySeparableConv(Operator):
    """One convolution per axis in a row; see the module's docstring."""

    ranks = (2, 3)

    out_channels: int = fields.out_channels()
    kernel_size: tuple[int, ...] = fields.kernel_size()
    stride: tuple[int, ...] = fields.stride()
    padding: Padding = fields.padding()
    dilation: tuple[int, ...] = fields.dilation()
    mid_channels: int | None = fields.integer(
        "channels between the passes; out_channels if not given", None, minimum=1
    )
    bias: bool = fields.flag("whether every pass adds a learned bias to each channel", True)

    def check(self, inputs: Sequence[Shape]) -> Iterator[Problem]:
        """A window must fit on every axis."""
        (x,) = inputs
        yield from window_problems(x, self.kernel_size, self.stride, self.padding, self.dilation)

    def analyse(self, inputs: Sequence[Shape]) -> Analysis:
        """The passes' analyses, joined."""
        return analyse_chain(self._passes(inputs[0]), inputs[0])

    def _passes(self, x: Shape) -> Mapping[str, Operator]:
        last = x.rank - 1
        middle = self.mid_channels or self.out_channels
        return {
            axis_name(axis, x.rank): Conv(
                out_channels=self.out_channels if axis == last else middle,
                kernel_size=_only(axis, self.kernel_size),
                stride=_only(axis, self.stride),
                padding=self._padding(axis),
                dilation=_only(axis, self.dilation),
                bias=self.bias,
            )
            for axis in range(x.rank)
        }

    def _padding(self, axis: int) -> Padding:
        """The padding of one pass; a word also holds for a kernel of 1 on the other axes."""
        if isinstance(self.padding, str):
            return self.padding
        return tuple(pair if i == axis else (0, 0) for i, pair in enumerate(self.padding))


def _only(axis: int, values: tuple[int, ...]) -> tuple[int, ...]:
    """The value of one axis, 1 on the others."""
    return tuple(value if i == axis else 1 for i, value in enumerate(values))
