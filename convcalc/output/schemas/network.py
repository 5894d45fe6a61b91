"""JSON Schema (draft 7) of the network file, for editors; made from the operators' declarations.

It accepts every file that the reader accepts and rejects what can be told without looking at
names and shapes: unknown keys, mistyped operators, missing fields, numbers out of bounds. Text
where a number is expected is an expression; whether its names exist only the reader knows.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from convcalc.language.parse.tree import COMPOSITES, SIBLINGS, TOP_KEYS
from convcalc.model.geometry.sizes import EXTENT_WORDS, PADDING_WORDS
from convcalc.model.operators.contract import Operator
from convcalc.model.operators.fields import Field
from convcalc.model.operators.manual import summary
from convcalc.model.operators.registry import fields_of, operator_class, operator_names
from convcalc.output.schemas.network_parts import (
    COMPOSITE,
    DEPENDENCIES,
    EXPR,
    FLAG,
    NAME,
    NULL,
    NUMBER,
    PARAMS,
    SHAPE,
    SIBLING,
    TOP,
    VALUE,
    WORDS,
    Schema,
    any_of,
    closed,
    integer,
    list_of,
    named,
    ref,
)

DRAFT = "http://json-schema.org/draft-07/schema#"
BLOCK = "^([A-Za-z_][A-Za-z0-9_]*\\.)?[A-Z][A-Za-z0-9]*$"  # Block or namespace.Block


def network_schema() -> Schema:
    """The schema of a ``*.convcalc.yaml`` file."""
    operators = {name: operator_class(name) for name in operator_names()}
    return {
        "$schema": DRAFT,
        "title": "convcalc network",
        "description": "A convolutional network: its input, blocks and layers.",
        **closed({key: TOP[key] for key in TOP_KEYS}, required=["convcalc"]),
        "dependencies": {
            "layers": any_of({"required": ["input"]}, {"required": ["inputs"]}),
            "input": {"not": {"required": ["inputs"]}},
        },
        "definitions": {
            **WORDS,
            **PARAMS,
            "item": item(operators),
            **{f"operator_{name}": operator_fields(cls) for name, cls in operators.items()},
        },
    }


def item(operators: Mapping[str, type[Operator]]) -> Schema:
    """An entry of a list of layers: a bare word, or a mapping with one type key."""
    words = [name for name, cls in operators.items() if _is_complete(cls)]
    properties = {
        **{name: ref(f"operator_{name}") for name in operators},
        **{name: COMPOSITE[name] for name in COMPOSITES},
    }
    types = [*({"required": [name]} for name in properties), _has_key(BLOCK)]
    mapping = {
        **closed({**properties, **{key: SIBLING[key] for key in SIBLINGS}}),
        "patternProperties": {
            BLOCK: named(NAME, VALUE, description="a block with values for its params")
        },
        "dependencies": DEPENDENCIES,
        "not": {"propertyNames": {"enum": list(SIBLINGS)}},
        # Only where there is a type at all: else an unknown key would be two errors.
        "if": {"anyOf": types},
        "then": {"oneOf": types},
    }
    return any_of({"type": "string", "anyOf": [{"enum": words}, {"pattern": BLOCK}]}, mapping)


def _has_key(pattern: str) -> Schema:
    """Some key matches."""
    return {"not": {"propertyNames": {"not": {"pattern": pattern}}}}


def _is_complete(operator: type[Operator]) -> bool:
    """Whether the bare word is a layer: no field is required, and one input will do."""
    return operator.arity[0] <= 1 and not _requires(operator)


def _requires(operator: type[Operator]) -> bool:
    return any(field.required for field in fields_of(operator).values())


# --- operators -------------------------------------------------------------------------------


def operator_fields(operator: type[Operator]) -> Schema:
    """What stands below an operator's key: its fields, or the list of what it reads."""
    properties: Schema = {}
    presence: list[Schema] = []
    for name, field in fields_of(operator).items():
        for key in filter(None, (name, field.short)):
            doc = field.doc if key == name else f"{name}: {field.doc}"
            properties[key] = _described(field, doc)
        presence += _presence(name, field)
    fields = closed(properties) | ({"allOf": presence} if presence else {})
    options = [fields]
    if operator.arity[1] != 1:
        options.append(list_of(ref("reference"), minItems=1, description="the ids it reads"))
    if not _requires(operator):
        options.append(NULL)
    return {"description": summary(operator)} | (
        options[0] if len(options) == 1 else any_of(*options)
    )


def _presence(name: str, field: Field) -> Iterator[Schema]:
    """A required field stands once under one of its names, another at most once."""
    names = [name, field.short] if field.short else [name]
    if field.required:
        yield {"oneOf": [{"required": [each]} for each in names]}
    elif field.short:
        yield {"not": {"required": names}}


def _described(field: Field, description: str) -> Schema:
    options = field_forms(field)
    if field.default is None:
        options.append(NULL)
    default = {"default": field.default} if isinstance(field.default, int | float | str) else {}
    return any_of(*options, description=description, **default)


def field_forms(field: Field) -> list[Schema]:
    """What may stand in a field; text is an expression wherever a number is meant."""
    bounds = {"minimum": field.minimum, "maximum": field.maximum}
    limits = {key: bound for key, bound in bounds.items() if bound is not None}
    whole, real = integer() | limits, NUMBER | limits
    pair = list_of(any_of(whole, EXPR), minItems=2, maxItems=2)
    forms: dict[str, list[Schema]] = {
        "int": [whole, EXPR],
        "float": [real, EXPR],
        "bool": [FLAG, EXPR],
        "count": [ref("quantity")],
        "word": [{"enum": list(field.choices)}, {"type": "string", "pattern": NAME}],  # or a param
        "axes": [whole, EXPR, _per_axis(whole, EXPR)],
        "scales": [real, EXPR, _per_axis(real, EXPR)],
        "sizes": [whole, EXPR, _per_axis(whole, EXPR, NULL)],
        "padding": [{"enum": list(PADDING_WORDS)}, whole, EXPR, _per_axis(whole, EXPR, pair)],
        "ints": [list_of(any_of(whole, EXPR)), EXPR],
        "shape": [SHAPE],
        "layer": [ref("reference")],
        "extent": [{"enum": list(EXTENT_WORDS)}, whole, EXPR, _per_axis(whole)],
    }
    return forms[field.kind]


def _per_axis(*each: Any) -> Schema:
    return list_of(any_of(*each), minItems=1, maxItems=3)
