"""Problems that many operators can have."""

from __future__ import annotations

from collections.abc import Iterator

from convcalc.model.operators.contract import (
    Problem,
)


def divisors(number: int) -> str:
    """The divisors of a channel count, as a help text lists them."""
    found = [str(d) for d in range(1, min(number, 4096) + 1) if number % d == 0]
    shown = found if len(found) <= 12 else [*found[:10], "…", found[-1]]
    return f"divisors of {number}: {', '.join(shown)}"


def uneven_groups(
    groups: int, channels: int, what: str, field: str = "groups"
) -> Iterator[Problem]:
    """A problem if ``groups`` does not divide a channel count."""
    if channels % groups:
        message = f"{field} {groups} does not divide {what} {channels}"
        source = 0 if what == "in_channels" else -1
        yield Problem("does-not-divide", field, message, divisors(channels), source)
