"""Group norm: the channels of a group and their positions are normalised together.

    y = (x - mean) / sqrt(variance + eps) · weight + bias     per sample and group
    weight, bias = (in_channels,) each if affine

Counts two elementwise operations per output element, with or without affine. No MACs.

Every output depends on all positions. groups is PyTorch's ``num_groups``: the number of
groups, not of channels in one. Groups of one channel are ``instance_norm``; one group is a
layer norm over channels and positions with one weight per channel.

Source: PyTorch ``torch.nn.GroupNorm``; Wu & He, arXiv 1803.08494.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from convcalc.model.geometry.axis_maps import IDENTITY, Whole
from convcalc.model.operators import fields
from convcalc.model.operators.checks import uneven_groups
from convcalc.model.operators.contract import Analysis, Kept, Operator, Problem, operator
from convcalc.model.ops.norm._norm import norm_term, normalised_by, per_channel
from convcalc.model.quantities.shape import Shape


@operator
class GroupNorm(Operator):
    """Group norm; see the module's docstring."""

    groups: int = fields.groups(fields.REQUIRED, "groups of channels, each normalised on its own")
    affine: bool = fields.affine()

    def check(self, inputs: Sequence[Shape]) -> Iterator[Problem]:
        """Groups must divide the channels, and hold more than one value."""
        (x,) = inputs
        yield from uneven_groups(self.groups, x.channels, "in_channels")
        if x.channels == self.groups and x.positions == 1:
            message = f"groups {self.groups} of {x} hold one value each, so that all become 0"
            problem = Problem("unsupported-combination", "groups", message, "fewer groups", 0)
            # Of one sample PyTorch refuses it, of several it does not.
            yield problem if x.batch == 1 else problem._replace(severity="warning")

    def analyse(self, inputs: Sequence[Shape]) -> Analysis:
        """Each element from itself and the statistics of its group."""
        (x,) = inputs
        weights = per_channel(self.affine, x.channels)
        axes = ((Whole(IDENTITY),) * x.rank,)
        channels = (normalised_by(self.groups, x),)
        return Analysis(x, axes, (norm_term(x),), weights, channels=channels)

    def kept(self, inputs: Sequence[Shape], output: Shape) -> Kept:
        """Mean and deviation of each group."""
        return Kept(2 * output.batch * self.groups)
