"""Global response norm: channels compete by the energy that they have over the whole image.

    g_c = sqrt(sum of x_c^2 over all positions);   n_c = g_c / (mean of g over the channels + eps)
    y_c = weight_c · x_c · n_c + bias_c + x_c
    weight, bias = (in_channels,) each

Counts two elementwise operations per output element, as every norm: one factor, one summand
(1 + weight_c · n_c is one number per channel and image); the statistics are left out, as for the
other norms. No MACs. Every output depends on all positions, beside its own.

Common mistake: the numbers g are of the image, not learned, so nothing folds into the layer
before it. In ConvNeXt V2 it stands between the two pointwise layers, on four times the
channels: 8·C parameters for a block of C channels.

Source: Woo et al., "ConvNeXt V2", arXiv 2301.00808, section 3; facebookresearch/ConvNeXt-V2,
models/utils.py (gamma and beta there).
"""

from __future__ import annotations

from collections.abc import Sequence

from convcalc.model.geometry.axis_maps import IDENTITY, Whole
from convcalc.model.operators.contract import Analysis, Kept, Operator, operator
from convcalc.model.ops.norm._norm import norm_term, normalised_by, per_channel
from convcalc.model.quantities.shape import Shape


@operator
class GlobalResponseNorm(Operator):
    """The norm; see the module's docstring."""

    ranks = (1, 3)

    def analyse(self, inputs: Sequence[Shape]) -> Analysis:
        """Each element from itself and from its whole image."""
        (x,) = inputs
        axes = ((Whole(IDENTITY),) * x.rank,)
        return Analysis(
            x, axes, (norm_term(x),), per_channel(True, x.channels), channels=(normalised_by(1, x),)
        )

    def kept(self, inputs: Sequence[Shape], output: Shape) -> Kept:
        """The scaled input, two numbers per channel, and the mean of each image."""
        return Kept(output.numel + output.batch * (2 * output.channels + 1))
