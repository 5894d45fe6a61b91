"""Elementwise maximum of two or more tensors (maxout, max-fusion of branches).

    out = max(x1, x2, ...)      sizes as in ``add``: equal, or 1, or a vector of channels

No parameters; one comparison per output element and operand beyond the first, counted as
elementwise work. It is what ``join: max`` of ``residual`` and ``branches`` means.

Source: PyTorch ``torch.maximum``.
"""

from __future__ import annotations

from convcalc.model.operators.contract import operator
from convcalc.model.ops.joining._broadcast import Broadcast


@operator
class Maximum(Broadcast):
    """The maximum; see the module's docstring."""

    in_place = True

    term = "maximum"
