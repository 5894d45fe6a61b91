"""Counting conventions: what other tools print for the same network, one file each.

A convention is a module of ``tools`` with a ``CONVENTION``; its docstring is the manual page.
On the command line it has the name of its file, with hyphens. A convention is a table from
operators to rules (:mod:`convcalc.analysis.conventions.quantities`) that count as one version
of the tool does.

Tools see modules, not composites: an operator without a rule of its own is counted by its parts
(a ``squeeze_excite`` as pooling, two convolutions, two activations, a product). An operator
with neither counts 0, as the tool prints, and is listed among ``uncounted``. What nobody has
measured is unknown.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from importlib import import_module
from typing import NamedTuple

from convcalc.analysis.conventions.quantities import FREE, JOINS, LEARNED, MACS, Forms, Rule, Rules
from convcalc.analysis.report.report import PARAMS
from convcalc.diagnostics.suggestion import UnknownName, advise, nearest, use
from convcalc.model.graph.network import NOTHING
from convcalc.model.operators.contract import DYNAMIC, ELEMENTWISE, SAMPLING, WEIGHTS

OWN = "convcalc"


class Count(NamedTuple):
    """One number that a tool prints: its key, what it is called, its unit and its rules.

    ``unit`` says what is added up, not what the tool calls it: ``MAC``, ``FLOP``, or ``op``
    where multiply-accumulates and single operations are added as if they were the same.
    ``other`` is the rule for operators without one; if it is None, they count 0. ``forms`` has the
    rules for layers that are not modules in code, by their form; it names forms that the tool sees
    otherwise than a module, and there an operator without a rule is not seen at all.
    """

    key: str
    title: str
    unit: str
    rules: Rules
    other: Rule | None = None
    forms: Forms = NOTHING


class Convention(NamedTuple):
    """The numbers that a tool prints. ``counts`` begin with its headline number.

    ``params`` holds the rules for parameters by operator, ``other_params`` that for all others,
    ``form_params`` those by form (see Count).
    ``per_sample``: the tool measures one sample whatever the batch.
    """

    tool: str
    counts: tuple[Count, ...]
    params: Rules = {}
    other_params: Rule = LEARNED
    form_params: Forms = NOTHING
    per_sample: bool = False

    @property
    def parameters(self) -> Count:
        """The number of parameters."""
        rules = self.params, self.other_params, self.form_params
        return Count(PARAMS, PARAMS, "parameter", *rules)


@cache
def convention_names() -> list[str]:
    """The names of all conventions, from the files in ``tools``; none is imported."""
    from pathlib import Path

    found = Path(__file__).parent.joinpath("tools").glob("[a-z]*.py")
    return sorted(path.stem.replace("_", "-") for path in found)


@cache
def convention(name: str) -> Convention:
    """The convention of that name; UnknownName if there is none."""
    if name not in convention_names():
        advice = advise(name, [*convention_names(), OWN], "conventions:")
        raise UnknownName(f"unknown convention '{name}'", advice)
    found: Convention = import_module(_module(name)).CONVENTION
    return found


def own_convention(kinds: Sequence[str] = (WEIGHTS, DYNAMIC)) -> Convention:
    """Return convcalc's own counts as a convention; ``kinds`` are the work that MACs add up."""
    usual = tuple(kinds) == (WEIGHTS, DYNAMIC)
    macs = _where_any(MACS if usual else _work(" + ".join(kinds), *kinds))
    return Convention(
        OWN,
        (
            Count("macs", "MACs", "MAC", {}, macs),
            Count("flops", "FLOPs", "FLOP", {}, 2 * macs),
            *(
                Count(kind, kind, "op", {}, _where_any(_work(kind, kind)))
                for kind in (SAMPLING, ELEMENTWISE)
            ),
        ),
    )


def _work(text: str, *kinds: str) -> Rule:
    return Rule(text, lambda leaf: leaf.work(*kinds))


def _where_any(rule: Rule) -> Rule:
    """The rule, with an explicit 0 for a leaf without such work."""
    return rule.but("none", lambda leaf: rule.count(leaf) == 0, FREE)


def number(name: str, kinds: Sequence[str] = (WEIGHTS, DYNAMIC)) -> tuple[Convention, Count]:
    """A convention and one of its numbers: ``calflops.macs``, ``thop.params``, or its headline:
    ``calflops``. For ``convcalc``, MACs are the work of these ``kinds``.

    Raises UnknownName if there is no such convention or number.
    """
    head, _, key = name.partition(".")
    chosen = own_convention(kinds) if head == OWN else convention(head)
    if not key:
        return chosen, chosen.counts[0]
    counts = {count.key: count for count in (*chosen.counts, chosen.parameters)}
    if key not in counts:
        close = nearest(key, counts)
        listed = f"numbers: {', '.join(f'{head}.{each}' for each in counts)}"
        advice = use(f"{head}.{close}") if close else listed
        raise UnknownName(f"{head} has no number '{key}'", advice)
    return chosen, counts[key]


def manual(name: str) -> str:
    """The manual page of a convention."""
    convention(name)
    return (import_module(_module(name)).__doc__ or "").strip()


def summary(name: str) -> str:
    """The first line of the manual page of a convention."""
    return manual(name).partition("\n")[0]


def _module(name: str) -> str:
    return f"convcalc.analysis.conventions.tools.{name.replace('-', '_')}"


class RuleEntry(NamedTuple):
    """An operator with the text of its rule for each number of a convention."""

    operator: str
    rules: tuple[str, ...]


def rule_entries(chosen: Convention) -> list[RuleEntry]:
    """Each operator that a convention has a rule for; the text is 0 where a number has none."""
    operators = dict.fromkeys(name for count in chosen.counts for name in count.rules)
    return [
        RuleEntry(name, tuple(_text(count.rules, name) for count in chosen.counts))
        for name in operators
    ]


def parameters_text(chosen: Convention) -> str:
    """Describe what counts as parameters: operators with a rule of their own, and that of all
    others.
    """
    others: dict[str, list[str]] = {}
    for name, rule in chosen.params.items():
        others.setdefault(rule.text, []).append(name)
    rest = f"all others: {chosen.other_params.text}" if others else chosen.other_params.text
    return "; ".join([*(f"{', '.join(n)}: {text}" for text, n in others.items()), rest])


class FormEntry(NamedTuple):
    """How a tool counts layers of one form in code, for one of its numbers."""

    form: str
    title: str
    text: str


def form_entries(chosen: Convention) -> list[FormEntry]:
    """For each form in code that a tool sees otherwise than a module, and each of its numbers."""
    return [
        FormEntry(form, count.title, _form_text(count, rules))
        for count in (*chosen.counts, chosen.parameters)
        for form, rules in count.forms.items()
    ]


def _form_text(count: Count, rules: Rules) -> str:
    """``0, but relu: E``, or ``as a module, but …``, whichever names fewer operators."""
    names = [name for name in dict.fromkeys([*count.rules, *rules]) if name not in JOINS]
    others = {name: _text(rules, name) for name in names}
    changed = {name: text for name, text in others.items() if text != _text(count.rules, name)}
    counted = {name: text for name, text in others.items() if text != "0"}
    head, named = ("as a module", changed)
    if len(counted) <= len(changed):
        head, named = ("0", counted)
    by_text: dict[str, list[str]] = {}
    for name, text in named.items():
        by_text.setdefault(text, []).append(name)
    rest = "; ".join(f"{', '.join(same)}: {text}" for text, same in by_text.items())
    return f"{head}, but {rest}" if rest else head


def _text(rules: Rules, name: str) -> str:
    return rules[name].text if name in rules else "0"
