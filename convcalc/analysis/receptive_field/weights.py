"""Rounded representations: the weight of each position, where there are too many paths to count.

They are computed like the exact ones of :mod:`convcalc.analysis.receptive_field.domains`, but
never decide which positions are read.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate
from typing import NamedTuple

from convcalc.analysis.receptive_field.domains import TooWide

MOST_SUMS = 1 << 23  # of one walk: a second or two

Shares = tuple[int, tuple[float, ...]]  # the first position, and a number for each from there on


class Weights:
    """The share of each position in the output, if all taps and all branches weigh the same.

    One object serves one walk, which may take ``MOST_SUMS`` additions in all.
    """

    start: Shares = (0, (1.0,))
    outer_only = False
    repeats = True
    is_exact = False

    def __init__(self) -> None:
        self.sums = 0

    def shift(self, seen: Shares, by: int) -> Shares:
        return seen[0] + by, seen[1]

    def union(self, parts: Sequence[Shares]) -> Shares:
        if len(parts) == 1:
            return parts[0]
        self.charge(sum(len(shares) for _, shares in parts))
        return _weighted_sum([(lo, shares, 1 / len(parts)) for lo, shares in parts])

    def window(self, seen: Shares, step: int, count: int) -> Shares:
        lo, shares = seen
        if count == 1 or step == 0:
            return seen
        self.charge(len(shares) + step * (count - 1))
        total = [0.0] * (len(shares) + step * (count - 1))
        for phase in range(min(step, len(shares))):  # neighbours within a phase are one step apart
            total[phase::step] = _moving_means(shares[phase::step], count)
        return lo, tuple(total)

    def charge(self, sums: int) -> None:
        """Add to the number of additions of this walk; raises TooWide above MOST_SUMS."""
        self.sums += sums
        if self.sums > MOST_SUMS:
            raise TooWide(f"its shares would take more than {MOST_SUMS:,} additions")


class Additions:
    """The additions that the shares of a walk take, counted without making them: the first
    position and how many there are. Raises TooWide where :class:`Weights` does."""

    start = (0, 1)
    outer_only = False
    repeats = True
    is_exact = False

    def __init__(self) -> None:
        self.weights = Weights()

    def shift(self, seen: tuple[int, int], by: int) -> tuple[int, int]:
        return seen[0] + by, seen[1]

    def union(self, parts: Sequence[tuple[int, int]]) -> tuple[int, int]:
        if len(parts) == 1:
            return parts[0]
        self.weights.charge(sum(count for _, count in parts))
        first = min(lo for lo, _ in parts)
        return first, max(lo + count for lo, count in parts) - first

    def window(self, seen: tuple[int, int], step: int, count: int) -> tuple[int, int]:
        if count == 1 or step == 0:
            return seen
        size = seen[1] + step * (count - 1)
        self.weights.charge(size)
        return seen[0], size


def _moving_means(values: Sequence[float], count: int) -> list[float]:
    """The mean over each window of ``count`` values, zeros beyond both ends."""
    if count <= 4:  # no rounding from differences of long sums
        padded = [0.0] * (count - 1)
        columns = [[*padded[:t], *values, *padded[t:]] for t in range(count)]
        return [sum(column) / count for column in zip(*columns, strict=True)]
    sums = [0.0, *accumulate(values)]
    last, n = sums[-1], len(values)
    return [
        ((sums[i + 1] if i < n else last) - (sums[i + 1 - count] if i + 1 > count else 0.0)) / count
        for i in range(n + count - 1)
    ]


class Moments(NamedTuple):
    """Mean and variance of the position."""

    mean: float
    variance: float


class _Moments:
    """Mean and variance of the weights, without the share of each position: a
    window of n taps, d apart, adds d²·(n² - 1)/12 to the variance."""

    start = Moments(0.0, 0.0)
    outer_only = False
    repeats = True
    is_exact = False

    def shift(self, seen: Moments, by: int) -> Moments:
        return seen._replace(mean=seen.mean + by)

    def union(self, parts: Sequence[Moments]) -> Moments:
        mean = sum(part.mean for part in parts) / len(parts)
        spread = sum(part.variance + (part.mean - mean) ** 2 for part in parts)
        return Moments(mean, spread / len(parts))

    def window(self, seen: Moments, step: int, count: int) -> Moments:
        return Moments(
            seen.mean + step * (count - 1) / 2,
            seen.variance + step * step * (count * count - 1) / 12,
        )


class Ways(NamedTuple):
    """Paths as shares of all: the first position, the share of each, how many paths there are."""

    first: int
    shares: tuple[float, ...]
    paths: int


class Rounded:
    """Paths where there are too many to count each position's exactly: shares, rounded; the
    smallest may be 0. One object serves one walk."""

    start = Ways(0, (1.0,), 1)
    outer_only = False
    repeats = True
    is_exact = False

    def __init__(self) -> None:
        self.weights = Weights()

    def shift(self, seen: Ways, by: int) -> Ways:
        return seen._replace(first=seen.first + by)

    def union(self, parts: Sequence[Ways]) -> Ways:
        self.weights.charge(sum(len(part.shares) for part in parts))
        paths = sum(part.paths for part in parts)
        heavy = [(part.first, part.shares, part.paths / paths) for part in parts]
        return Ways(*_weighted_sum(heavy), paths)

    def window(self, seen: Ways, step: int, count: int) -> Ways:
        first, shares = self.weights.window((seen.first, seen.shares), step, count)
        return Ways(first, shares, seen.paths * count)


def _weighted_sum(parts: Sequence[tuple[int, Sequence[float], float]]) -> Shares:
    """The sum of shares, each times its weight."""
    first = min(lo for lo, _, _ in parts)
    total = [0.0] * (max(lo + len(shares) for lo, shares, _ in parts) - first)
    for lo, shares, weight in parts:
        for index, share in enumerate(shares, lo - first):
            total[index] += weight * share
    return first, tuple(total)


MOMENTS = _Moments()
