"""Layer scale: each channel is multiplied by a learned number.

    y = x · weight      per channel;   weight = (in_channels,)

One elementwise operation per output element; no MACs. Positions do not mix. It is at the end
of a residual branch, initialised with a small number such as 10^-6.

Common mistake: it is folded into the layer before it when a network is exported, which then has
in_channels fewer parameters.

Source: Touvron et al., "Going deeper with image transformers", arXiv 2103.17239, equation 4;
Liu et al., "ConvNeXt", arXiv 2201.03545.
"""

from __future__ import annotations

from collections.abc import Sequence

from convcalc.model.operators.contract import (
    ELEMENTWISE,
    LEARNED,
    Analysis,
    Operator,
    Term,
    operator,
)
from convcalc.model.operators.work import pointwise_analysis
from convcalc.model.quantities.shape import Shape


@operator
class LayerScale(Operator):
    """The scale; see the module's docstring."""

    keeps = LEARNED

    def analyse(self, inputs: Sequence[Shape]) -> Analysis:
        """One product per element."""
        (x,) = inputs
        return pointwise_analysis(
            x, Term("scale", ELEMENTWISE, x.numel), weights={"weight": (x.channels,)}
        )
