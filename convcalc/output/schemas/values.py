"""Definitions of the values in network files and budget files, for their JSON Schemas.

Most have no description: editors show the innermost one, which would hide the description of the
field or key that refers to it.
"""

from __future__ import annotations

from typing import Any

from convcalc.output.schemas.words import (
    Schema,
    any_of,
    described,
    list_of,
    ref,
)

NAME = "^[A-Za-z_][A-Za-z0-9_]*$"
VARIANT = "^[^\\s:]+$"
# No yes, no, on, off (booleans of YAML 1.1), no 3x3, and only the characters of expressions.
_EXPRESSION = (
    "^(?!\\s*(?:[Yy]es|YES|[Nn]o|NO|[Oo]n|ON|[Oo]ff|OFF)\\s*$)(?!\\s*[1-9][0-9]*[xX][0-9])"
    "[A-Za-z0-9_\\s+\\-*/%().,<>=!\\[\\]]+$"
)
_SUFFIXED = "^[0-9]+(\\.[0-9]+)? ?([kMGT]|[KMGT]iB|B|%)?$"


def computed(*types: str, **more: Any) -> Schema:
    """Return the schema of a value of these types, or of an expression."""
    return {"type": [*types, "string"], **more, "allOf": [ref("expression")]}


VALUE, SHAPE, QUANTITY = ref("value"), ref("shape"), ref("quantity")
AMOUNT, READS = ref("amount"), ref("reads")  # the same as a quantity and a reference, described
DESCRIBED_SHAPE = described(
    SHAPE, "channels and spatial sizes, without the batch; null where unknown"
)

# The definitions that budget files need.
LIMITS: Schema = {
    # Constrains text only; other types are allowed beside it.
    "expression": {
        "pattern": _EXPRESSION,
        "minLength": 1,
        "maxLength": 200,
        "patternErrorMessage": "no expression: numbers, names of params, + - * / // % **, "
        "comparisons, if-else, and functions such as min, max, make_divisible",
    },
    "shape": computed(
        "array", items=computed("integer", "null", minimum=1), minItems=1, maxItems=4
    ),
    "quantity": {
        "type": ["number", "string"],
        "anyOf": [{"pattern": _SUFFIXED}, ref("expression")],
    },
    "amount": described(QUANTITY, "a number; k M G T and KiB MiB GiB may follow"),
}
WORDS: Schema = {
    **LIMITS,
    "value": {"type": ["number", "boolean", "string", "null", "array"], "items": VALUE},
    "name": {"type": "string", "pattern": NAME},
    "reference": {"type": "string", "pattern": "^[A-Za-z_]([A-Za-z0-9_.]|\\[(-?[0-9]+|\\*)\\])*$"},
    "reads": described(ref("reference"), "prev, input, the id of a layer above, or its path"),
    "references": any_of(READS, list_of(READS, minItems=1)),
}
