"""Softsign: x / (1 + |x|).

Counts one elementwise operation per output element, no MACs, no parameters.

Source: PyTorch ``torch.nn.Softsign``.
"""

from __future__ import annotations

from collections.abc import Sequence

from convcalc.model.operators.contract import Kept, operator
from convcalc.model.ops.activation._activation import Activation
from convcalc.model.quantities.shape import Shape


@operator
class Softsign(Activation):
    """The activation; see the module's docstring."""

    def kept(self, inputs: Sequence[Shape], output: Shape) -> Kept:
        """The divisor 1 + abs(x)."""
        return Kept(output.numel)
