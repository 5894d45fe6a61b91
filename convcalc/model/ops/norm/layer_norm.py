"""Layer norm: each position is normalised over its channels, or each sample over everything.

    y = (x - mean) / sqrt(variance + eps) · weight + bias
    weight, bias = (in_channels,)            by default
    weight, bias = (in_channels, *size)      with spatial: true

Counts two elementwise operations per output element, with or without affine. No MACs.

By default mean and variance are those of the channels at one position, as in
``torch.nn.LayerNorm(C)`` on channels-last tensors and in ConvNeXt's LayerNorm2d: positions do
not mix. With ``spatial: true`` they are those of all channels and positions, as in
``torch.nn.LayerNorm([C, H, W])``: every output depends on the whole input, and the parameters
grow with the size of the image. Over channels and positions, but with one weight per channel,
is ``group_norm`` with groups 1.

Source: PyTorch ``torch.nn.LayerNorm``; Ba et al., arXiv 1607.06450; Liu et al., arXiv 2201.03545.
"""

from __future__ import annotations

from collections.abc import Sequence

from convcalc.model.geometry.axis_maps import IDENTITY, Whole
from convcalc.model.geometry.channel_maps import MIXED
from convcalc.model.operators import fields
from convcalc.model.operators.contract import Analysis, Kept, Operator, operator
from convcalc.model.ops.norm._norm import norm_term, normalised_by
from convcalc.model.quantities.shape import Shape


@operator
class LayerNorm(Operator):
    """Layer norm; see the module's docstring."""

    spatial: bool = fields.flag("normalise over the positions too, not the channels alone", False)
    affine: bool = fields.affine()
    bias: bool = fields.flag("whether the affine part has a shift, not a scale alone", True)

    def analyse(self, inputs: Sequence[Shape]) -> Analysis:
        """Each element from itself and the statistics of its position or sample."""
        (x,) = inputs
        normalised = (x.channels, *(x.spatial if self.spatial else ()))
        learned = ("weight", "bias") if self.bias else ("weight",)
        return Analysis(
            x,
            ((Whole(IDENTITY) if self.spatial else IDENTITY,) * x.rank,),
            (norm_term(x),),
            dict.fromkeys(learned, normalised) if self.affine else {},
            channels=(normalised_by(1, x) if self.spatial else MIXED,),
        )

    def kept(self, inputs: Sequence[Shape], output: Shape) -> Kept:
        """Mean and deviation of each position."""
        return Kept(2 * output.batch * output.positions)
