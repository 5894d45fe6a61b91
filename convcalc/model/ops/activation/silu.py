"""Sigmoid linear unit, also called swish: x·sigmoid(x).

Counts one elementwise operation per output element, no MACs, no parameters.

Source: PyTorch ``torch.nn.SiLU``; Ramachandran et al., arXiv 1710.05941.
"""

from __future__ import annotations

from convcalc.model.operators.contract import operator
from convcalc.model.ops.activation._activation import Activation


@operator
class Silu(Activation):
    """The activation; see the module's docstring."""
