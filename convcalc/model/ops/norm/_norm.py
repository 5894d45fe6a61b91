"""What all norms share: two operations per element, and a learned scale and shift."""

from __future__ import annotations

from collections.abc import Mapping

from convcalc.model.operators.contract import ELEMENTWISE, Term
from convcalc.model.operators.work import work
from convcalc.model.quantities.shape import Shape


def norm_term(output: Shape) -> Term:
    """Two operations per output element, one subtraction and one scaling, as fvcore counts."""
    return Term("norm", ELEMENTWISE, work(2, output.numel))


def per_channel(affine: bool, channels: int) -> Mapping[str, tuple[int, ...]]:
    """Scale and shift of each channel, if there are any."""
    return {"weight": (channels,), "bias": (channels,)} if affine else {}
