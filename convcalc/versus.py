"""Why two conventions give different numbers for a network: the difference, operator by operator.

    differences(network, "thop", "fvcore") -> the items, their sum, and what is left over: 0

An item holds all leaves of one operator that the two conventions count by the same pair of rules.
Compared are the headline numbers, in the units of either, unless others are named
(``calflops.macs``). The items add up to the difference of the totals; ``remainder`` is what they
leave, which is 0 unless a part is unknown.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from convcalc.conventions import Convention, Count, Counted, counted_leaf, number, total
from convcalc.conventions._leaf import Leaf, leaves
from convcalc.graph import Network
from convcalc.shape import known


class Item(NamedTuple):
    """Leaves of one operator: either rule, how many there are, what either gives for them all."""

    operator: str
    ours_rule: str
    theirs_rule: str
    leaves: int
    ours: int
    theirs: int

    @property
    def difference(self) -> int:
        """Ours minus theirs."""
        return self.ours - self.theirs


class Versus(NamedTuple):
    """Two totals and what makes them differ; items that differ most come first, equal ones last."""

    name: str
    other: str
    unit: str
    other_unit: str
    total: int
    other_total: int
    items: tuple[Item, ...]

    @property
    def difference(self) -> int:
        """Of the totals."""
        return self.total - self.other_total

    @property
    def remainder(self) -> int:
        """What the items do not explain."""
        return self.difference - sum(item.difference for item in self.items)


def differences(network: Network, name: str, other: str) -> Versus:
    """The difference of two conventions, ``name`` minus ``other``, itemised.

    KeyError with a suggestion if there is no such convention or number of it.
    """
    ours, theirs = number(name), number(other)
    bundles: dict[tuple[str, str, str], list[tuple[int, int]]] = {}
    all_ours = all_theirs = 0
    for leaf in leaves(network):
        all_ours += total(counted_leaf(leaf, *ours))
        all_theirs += total(counted_leaf(leaf, *theirs))
        for pair in _pairs(leaf, ours, theirs):
            key = (pair.operator, pair.ours_rule, pair.theirs_rule)
            bundles.setdefault(key, []).append((pair.ours, pair.theirs))
    items = [
        Item(*key, len(pairs), sum(a for a, _ in pairs), sum(b for _, b in pairs))
        for key, pairs in bundles.items()
    ]
    items.sort(key=lambda item: -abs(item.difference) if known(item.difference) else 0)
    units = (ours[1].unit, theirs[1].unit)
    return Versus(name, other, *units, all_ours, all_theirs, tuple(items))


def _pairs(
    leaf: Leaf, ours: tuple[Convention, Count], theirs: tuple[Convention, Count]
) -> Iterator[Item]:
    """A leaf under both; its parts instead, where neither has a rule for the whole."""
    if leaf.parts and not any(leaf.name in count.rules for _, count in (ours, theirs)):
        for part in leaf.parts:
            yield from _pairs(part, ours, theirs)
        return
    a, b = counted_leaf(leaf, *ours), counted_leaf(leaf, *theirs)
    yield Item(leaf.name, _rule(a), _rule(b), 1, total(a), total(b))


def _rule(counted: Sequence[Counted]) -> str:
    """The rule in words; of a whole that is counted by parts, theirs."""
    if len(counted) == 1:
        return counted[0].rule
    return ", ".join(f"{each.operator} {each.rule}" for each in counted)
