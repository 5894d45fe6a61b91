"""RMS norm: each position is divided by the root mean square of its channels.

    y = x / sqrt(mean of x^2 over the channels + eps) · weight
    weight = (in_channels,) if affine

A layer norm that subtracts no mean and adds no shift. Counts two elementwise operations per output
element, the products with the inverse root and with the weight, with or without affine, as every
norm; the statistics are left out. No MACs. Positions do not mix.

Common mistakes: it has half the parameters of a ``layer_norm``. PyTorch's acts on the last axis of
a channels-last tensor, this on the channels.

Source: PyTorch ``torch.nn.RMSNorm``; Zhang & Sennrich, arXiv 1910.07467, equation 4.
"""

from __future__ import annotations

from collections.abc import Sequence

from convcalc.model.geometry.channel_maps import MIXED
from convcalc.model.operators import fields
from convcalc.model.operators.contract import Analysis, Kept, Operator, operator
from convcalc.model.operators.work import pointwise_analysis
from convcalc.model.ops.norm._norm import norm_term
from convcalc.model.quantities.shape import Shape


@operator
class RmsNorm(Operator):
    """The norm; see the module's docstring."""

    affine: bool = fields.flag("whether a learned scale follows", True)

    def analyse(self, inputs: Sequence[Shape]) -> Analysis:
        """Each element from itself and the energy of its position."""
        (x,) = inputs
        weights = {"weight": (x.channels,)} if self.affine else {}
        return pointwise_analysis(x, norm_term(x), weights=weights, channels=(MIXED,))

    def kept(self, inputs: Sequence[Shape], output: Shape) -> Kept:
        """The inverse root of each position."""
        return Kept(output.batch * output.positions)
