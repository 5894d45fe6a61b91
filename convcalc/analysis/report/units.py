"""Convert elements to bytes and MACs to FLOPs."""

from __future__ import annotations

from convcalc.model.quantities.formula import formula
from convcalc.model.quantities.number_text import DTYPES


def byte_count(elements: int, dtype: str) -> int:
    """Bytes that ``elements`` of a type take, rounded up to whole bytes."""
    return whole_bytes(elements, DTYPES[dtype])


@formula
def whole_bytes(elements: int, bits: int) -> int:
    """Bytes of so many elements, rounded up."""
    return -(-(elements * bits) // 8)


@formula
def flop_count(macs: int) -> int:
    """A multiplication and an addition each."""
    return 2 * macs
