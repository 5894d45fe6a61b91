"""ReLU that is capped at 6, as MobileNets use it: min(max(0, x), 6).

Counts one elementwise operation per output element, no MACs, no parameters.

Source: PyTorch ``torch.nn.ReLU6``; Howard et al., arXiv 1704.04861.
"""

from __future__ import annotations

from convcalc.model.operators.contract import operator
from convcalc.model.ops.activation._activation import Activation


@operator
class Relu6(Activation):
    """The activation; see the module's docstring."""
