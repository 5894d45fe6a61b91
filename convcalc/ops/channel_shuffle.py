"""Channel shuffle: channels of different groups are interleaved.

    output channel i·groups + j = input channel j·(in_channels / groups) + i

A move: no work, no parameters; positions do not mix.

Common mistake: the official ShuffleNet v1 code reshapes the other way round, which is the
inverse order; for two groups after equal halves either mixes the groups alike.

Source: PyTorch ``torch.nn.ChannelShuffle``; Zhang et al., arXiv 1707.01083, section 3.1.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from convcalc import fields
from convcalc.operator import Analysis, Operator, Problem, unchanged, uneven_groups
from convcalc.shape import Shape


@dataclass(frozen=True, kw_only=True)
class ChannelShuffle(Operator):
    """The shuffle; see the module's docstring."""

    groups: int = fields.groups(fields.REQUIRED, "groups of channels that are interleaved")

    def check(self, inputs: Sequence[Shape]) -> Iterator[Problem]:
        """Groups must divide the channels."""
        yield from uneven_groups(self.groups, inputs[0].channels, "in_channels")

    def analyse(self, inputs: Sequence[Shape]) -> Analysis:
        """The shape stays."""
        return unchanged(inputs[0])
