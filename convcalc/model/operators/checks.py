"""Checks that many operators share."""

from __future__ import annotations

from collections.abc import Iterator

from convcalc.model.geometry.sizes import axis_names
from convcalc.model.operators.contract import (
    Problem,
)
from convcalc.model.quantities.shape import Shape


def divisors(number: int) -> str:
    """A help text that lists the divisors of a channel count."""
    found = [str(d) for d in range(1, min(number, 4096) + 1) if number % d == 0]
    shown = found if len(found) <= 12 else [*found[:10], "…", found[-1]]
    return f"divisors of {number}: {', '.join(shown)}"


def missing_axis(axis: str, x: Shape, field: str = "axis") -> Iterator[Problem]:
    """Yields a problem if a tensor has no axis of that name."""
    names = axis_names(x.rank)
    if axis not in names:
        message = f"{field} {axis}, but {x} has {', '.join(names)}"
        yield Problem("wrong-rank", field, message, f"one of {', '.join(names)}", 0)


def uneven_groups(
    groups: int, channels: int, what: str, field: str = "groups"
) -> Iterator[Problem]:
    """Yields a problem if ``groups`` does not divide a channel count, which ``what`` names."""
    if channels % groups:
        message = f"{field} {groups} does not divide {what} {channels}"
        source = 0 if what == "in_channels" else -1
        yield Problem("does-not-divide", field, message, divisors(channels), source)
