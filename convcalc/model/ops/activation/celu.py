"""Continuously differentiable exponential linear unit.

    max(0, x) + min(0, alpha·(exp(x / alpha) - 1))

Counts one elementwise operation per output element, no MACs, no parameters.

Source: PyTorch ``torch.nn.CELU``; Barron, arXiv 1704.07483.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from convcalc.model.operators import fields
from convcalc.model.operators.contract import EITHER, Problem, operator
from convcalc.model.ops.activation._activation import Activation
from convcalc.model.quantities.shape import Shape


@operator
class Celu(Activation):
    """The activation; see the module's docstring."""

    keeps = EITHER

    alpha: float = fields.number("minus the value far below zero; not 0", 1.0)

    def check(self, inputs: Sequence[Shape]) -> Iterator[Problem]:
        """Alpha divides, so it cannot be 0."""
        if self.alpha == 0:
            yield Problem("out-of-range", "alpha", "alpha is 0, but x is divided by it", "use 1.0")
