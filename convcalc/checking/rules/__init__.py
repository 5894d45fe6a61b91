"""Rules: a record, a page in Markdown, and for the design of networks a module that finds them.

The records stand in :mod:`convcalc.diagnostics.codes`, so that whoever finds a problem and
whoever reports it know its severity; ``pages/CODE-name.md`` is what ``convcalc rule`` prints. The
problems of a file are found where it is read, those of an operator in the operator. A rule about
the design of a whole network is the module here that is called like it, with a function
``findings(network)``.
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
from convcalc.model.graph.network import Network

FOLDER = os.path.dirname(__file__)


@cache
def page(rule: Rule) -> str:
    """The manual page of a rule, in Markdown, without a title."""
    return Path(FOLDER, "pages", f"{rule.code}-{rule.name}.md").read_text("utf-8").strip()


def summary(rule: Rule) -> str:
    """The first sentence of its page."""
    return page(rule).partition("\n")[0]


def find_rule(text: str) -> Rule:
    """The rule of a code or a name; UnknownName if there is none."""
    found = RULES.get(text.upper()) or BY_NAME.get(text.lower())
    if found is None:
        close = nearest(text.upper(), RULES) or nearest(text.lower(), BY_NAME)
        advice = use(close) if close else "'convcalc list rules' shows them all"
        raise UnknownName(f"no rule is called '{text}'", advice)
    return found


@cache
def design_rules() -> tuple[str, ...]:
    """The names of the rules about the design of a network: those that have a module here."""
    modules = {name.removesuffix(".py").replace("_", "-") for name in os.listdir(FOLDER)}
    return tuple(name for name in BY_NAME if name in modules)


def findings(network: Network) -> Iterator[Diagnostic]:
    """What the design rules say of a network that has no errors, in the order of their codes."""
    for name in design_rules():
        module = import_module(f"convcalc.checking.rules.{name.replace('-', '_')}")
        yield from module.findings(network)
