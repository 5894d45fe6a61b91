"""Piecewise linear sigmoid, the gate of MobileNetV3: min(max(0, x + 3), 6) / 6.

Counts one elementwise operation per output element, no MACs, no parameters.

Source: PyTorch ``torch.nn.Hardsigmoid``; Howard et al., arXiv 1905.02244.
"""

from __future__ import annotations

from convcalc.model.operators.contract import operator
from convcalc.model.ops.activation._activation import Activation


@operator
class Hardsigmoid(Activation):
    """The activation; see the module's docstring."""
