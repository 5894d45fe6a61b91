"""Explain why two conventions give different numbers: the difference, operator by operator.

    differences(network, "thop", "fvcore") -> the items, their sum, and what is left over: 0

An item holds all leaves of one operator that the two conventions count by the same pair of rules.
Compared are the headline numbers, in the units of either, unless others are named
(``calflops.macs``, ``keras.params``); ``convcalc`` is one of the tools. The items add up to the
difference of the totals; ``remainder`` is what they leave, which is 0 unless a part is unknown.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import NamedTuple

from convcalc.analysis.conventions import Convention, Count, number
from convcalc.analysis.conventions.counting import (
    Counted,
    count_leaf,
    count_rest,
    rules_for,
    total,
)
from convcalc.analysis.conventions.leaves import Leaf, leaves
from convcalc.model.graph.network import Network
from convcalc.model.operators.contract import DYNAMIC, WEIGHTS
from convcalc.model.quantities.unknown import known

Number = tuple[Convention, Count]


class Item(NamedTuple):
    """Leaves of one operator: both rules, the number of leaves, and what each rule counts."""

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
    """Two totals and their items: unknown ones first, then those that differ most."""

    name: str
    other: str
    unit: str
    other_unit: str
    total: int
    other_total: int
    items: tuple[Item, ...]

    @property
    def difference(self) -> int:
        """The difference of the totals."""
        return self.total - self.other_total

    @property
    def remainder(self) -> int:
        """The part of the difference that the items do not explain."""
        return self.difference - sum(item.difference for item in self.items)


def differences(
    network: Network,
    name: str,
    other: str,
    paths: Collection[str] | None = None,
    kinds: Sequence[str] = (WEIGHTS, DYNAMIC),
) -> Versus:
    """The difference of two conventions, ``name`` minus ``other``, itemised.

    ``paths`` are the layers to compare, None for all; ``kinds`` the work that convcalc itself
    counts as MACs. Raises UnknownName if there is no such convention or number.
    """
    ours, theirs = number(name, kinds), number(other, kinds)
    bundles: dict[tuple[str, str, str, bool], list[tuple[int, int]]] = {}
    all_ours = all_theirs = 0
    for layer, leaf in zip(network.layers, leaves(network), strict=True):
        if paths is not None and layer.path not in paths:
            continue
        all_ours += total(count_leaf(leaf, *ours))
        all_theirs += total(count_leaf(leaf, *theirs))
        for pair in _pairs(leaf, ours, theirs):
            rules = (pair.operator, pair.ours_rule, pair.theirs_rule)
            key = (*rules, known((pair.ours, pair.theirs)))
            bundles.setdefault(key, []).append((pair.ours, pair.theirs))
    items = [
        Item(name, a, b, len(pairs), sum(x for x, _ in pairs), sum(y for _, y in pairs))
        for (name, a, b, _), pairs in bundles.items()
    ]
    units = (ours[1].unit, theirs[1].unit)
    return Versus(name, other, *units, all_ours, all_theirs, tuple(sorted(items, key=_weight)))


def _weight(item: Item) -> tuple[bool, int]:
    """The sort key: unknown differences first, since they may be the largest."""
    difference = item.difference
    return (True, -abs(difference)) if known(difference) else (False, 0)


def _pairs(leaf: Leaf, ours: Number, theirs: Number) -> Iterator[Item]:
    """The leaf under both rules, or its parts where neither has a rule for the whole."""
    if not leaf.parts or any(leaf.name in rules_for(leaf, count) for _, count in (ours, theirs)):
        yield _pair(leaf.name, count_leaf(leaf, *ours), count_leaf(leaf, *theirs))
        return
    for part in leaf.parts:
        yield from _pairs(part, ours, theirs)
    rests = count_rest(leaf, *ours), count_rest(leaf, *theirs)
    if any(rests):
        yield _pair(leaf.name, *rests)


def _pair(name: str, ours: Sequence[Counted], theirs: Sequence[Counted]) -> Item:
    return Item(name, _rule(ours), _rule(theirs), 1, total(ours), total(theirs))


def _rule(counted: Sequence[Counted]) -> str:
    """The text of the rule; for a composite counted by its parts, their rules."""
    if len(counted) < 2:
        return counted[0].rule_text if counted else "0"
    return ", ".join(f"{each.operator} {each.rule_text}" for each in counted)
