"""Scale: each element is multiplied by a learned number, one per channel or one for all.

    y = x · weight      weight = (in_channels,), or (1,) with per: tensor

One elementwise operation per output element; no MACs. Positions do not mix. ``layer_scale`` is the
same per channel, by the name that it has in residual branches; ``shift`` adds instead. One number
for the whole tensor is the scale of FCOS's regression, one per level of the pyramid, or ReZero's
weight of a branch; numbers per channel follow a norm in residual-free networks or a convolution
when they are exported. A map of numbers is a ``parameter`` and a ``mul``.

Source: PyTorch ``torch.mul`` with a parameter; Tian et al., "FCOS", arXiv 1904.01355, section 3.2;
Bachlechner et al., "ReZero", arXiv 2003.04887.
"""

from __future__ import annotations

from collections.abc import Sequence

from convcalc.model.operators import fields
from convcalc.model.operators.contract import (
    ELEMENTWISE,
    LEARNED,
    Analysis,
    Operator,
    Term,
    operator,
)
from convcalc.model.operators.work import pointwise_analysis
from convcalc.model.ops.norm._norm import learned_numbers
from convcalc.model.quantities.shape import Shape


@operator
class Scale(Operator):
    """The scale; see the module's docstring."""

    in_place = True
    keeps = LEARNED

    per: str = fields.word(("channel", "tensor"), "what has a number of its own", "channel")

    def analyse(self, inputs: Sequence[Shape]) -> Analysis:
        """One product per element."""
        (x,) = inputs
        weights = {"weight": learned_numbers(self.per, x)}
        return pointwise_analysis(x, Term("scale", ELEMENTWISE, x.numel), weights=weights)
