"""The positions that convcalc says are read, one by one."""

from __future__ import annotations

from typing import Any

from convcalc.analysis.receptive_field.domains import Bits
from convcalc.analysis.receptive_field.preimage import positions

Position = tuple[int, ...]


def members(bits: Bits | None) -> set[int]:
    """The positions on one axis."""
    return set() if bits is None else set(positions(bits))


def listed(region: Any, rank: int) -> set[Position]:
    """Every position of a region."""
    if region is None:
        return set()
    if rank == 1:
        return {(x,) for x in positions(region)}
    return {
        (x, *rest)
        for bits, inner in region
        for x in positions(bits)
        for rest in listed(inner, rank - 1)
    }
