"""RoI Align: each region of interest is cut into bins, each the average of interpolated samples.

    output   = (batch · rois, in_channels, *output_size)
    S        = sampling_ratio, or ceil(roi_size · spatial_scale / output_size)     per axis
    sampling = batch · rois · in_channels · prod(output_size) · prod(S) · 2^rank

No parameters and no MACs. Interpolation counts 4 per sample and channel in 2 axes, as sampling
work; the average, one per sample, as elementwise work. With a sampling_ratio of 0 or less the
number of samples depends on the box: the work is unknown unless ``roi_size`` is given.

A RoI can lie anywhere, so the receptive field is the whole input.

Defaults: torchvision sampling_ratio -1 and aligned false, mmcv sampling_ratio 0 and aligned
true; both ratios adapt. Detectron2 and torchvision's detectors set 0 and 2. ``aligned`` moves
the samples by half a position and changes no count. mmcv's pool_mode max compares instead of
adding: the same number of operations.

Common mistake: the samples per bin are S per axis, so a ratio of 2 costs 4 samples of 4
products each, 16 per output element.

Source: He et al., "Mask R-CNN" (arXiv 1703.06870); torchvision ``roi_align``; mmcv ``RoIAlign``.
"""

from __future__ import annotations

from collections.abc import Sequence

from convcalc.model.operators import fields
from convcalc.model.operators.contract import Analysis, operator
from convcalc.model.ops.region._roi import SampledRoi
from convcalc.model.quantities.shape import Shape


@operator
class RoiAlign(SampledRoi):
    """The pooling; see the module's docstring."""

    aligned: bool = fields.flag("shift by half a position, so that pixels are centers", False)

    def analyse(self, inputs: Sequence[Shape]) -> Analysis:
        """Every channel is sampled in every bin."""
        (x,) = inputs
        return self.average_samples(x, x.channels)
