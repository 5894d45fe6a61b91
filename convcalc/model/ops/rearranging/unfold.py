"""Unfold: the values under each window, as channels of one position (im2col).

    out_channels = in_channels · prod(kernel_size)
    positions    = prod(floor((n + p_before + p_after - d·(k - 1) - 1) / s) + 1)   in one axis
    output channel c·prod(kernel_size) + tap = input channel c under that tap

A move: no work, no parameters. A ``linear`` after it is a convolution. ``fold`` is the way back.
PyTorch has it for two axes; here for one to three. With flat false the windows keep their axes.

Receptive fields tell the taps apart, as long as there are not too many.

Common mistake: it needs prod(kernel_size) times the memory of its input.

Source: PyTorch ``torch.nn.Unfold``.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import product
from math import prod

from convcalc.model.geometry.axis_maps import AxisMap, Slide
from convcalc.model.geometry.channel_maps import Block, Blocks, ChannelMap, Hidden
from convcalc.model.geometry.sizes import Padding, resolve_padding
from convcalc.model.operators import fields
from convcalc.model.operators.contract import NOTHING, Analysis, Operator, Problem, operator
from convcalc.model.operators.windows import slide_sizes, window_problems
from convcalc.model.quantities.formula import formula
from convcalc.model.quantities.shape import Shape, positions
from convcalc.model.quantities.unknown import known

MOST_TAPS = 64  # that are told apart


@operator
class Unfold(Operator):
    """The windows; see the module's docstring."""

    ranks = (1, 3)
    keeps = NOTHING

    kernel_size: tuple[int, ...] = fields.kernel_size()
    stride: tuple[int, ...] = fields.stride()
    padding: Padding = fields.padding()
    dilation: tuple[int, ...] = fields.dilation()
    flat: bool = fields.flag("whether the windows are in one axis", True)

    def check(self, inputs: Sequence[Shape]) -> Iterator[Problem]:
        """A window must fit."""
        return window_problems(
            inputs[0], self.kernel_size, self.stride, self.padding, self.dilation
        )

    def analyse(self, inputs: Sequence[Shape]) -> Analysis:
        """One channel per input channel and tap."""
        (x,) = inputs
        window = (self.kernel_size, self.stride, self.dilation)
        padding = resolve_padding(self.padding, x.spatial, *window)
        sizes = slide_sizes(x.spatial, self.kernel_size, self.stride, padding, self.dilation)
        befores = [before for before, _ in padding]
        axes: tuple[AxisMap, ...] = tuple(
            map(Slide, self.kernel_size, self.stride, befores, self.dilation)
        )
        spatial = (positions(sizes),) if self.flat else sizes
        output = Shape(x.batch, unfolded_channels(x.channels, self.kernel_size), spatial)
        merged = ((0,), tuple(range(1, x.rank + 1))) if self.flat and x.rank > 1 else None
        channels = (self._channels(x, befores),)
        windows = sizes if merged else ()
        return Analysis(output, (axes,), channels=channels, arranged=merged, windows=windows)

    def _channels(self, x: Shape, befores: Sequence[int]) -> ChannelMap:
        taps = prod(self.kernel_size)
        if not known(x.channels):
            return Hidden("the number of channels is not known")
        count = x.channels
        if taps > MOST_TAPS:
            return Blocks((Block(range(count * taps), range(count), count),))
        places = product(*map(range, self.kernel_size))
        return Blocks(
            tuple(
                Block(range(tap, count * taps, taps), range(count), count, self._tap(at, befores))
                for tap, at in enumerate(places)
            )
        )

    def _tap(self, at: Sequence[int], befores: Sequence[int]) -> tuple[AxisMap, ...]:
        return tuple(
            Slide(1, s, before - d * t)
            for t, s, d, before in zip(at, self.stride, self.dilation, befores, strict=True)
        )


@formula
def unfolded_channels(in_channels: int, kernel_size: tuple[int, ...]) -> int:
    """One channel per input channel and tap."""
    return in_channels * prod(kernel_size)
