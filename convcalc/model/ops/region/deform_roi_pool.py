"""Deformable RoI pooling: fully connected layers move the bins of each region of interest.

    output = (batch · rois, in_channels, *output_size),  K = prod(output_size), C = in_channels

1. The RoI is pooled with its bins in place (terms ``plain``), as ``roi_align`` does.
2. The K·C values go through fully connected layers with bias to rank·K offsets:
   official: one layer, K·C -> 2·K; modulated: K·C -> F -> F -> 3·K, offsets and mask together
   mmcv:     K·C -> F -> F -> 2·K; modulated: and a second branch K·C -> F -> K for the mask
   with a ReLU between them; F is deform_fc_channels, 1024.
3. The RoI is pooled again with its bins moved by gamma · offset · RoI size (terms ``sampling``
   and ``pool``); modulated: times sigmoid(mask), one factor per bin (``modulation``, dynamic).

    sampling   = 2 · batch · rois · C · K · prod(S) · 2^rank
    modulation = batch · rois · C · K

S, samples per axis of a bin, is sampling_ratio or depends on the box; then the work is unknown
unless ``roi_size`` is given. The authors' configurations set 4, those with modulation 2; mmcv's
default is 0. The fully connected layers are learned MACs, once per RoI. The average counts one
elementwise operation per sample, arithmetic on coordinates is not counted. gamma, 0.1, has no
field.

Parameters for 7 x 7 bins of 256 channels: official 1,229,410, mmcv 13,996,130; modulated:
official 14,046,355, mmcv 26,892,435.

Common mistakes: mmcv's modulated pooling is not that of the paper, since it does not share the
two hidden layers between offsets and mask. The pooling runs twice.

Source: Dai et al., arXiv 1703.06211, section 2.2; Zhu et al., arXiv 1811.11168, and
msracver/Deformable-ConvNets, faster_rcnn/symbols and DCNv2_op/example_symbol.py; mmcv
``DeformRoIPoolPack``, ``ModulatedDeformRoIPoolPack``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from convcalc.model.operators import fields
from convcalc.model.operators.composing import analyse_chain, function, merge_analyses, part_terms
from convcalc.model.operators.contract import (
    DYNAMIC,
    ELEMENTWISE,
    FACTORS,
    NOTHING,
    OUTPUT,
    Analysis,
    Operator,
    Problem,
    Term,
    operator,
)
from convcalc.model.ops.activation.relu import Relu
from convcalc.model.ops.convolution.linear import Linear
from convcalc.model.ops.region._roi import SampledRoi
from convcalc.model.quantities.formula import formula
from convcalc.model.quantities.shape import Shape

HIDDEN = 1024


@operator
class DeformRoiPool(SampledRoi):
    """The pooling with its layers for the offsets; see the module's docstring."""

    modulated: bool = fields.flag("whether each bin is also weighted by a learned mask", False)
    offset_head: str = fields.word(
        ("official", "mmcv"), "whose fully connected layers make the offsets", "official"
    )
    deform_fc_channels: int | None = fields.integer(
        f"channels of the hidden layers, {HIDDEN} if not given; official has none unless modulated",
        None,
        minimum=1,
    )

    def check(self, inputs: Sequence[Shape]) -> Iterator[Problem]:
        """Hidden layers must exist to have channels."""
        yield from super().check(inputs)
        single = self.offset_head == "official" and not self.modulated
        if single and self.deform_fc_channels is not None:
            message = "deform_fc_channels has no layer: offset_head official is a single one"
            advice = "offset_head mmcv, or modulated true"
            yield Problem("unsupported-combination", "deform_fc_channels", message, advice)

    def analyse(self, inputs: Sequence[Shape]) -> Analysis:
        """Two poolings, and between them the layers that see each RoI as one vector."""
        (x,) = inputs
        pooled = self.average_samples(x, x.channels)
        vector = Shape(pooled.output.batch, vector_channels(x.channels, self.bins))
        branches = [analyse_chain(parts, vector, "plain") for parts in self._branches(x.rank)]
        ends = [branch.parts[-1].name for branch in branches]
        masks = Shape(vector.batch, self.bins)
        sigmoid = Term("sigmoid", ELEMENTWISE, masks.numel)
        modulation = Term("modulation", DYNAMIC, pooled.output.numel)
        plain = part_terms("plain", pooled.terms)
        moved = function("pool", (0, ends[0]), pooled.output, *pooled.terms)
        return merge_analyses(
            pooled.output,
            pooled.axes,
            function("plain", (0,), pooled.output, *plain, keeps=NOTHING),
            *branches,
            *[function("sigmoid", ends[-1:], masks, sigmoid, keeps=OUTPUT)][: self.modulated],
            moved,
            *[
                function(
                    "modulation", ("pool", "sigmoid"), pooled.output, modulation, keeps=FACTORS
                )
            ][: self.modulated],
        )

    def _branches(self, rank: int) -> Sequence[Mapping[str, Operator]]:
        """The layers that read the pooled RoI, one mapping per branch."""
        offsets, masks = bin_offsets(rank, self.bins), self.bins
        if self.offset_head == "mmcv":
            offset = self._layers("offset.", 2, "offset.fc3", offsets)
            return (offset, self._layers("mask.", 1, "mask.fc2", masks))[: 1 + self.modulated]
        if self.modulated:
            return (self._layers("", 2, "offset_mask", bin_numbers(rank, self.bins)),)
        return (self._layers("", 0, "offset", offsets),)

    def _layers(self, prefix: str, hidden: int, last: str, channels: int) -> dict[str, Operator]:
        """Hidden layers with their activations, then the last layer."""
        parts: dict[str, Operator] = {}
        for index in range(1, hidden + 1):
            width = self.deform_fc_channels or HIDDEN
            parts[f"{prefix}fc{index}"] = Linear(out_channels=width)
            parts[f"{prefix}relu{index}"] = Relu()
        return parts | {last: Linear(out_channels=channels)}


@formula
def bin_offsets(rank: int, bins: int) -> int:
    """One offset per axis and bin."""
    return rank * bins


@formula
def bin_numbers(rank: int, bins: int) -> int:
    """Offsets and a factor for each bin."""
    return (rank + 1) * bins


@formula
def vector_channels(in_channels: int, bins: int) -> int:
    """A pooled RoI as one vector."""
    return in_channels * bins
