"""ReLU with a small fixed slope below zero: x if x >= 0 else negative_slope·x.

Counts one elementwise operation per output element, no MACs, no parameters.
The slope is fixed; ``prelu`` learns it.

Source: PyTorch ``torch.nn.LeakyReLU``; Maas et al., ICML 2013.
"""

from __future__ import annotations

from convcalc.model.operators import fields
from convcalc.model.operators.contract import EITHER, operator
from convcalc.model.ops.activation._activation import Activation


@operator
class LeakyRelu(Activation):
    """The activation; see the module's docstring."""

    keeps = EITHER

    negative_slope: float = fields.number("slope below zero", 0.01)
