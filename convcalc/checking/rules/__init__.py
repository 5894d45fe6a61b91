"""Rules: each is a record and a page; a rule about the design of a network is also a module here.

The records are in :mod:`convcalc.diagnostics.codes`; ``convcalc rule`` prints the page
``pages/CODE-name.md``. Problems of a file are found where it is read, problems of a layer in its
operator. A rule about the design of a whole network is checked by the module of the same name
here, in its function ``findings(network)``.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from functools import cache
from importlib import import_module
from pathlib import Path

from convcalc.diagnostics.codes import BY_NAME, RULES, Rule
from convcalc.diagnostics.diagnostic import Diagnostic
from convcalc.diagnostics.suggestion import UnknownName, nearest, use
from convcalc.diagnostics.work import current
from convcalc.model.graph.network import Network

FOLDER = os.path.dirname(__file__)


@cache
def page(rule: Rule) -> str:
    """Return the manual page of a rule, in Markdown, without a title."""
    return Path(FOLDER, "pages", f"{rule.code}-{rule.name}.md").read_text("utf-8").strip()


def summary(rule: Rule) -> str:
    """Return the first line of the rule's page."""
    return page(rule).partition("\n")[0]


def find_rule(text: str) -> Rule:
    """Return the rule with this code or name, in any case; raises UnknownName."""
    found = RULES.get(text.upper()) or BY_NAME.get(text.lower())
    if found is None:
        close = nearest(text.upper(), RULES) or nearest(text.lower(), BY_NAME)
        advice = use(close) if close else "'convcalc list rules' shows them all"
        raise UnknownName(f"unknown rule '{text}'", advice)
    return found


@cache
def design_rules() -> tuple[str, ...]:
    """Return the names of the rules about the design of a network: those with a module here."""
    modules = {name.removesuffix(".py").replace("_", "-") for name in os.listdir(FOLDER)}
    return tuple(name for name in BY_NAME if name in modules)


def findings(network: Network) -> Iterator[Diagnostic]:
    """Yield the findings of all design rules, by code, for a network without errors."""
    current().spend(2 + 15 * len(network.layers), "rules of design")
    for name in design_rules():
        module = import_module(f"convcalc.checking.rules.{name.replace('-', '_')}")
        yield from module.findings(network)
