"""Sets of positions on several axes, exactly.

A region of one axis is a set of bits. One of several axes is cut along its first axis into
parts whose cross-sections are equal: a tuple of (positions on the first axis, region of the
others), the positions of different parts disjoint. A product of sets is one part; the taps of
ASPP at three rates are four. So a region takes as much room as it has different rows.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import reduce
from typing import Any

from convcalc.analysis.receptive_field.domains import SUPPORTS, Bits
from convcalc.analysis.receptive_field.preimage import trim

Region = Any  # Bits, or a tuple of (Bits, Region of one axis less)
Read = Callable[[Bits], "Bits | None"]


def product(axes: Sequence[Bits]) -> Region:
    """All combinations of positions on each axis."""
    region: Region = axes[-1]
    for bits in reversed(axes[:-1]):
        region = ((bits, region),)
    return region


def map_region(region: Region, reads: Sequence[Read]) -> Region | None:
    """The region that ``region`` reads, with one function per axis; None if it is empty."""
    if len(reads) == 1:
        return reads[0](region)
    done: list[Region] = []
    for bits, inner in region:
        leading, rest = reads[0](bits), map_region(inner, reads[1:])
        if leading is not None and rest is not None:
            done.append(((leading, rest),))
    return reduce(lambda a, b: unite_regions(a, b, len(reads)), done) if done else None


def unite_regions(a: Region, b: Region, rank: int) -> Region:
    """The union of two regions of one rank."""
    if a == b:
        return a
    if rank == 1:
        return SUPPORTS.union([a, b])
    parts: list[tuple[Bits, Region]] = []
    left = list(a)
    for bits, inner in b:
        rest: Bits | None = bits
        remaining = []
        for mine, section in left:
            both = _intersect(mine, rest) if rest is not None else None
            if both is None:
                remaining.append((mine, section))
                continue
            parts.append((both, unite_regions(section, inner, rank - 1)))
            rest = _subtract(rest, both) if rest is not None else None
            if (alone := _subtract(mine, both)) is not None:
                remaining.append((alone, section))
        left = remaining
        if rest is not None:
            parts.append((rest, inner))
    return _merge_sections([*left, *parts])


def _merge_sections(parts: Sequence[tuple[Bits, Region]]) -> Region:
    """A region of these parts, those with equal cross-sections merged."""
    by_section: dict[Region, Bits] = {}
    for bits, section in parts:
        known = by_section.get(section)
        by_section[section] = bits if known is None else SUPPORTS.union([known, bits])
    return tuple((bits, section) for section, bits in by_section.items())


def _intersect(a: Bits, b: Bits) -> Bits | None:
    """The intersection of two sets; None if it is empty."""
    first = max(a[0], b[0])
    return trim((first, a[1] >> (first - a[0]) & b[1] >> (first - b[0])))


def _subtract(a: Bits, b: Bits) -> Bits | None:
    """The first set without the second; None if nothing is left."""
    shift = b[0] - a[0]
    return trim((a[0], a[1] & ~(b[1] << shift if shift >= 0 else b[1] >> -shift)))


def count(region: Region, rank: int) -> int:
    """The number of positions of a region."""
    if rank == 1:
        number: int = region[1].bit_count()
        return number
    return sum(bits[1].bit_count() * count(inner, rank - 1) for bits, inner in region)


def projections(region: Region, rank: int) -> tuple[Bits, ...]:
    """The projection of a region onto each axis: the positions that occur there."""
    if rank == 1:
        return (region,)
    leading = SUPPORTS.union([bits for bits, _ in region])
    inner = [projections(section, rank - 1) for _, section in region]
    return (leading, *(SUPPORTS.union(axis) for axis in zip(*inner, strict=True)))


def volume(region: Region, rank: int) -> int:
    """The number of positions of the bounding box of a region."""
    size = 1
    for _, bits in projections(region, rank):
        size *= bits.bit_length()
    return size


def row(region: Region, rank: int, leading: Sequence[int]) -> Bits | None:
    """The positions on the last axis, given one position on each of the other axes."""
    if rank == 1:
        found: Bits = region
        return found
    for bits, inner in region:
        index = leading[0] - bits[0]
        if index >= 0 and bits[1] >> index & 1:
            return row(inner, rank - 1, leading[1:])
    return None
