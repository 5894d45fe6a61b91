"""Evaluates a field's value and converts it to the form that the field declares."""

from __future__ import annotations

from typing import Any

from convcalc.diagnostics.diagnostic import Diagnostic
from convcalc.diagnostics.rejection import Rejected
from convcalc.language.syntax import nodes
from convcalc.language.syntax.evaluation import Evaluator, Scope, evaluator, suffixed_number
from convcalc.model.geometry.sizes import EXTENT_WORDS, PADDING_WORDS
from convcalc.model.operators.fields import Field
from convcalc.model.operators.values import WrongValue, field_value


def field_words(field: Field) -> tuple[str, ...]:
    """The bare words that a field accepts besides expressions."""
    return {"padding": PADDING_WORDS, "extent": EXTENT_WORDS}.get(field.kind, field.choices)


def field_evaluator(field: Field, node: nodes.Node) -> Evaluator:
    """A function from a scope to the value of a field."""
    if field.kind == "count" and isinstance(node, nodes.Scalar) and isinstance(node.value, str):
        count = suffixed_number(node.text)
        if count is not None:
            return lambda _: count
    if field.kind == "word" and isinstance(node, nodes.Scalar) and isinstance(node.value, str):
        return _word_evaluator(field, node)
    return evaluator(node, field_words(field))


def _word_evaluator(field: Field, node: nodes.Scalar) -> Evaluator:
    """An evaluator of a word: one of the field's choices, or else the str param of that name."""
    text = node.text

    def run(scope: Scope) -> Any:
        return text if text in field.choices else scope.get(text, text)

    return run


def coerce_field(name: str, field: Field, value: Any, node: nodes.Node, rank: int) -> Any:
    """Converts ``value`` to the form that the field declares; Rejected at the wrong part."""
    try:
        return field_value(name, field, value, rank)
    except WrongValue as error:
        for index in error.at:
            if isinstance(node, nodes.Sequence) and index < len(node.items):
                node = node.items[index]
        problem = Diagnostic(error.name, error.message, node.place, error.help)
        raise Rejected(problem, needs_input=error.needs_input) from None
