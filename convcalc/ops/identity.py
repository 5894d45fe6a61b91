"""The input as it is: no work, no parameters.

Names a tensor, or stands where a branch has no layers.

Source: PyTorch ``torch.nn.Identity``.
"""

from __future__ import annotations

from collections.abc import Sequence

from convcalc.operator import Analysis, Operator, operator, unchanged
from convcalc.shape import Shape


@operator
class Identity(Operator):
    """The identity; see the module's docstring."""

    def analyse(self, inputs: Sequence[Shape]) -> Analysis:
        """The input as it is."""
        return unchanged(inputs[0])
