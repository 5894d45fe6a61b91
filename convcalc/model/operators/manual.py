"""The manual of an operator: its module's docstring and the declarations of its fields."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any, NamedTuple

from convcalc.model.operators.contract import Operator
from convcalc.model.operators.fields import Field
from convcalc.model.operators.registry import fields_of
from convcalc.model.quantities.unknown import known


class FieldEntry(NamedTuple):
    """The texts about one field of an operator, for its manual page."""

    name: str
    short: str
    value: str
    default: str
    description: str


def manual(operator: type[Operator]) -> str:
    """The manual page of an operator: the docstring of its module."""
    return (sys.modules[operator.__module__].__doc__ or "").strip()


def summary(operator: type[Operator]) -> str:
    """The first line of an operator's manual page."""
    return manual(operator).partition("\n")[0]


def field_entries(operator: type[Operator]) -> Iterator[FieldEntry]:
    """Yields the texts about each field of an operator, in order of declaration."""
    for name, field in fields_of(operator).items():
        yield FieldEntry(name, field.short, value_text(field), default_text(field), field.doc)


def value_text(field: Field) -> str:
    """The values that a field accepts: its kind and bounds, or its choices."""
    words = {
        "word": " | ".join(field.choices),
        "padding": "int, list or word",
        "axes": "int or list",
        "scales": "number or list",
        "sizes": "int, null or list",
        "ints": "list of int",
        "shape": "channels and sizes",
        "extent": "int, list, unknown or global",
        "layer": "id of a layer above",
        "count": "int with k M G T",
    }
    text = words.get(field.kind, field.kind)
    # For padding a minimum of 0 is obvious, and a word has none.
    if field.minimum is not None and field.kind != "padding":
        text += f" ≥ {field.minimum}"
    return text if field.maximum is None else f"{text} ≤ {field.maximum}"


def default_text(field: Field) -> str:
    """The default of a field as a network file writes it."""
    if field.required:
        return "required"
    value: Any = field.default
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    return str(value) if known(value) else "unknown"
