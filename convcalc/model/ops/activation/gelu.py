"""Gaussian error linear unit.

    x·Phi(x), with Phi the distribution function of the normal distribution

Counts one elementwise operation per output element, no MACs, no parameters.
``approximate: tanh`` is the faster approximation; it counts the same.

Source: PyTorch ``torch.nn.GELU``; Hendrycks & Gimpel, arXiv 1606.08415.
"""

from __future__ import annotations

from convcalc.model.operators import fields
from convcalc.model.operators.contract import operator
from convcalc.model.ops.activation._activation import Activation


@operator
class Gelu(Activation):
    """The activation; see the module's docstring."""

    approximate: str = fields.word(("none", "tanh"), "how Phi is computed", "none")
