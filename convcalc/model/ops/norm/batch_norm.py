"""Batch norm: each channel is normalised with its running mean and variance.

    y = (x - running_mean) / sqrt(running_var + eps) · weight + bias     per channel
    weight, bias = (in_channels,) each if affine; either may be left out by scale or bias false
    buffers: running_mean, running_var = (in_channels,) each if track_running_stats
    frozen: weight and bias are buffers too, four values per channel and no parameters

Counts two elementwise operations per output element, with or without affine: the constants of
evaluation mode fold into one factor and one summand. No MACs.

Networks are counted in evaluation mode, where every output reads its own position only. While
training, and always without track_running_stats, the statistics come from the batch and every
output depends on all positions; PyTorch refuses statistics of a single value. The running
statistics are buffers, not parameters (Keras counts them among its total); PyTorch's
num_batches_tracked is left out.

Detectors that are fine-tuned keep the norms of their backbone as they are. ``frozen`` counts them
as torchvision's and detectron2's FrozenBatchNorm2d does; ``trainable: false`` on the item leaves
them parameters, which are not trained.

Keras and TensorFlow leave out one of the two: ``scale: false`` has no weight, ``bias: false`` no
bias (``center=False``). PyTorch knows both or neither, affine.

Common mistake: a bias in the convolution before it does nothing, but is counted; write
``bias: false`` there.

Source: PyTorch ``torch.nn.BatchNorm2d``; Keras ``BatchNormalization``; torchvision
``ops.FrozenBatchNorm2d``; Ioffe & Szegedy, arXiv 1502.03167.
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
class BatchNorm(Operator):
    """Batch norm; see the module's docstring."""

    affine: bool = fields.affine()
    track_running_stats: bool = fields.flag("whether running statistics are stored", True)
    scale: bool = fields.flag("whether the affine part has a scale", True)
    bias: bool = fields.flag("whether the affine part has a shift", True)
    frozen: bool = fields.flag("whether scale and shift are constants instead of learned", False)

    def check(self, inputs: Sequence[Shape]) -> Iterator[Problem]:
        """A norm whose constants are frozen has all of them; one value is not a statistic."""
        needed = ("affine", "track_running_stats", "scale", "bias")
        missing = [name for name in needed if not getattr(self, name)]
        if self.frozen and missing:
            message = f"'frozen: true' needs what '{missing[0]}: false' leaves out"
            advice = f"'{missing[0]}: true', or 'frozen: false'"
            yield Problem("unsupported-combination", missing[0], message, advice)
        (x,) = inputs
        if x.batch * x.positions == 1 and not self.track_running_stats:
            message = f"batch_norm over the only value of each channel of {x} makes all of them 0"
            advice = "running statistics, more than one position, or a batch of more than one"
            field = "track_running_stats"
            yield Problem("unsupported-combination", field, message, advice, 0)

    def analyse(self, inputs: Sequence[Shape]) -> Analysis:
        """Each element from itself and the statistics of its channel."""
        (x,) = inputs
        tracked = self.track_running_stats
        statistics = {"running_mean": (x.channels,), "running_var": (x.channels,)}
        affine = {
            name: sizes
            for name, sizes in per_channel(self.affine, x.channels).items()
            if (self.scale if name == "weight" else self.bias)
        }
        return Analysis(
            x,
            ((IDENTITY if tracked else Whole(IDENTITY),) * x.rank,),
            (norm_term(x),),
            {} if self.frozen else affine,
            {**(affine if self.frozen else {}), **(statistics if tracked else {})},
            channels=OWNS,
        )

    def kept(self, inputs: Sequence[Shape], output: Shape) -> Kept:
        """Mean and deviation of each channel."""
        return Kept(0 if self.frozen else 2 * output.channels)
