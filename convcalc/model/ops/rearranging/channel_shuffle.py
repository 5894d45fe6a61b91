"""Channel shuffle: channels of different groups are interleaved.

    output channel i·groups + j = input channel j·(in_channels / groups) + i

A move: no work, no parameters; positions do not mix.

Common mistakes: a ShuffleNet v1 unit shuffles once, after its first pointwise convolution; its
variant with a concatenation is the one of stride 2, not a cheaper one. The very first pointwise
convolution is not grouped: 24 to 60 channels in the network of 3 groups have 1,440 weights, not
480. The official ShuffleNet v1 code reshapes the other way round, which is the
inverse order; for two groups after equal halves either mixes the groups alike.

Source: PyTorch ``torch.nn.ChannelShuffle``; Zhang et al., arXiv 1707.01083, section 3.1.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from convcalc.model.geometry.channel_maps import Shuffled
from convcalc.model.operators import fields
from convcalc.model.operators.checks import uneven_groups
from convcalc.model.operators.contract import NOTHING, Analysis, Operator, Problem, operator
from convcalc.model.operators.work import pointwise_analysis
from convcalc.model.quantities.shape import Shape


@operator
class ChannelShuffle(Operator):
    """The shuffle; see the module's docstring."""

    keeps = NOTHING

    groups: int = fields.groups(fields.REQUIRED, "groups of channels that are interleaved")

    def check(self, inputs: Sequence[Shape]) -> Iterator[Problem]:
        """Groups must divide the channels."""
        yield from uneven_groups(self.groups, inputs[0].channels, "in_channels")

    def analyse(self, inputs: Sequence[Shape]) -> Analysis:
        """The shape stays."""
        return pointwise_analysis(inputs[0], channels=(Shuffled(self.groups),))
