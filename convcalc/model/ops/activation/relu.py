"""Rectified linear unit: max(0, x).

Counts one elementwise operation per output element, no MACs, no parameters.

Source: PyTorch ``torch.nn.ReLU``; Nair & Hinton, ICML 2010.
"""

from __future__ import annotations

from convcalc.model.operators.contract import OUTPUT, operator
from convcalc.model.ops.activation._activation import Activation


@operator
class Relu(Activation):
    """The activation; see the module's docstring."""

    keeps = OUTPUT
