"""Differences that are alike, told as one: the first, how many more, and what explains them."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from fractions import Fraction
from typing import NamedTuple

from convcalc.analysis.agreement.differing import CHANGED, Change, Difference

SIZES = ("out_channels", "in_channels", "elements", "depth_multiplier")  # told by their factor


class Finding(NamedTuple):
    """Differences that are alike; ``factor`` is that of the size that differs in all of them."""

    differences: tuple[Difference, ...]
    factor: Fraction | None = None

    @property
    def first(self) -> Difference:
        """The first of these differences, which is shown."""
        return self.differences[0]

    @property
    def more(self) -> int:
        """The number of differences that are not shown."""
        return len(self.differences) - 1


def explanations(found: Sequence[Finding]) -> Iterator[str]:
    """Yield what one factor explains, a sentence for each."""
    everything = sum(len(each.differences) for each in found)
    for each in found:
        if each.factor is not None:
            key = next(change.key for change in each.first.changes if change.factor)
            count = f"{len(each.differences)} of {everything} differences"
            yield f"one factor {each.factor} in {key} explains {count}"


def findings(differences: Sequence[Difference]) -> list[Finding]:
    """The differences in groups of those that are alike, in the order of the first ones."""
    groups: dict[Hashable, list[Difference]] = {}
    for each in differences:
        groups.setdefault(_likeness(each), []).append(each)
    return [Finding(tuple(group), _factor(group)) for group in groups.values()]


def _likeness(found: Difference) -> Hashable:
    kinds = tuple((unit.kind, unit.traits.get("sizes")) for unit in found.units)
    return found.kind, kinds, found.why, tuple(map(_like, found.changes))


def _like(change: Change) -> Hashable:
    factor = change.factor if change.key in SIZES else None
    return (
        (change.key, repr(change.old), repr(change.new))
        if factor is None
        else (
            change.key,
            factor,
        )
    )


def _factor(group: Sequence[Difference]) -> Fraction | None:
    """The factor of the one size that differs, if that explains several differences."""
    first = group[0]
    if len(group) < 2 or first.kind != CHANGED:
        return None
    factors = {each.factor for each in first.changes if each.key in SIZES}
    return factors.pop() if len(factors) == 1 else None
