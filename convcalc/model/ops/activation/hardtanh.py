"""Piecewise linear tanh: min(max(x, min_val), max_val).

Counts one elementwise operation per output element, no MACs, no parameters.
``relu6`` is this with bounds 0 and 6.

Source: PyTorch ``torch.nn.Hardtanh``.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from convcalc.model.operators import fields
from convcalc.model.operators.contract import Problem, operator
from convcalc.model.ops.activation._activation import Activation
from convcalc.model.quantities.shape import Shape


@operator
class Hardtanh(Activation):
    """The activation; see the module's docstring."""

    min_val: float = fields.number("the least value that passes", -1.0)
    max_val: float = fields.number("the greatest value that passes", 1.0)

    def check(self, inputs: Sequence[Shape]) -> Iterator[Problem]:
        """The bounds must be in order."""
        if self.max_val <= self.min_val:
            message = f"max_val {self.max_val} is not above min_val {self.min_val}"
            yield Problem("out-of-range", "max_val", message, f"a max_val above {self.min_val}")
