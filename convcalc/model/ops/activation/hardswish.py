"""Piecewise linear swish, as MobileNetV3 uses it: x·min(max(0, x + 3), 6) / 6.

Counts one elementwise operation per output element, no MACs, no parameters.

Source: PyTorch ``torch.nn.Hardswish``; Howard et al., arXiv 1905.02244.
"""

from __future__ import annotations

from convcalc.model.operators.contract import operator
from convcalc.model.ops.activation._activation import Activation


@operator
class Hardswish(Activation):
    """The activation; see the module's docstring."""
