"""Instance norm: each channel of each sample is normalised over its positions.

    y = (x - mean) / sqrt(variance + eps) · weight + bias     per sample and channel
    weight, bias = (in_channels,) each if affine
    buffers: running_mean, running_var = (in_channels,) each if track_running_stats

Counts two elementwise operations per output element, with or without affine. No MACs.

Every output depends on all positions of its channel, unless track_running_stats puts stored
statistics in their place (in evaluation mode). Unlike batch norm it is not affine, and tracks
nothing, by default. PyTorch's num_batches_tracked is left out.

Source: PyTorch ``torch.nn.InstanceNorm2d``; Ulyanov et al., arXiv 1607.08022.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from convcalc.model.geometry.axis_maps import IDENTITY, Whole
from convcalc.model.operators import fields
from convcalc.model.operators.contract import Analysis, Kept, Operator, Problem, operator
from convcalc.model.operators.work import OWNS
from convcalc.model.ops.norm._norm import norm_term, per_channel
from convcalc.model.quantities.shape import Shape


@operator
class InstanceNorm(Operator):
    """Instance norm; see the module's docstring."""

    ranks = (1, 3)

    affine: bool = fields.affine(False)
    track_running_stats: bool = fields.flag("whether running statistics are stored", False)

    def check(self, inputs: Sequence[Shape]) -> Iterator[Problem]:
        """One position minus its own mean is zero, whatever the input."""
        (x,) = inputs
        if x.positions == 1 and not self.track_running_stats:
            message = f"instance_norm over the only position of {x} makes every value 0"
            advice = "more than one position, or a norm over channels (layer_norm)"
            yield Problem("unsupported-combination", "", message, advice, 0)

    def analyse(self, inputs: Sequence[Shape]) -> Analysis:
        """Each element from itself and the statistics of its channel."""
        (x,) = inputs
        tracked = self.track_running_stats
        statistics = {"running_mean": (x.channels,), "running_var": (x.channels,)}
        return Analysis(
            x,
            ((IDENTITY if tracked else Whole(IDENTITY),) * x.rank,),
            (norm_term(x),),
            per_channel(self.affine, x.channels),
            statistics if tracked else {},
            channels=OWNS,
        )

    def kept(self, inputs: Sequence[Shape], output: Shape) -> Kept:
        """Mean and deviation of each channel."""
        return Kept(2 * output.batch * output.channels)
