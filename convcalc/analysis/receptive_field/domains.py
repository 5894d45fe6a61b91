"""Representations of the input positions that one output position sees.

The same walk over the graph computes them all: it shifts what is seen, and forms unions over the
taps of a window and over branches. A hull keeps the first and the last position, a support every
position, and paths how many ways lead to each. Rounded representations are in
:mod:`convcalc.analysis.receptive_field.weights`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, TypeVar

from convcalc.diagnostics.work import current
from convcalc.errors import Error
from convcalc.model.quantities.formula import formula

V = TypeVar("V")


class Kind(Protocol[V]):
    """One representation: how to shift it, and how to form unions."""

    start: V  # what position 0 of the input sees of the input
    outer_only: bool  # whether the outermost taps of a layer decide
    repeats: bool  # whether it matters how often the same is united
    is_exact: bool  # whether unions of unions are those of all their parts

    def shift(self, seen: V, by: int) -> V:
        """Return what is seen, shifted by a number of input positions."""

    def union(self, parts: Sequence[V]) -> V:
        """The union of one or more parts."""

    def window(self, seen: V, step: int, count: int) -> V:
        """The union of ``count`` copies, each ``step`` input positions after the previous one."""


class _Hulls:
    """First and last position."""

    start = (0, 0)
    outer_only = True
    repeats = False
    is_exact = True

    def shift(self, seen: tuple[int, int], by: int) -> tuple[int, int]:
        return seen[0] + by, seen[1] + by

    def union(self, parts: Sequence[tuple[int, int]]) -> tuple[int, int]:
        low, high = parts[0]
        for lo, hi in parts:
            low = lo if lo < low else low
            high = hi if hi > high else high
        return low, high

    def window(self, seen: tuple[int, int], step: int, count: int) -> tuple[int, int]:
        return seen[0], seen[0] + field_after(seen[1] - seen[0] + 1, count, step, 1) - 1


@formula
def field_after(receptive_field: int, kernel_size: int, dilation: int, jump: int) -> int:
    """The extent that a window sees, if a position that it reads sees ``receptive_field`` positions
    of the input and neighbours lie ``jump`` apart.
    """
    return receptive_field + dilation * (kernel_size - 1) * jump


MOST_BITS = 1 << 24  # of one set or of all counts together; positions, for a set


class TooWide(Error):
    """A representation needs more memory or time than allowed; the message names it."""


def _check_size(bits: int, what: str) -> None:
    """Raise TooWide if ``bits`` is above the limit."""
    if bits > MOST_BITS:
        raise TooWide(f"{what} would take more than {MOST_BITS:,} bits")


def _spend(bits: int) -> None:
    """Spend the work of going over so many bits."""
    if bits > _LARGE:
        current().spend(bits // _LARGE, "position sets")


_LARGE = 4096  # bits that take as long to go over as a unit of work


Bits = tuple[int, int]  # a set of positions: the first, and a bit for each from there on


class _Supports:
    """Every position that is read."""

    start = (0, 1)
    outer_only = False
    repeats = False
    is_exact = True

    def shift(self, seen: Bits, by: int) -> Bits:
        return seen[0] + by, seen[1]

    def union(self, parts: Sequence[Bits]) -> Bits:
        first = min(lo for lo, _ in parts)
        bits = 0
        _check_size(max(lo for lo, _ in parts) - first, "its positions")
        for lo, mask in parts:
            bits |= mask << (lo - first)
            _spend(bits.bit_length())
        return first, bits

    def window(self, seen: Bits, step: int, count: int) -> Bits:
        lo, bits = seen
        have = 1
        size = bits.bit_length() + step * (count - 1)
        _check_size(size, "its positions")
        _spend(3 * size)
        while have < count:  # twice as many copies each time
            more = min(have, count - have)
            bits |= bits << (step * more)
            have += more
        return lo, bits


class _Totals:
    """The number of paths to all positions together: how large their counts can become."""

    start = 1
    outer_only = False
    repeats = True
    is_exact = True

    def shift(self, seen: int, by: int) -> int:
        return seen

    def union(self, parts: Sequence[int]) -> int:
        return sum(parts)

    def window(self, seen: int, step: int, count: int) -> int:
        return seen * count


class Paths:
    """How many paths lead to each position: the first one, and the counts in one integer.

    Every count has ``width`` bits of it, so that a sum of shifted integers adds all counts at
    once (Kronecker's substitution); no count may reach 2^width.
    """

    start = (0, 1)
    outer_only = False
    repeats = True
    is_exact = True

    def __init__(self, width: int) -> None:
        self.width = width

    def shift(self, seen: tuple[int, int], by: int) -> tuple[int, int]:
        return seen[0] + by, seen[1]

    def union(self, parts: Sequence[tuple[int, int]]) -> tuple[int, int]:
        first = min(lo for lo, _ in parts)
        _check_size(self.width * (max(lo for lo, _ in parts) - first), "its path counts")
        found = 0
        for lo, counts in parts:
            found += counts << ((lo - first) * self.width)
            _spend(found.bit_length())
        return first, found

    def window(self, seen: tuple[int, int], step: int, count: int) -> tuple[int, int]:
        shift = step * self.width
        size = seen[1].bit_length() + shift * (count - 1)
        _check_size(size, "its path counts")
        _spend(3 * size)
        return seen[0], self._repeat(seen[1], shift, count)

    def _repeat(self, counts: int, shift: int, count: int) -> int:
        if count == 1:
            return counts
        half = self._repeat(counts, shift, count // 2)
        twice = half + (half << (shift * (count // 2)))
        return (twice << shift) + counts if count % 2 else twice

    def counts(self, seen: tuple[int, int]) -> list[int]:
        """The count of each position from the first to the last."""
        size = self.width // 8
        data = seen[1].to_bytes(-(-seen[1].bit_length() // self.width) * size, "little")
        return [int.from_bytes(data[i : i + size], "little") for i in range(0, len(data), size)]


HULLS = _Hulls()
SUPPORTS = _Supports()
TOTALS = _Totals()
