"""Shift: a learned number is added to each element, one per channel or one for all.

    y = x + bias      bias = (in_channels,), or (1,) with per: tensor

One elementwise operation per output element; no MACs. Positions do not mix. It is the bias of a
layer that has none of its own, such as several convolutions whose sum gets one bias, or the biases
between the layers of Fixup. ``scale`` multiplies instead. A map of numbers, such as a position
embedding, is a ``parameter`` and an ``add``.

Common mistake: in front of a batch norm it does nothing, as the bias of a convolution there.

Source: PyTorch ``torch.add`` with a parameter; Zhang et al., "Fixup", arXiv 1901.09321.
"""

from __future__ import annotations

from collections.abc import Sequence

from convcalc.model.operators import fields
from convcalc.model.operators.contract import (
    ELEMENTWISE,
    NOTHING,
    Analysis,
    Operator,
    Term,
    operator,
)
from convcalc.model.operators.work import pointwise_analysis
from convcalc.model.ops.norm._norm import learned_numbers
from convcalc.model.quantities.shape import Shape


@operator
class Shift(Operator):
    """The shift; see the module's docstring."""

    in_place = True
    keeps = NOTHING
    passes = True

    per: str = fields.word(("channel", "tensor"), "what has a number of its own", "channel")

    def analyse(self, inputs: Sequence[Shape]) -> Analysis:
        """One sum per element."""
        (x,) = inputs
        weights = {"bias": learned_numbers(self.per, x)}
        return pointwise_analysis(x, Term("shift", ELEMENTWISE, x.numel), weights=weights)
