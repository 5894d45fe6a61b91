"""RoI max pooling: each region of interest is cut into bins, the greatest value of each is kept.

    output = (batch · rois, in_channels, *output_size)
    RoI    = max(round(roi_size · spatial_scale) + 1, 1) positions n     per axis
    bin y  = from floor(y·n / m) to ceil((y + 1)·n / m) - 1, m = output_size

No parameters and no MACs. Each bin counts one comparison per tap as elementwise work. Bins of a
RoI overlap where m does not divide n, n + m - gcd(n, m) taps per axis in all; they depend on the
box, so the work is unknown unless ``roi_size`` is given (a box whose first corner falls on a
position, nothing clipped at the border of the image).

A RoI can lie anywhere, so the receptive field is the whole input.

Common mistakes: the corners are rounded to whole positions and the last one counts as inside,
so a box of 64 at scale 1/16 is 5 positions wide, not 4; ``roi_align`` rounds nothing.
The output has one sample per RoI: what follows runs rois times per image.

torchvision and mmcv share the defaults: spatial_scale 1.

Source: Girshick, "Fast R-CNN" (arXiv 1504.08083); torchvision ``roi_pool``; mmcv ``RoIPool``.
"""

from __future__ import annotations

from collections.abc import Sequence

from convcalc.model.operators.contract import Analysis, Kept, operator
from convcalc.model.ops.region._roi import ROI_INDEX_BYTES, RoiOperator, pool_quantised
from convcalc.model.quantities.shape import Shape


@operator
class RoiPool(RoiOperator):
    """The pooling; see the module's docstring."""

    def analyse(self, inputs: Sequence[Shape]) -> Analysis:
        """One comparison per tap of every bin."""
        (x,) = inputs
        return pool_quantised(self, x, x.channels, x.channels, extra=1)

    def kept(self, inputs: Sequence[Shape], output: Shape) -> Kept:
        """Which element or channel each output is of."""
        return Kept(index_bytes=ROI_INDEX_BYTES * output.numel)
