"""The JSON Schema (draft 7) of ``convcalc.budgets.yaml``, for editors."""

from __future__ import annotations

from convcalc.checking.budgets.repository import KEYS, VERSION
from convcalc.diagnostics.codes import RULES
from convcalc.output.schemas.limits import ASSERTIONS, COMPARE, LOCKED, limit_definitions
from convcalc.output.schemas.values import LIMITS, NAME
from convcalc.output.schemas.words import (
    NULL,
    TEXT,
    Schema,
    any_of,
    closed,
    described,
    document,
    integer,
    list_of,
    ref,
    text,
)

_SIZES = list_of(any_of(integer(1), NULL), minItems=1, maxItems=4)
_SHAPE = any_of({"type": "string", "pattern": "^[0-9]+([x×]([0-9]+|\\?)){0,3}$"}, _SIZES)
_NAMES = any_of(TEXT, list_of(TEXT, minItems=1))
_INPUT = any_of(
    ref("sizes"),
    {"type": "object", "patternProperties": {NAME: ref("sizes")}, "additionalProperties": False},
)
_BUDGET: Schema = {
    "name": text("what messages call it"),
    "models": described(_NAMES, "patterns of paths, from the folder of this file"),
    "variants": described(_NAMES, "all, or names of variants and of the base"),
    "inputs": any_of(
        ref("input"),
        list_of(ref("input"), minItems=1),
        description="sizes to check at, every one of which must pass; else the file's own",
    ),
    "message": text("shown on failure"),
    "assert": closed(ASSERTIONS, required=(), description="what the networks must be"),
    "rules": closed(
        dict.fromkeys(RULES, ref("severity")),
        required=(),
        description="other severities of rules",
    ),
    "compare": COMPARE,
    "locked": LOCKED,
}


def budgets_schema() -> Schema:
    """Return the schema of a repository's budget file."""
    budget = closed(
        {key: _BUDGET[key] for key in KEYS},
        required=["name", "models"],
        anyOf=[{"required": ["assert"]}, {"required": ["rules"]}],
    )
    return document(
        "convcalc budgets",
        "What the networks of a repository must be.",
        closed(
            {
                "convcalc-budgets": {"const": VERSION, "description": "version of the format"},
                "budgets": list_of(budget),
            }
        ),
        {
            **LIMITS,
            **limit_definitions(),
            "sizes": _SHAPE,
            "input": _INPUT,
            "severity": {"enum": ["error", "warning", "warn", "ignore"]},
        },
    )
