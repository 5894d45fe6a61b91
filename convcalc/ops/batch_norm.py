"""Batch norm: each channel is normalised with its running mean and variance.

    y = (x - running_mean) / sqrt(running_var + eps) · weight + bias     per channel
    weight, bias = (in_channels,) each if affine
    buffers: running_mean, running_var = (in_channels,) each if track_running_stats

Counts two elementwise operations per output element, with or without affine: the constants of
evaluation mode fold into one factor and one summand. No MACs.

Networks are counted in evaluation mode, where every output reads its own position only. While
training, and always without track_running_stats, the statistics come from the batch and every
output depends on all positions. The running statistics are buffers, not parameters
(Keras counts them among its total); PyTorch's num_batches_tracked is left out.

Common mistake: a bias in the convolution before it does nothing, but is counted; write
``bias: false`` there.

Source: PyTorch ``torch.nn.BatchNorm2d``; Ioffe & Szegedy, arXiv 1502.03167.
"""

from __future__ import annotations

from collections.abc import Sequence

from convcalc import fields
from convcalc.geometry import SAME, Whole
from convcalc.operator import Analysis, Operator, operator
from convcalc.ops._norm import norm_term, per_channel
from convcalc.shape import Shape


@operator
class BatchNorm(Operator):
    """Batch norm; see the module's docstring."""

    affine: bool = fields.affine()
    track_running_stats: bool = fields.flag("whether running statistics are stored", True)

    def analyse(self, inputs: Sequence[Shape]) -> Analysis:
        """Each element from itself and the statistics of its channel."""
        (x,) = inputs
        tracked = self.track_running_stats
        statistics = {"running_mean": (x.channels,), "running_var": (x.channels,)}
        return Analysis(
            x,
            ((SAME if tracked else Whole(SAME),) * x.rank,),
            (norm_term(x),),
            per_channel(self.affine, x.channels),
            statistics if tracked else {},
        )
