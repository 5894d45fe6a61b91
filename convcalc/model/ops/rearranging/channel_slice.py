"""Some of the channels: those from start up to, but without, stop.

    out_channels = stop - start

A move: no work, no parameters; positions do not mix. Without stop it goes to the last channel.
``split: channels`` of a branch is made of it.

Source: PyTorch ``x[:, start:stop]``, ``torch.narrow``; out of bounds is an error, as for narrow.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from convcalc.model.geometry.channel_maps import select
from convcalc.model.operators import fields
from convcalc.model.operators.contract import NOTHING, Analysis, Operator, Problem, operator
from convcalc.model.operators.work import pointwise_analysis
from convcalc.model.quantities.formula import formula
from convcalc.model.quantities.shape import Shape


@operator
class ChannelSlice(Operator):
    """The slice; see the module's docstring."""

    view = True
    keeps = NOTHING

    start: int = fields.integer("first channel, counted from 0", 0, minimum=0)
    stop: int | None = fields.integer("channel after the last; null for all", None, minimum=0)

    def check(self, inputs: Sequence[Shape]) -> Iterator[Problem]:
        """The slice must lie within the channels and hold at least one."""
        channels = inputs[0].channels
        stop = channels if self.stop is None else self.stop
        if stop > channels:
            message = f"stop {stop} is beyond in_channels {channels}"
            yield Problem("out-of-range", "stop", message, f"at most {channels}", 0)
        if self.start >= stop:
            message = f"no channel from start {self.start} up to {stop}"
            yield Problem("empty-output", "start", message, f"a start below {stop}", 0)

    def analyse(self, inputs: Sequence[Shape]) -> Analysis:
        """Fewer channels."""
        (x,) = inputs
        stop = x.channels if self.stop is None else self.stop
        output = x.with_channels(sliced_channels(self.start, stop))
        return pointwise_analysis(output, channels=(select(self.start, stop),))


@formula
def sliced_channels(start: int, stop: int) -> int:
    """Channels from the first up to the one before ``stop``."""
    return stop - start
