"""Count the leaves of a network by the rules of a convention."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from convcalc.analysis.conventions import Convention, Count, convention
from convcalc.analysis.conventions.leaves import Leaf, leaves
from convcalc.analysis.conventions.quantities import (
    COMPLEX,
    JOINS,
    NOT_MEASURED,
    UNMEASURED,
    Rule,
    Rules,
)
from convcalc.analysis.report.report import PARAMS
from convcalc.model.graph.network import Network
from convcalc.model.quantities.unknown import known

UNRULED = Rule("0", lambda leaf: leaf.unruled, ignores=True)


class Counted(NamedTuple):
    """One leaf, the rule that applies to it, and the amount that gives.

    ``missed``: the tool counts nothing, although the leaf does arithmetic or has parameters.
    ``form``: what the leaf is in code, where the tool would count a module by another rule.
    """

    leaf: Leaf
    rule: Rule
    amount: int
    missed: bool
    form: str = ""

    @property
    def rule_text(self) -> str:
        """The text of the rule, with the form that makes it hold."""
        return f"{self.rule.text}, a {self.form}" if self.form else self.rule.text

    @property
    def title(self) -> str:
        """The operator's name, with the form that makes it count otherwise than a module."""
        return with_form(self.operator, self.form)

    @property
    def operator(self) -> str:
        """The name of the operator that the leaf is counted as."""
        return self.leaf.name


def with_form(operator: str, form: str) -> str:
    """The name of an operator with its form in code, if it has one that matters."""
    return f"{operator} ({form})" if form else operator


def layer_counts(network: Network, name: str) -> list[Mapping[str, tuple[Counted, ...]]]:
    """For each layer, its counted leaves by key, for each number of a convention and parameters."""
    chosen = convention(name)
    numbers = (*chosen.counts, chosen.parameters)
    return [
        {count.key: count_leaf(leaf, chosen, count) for count in numbers}
        for leaf in leaves(network)
    ]


def total(counted: Sequence[Counted]) -> int:
    """The sum of the amounts."""
    return sum(each.amount for each in counted)


def count_leaf(leaf: Leaf, chosen: Convention, count: Count) -> tuple[Counted, ...]:
    """Count a leaf, or its parts, for one number of a convention."""
    return tuple(_per_sample(_count(leaf, count), leaf, chosen, count))


def count_rest(leaf: Leaf, chosen: Convention, count: Count) -> tuple[Counted, ...]:
    """Count what a composite has beyond its parts, for one number; mostly nothing."""
    return tuple(_per_sample(_rest(leaf, count), leaf, chosen, count))


def _per_sample(
    found: Iterable[Counted], leaf: Leaf, chosen: Convention, count: Count
) -> Iterator[Counted]:
    """Drop shared parameters, and divide work by the samples if the tool measures one sample.

    All rules of such tools are multiples of the batch.
    """
    if count.key == PARAMS:
        if not leaf.shared:
            yield from found
        elif leaf.own and total(counts := [*found]):
            yield counts[0]._replace(amount=leaf.own)
        return
    samples = leaf.samples if chosen.per_sample else 1
    for each in found:
        yield each._replace(amount=each.amount // samples)


def _count(leaf: Leaf, count: Count) -> Iterator[Counted]:
    """Count a leaf by its rule; without one by its parts; without parts by the rule for others."""
    rules = rules_for(leaf, count)
    rule = rules.get(leaf.name)
    if rule is not None:
        yield _apply(rule.at(leaf), leaf, count)
    elif leaf.name in (COMPLEX if count.key == PARAMS else NOT_MEASURED):
        yield _apply(UNMEASURED, leaf, count)
    elif leaf.parts:
        for part in leaf.parts:
            yield from _count(part, count)
        yield from _rest(leaf, count)
    else:
        rest = count.other if rules is count.rules else None
        yield _apply((rest or UNRULED).at(leaf), leaf, count)


def rules_for(leaf: Leaf, count: Count) -> Rules:
    """The rules for a leaf of its form in code; the joins of Python have one form only."""
    return count.rules if leaf.name in JOINS else count.forms.get(leaf.form, count.rules)


def _apply(rule: Rule, leaf: Leaf, count: Count) -> Counted:
    has = bool(leaf.analysis.weights) if count.key == PARAMS else leaf.works
    form = leaf.form
    if form and (count.rules.get(leaf.name) or count.other or UNRULED).at(leaf).text == rule.text:
        form = ""
    return Counted(leaf, rule, rule.count(leaf), rule.ignores and has, form)


def _rest(leaf: Leaf, count: Count) -> Iterator[Counted]:
    """Yield what a composite has beyond its parts, as a deformable convolution has weights."""
    if count.other is None:
        return
    rule = count.other
    whole, parts = rule.count(leaf), sum(rule.count(part) for part in leaf.parts)
    rest = whole - parts
    if known(parts) and not (known(rest) and rest == 0):
        yield Counted(leaf, Rule(f"{rule.text} beside parts", lambda _: rest), rest, missed=False)
