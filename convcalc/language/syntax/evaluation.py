"""Nodes -> Python values: evaluate what is written, then hold it against its declaration.

Evaluation turns expressions into numbers in a scope; :func:`coerced` gives the value the form
that its field declares (an integer in bounds, one number per axis, a padding …). Whatever
does not fit raises :class:`Rejected` with the place of the offending part.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from fractions import Fraction
from typing import Any

from convcalc.diagnostics.diagnostic import Diagnostic, Place
from convcalc.language.syntax import nodes
from convcalc.language.syntax.expressions import Expression, ExpressionError, compile_expression
from convcalc.model.quantities.unknown import UNKNOWN

Scope = Mapping[str, Any]
Evaluator = Callable[[Scope], Any]

SUFFIXES = {"k": 10**3, "M": 10**6, "G": 10**9, "T": 10**12}


class Rejected(Exception):
    """A part of the file is wrong; carries the problems, none if they were reported before.

    ``needs_input``: it depends on a size that is not known, so that it may not be wrong at all.
    """

    def __init__(self, *diagnostics: Diagnostic, needs_input: bool = False) -> None:
        super().__init__(*(diagnostic.message for diagnostic in diagnostics))
        self.diagnostics = diagnostics
        self.needs_input = needs_input


def gathered(attempts: Iterable[Callable[[], Any]]) -> list[Any]:
    """The results of several attempts; if some are rejected, all their problems at once."""
    results, errors = [], []
    for attempt in attempts:
        try:
            results.append(attempt())
        except Rejected as error:
            errors.append(error)
    if errors:
        problems = [diagnostic for error in errors for diagnostic in error.diagnostics]
        raise Rejected(*problems, needs_input=all(error.needs_input for error in errors))
    return results


def rejected(name: str, message: str, place: Place, advice: str = "") -> Rejected:
    """The exception for one problem."""
    return Rejected(Diagnostic(name, message, place, advice))


# --- evaluation ------------------------------------------------------------------------------


def expression(node: nodes.Scalar) -> Expression:
    """The expression that a scalar holds; a problem with its place if it is none."""
    try:
        return compile_expression(node.text)
    except ExpressionError as error:
        raise rejected(error.rule, error.message, _inside(node, error), error.help) from None


def _inside(node: nodes.Scalar, error: ExpressionError) -> Place:
    """The place of an error within an expression, if the text stands there unquoted."""
    at = node.place.column + (error.column or 0)
    if node.plain and node.place.end > at:
        return node.place._replace(column=at)
    return node.place


def evaluator(node: nodes.Node, words: tuple[str, ...] = ()) -> Evaluator:
    """A function from a scope to the value of a node.

    Text is an expression unless it is one of ``words``; a list is evaluated item by item.
    """
    if isinstance(node, nodes.Sequence):
        parts = [evaluator(item, words) for item in node.items]
        return lambda scope: [part(scope) for part in parts]
    if isinstance(node, nodes.Mapping):
        raise rejected("wrong-type", "a mapping stands where a value is expected", node.place)
    value = node.value
    if not isinstance(value, str) or value in words:
        return lambda _: value
    return expression_evaluator(node, expression(node))


def expression_evaluator(node: nodes.Scalar, compiled: Expression) -> Evaluator:
    """A function that evaluates an expression and gives its errors their place."""
    evaluate = compiled.evaluate

    def run(scope: Scope) -> Any:
        try:
            return evaluate(scope)
        except ExpressionError as error:
            problem = Diagnostic(error.rule, error.message, _inside(node, error), error.help)
            needs_input = any(scope.get(used) is UNKNOWN for used in compiled.names)
            raise Rejected(problem, needs_input=needs_input) from None

    return run


def free_names(node: nodes.Node, words: tuple[str, ...] = ()) -> dict[str, nodes.Scalar]:
    """The names that the expressions of a node use, each with a scalar that uses it."""
    if isinstance(node, nodes.Sequence):
        found: dict[str, nodes.Scalar] = {}
        for item in node.items:
            found |= free_names(item, words)
        return found
    if isinstance(node, nodes.Mapping) or not isinstance(node.value, str) or node.value in words:
        return {}
    return dict.fromkeys(expression(node).names, node)


def value_of(node: nodes.Node, scope: Scope, words: tuple[str, ...] = ()) -> Any:
    """The value of a node in a scope."""
    return evaluator(node, words)(scope)


# --- coercion --------------------------------------------------------------------------------


def suffixed(text: str) -> int | float | None:
    """``1.2M`` as a number; None if the text is no number with a suffix."""
    factor = SUFFIXES.get(text[-1:])
    if factor is None:
        return None
    try:
        value = Fraction(text[:-1].strip()) * factor
    except (ValueError, ZeroDivisionError):
        return None
    return int(value) if value.denominator == 1 else float(value)


def shown(value: Any) -> str:
    """A value as a network file would write it."""
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, list):
        return f"[{', '.join(map(shown, value))}]"
    return str(value)
