"""Deformable position-sensitive RoI pooling: a second set of score maps moves the bins.

    inputs   = [score maps of K·D channels, offset maps of rank·K·O channels]
    output   = (batch · rois, D, *output_size),  K = prod(output_size)
    sampling = batch · rois · K · prod(S) · 2^rank · (D + rank·O)

1. The offset maps are pooled with their bins in place (terms ``offset``), as ``ps_roi_align``
   does: rank·O numbers per bin. O sets of offsets are shared by D / O output channels each: one
   per class, or a single one (O = 1) for boxes that ignore the class.
2. The score maps are pooled with the bins moved by gamma · offset · RoI size (terms ``sampling``
   and ``pool``).

Both maps come from 1 x 1 convolutions on the same features, counted there. S, samples per axis of
a bin, is sampling_ratio (the authors set 4) or depends on the box; then the work is unknown
unless ``roi_size`` is given. No parameters and no MACs; the average counts one elementwise
operation per sample, arithmetic on coordinates is not counted. gamma, 0.1, has no field.

A RoI can lie anywhere, so the receptive field is the whole input.

In R-FCN on 1024 channels with 21 classes and 7 x 7 bins the offsets add 2,109,450 parameters for
the classes and 100,450 for the boxes; with three deformable 3 x 3 convolutions of 512 channels
(one deform group) 2,458,786, the 47.1 to 49.5 M of the paper. The official code has 4 deform
groups there: 995,544 instead of 248,886.

Common mistake: the offsets here are convolutional; those of ``deform_roi_pool`` are fully
connected. No published network modulates this pooling.

Source: Dai et al., arXiv 1703.06211, section 2.2 and table 4; msracver/Deformable-ConvNets,
rfcn/symbols/resnet_v1_101_rfcn_dcn.py.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from convcalc.model.operators.checks import divisors
from convcalc.model.operators.composing import function, merge_analyses, part_terms
from convcalc.model.operators.contract import Analysis, Problem, operator
from convcalc.model.ops.region._roi import SampledRoi, channels_per_bin, uneven_bins
from convcalc.model.quantities.shape import Shape


@operator
class DeformPsRoiPool(SampledRoi):
    """The pooling of score maps and offset maps; see the module's docstring."""

    arity = (2, 2)

    def check(self, inputs: Sequence[Shape]) -> Iterator[Problem]:
        """Both maps must fit the bins, each other, and the sharing of offsets."""
        yield from super().check(inputs)
        scores, offsets = inputs
        if scores.rank != offsets.rank or any(
            n != m for n, m in zip(_places(scores), _places(offsets), strict=True)
        ):
            message = f"score maps {scores} and offset maps {offsets} differ in size"
            yield Problem("shape-mismatch", "", message, "both from the same features", 1)
            return
        uneven = list(uneven_bins(scores.channels, self.bins, "the score maps", 0))
        yield from uneven or self._offset_problems(scores, offsets)

    def _offset_problems(self, scores: Shape, offsets: Shape) -> Iterator[Problem]:
        """The offset maps hold rank·K channels per set, and the sets divide the output."""
        one = scores.rank * self.bins
        if offsets.channels % one:
            message = f"{offsets.channels} channels of offsets for {self.bins} bins"
            advice = f"a multiple of {scores.rank}·{self.bins} = {one}"
            yield Problem("does-not-divide", "", message, advice, 1)
            return
        sets, channels = offsets.channels // one, scores.channels // self.bins
        if channels % sets:
            message = f"{sets} sets of offsets do not divide the {channels} output channels"
            yield Problem("does-not-divide", "", message, divisors(channels), 1)

    def analyse(self, inputs: Sequence[Shape]) -> Analysis:
        """The offset maps are pooled first, then the score maps."""
        scores, offsets = inputs
        moves = self.average_samples(offsets, channels_per_bin(offsets.channels, self.bins))
        pooled = self.average_samples(scores, channels_per_bin(scores.channels, self.bins))
        return merge_analyses(
            pooled.output,
            (*pooled.axes, *moves.axes),
            function("offset", (1,), moves.output, *part_terms("offset", moves.terms)),
            function("pool", (0, "offset"), pooled.output, *pooled.terms),
        )


def _places(shape: Shape) -> tuple[int, ...]:
    return (shape.batch, *shape.spatial)
