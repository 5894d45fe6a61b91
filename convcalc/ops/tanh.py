"""Hyperbolic tangent: (exp(x) - exp(-x)) / (exp(x) + exp(-x)).

Counts one elementwise operation per output element, no MACs, no parameters.

Source: PyTorch ``torch.nn.Tanh``.
"""

from __future__ import annotations

from dataclasses import dataclass

from convcalc.ops._activation import Activation


@dataclass(frozen=True, kw_only=True)
class Tanh(Activation):
    """The activation; see the module's docstring."""
