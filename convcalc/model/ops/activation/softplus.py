"""Smooth ReLU: ln(1 + exp(beta·x)) / beta, and x itself where beta·x > threshold.

Counts one elementwise operation per output element, no MACs, no parameters.

Source: PyTorch ``torch.nn.Softplus``.
"""

from __future__ import annotations

from convcalc.model.operators import fields
from convcalc.model.operators.contract import operator
from convcalc.model.ops.activation._activation import Activation


@operator
class Softplus(Activation):
    """The activation; see the module's docstring."""

    beta: float = fields.number("sharpness of the bend", 1.0)
    threshold: float = fields.number("value of beta·x above which the function is linear", 20.0)
