"""Some of the channels, in a given order: a fixed permutation or subset.

    out_channels = number of indices, or channels
    output channel i = input channel indices[i]

indices counts from 0; a channel may be taken twice. Where only their number matters or is known
(pruned networks, learned groups), ``channels`` says how many are taken. A move: no work, no
parameters, and the indices are not counted as buffers; positions do not mix. Neighbouring
channels are a ``channel_slice``, interleaved groups a ``channel_shuffle``.

Common mistake: cutting channels out does not remove the work of the layer that made them.

Source: PyTorch ``torch.index_select`` with dim 1.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from convcalc.model.geometry.channel_maps import MIXED, Chosen
from convcalc.model.operators import fields
from convcalc.model.operators.contract import NOTHING, Analysis, Operator, Problem, operator
from convcalc.model.operators.work import pointwise_analysis
from convcalc.model.quantities.shape import Shape


@operator
class ChannelSelect(Operator):
    """The selection; see the module's docstring."""

    keeps = NOTHING

    indices: tuple[int, ...] | None = fields.field(
        "ints", "input channels in the order of the output, counted from 0", None, minimum=0
    )
    channels: int | None = fields.integer(
        "number of channels that are taken, if it does not matter which", None, minimum=1
    )

    def check(self, inputs: Sequence[Shape]) -> Iterator[Problem]:
        """One of the two fields, and only channels that exist."""
        (x,) = inputs
        if self.indices is not None and self.channels is not None:
            message = "channel_select takes indices or channels, not both"
            yield Problem("unsupported-combination", "channels", message, "leave out channels")
        elif self.channels is not None:
            if self.channels > x.channels:
                message = f"channels {self.channels} is more than in_channels {x.channels}"
                yield Problem("out-of-range", "channels", message, f"at most {x.channels}", 0)
        elif self.indices is None:
            message = "channel_select needs indices or channels"
            yield Problem("missing-key", "indices", message, "for instance 'indices: [2, 0, 1]'")
        elif not self.indices:
            message = "indices is empty, so no channel remains"
            yield Problem("empty-output", "indices", message, "at least one channel")
        elif max(self.indices) >= x.channels:
            message = f"index {max(self.indices)} is beyond in_channels {x.channels}"
            yield Problem("out-of-range", "indices", message, f"at most {x.channels - 1}", 0)

    def analyse(self, inputs: Sequence[Shape]) -> Analysis:
        """Other channels, the same positions."""
        chosen = self.channels if self.indices is None else len(self.indices)
        maps = (MIXED if self.indices is None else Chosen(self.indices),)  # any may be among them
        return pointwise_analysis(inputs[0].with_channels(chosen or 0), channels=maps)
