"""Measures of a set of positions on one axis: extent, holes, spacing, overlap and spread."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from math import gcd, sqrt
from typing import NamedTuple

from convcalc.analysis.receptive_field.domains import Bits
from convcalc.analysis.receptive_field.preimage import positions

CORE = 0.9545  # the share of a normal distribution within two standard deviations


def extent_of(seen: Bits) -> int:
    """The number of positions from the first to the last, both included."""
    return seen[1].bit_length()


def center_of(seen: Bits) -> Fraction:
    """The midpoint between the first and the last position."""
    return seen[0] + Fraction(extent_of(seen) - 1, 2)


def coverage(seen: Bits) -> Fraction:
    """The share of the extent that is read."""
    return Fraction(seen[1].bit_count(), extent_of(seen))


def holes(seen: Bits) -> tuple[int, ...]:
    """The positions within the extent that are not read."""
    first, bits = seen
    missing = ~bits & ((1 << bits.bit_length()) - 1)
    return tuple(positions((first, missing))) if missing else ()


class Distance(NamedTuple):
    """How far a hole is from the center; ``mirrored`` where there is one on the other side too."""

    value: Fraction
    mirrored: bool


def nearest_holes(seen: Bits, most: int) -> tuple[list[Distance], int]:
    """The holes nearest to the center, ``most`` of them, and how many are left.

    A hole and its mirror image are one. Sets of millions of positions take no loop over them.
    """
    read = f"{seen[1]:b}"[::-1]
    half = len(read) // 2
    left, right = read[:half][::-1], read[len(read) - half :]  # from the center outward
    start = Fraction(1 + len(read) % 2, 2)
    found = [Distance(Fraction(0), False)] if read[half : len(read) - half] == "0" else []
    lost = len(found) + left.count("0") + right.count("0") - _both_zero(left, right)
    at = 0
    while len(found) < min(most, lost):
        places = [place for side in (left, right) if (place := side.find("0", at)) >= 0]
        at = min(places)
        sides = [left[at] == "0", right[at] == "0"]
        value = start + at if sides[1] else -start - at
        found.append(Distance(value, all(sides)))
        at += 1
    return found, lost - len(found)


def _both_zero(a: str, b: str) -> int:
    """In how many places two binary strings of equal length are both 0."""
    return len(a) - (int(a, 2) | int(b, 2)).bit_count() if a else 0


def spacing(seen: Bits) -> int:
    """The greatest distance that divides all distances between positions that are read.

    Above 1 the layer reads a coarser grid only, and outputs that are not a multiple of it apart
    share nothing (gridding). 1 for a single position.
    """
    if seen[1] & seen[1] >> 1:
        return 1
    found, rest = 0, ""
    text = f"{seen[1]:b}"[1:]
    for start in range(0, len(text), _AT_ONCE):  # sets of millions of positions take no loop
        *gaps, rest = (rest + text[start : start + _AT_ONCE]).split("1")
        found = gcd(found, *{len(gap) + 1 for gap in gaps})
    return found or 1


_AT_ONCE = 1 << 16  # characters


def overlap(one: Bits, other: Bits) -> Fraction:
    """The share of the positions that two outputs read which both of them read."""
    (first, bits), (second, others) = sorted([one, other])
    common = (bits >> (second - first) & others).bit_count()  # they may lie far apart
    return Fraction(common, bits.bit_count() + others.bit_count() - common)


class Spread(NamedTuple):
    """How far the influence is spread: standard deviation, and how many positions hold 95.45 % of
    it; None where that is not known."""

    deviation: float
    core: int | None


def spread(shares: Sequence[float]) -> Spread:
    """The spread of the shares of neighbouring positions, which add up to 1.

    The core is what remains when the same share, 2.275 %, is cut off at either end.
    """
    mean = sum(index * share for index, share in enumerate(shares))
    variance = sum((index - mean) ** 2 * share for index, share in enumerate(shares))
    cut = (1 - CORE) / 2
    return Spread(sqrt(variance), len(shares) - _tail(shares, cut) - _tail(shares[::-1], cut))


def _tail(shares: Sequence[float], cut: float) -> int:
    """How many positions at the start hold less than ``cut`` together."""
    total = 0.0
    for index, share in enumerate(shares):
        total += share
        if total > cut:
            return index
    return 0
