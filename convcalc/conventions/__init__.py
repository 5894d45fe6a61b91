"""Counting conventions: what other tools print for the same network, one file each.

A convention is a module of this folder with a ``CONVENTION``; its docstring is the manual page.
On the command line it is called like the file, with hyphens. A convention is a table from an
operator to a rule (:mod:`convcalc.conventions._rules`), as the tool counts in its version.

Tools see modules, not composites: an operator without a rule of its own is counted by its parts
(a ``squeeze_excite`` as pooling, two convolutions, two activations, a product). What has neither
counts what the tool prints, which is 0, and is listed among ``uncounted``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from importlib import import_module
from typing import NamedTuple

from convcalc.conventions._leaf import Leaf, leaves
from convcalc.conventions._rules import LEARNED, LEGEND, Rule, Rules
from convcalc.diagnostics import nearest
from convcalc.graph import Network
from convcalc.report import PARAMS


class Count(NamedTuple):
    """One number that a tool prints: its key, what it is called, its unit and its rules.

    ``unit`` says what is added up, not what the tool calls it: ``MAC``, ``FLOP``, or ``op``
    where multiply-accumulates and single operations are added as if they were the same.
    """

    key: str
    title: str
    unit: str
    rules: Rules


class Convention(NamedTuple):
    """What a tool prints. ``counts`` begin with its headline number.

    ``params`` says, by operator, what counts as parameters, ``other_params`` elsewhere.
    ``per_sample``: the tool measures one sample whatever the batch.
    """

    tool: str
    counts: tuple[Count, ...]
    params: Rules = {}
    other_params: Rule = LEARNED
    per_sample: bool = False


class Counted(NamedTuple):
    """One leaf under one rule: the operator, the rule in words, and what it gives."""

    operator: str
    rule: str
    amount: int
    missed: bool = False  # it does arithmetic, and the tool has no rule for it


@cache
def convention_names() -> list[str]:
    """Every convention, from the files of this folder; nothing is imported."""
    from pathlib import Path

    found = Path(__file__).parent.glob("[a-z]*.py")
    return sorted(path.stem.replace("_", "-") for path in found)


@cache
def convention(name: str) -> Convention:
    """The convention of that name; KeyError with a suggestion if there is none."""
    if name not in convention_names():
        raise KeyError(nearest(name, convention_names()))
    found: Convention = import_module(_module(name)).CONVENTION
    return found


def number(name: str) -> tuple[Convention, Count]:
    """A convention and one of its numbers: ``calflops.macs``, or its headline: ``calflops``."""
    head, _, key = name.partition(".")
    chosen = convention(head)
    keys = [count.key for count in chosen.counts]
    if key and key not in keys:
        raise KeyError(f"{head}.{nearest(key, keys) or keys[0]}")
    return chosen, chosen.counts[keys.index(key) if key else 0]


def manual(name: str) -> str:
    """The manual page of a convention."""
    convention(name)
    return (import_module(_module(name)).__doc__ or "").strip()


def summary(name: str) -> str:
    """Its first line."""
    return manual(name).partition("\n")[0]


def _module(name: str) -> str:
    return f"convcalc.conventions.{name.replace('-', '_')}"


class RuleEntry(NamedTuple):
    """An operator with the text of its rule for each number of a convention."""

    operator: str
    rules: tuple[str, ...]


def rule_entries(chosen: Convention) -> list[RuleEntry]:
    """Every operator that a convention has a rule for; 0 where one of its numbers has none."""
    operators = dict.fromkeys(name for count in chosen.counts for name in count.rules)
    return [
        RuleEntry(name, tuple(_text(count.rules, name) for count in chosen.counts))
        for name in operators
    ]


def legend(chosen: Convention) -> list[str]:
    """What the symbols mean that occur in the rules."""
    texts = " ".join(text for entry in rule_entries(chosen) for text in entry.rules)
    return [
        f"{symbol}  {meaning}"
        for symbol, meaning in LEGEND.items()
        if re.search(rf"(?<![\w']){re.escape(symbol)}(?![\w'])", texts)
    ]


def _text(rules: Rules, name: str) -> str:
    return rules[name].text if name in rules else "0"


# --- counting ----------------------------------------------------------------------------------


def layer_counts(network: Network, name: str) -> list[Mapping[str, tuple[Counted, ...]]]:
    """For each layer, and each number of a convention, what its leaves count; and parameters."""
    chosen = convention(name)
    return [
        {
            **{count.key: counted_leaf(leaf, chosen, count) for count in chosen.counts},
            PARAMS: () if leaf.shared else tuple(_params(leaf, chosen)),
        }
        for leaf in leaves(network)
    ]


def total(counted: Sequence[Counted]) -> int:
    """The sum of what was counted."""
    return sum(each.amount for each in counted)


def counted_leaf(leaf: Leaf, chosen: Convention, count: Count) -> tuple[Counted, ...]:
    """What one number of a convention counts for a leaf."""
    found = tuple(counted(leaf, count.rules))
    if not chosen.per_sample:
        return found
    # All rules of such tools are multiples of the batch.
    return tuple(each._replace(amount=each.amount // leaf.batch) for each in found)


def counted(leaf: Leaf, rules: Rules) -> Iterator[Counted]:
    """A leaf by its rule; without one, its parts by theirs."""
    rule = rules.get(leaf.name)
    if rule is not None:
        rule = rule.at(leaf)
        yield Counted(leaf.name, rule.text, rule.count(leaf), rule.ignores and leaf.works)
    elif leaf.parts:
        for part in leaf.parts:
            yield from counted(part, rules)
    else:
        yield Counted(leaf.name, "0", leaf.unruled, leaf.works)


def _params(leaf: Leaf, chosen: Convention) -> Iterator[Counted]:
    """What counts as parameters; a composite's are those of its parts where the rules differ."""
    rule = chosen.params.get(leaf.name)
    if rule is None and leaf.parts and (chosen.params or chosen.other_params is not LEARNED):
        for part in leaf.parts:
            yield from _params(part, chosen)
        return
    rule = rule or chosen.other_params
    yield Counted(leaf.name, rule.text, rule.count(leaf))
