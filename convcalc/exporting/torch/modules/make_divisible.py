"""Channels as multiples."""

from __future__ import annotations


def make_divisible(v: float, d: int = 8) -> int:
    """The multiple of d nearest to v, at least d and never below 90 % of v."""
    rounded = max(d, int(v + d / 2) // d * d)
    return rounded + d if rounded < 0.9 * v else rounded
