"""Position-sensitive RoI pooling: each bin averages score maps of its own.

    output = (batch · rois, in_channels / K, *output_size),  K = prod(output_size)
    RoI    = max(round(roi_size · spatial_scale), 1) positions n          per axis
    bin y  = from floor(y·n / m) to ceil((y + 1)·n / m) - 1, m = output_size

The input has K score maps per output channel: K·(classes + 1) for classification, 1029 for the
7 x 7 bins and 21 classes of Pascal VOC, 3969 for the 81 of COCO. Bin i of output channel c
reads channel c·K + i and no other, so K times the channels do not make K times the work.

No parameters and no MACs. Each bin counts one addition per tap as elementwise work, n + m -
gcd(n, m) taps per axis for all bins of a RoI; they depend on the box, so the work is unknown
unless ``roi_size`` is given (a box whose first corner falls on a position, nothing clipped).

A RoI can lie anywhere, so the receptive field is the whole input.

Common mistakes: the score maps come from a convolution before this layer, whose parameters are
counted there. Here the last corner of a box is not inside, in ``roi_pool`` it is; R-FCN's own
code rounds the corners of the boxes before it scales them.

torchvision's default is spatial_scale 1; the vote over the bins is a ``global_avg_pool``.

Source: Dai et al., "R-FCN" (arXiv 1605.06409); torchvision ``ps_roi_pool``.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from convcalc.model.operators.contract import Analysis, Kept, Problem, operator
from convcalc.model.ops.region._roi import (
    ROI_INDEX_BYTES,
    RoiOperator,
    channels_per_bin,
    pool_quantised,
    uneven_bins,
)
from convcalc.model.quantities.shape import Shape


@operator
class PsRoiPool(RoiOperator):
    """The pooling; see the module's docstring."""

    def check(self, inputs: Sequence[Shape]) -> Iterator[Problem]:
        """The bins must divide the channels."""
        yield from super().check(inputs)
        yield from uneven_bins(inputs[0].channels, self.bins, "the input", 0)

    def analyse(self, inputs: Sequence[Shape]) -> Analysis:
        """One addition per tap of every bin, each in one channel per output channel."""
        (x,) = inputs
        channels = channels_per_bin(x.channels, self.bins)
        return pool_quantised(self, x, channels, channels, extra=0)

    def kept(self, inputs: Sequence[Shape], output: Shape) -> Kept:
        """Which element or channel each output is of."""
        return Kept(index_bytes=ROI_INDEX_BYTES * output.numel)
