"""Mish: x·tanh(ln(1 + exp(x))).

Counts one elementwise operation per output element, no MACs, no parameters.

Source: PyTorch ``torch.nn.Mish``; Misra, arXiv 1908.08681.
"""

from __future__ import annotations

from convcalc.model.operators.contract import operator
from convcalc.model.ops.activation._activation import Activation


@operator
class Mish(Activation):
    """The activation; see the module's docstring."""
