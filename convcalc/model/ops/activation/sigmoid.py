"""Logistic function: 1 / (1 + exp(-x)).

Counts one elementwise operation per output element, no MACs, no parameters.
As a gate it is followed by ``mul``.

Source: PyTorch ``torch.nn.Sigmoid``.
"""

from __future__ import annotations

from convcalc.model.operators.contract import OUTPUT, operator
from convcalc.model.ops.activation._activation import Activation


@operator
class Sigmoid(Activation):
    """The activation; see the module's docstring."""

    keeps = OUTPUT
