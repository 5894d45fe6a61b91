"""Gated linear unit over the channels: first half · sigmoid(second half).

    out_channels = in_channels / 2

Counts one elementwise operation per output element, gate and product together; no MACs, no
parameters.

Source: PyTorch ``torch.nn.GLU`` with dim 1; Dauphin et al., arXiv 1612.08083.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from convcalc.model.geometry.channel_maps import Block, Blocks, ChannelMap, Hidden
from convcalc.model.operators.contract import Analysis, Operator, Problem, operator
from convcalc.model.operators.work import pointwise_analysis
from convcalc.model.ops.activation._activation import activation_term
from convcalc.model.quantities.formula import formula
from convcalc.model.quantities.shape import Shape
from convcalc.model.quantities.unknown import known


@operator
class Glu(Operator):
    """The activation; see the module's docstring."""

    def check(self, inputs: Sequence[Shape]) -> Iterator[Problem]:
        """The channels must have two halves."""
        if (channels := inputs[0].channels) % 2:
            message = f"glu halves the channels, but in_channels {channels} is odd"
            yield Problem("does-not-divide", "", message, "an even number of channels", 0)

    def analyse(self, inputs: Sequence[Shape]) -> Analysis:
        """Each output element is one input element times its gate."""
        (x,) = inputs
        output = x.with_channels(gated_channels(x.channels))
        half = output.channels
        return pointwise_analysis(output, activation_term(output), channels=(_halves(half),))


def _halves(half: int) -> ChannelMap:
    """Both channels that an output channel reads."""
    if not known(half):
        return Hidden("the number of channels is not known")
    out = range(half)
    return Blocks((Block(out, out, half), Block(out, range(half, 2 * half), half)))


@formula
def gated_channels(in_channels: int) -> int:
    """One half is gated by the other."""
    return in_channels // 2
