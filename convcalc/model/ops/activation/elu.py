"""Exponential linear unit: x if x > 0 else alpha·(exp(x) - 1).

Counts one elementwise operation per output element, no MACs, no parameters.

Source: PyTorch ``torch.nn.ELU``; Clevert et al., arXiv 1511.07289.
"""

from __future__ import annotations

from convcalc.model.operators import fields
from convcalc.model.operators.contract import EITHER, operator
from convcalc.model.ops.activation._activation import Activation


@operator
class Elu(Activation):
    """The activation; see the module's docstring."""

    keeps = EITHER

    alpha: float = fields.number("minus the value far below zero", 1.0)
