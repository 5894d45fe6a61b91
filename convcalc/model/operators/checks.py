"""Checks that many operators share."""

from __future__ import annotations

from collections.abc import Iterator

from convcalc.model.operators.contract import (
    Problem,
)


def divisors(number: int) -> str:
    """A help text that lists the divisors of a channel count."""
    found = [str(d) for d in range(1, min(number, 4096) + 1) if number % d == 0]
    shown = found if len(found) <= 12 else [*found[:10], "…", found[-1]]
    return f"divisors of {number}: {', '.join(shown)}"


def uneven_groups(
    groups: int, channels: int, what: str, field: str = "groups"
) -> Iterator[Problem]:
    """Yields a problem if ``groups`` does not divide a channel count, which ``what`` names."""
    if channels % groups:
        message = f"{field} {groups} does not divide {what} {channels}"
        source = 0 if what == "in_channels" else -1
        yield Problem("does-not-divide", field, message, divisors(channels), source)
