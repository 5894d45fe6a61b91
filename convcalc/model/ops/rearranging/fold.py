"""Fold: windows that are in the channels are laid out on a map and summed where they overlap.

    out_channels = in_channels / prod(kernel_size);   out_size = output_size
    positions    = prod(floor((n + 2·p - d·(k - 1) - 1) / s) + 1)   n = output_size, per axis

The way back from ``unfold``, with the same fields; each is a list with one number per axis of the
output, since the input has only one. Counts one addition per input element, as elementwise work; no
parameters.

On one axis an output reads the windows that reach it. On more the input's only axis holds the
positions of several, and what is read is not known.

Common mistake: ``fold`` after ``unfold`` is not the identity where windows overlap, but a multiple
of it at each position.

Source: PyTorch ``torch.nn.Fold``.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import prod

from convcalc.model.geometry.axis_maps import AxisMap, Stamp, Unreadable
from convcalc.model.geometry.channel_maps import Block, Blocks, ChannelMap, Hidden
from convcalc.model.geometry.sizes import extent, slide_size
from convcalc.model.operators import fields
from convcalc.model.operators.contract import (
    ELEMENTWISE,
    NOTHING,
    Analysis,
    Operator,
    Problem,
    Term,
    operator,
)
from convcalc.model.operators.work import share
from convcalc.model.quantities.shape import Shape
from convcalc.model.quantities.unknown import known

Ints = tuple[int, ...]


@operator
class Fold(Operator):
    """The sum of windows; see the module's docstring."""

    ranks = (1, 1)
    keeps = NOTHING

    output_size: Ints = fields.field("ints", "positions of the output, per axis", minimum=1)
    kernel_size: Ints = fields.field("ints", "taps per axis of the output", short="k", minimum=1)
    stride: Ints | None = fields.field(
        "ints", "from one window to the next, per axis of the output", None, short="s", minimum=1
    )
    padding: Ints | None = fields.field(
        "ints", "positions around the output, per axis of it", None, short="p", minimum=0
    )
    dilation: Ints | None = fields.field(
        "ints", "distance of neighbouring taps, per axis of the output", None, short="d", minimum=1
    )

    def check(self, inputs: Sequence[Shape]) -> Iterator[Problem]:
        """As many numbers as axes, and as many windows and channels as there are."""
        (x,) = inputs
        rank = len(self.output_size)
        if not 1 <= rank <= 3:
            message = f"output_size has {rank} sizes, but needs 1 to 3"
            yield Problem("wrong-type", "output_size", message, "one per axis of the output")
            return
        for name in ("kernel_size", "stride", "padding", "dilation"):
            given = getattr(self, name)
            if given is not None and len(given) != rank:
                message = f"{name} has {len(given)} values, but output_size has {rank}"
                yield Problem("wrong-type", name, message, f"{rank} in a list")
                return
        taps, windows = prod(self.kernel_size), self._windows()
        if x.channels % taps:
            message = f"{taps} taps do not divide in_channels {x.channels}"
            yield Problem("does-not-divide", "kernel_size", message, "", 0)
        if min(windows) < 1:
            message = "a window does not fit into output_size with its padding"
            yield Problem("empty-output", "output_size", message, "a larger output_size")
        elif x.positions != prod(windows):
            message = f"{prod(windows)} windows fit into output_size, but {x} has {x.positions}"
            yield Problem("shape-mismatch", "output_size", message, "", 0)

    def analyse(self, inputs: Sequence[Shape]) -> Analysis:
        """Each input element is added once."""
        (x,) = inputs
        output = Shape(x.batch, share(x.channels, prod(self.kernel_size)), self.output_size)
        (axis, *others) = map(Stamp, self.kernel_size, *self._window())
        read: AxisMap = Unreadable("windows of several axes are in one") if others else axis
        terms = (Term("sum", ELEMENTWISE, x.numel),)
        return Analysis(output, ((read,),), terms, channels=(self._channels(x, output),))

    def _window(self) -> tuple[Ints, Ints, Ints]:
        """Stride, padding and dilation, with PyTorch's defaults."""
        rank = len(self.output_size)
        return (
            self.stride or (1,) * rank,
            self.padding or (0,) * rank,
            self.dilation or (1,) * rank,
        )

    def _windows(self) -> Ints:
        """Windows that fit, per axis."""
        stride, padding, dilation = self._window()
        extents = map(extent, self.kernel_size, dilation)
        return tuple(map(slide_size, self.output_size, extents, stride, padding, padding))

    def _channels(self, x: Shape, output: Shape) -> ChannelMap:
        if not known(x.channels):
            return Hidden("the number of channels is not known")
        return Blocks((Block(range(output.channels), range(x.channels), output.channels),))
