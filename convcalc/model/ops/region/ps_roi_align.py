"""Position-sensitive RoI Align: each bin averages samples of score maps of its own.

    output   = (batch · rois, in_channels / K, *output_size),  K = prod(output_size)
    S        = sampling_ratio, or ceil(roi_size · spatial_scale / output_size)     per axis
    sampling = batch · rois · in_channels / K · K · prod(S) · 2^rank

The input has K score maps per output channel; bin i of output channel c samples channel c·K + i
and no other, so the work is that of ``roi_align`` on the output's channels.

No parameters and no MACs. Interpolation counts 4 per sample in 2 axes, as sampling work; the
average, one per sample, as elementwise work. With a sampling_ratio of 0 or less the number of
samples depends on the box: the work is unknown unless ``roi_size`` is given.

A RoI can lie anywhere, so the receptive field is the whole input.

Defaults: torchvision sampling_ratio -1, which adapts, and spatial_scale 1. Samples always lie
half a position before the corner (what ``aligned`` is in ``roi_align``).

Common mistake: the channels of the input are those of the score maps, 490 for 10 channels
and 7 x 7 bins; the output has 10.

Source: Li et al., "Light-Head R-CNN" (arXiv 1711.07264); torchvision ``ps_roi_align``.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from convcalc.model.operators.contract import Analysis, Kept, Problem, operator
from convcalc.model.ops.region._roi import (
    ROI_INDEX_BYTES,
    SampledRoi,
    channels_per_bin,
    uneven_bins,
)
from convcalc.model.quantities.shape import Shape


@operator
class PsRoiAlign(SampledRoi):
    """The pooling; see the module's docstring."""

    def check(self, inputs: Sequence[Shape]) -> Iterator[Problem]:
        """The bins must divide the channels."""
        yield from super().check(inputs)
        yield from uneven_bins(inputs[0].channels, self.bins, "the input", 0)

    def analyse(self, inputs: Sequence[Shape]) -> Analysis:
        """Every bin is sampled in one channel per output channel."""
        (x,) = inputs
        return self.average_samples(x, channels_per_bin(x.channels, self.bins))

    def kept(self, inputs: Sequence[Shape], output: Shape) -> Kept:
        """Which element or channel each output is of."""
        return Kept(index_bytes=ROI_INDEX_BYTES * output.numel)
