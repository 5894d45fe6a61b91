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
    """One field in words; ``default`` is what happens without it."""

    name: str
    short: str
    value: str
    default: str
    description: str


def manual(operator: type[Operator]) -> str:
    """The whole text."""
    return (sys.modules[operator.__module__].__doc__ or "").strip()


def summary(operator: type[Operator]) -> str:
    """Its first line."""
    return manual(operator).partition("\n")[0]


def field_entries(operator: type[Operator]) -> Iterator[FieldEntry]:
    """The fields in the order of their declaration."""
    for name, field in fields_of(operator).items():
        yield FieldEntry(name, field.short, value_text(field), default_text(field), field.doc)


def value_text(field: Field) -> str:
    """What may stand in the field: kind and bounds, or the words."""
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
    # A minimum of 0 for padding goes without saying; so does any for a word.
    if field.minimum is not None and field.kind != "padding":
        text += f" ≥ {field.minimum}"
    return text if field.maximum is None else f"{text} ≤ {field.maximum}"


def default_text(field: Field) -> str:
    """The default as a network file would write it."""
    if field.required:
        return "required"
    value: Any = field.default
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    return str(value) if known(value) else "unknown"
