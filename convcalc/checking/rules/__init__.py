"""Rules: a rule is a module, and its docstring is the page that ``convcalc rule`` prints.

The module is called like the rule. The problems of a file are found where it is read, those of
an operator in the operator; a rule about the design of a whole network has a function
``findings(network)`` beside its page.
"""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from inspect import getdoc
from types import ModuleType

from convcalc.diagnostics.codes import CODES, RULES
from convcalc.diagnostics.diagnostic import Diagnostic
from convcalc.diagnostics.suggestion import UnknownName, nearest, use
from convcalc.model.graph.network import Network

DESIGN = (
    "unread-positions",
    "gridding",
    "checkerboard",
    "bias-before-norm",
    "strided-pointwise",
    "conditional-residual",
)


def module(name: str) -> ModuleType:
    """The module of a rule by its name."""
    return import_module(f"convcalc.checking.rules.{name.replace('-', '_')}")


def page(name: str) -> str:
    """The manual page of a rule by its name."""
    return getdoc(module(name)) or ""


def summary(name: str) -> str:
    """The first sentence of its page."""
    return page(name).partition("\n")[0]


def is_warning(code: str) -> bool:
    """Whether a rule warns unless a setting says otherwise."""
    return RULES[code] in DESIGN or code in ("CC009", "CC106", "CC112")


def rule_name(text: str) -> str:
    """The rule of a code or a name; UnknownName if there is none."""
    if text.upper() in RULES:
        return RULES[text.upper()]
    if text.lower() in CODES:
        return text.lower()
    close = nearest(text.upper(), RULES) or nearest(text.lower(), CODES)
    advice = use(close) if close else "'convcalc list rules' shows them all"
    raise UnknownName(f"no rule is called '{text}'", advice)


def findings(network: Network) -> Iterator[Diagnostic]:
    """What the design rules say of a network that has no errors."""
    for name in DESIGN:
        yield from module(name).findings(network)
