"""Hyperbolic tangent: (exp(x) - exp(-x)) / (exp(x) + exp(-x)).

Counts one elementwise operation per output element, no MACs, no parameters.

Source: PyTorch ``torch.nn.Tanh``.
"""

from __future__ import annotations

from convcalc.model.operators.contract import OUTPUT, operator
from convcalc.model.ops.activation._activation import Activation


@operator
class Tanh(Activation):
    """The activation; see the module's docstring."""

    keeps = OUTPUT
