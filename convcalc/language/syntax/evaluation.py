"""Evaluates nodes to Python values in a scope of names.

A node that cannot be evaluated raises :class:`Rejected` with the place of the offending part.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Any

from convcalc.diagnostics.diagnostic import Diagnostic, Place
from convcalc.diagnostics.rejection import Rejected, rejected
from convcalc.diagnostics.work import TooMuchWork
from convcalc.language.syntax import nodes
from convcalc.language.syntax.expressions import (
    Expression,
    ExpressionError,
    compile_expression,
    spend_values,
)
from convcalc.language.syntax.sizes import value_in
from convcalc.model.quantities.unknown import UNKNOWN

Scope = Mapping[str, Any]
Evaluator = Callable[[Scope], Any]

SUFFIXES = {"k": 10**3, "M": 10**6, "G": 10**9, "T": 10**12}


# Python would also write out an exponent of millions of digits.
_NUMBER = r"[+-]?[0-9_./]{1,60}(?:[eE][+-]?[0-9]{1,2})?"


# --- evaluation ------------------------------------------------------------------------------


def expression(node: nodes.Scalar) -> Expression:
    """The compiled expression of a scalar; Rejected, with a place, if it is not an expression."""
    try:
        return compile_expression(node.text)
    except ExpressionError as error:
        raise rejected(error.rule, error.message, _inside(node, error), error.help) from None


def _inside(node: nodes.Scalar, error: ExpressionError) -> Place:
    """The place of an error within an expression; the whole scalar if the text is quoted."""
    at = node.place.column + (error.column or 0)
    if node.plain and node.place.end > at:
        return node.place._replace(column=at)
    return node.place


def evaluator(node: nodes.Node, words: tuple[str, ...] = ()) -> Evaluator:
    """A function that takes a scope and returns the value of a node.

    Text is an expression unless it is one of ``words``; a list is evaluated item by item.
    Rejected if an expression does not compile.
    """
    if isinstance(node, nodes.Sequence):
        parts = [evaluator(item, words) for item in node.items]

        others = [k for k, item in enumerate(node.items) if isinstance(item, nodes.Scalar)]

        def values(scope: Scope) -> list[Any]:
            found = [part(scope) for part in parts]
            try:
                spend_values([found[k] for k in others])  # those within have spent theirs
            except TooMuchWork as error:
                error.place = error.place or node.place
                raise
            return found

        return values
    if isinstance(node, nodes.Mapping):
        raise rejected("wrong-type", "a mapping is given where a value is expected", node.place)
    value = node.value
    if not isinstance(value, str) or value in words or isinstance(node, nodes.Verbatim):
        return lambda _: value
    return expression_evaluator(node, expression(node))


def form_evaluator(node: nodes.Node, words: tuple[str, ...]) -> Evaluator:
    """The evaluator of a node whose expressions may name words: ``method if called else false``.

    A word stands for itself, whatever a param of that name is.
    """
    evaluate = evaluator(node, words)
    if not free_names(node, words).keys() & set(words):
        return evaluate
    themselves = {word: word for word in words}
    return lambda scope: evaluate({**scope, **themselves})


def expression_evaluator(node: nodes.Scalar, compiled: Expression) -> Evaluator:
    """A function that evaluates an expression; its errors become Rejected, with a place."""
    evaluate = compiled.evaluate

    def run(scope: Scope) -> Any:
        try:
            return evaluate(scope)
        except ExpressionError as error:
            problem = Diagnostic(error.rule, error.message, _inside(node, error), error.help)
            needs_input = any(value_in(scope, used) is UNKNOWN for used in compiled.names)
            raise Rejected(problem, needs_input=needs_input) from None
        except TooMuchWork as error:
            error.place = error.place or node.place
            raise

    return run


def free_names(node: nodes.Node, words: tuple[str, ...] = ()) -> dict[str, nodes.Scalar]:
    """The names that the expressions of a node use, each with a scalar in which it occurs."""
    if isinstance(node, nodes.Sequence):
        found: dict[str, nodes.Scalar] = {}
        for item in node.items:
            found |= free_names(item, words)
        return found
    if isinstance(node, nodes.Mapping | nodes.Verbatim):
        return {}
    if not isinstance(node.value, str) or node.value in words:
        return {}
    return dict.fromkeys(expression(node).names, node)


def value_of(node: nodes.Node, scope: Scope, words: tuple[str, ...] = ()) -> Any:
    """The value of a node in a scope."""
    return evaluator(node, words)(scope)


def suffixed_number(text: str) -> int | float | None:
    """``1.2M`` as a number; None if the text is not a number with a suffix."""
    factor = SUFFIXES.get(text[-1:])
    if factor is None or re.fullmatch(_NUMBER, text[:-1].strip()) is None:
        return None
    try:
        value = Fraction(text[:-1].strip()) * factor
    except (ValueError, ZeroDivisionError):
        return None
    return int(value) if value.denominator == 1 else float(value)
