"""The value of a field as a file writes it: its words, its evaluation, its place when wrong."""

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
    """The bare words that a field takes besides expressions."""
    return {"word": field.choices, "padding": PADDING_WORDS, "extent": EXTENT_WORDS}.get(
        field.kind, ()
    )


def field_evaluator(field: Field, node: nodes.Node) -> Evaluator:
    """The evaluator of a field's value."""
    if field.kind == "count" and isinstance(node, nodes.Scalar) and isinstance(node.value, str):
        count = suffixed_number(node.text)
        if count is not None:
            return lambda _: count
    if field.kind == "word" and isinstance(node, nodes.Scalar) and isinstance(node.value, str):
        return _word_evaluator(field, node)
    return evaluator(node, field_words(field))


def _word_evaluator(field: Field, node: nodes.Scalar) -> Evaluator:
    """A word stands for itself, or for the str param of that name."""
    text = node.text

    def run(scope: Scope) -> Any:
        return text if text in field.choices else scope.get(text, text)

    return run


def coerce_field(name: str, field: Field, value: Any, node: nodes.Node, rank: int) -> Any:
    """``value`` in the form that the field declares; Rejected at the part that is wrong."""
    try:
        return field_value(name, field, value, rank)
    except WrongValue as error:
        for index in error.at:
            if isinstance(node, nodes.Sequence) and index < len(node.items):
                node = node.items[index]
        problem = Diagnostic(error.name, error.message, node.place, error.help)
        raise Rejected(problem, needs_input=error.needs_input) from None
