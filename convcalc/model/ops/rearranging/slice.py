"""Slice: the channels, or the positions of one axis, from start up to stop, every step-th of them.

    out_size = ceil((stop - start) / step)

start and stop count from 0, below 0 from the end; without stop it goes to the last. A move: no
work, no parameters. {axis: length, stop: 1} keeps the class token of a ViT, {axis: height, step: 2}
every other row; four slices and a ``concat`` are the focus layer of YOLOv5.
``channel_slice`` cuts channels without a step, ``crop`` positions of all axes at once.

Common mistakes: stop is left out of what remains. PyTorch cuts bounds beyond the end, here they are
a problem; it has no negative step either.

Source: PyTorch ``x[:, :, start:stop:step]``; ONNX Slice.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from convcalc.model.geometry.axis_maps import IDENTITY, Slide
from convcalc.model.geometry.channel_maps import OWN, Block, Blocks, ChannelMap, Hidden
from convcalc.model.geometry.sizes import axis_names
from convcalc.model.operators import fields
from convcalc.model.operators.checks import missing_axis
from convcalc.model.operators.contract import NOTHING, Analysis, Operator, Problem, operator
from convcalc.model.quantities.formula import formula
from convcalc.model.quantities.shape import Shape
from convcalc.model.quantities.unknown import known


@operator
class Slice(Operator):
    """The slice; see the module's docstring."""

    view = True
    keeps = NOTHING

    axis: str = fields.axis(doc="channels or a spatial axis")
    start: int = fields.integer("the first that is kept, from 0; below 0 from the end", 0)
    stop: int | None = fields.integer("the one after the last; below 0 from the end", None)
    step: int = fields.integer("from one that is kept to the next", 1, minimum=1)

    def check(self, inputs: Sequence[Shape]) -> Iterator[Problem]:
        """The axis is there, the bounds lie within it, and something is left."""
        (x,) = inputs
        if problems := list(missing_axis(self.axis, x)):
            yield from problems
            return
        size = x.dims[1 + self._dim(x)]
        start, stop = self._bounds(size)
        for name, given, at in (("start", self.start, start), ("stop", self.stop, stop)):
            if at < 0 or at > size:
                message = f"{name} {given} is beyond {self.axis} {size}"
                yield Problem("out-of-range", name, message, f"from -{size} to {size}", 0)
                return
        if start >= stop:
            message = f"nothing of {self.axis} {size} from {start} up to {stop}"
            yield Problem("empty-output", "start", message, f"a start below {stop}", 0)

    def analyse(self, inputs: Sequence[Shape]) -> Analysis:
        """A window of one that starts at the first."""
        (x,) = inputs
        dim = self._dim(x)
        start, stop = self._bounds(x.dims[1 + dim])
        output = x.with_axis(dim, kept_size(start, stop, self.step))
        if not dim:
            return Analysis(
                output, ((IDENTITY,) * x.rank,), channels=(self._channels(start, stop),)
            )
        moved = (
            Slide(stride=self.step, padding=-start)
            if known(start)
            else Slide(stride=self.step, padding_known=False)
        )
        axes = tuple(moved if axis == dim - 1 else IDENTITY for axis in range(x.rank))
        return Analysis(output, (axes,), channels=(OWN,))

    def _dim(self, x: Shape) -> int:
        return axis_names(x.rank).index(self.axis)

    def _bounds(self, size: int) -> tuple[int, int]:
        """The first that is kept and the one after the last, both counted from 0."""
        stop = size if self.stop is None else self.stop
        return from_the_start(self.start, size), from_the_start(stop, size)

    def _channels(self, start: int, stop: int) -> ChannelMap:
        if not known((start, stop)):
            return Hidden("the number of channels is not known")
        kept = range(start, stop, self.step)
        return Blocks((Block(range(len(kept)), kept, len(kept)),))


def from_the_start(index: int, size: int) -> int:
    """An index that may count from the end, from the start."""
    return size + index if index < 0 else index


@formula
def kept_size(start: int, stop: int, step: int) -> int:
    """How many are kept: every step-th from the first up to the one before ``stop``."""
    return -((start - stop) // step)
