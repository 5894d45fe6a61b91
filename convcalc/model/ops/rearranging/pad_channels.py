"""Channels of zeros before and after those of the input.

    out_channels = before + in_channels + after
    out_channels = channels, all new ones after the last     with channels
    out_channels = that of the second input, likewise        with two inputs

A move: no work, no parameters. Of a second input only the number of channels matters; no output
reads its values. The shortcut of a ResNet without parameters (option A) slices every other position
and pads the channels, half before and half after; darknet's shortcut adds tensors of unequal
channels as if the smaller had zeros after; ENet pads the pooled branch.

Common mistake: it cuts no channels; a ``channel_slice`` does.

Source: He et al., arXiv 1512.03385, section 3.3, option A; PyTorch ``torch.nn.functional.pad`` on
dim 1; Paszke et al., "ENet", arXiv 1606.02147.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from convcalc.model.geometry.channel_maps import Block, Blocks, ChannelMap, Hidden
from convcalc.model.operators import fields
from convcalc.model.operators.contract import NOTHING, Analysis, Operator, Problem, operator
from convcalc.model.operators.work import pointwise_analysis
from convcalc.model.ops.rearranging._target import unread
from convcalc.model.quantities.formula import formula
from convcalc.model.quantities.shape import Shape
from convcalc.model.quantities.unknown import known


@operator
class PadChannels(Operator):
    """The padding; see the module's docstring."""

    arity = (1, 2)
    keeps = NOTHING
    detached = 1

    before: int = fields.integer("channels of zeros before the first", 0, minimum=0)
    after: int = fields.integer("channels of zeros after the last", 0, minimum=0)
    channels: int | None = fields.integer("channels in the end", None, minimum=1)

    def check(self, inputs: Sequence[Shape]) -> Iterator[Problem]:
        """One way to say how many, and none is cut."""
        x, *reference = inputs
        stated = self.before or self.after
        ways = bool(stated) + (self.channels is not None) + len(reference)
        if ways != 1:
            given = "after" if self.after else "before"
            field = "channels" if self.channels is not None else given
            rule = "unsupported-combination" if ways else "missing-key"
            message = "pad_channels takes before and after, or channels, or a second input"
            yield Problem(rule, field if ways else "after", message, "one of them")
        elif self._total(inputs) < x.channels:
            field, source = ("", 1) if reference else ("channels", 0)
            rule = "shape-mismatch" if reference else "out-of-range"
            message = f"{self._total(inputs)} channels are less than in_channels {x.channels}"
            yield Problem(rule, field, message, f"at least {x.channels}", source)

    def analyse(self, inputs: Sequence[Shape]) -> Analysis:
        """The input's channels behind the first zeros."""
        x = inputs[0]
        output = x.with_channels(self._total(inputs))
        found = pointwise_analysis(output, channels=(self._map(x),))
        return found._replace(axes=(*found.axes, *unread(inputs)))

    def _total(self, inputs: Sequence[Shape]) -> int:
        x, *reference = inputs
        if reference:
            return reference[0].channels
        if self.channels is not None:
            return self.channels
        return padded_channels(self.before, x.channels, self.after)

    def _map(self, x: Shape) -> ChannelMap:
        if not known(x.channels):
            return Hidden("the number of channels is not known")
        own = range(self.before, self.before + x.channels)
        return Blocks((Block(own, range(x.channels), x.channels),))


@formula
def padded_channels(before: int, in_channels: int, after: int) -> int:
    """The input's channels and those of zeros on both sides."""
    return before + in_channels + after
