"""The input as it is: no work, no parameters.

Names a tensor, or takes the place of the layers in an empty branch.

Source: PyTorch ``torch.nn.Identity``.
"""

from __future__ import annotations

from collections.abc import Sequence

from convcalc.model.operators.contract import NOTHING, Analysis, Operator, operator
from convcalc.model.operators.work import pointwise_analysis
from convcalc.model.quantities.shape import Shape


@operator
class Identity(Operator):
    """The identity; see the module's docstring."""

    view = True
    keeps = NOTHING
    passes = True

    def analyse(self, inputs: Sequence[Shape]) -> Analysis:
        """The input as it is."""
        return pointwise_analysis(inputs[0])
