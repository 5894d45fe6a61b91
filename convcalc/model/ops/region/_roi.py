"""Shared by the RoI poolings: boxes, bins, and how much of the image each bin reads."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from math import ceil, floor, prod

from convcalc.model.geometry.axis_maps import Whole
from convcalc.model.operators import fields
from convcalc.model.operators.checks import divisors
from convcalc.model.operators.contract import (
    ELEMENTWISE,
    NOTHING,
    SAMPLING,
    Analysis,
    Operator,
    Problem,
    Term,
    operator,
)
from convcalc.model.operators.work import interpolation, work
from convcalc.model.ops.pooling._pooling import parts_taps
from convcalc.model.quantities.formula import formula
from convcalc.model.quantities.shape import Shape
from convcalc.model.quantities.unknown import UNKNOWN, known

ROI_INDEX_BYTES = 4  # int32


@operator
class RoiOperator(Operator):
    """Pools each RoI into bins. A box can lie anywhere, so every output may see the whole image."""

    ranks = (1, 3)
    keeps = NOTHING

    output_size: tuple[int, ...] = fields.axes("bins per axis", minimum=1)
    rois: int = fields.integer("number of RoIs per sample", minimum=1)
    spatial_scale: float = fields.number(
        "positions of the input per unit of the boxes, for instance 1/16", 1
    )
    roi_size: tuple[int, ...] | None = fields.axes(
        "size of a box per axis, in units of the boxes; null: unknown, and so is the work that "
        "depends on it",
        None,
        minimum=1,
    )

    def check(self, inputs: Sequence[Shape]) -> Iterator[Problem]:
        """The scale must be positive."""
        if self.spatial_scale <= 0:
            message = f"spatial_scale {self.spatial_scale:g} is not positive"
            advice = "1 / stride of the input, for instance 1/16"
            yield Problem("out-of-range", "spatial_scale", message, advice)

    @property
    def bins(self) -> int:
        """Bins of a RoI: K."""
        return bin_count(self.output_size)

    def output_shape(self, x: Shape, channels: int) -> Shape:
        """The shape of the output, in which each RoI is one sample of the batch."""
        return Shape(roi_count(x.batch, self.rois), channels, self.output_size)

    def extents(self) -> tuple[Fraction, ...] | None:
        """The size of a RoI in input positions, per axis; None if it is not known."""
        if self.roi_size is None:
            return None
        scale = Fraction(str(self.spatial_scale))
        return tuple(size * scale for size in self.roi_size)


@operator
class SampledRoi(RoiOperator):
    """Averages interpolated samples in each bin."""

    sampling_ratio: int = fields.integer(
        "samples per axis of a bin; 0 or less (torchvision's default is -1, mmcv's 0): "
        "ceil(RoI size / output_size)",
        0,
    )

    def samples(self) -> int:
        """The samples per bin; UNKNOWN if they depend on a RoI size that is not given."""
        if self.sampling_ratio > 0:
            return grid_samples(self.sampling_ratio, len(self.output_size))
        extents = self.extents()
        if extents is None:
            return UNKNOWN
        return adaptive_samples(tuple(map(samples_across, extents, self.output_size)))

    def average_samples(self, x: Shape, channels: int) -> Analysis:
        """The analysis of averaging the samples in each bin.

        Each sample costs a linear interpolation and one operation for the average.
        """
        output = self.output_shape(x, channels)
        amount = work(self.samples(), output.numel)
        sampling = Term("sampling", SAMPLING, interpolation(x.rank, amount))
        terms = (sampling, Term("pool", ELEMENTWISE, amount))
        return Analysis(output, ((Whole(),) * x.rank,), terms)


@formula
def bin_count(output_size: tuple[int, ...]) -> int:
    """Bins of a RoI."""
    return prod(output_size)


@formula
def channels_per_bin(channels: int, bins: int) -> int:
    """Score maps come in sets, one map per bin."""
    return channels // bins


@formula
def roi_count(batch: int, rois: int) -> int:
    """Samples of the output: one per RoI."""
    return batch * rois


@formula
def grid_samples(sampling_ratio: int, rank: int) -> int:
    """Samples per bin, so many along each axis."""
    samples: int = sampling_ratio**rank
    return samples


@formula
def samples_across(roi_extent: Fraction, bins: int) -> int:
    """Samples of a bin along an axis that follow from the size of the RoI."""
    return ceil(roi_extent / bins)


@formula
def adaptive_samples(samples: tuple[int, ...]) -> int:
    """Samples per bin from those along each axis."""
    return prod(samples)


@formula
def whole_positions(roi_extent: Fraction, extra: int) -> int:
    """floor(n + 1/2) + extra, at least 1: a RoI in whole positions, if its first corner lies on
    one."""
    return max(floor(roi_extent + Fraction(1, 2)) + extra, 1)


@formula
def work_of_bins(batch: int, rois: int, channels: int, taps: tuple[int, ...]) -> int:
    """One operation per tap of every bin."""
    return batch * rois * channels * prod(taps)


def pool_quantised(
    roi: RoiOperator, x: Shape, channels: int, taps_channels: int, extra: int
) -> Analysis:
    """Pooling over whole positions, one operation per tap; neighbouring bins share some.

    ``extra`` is 1 where the last corner counts as a position of the RoI. ``taps_channels`` are
    the channels that each bin reads.
    """
    extents = roi.extents()
    taps: tuple[int, ...] = (UNKNOWN,)
    if extents is not None:
        sizes = (whole_positions(n, extra) for n in extents)
        taps = tuple(map(parts_taps, sizes, roi.output_size))
    amount = work_of_bins(x.batch, roi.rois, taps_channels, taps)
    return Analysis(
        roi.output_shape(x, channels),
        ((Whole(),) * x.rank,),
        (Term("pool", ELEMENTWISE, amount),),
    )


def uneven_bins(channels: int, bins: int, what: str, source: int) -> Iterator[Problem]:
    """Yields a problem if the score maps are not a whole number of sets of bins."""
    if known(channels) and channels % bins:
        message = f"the {bins} bins of output_size do not divide the {channels} channels of {what}"
        advice = f"a multiple of {bins}, or bins that divide: {divisors(channels)}"
        yield Problem("does-not-divide", "output_size", message, advice, source)
