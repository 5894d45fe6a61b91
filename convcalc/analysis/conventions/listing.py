"""List what another tool counts for each layer: its rules, with their numbers filled in.

A rule's text is made of the symbols of :mod:`convcalc.analysis.conventions.quantities`; where the
text is nothing but symbols and arithmetic, it is also shown with numbers that give the count.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from convcalc.analysis.conventions import Convention, Count
from convcalc.analysis.conventions.counting import Counted, count_leaf, with_form
from convcalc.analysis.conventions.leaves import Leaf, leaves
from convcalc.analysis.conventions.quantities import (
    BATCH,
    BIAS,
    CHANNELS,
    GROUPS,
    IN,
    INPUT_MACS,
    LEARNED,
    MACS,
    OUT,
    OUTPUT_MACS,
    RANK,
    ROWS,
    SYMBOL,
    TRAINED,
    TRANSPOSED,
    WINDOW,
    Rule,
)
from convcalc.analysis.report.report import PARAMS
from convcalc.language.syntax.expressions import ExpressionError, compile_expression
from convcalc.model.graph.network import Network
from convcalc.model.quantities.unknown import known

_SYMBOLS: Mapping[str, Rule] = {
    rule.text: rule
    for rule in (
        *(
            BATCH,
            BIAS,
            CHANNELS,
            GROUPS,
            IN,
            LEARNED,
            MACS,
            OUT,
            RANK,
            ROWS,
            OUTPUT_MACS,
            TRAINED,
            WINDOW,
        ),
    )
}


class RuleLine(NamedTuple):
    """One leaf: its rule, the rule with numbers if that can be written, and the count.

    ``leaves`` is how many leaves a line stands for, ``missed`` whether the tool omits work,
    ``form`` what the leaf is in code where that decides about the rule.
    """

    path: str
    operator: str
    rule: str
    numbers: str
    amount: int
    leaves: int = 1
    missed: bool = False
    form: str = ""

    @property
    def title(self) -> str:
        """The operator, with the form in code that makes its rule hold."""
        return with_form(self.operator, self.form)


def rule_lines(network: Network, chosen: Convention, count: Count) -> list[RuleLine]:
    """One line per leaf, for every layer in order."""
    divided = chosen.per_sample and count.key != PARAMS
    return [
        _line(layer.path, each, each.leaf.samples if divided else 1)
        for layer, leaf in zip(network.layers, leaves(network), strict=True)
        for each in count_leaf(leaf, chosen, count)
    ]


def _line(path: str, each: Counted, samples: int) -> RuleLine:
    text = rule_numbers(each.rule, each.leaf)
    text = f"({text}) // {samples}" if text and samples > 1 else text
    rule, form = each.rule_text, each.form
    return RuleLine(path, each.operator, rule, text, each.amount, missed=each.missed, form=form)


def group_by_rule(lines: Sequence[RuleLine]) -> list[RuleLine]:
    """Merge the lines of one operator and rule; the largest count comes first."""
    bundles: dict[tuple[str, str], list[RuleLine]] = {}
    for line in lines:
        bundles.setdefault((line.operator, line.rule), []).append(line)
    found = [
        first._replace(
            path="", numbers="", amount=sum(each.amount for each in same), leaves=len(same)
        )
        for same in bundles.values()
        for first in same[:1]
    ]
    return sorted(found, key=lambda line: -line.amount if known(line.amount) else 0)


def rule_numbers(rule: Rule, leaf: Leaf) -> str:
    """The rule's text with numbers for its symbols; empty if it is not plain arithmetic."""

    def number(found: re.Match[str]) -> str:
        quantity = _SYMBOLS[found[0]]
        if quantity is MACS and leaf.name in TRANSPOSED:
            quantity = INPUT_MACS
        return str(quantity.count(leaf))

    if any(symbol not in _SYMBOLS for symbol in SYMBOL.findall(rule.text)):
        return ""
    text = SYMBOL.sub(number, rule.text).replace("·", " * ")
    return text if _gives(text, rule.count, leaf) else ""


def _gives(text: str, count: Callable[[Leaf], int], leaf: Leaf) -> bool:
    """Whether the text evaluates to the count."""
    try:
        return compile_expression(text).evaluate({}) == count(leaf)
    except ExpressionError:
        return False
