"""The JSON Schema (draft 7) of network files, for editors; made from the operators' declarations.

It accepts every file that the reader accepts and rejects what is wrong regardless of names and
shapes: unknown keys, misspelt operators, missing fields, numbers out of bounds. Text in place of a
number is an expression; only the reader checks the names in it.
"""

from __future__ import annotations

from convcalc.language.parse.tree import COMPOSITES, SIBLINGS, TOP_KEYS
from convcalc.model.operators.registry import operator_class, operator_names
from convcalc.output.schemas.limits import limit_definitions
from convcalc.output.schemas.network_parts import COMPOSITE, DEPENDENCIES, PARAMS, SIBLING, TOP
from convcalc.output.schemas.operators import (
    Operators,
    field_definitions,
    operator_form,
    requires,
    shared_fields,
)
from convcalc.output.schemas.values import NAME, VALUE, WORDS
from convcalc.output.schemas.words import TEXT, Schema, any_of, closed, document, named, ref

BLOCK = "^([A-Za-z_][A-Za-z0-9_]*\\.)?[A-Z][A-Za-z0-9]*$"  # Block or namespace.Block


def network_schema() -> Schema:
    """Return the schema of a ``*.convcalc.yaml`` file."""
    operators = {name: operator_class(name) for name in operator_names()}
    top = closed(
        {key: TOP[key] for key in TOP_KEYS},
        required=["convcalc"],
        dependencies={
            "layers": any_of({"required": ["input"]}, {"required": ["inputs"]}),
            "input": {"not": {"required": ["inputs"]}},
        },
    )
    return document(
        "convcalc network",
        "A convolutional network: its input, blocks and layers.",
        top,
        {
            **WORDS,
            **PARAMS,
            **limit_definitions(),
            **field_definitions(operators, shared_fields(operators)),
            # By type, not by anyOf: editors would call a misspelt key a wrong type of a word.
            "item": {"if": TEXT, "then": _word(operators), "else": ref("layer")},
            "layer": _layer(operators),
        },
    )


def _word(operators: Operators) -> Schema:
    """Return the schema of a layer that is a bare word."""
    words = [name for name, cls in operators.items() if cls.arity[0] <= 1 and not requires(cls)]
    return {"type": "string", "anyOf": [{"enum": words}, {"pattern": BLOCK}]}


def _layer(operators: Operators) -> Schema:
    """Return the schema of a layer that is a mapping: one key is the type, others go beside it."""
    shared = shared_fields(operators)
    forms = {name: operator_form(cls, shared) for name, cls in operators.items()}
    types = forms | {name: COMPOSITE[name] for name in COMPOSITES}
    is_type = any_of({"enum": list(types)}, {"pattern": BLOCK})
    return closed(
        types | {key: SIBLING[key] for key in SIBLINGS},
        required=(),
        patternProperties={
            BLOCK: named(NAME, VALUE, description="a block with values for its params")
        },
        dependencies=DEPENDENCIES,
        **{
            "not": {"type": "object", "propertyNames": {"enum": list(SIBLINGS)}},
            # Only if there is a type at all: an unknown key would be two errors otherwise.
            "if": _has_key(is_type),
            "then": {
                "oneOf": [*({"required": [name]} for name in types), _has_key({"pattern": BLOCK})]
            },
        },
    )


def _has_key(names: Schema) -> Schema:
    """Return a schema that requires some key to match ``names``."""
    return {"not": {"propertyNames": {"not": names}}}
