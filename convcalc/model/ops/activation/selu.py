"""Scaled exponential linear unit: scale·(x if x > 0 else alpha·(exp(x) - 1)).

Counts one elementwise operation per output element, no MACs, no parameters.
scale 1.0507 and alpha 1.6733 are constants of the paper, not fields.

Source: PyTorch ``torch.nn.SELU``; Klambauer et al., arXiv 1706.02515.
"""

from __future__ import annotations

from convcalc.model.operators.contract import EITHER, operator
from convcalc.model.ops.activation._activation import Activation


@operator
class Selu(Activation):
    """The activation; see the module's docstring."""

    keeps = EITHER
