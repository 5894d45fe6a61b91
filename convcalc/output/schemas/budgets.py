"""JSON Schema (draft 7) of ``convcalc.budgets.yaml``, for editors."""

from __future__ import annotations

from convcalc.checking.budgets.repository import KEYS, VERSION
from convcalc.diagnostics.codes import RULES
from convcalc.output.schemas.network import DRAFT
from convcalc.output.schemas.network_parts import (
    ASSERTIONS,
    COMPARE,
    NAME,
    NULL,
    WORDS,
    Schema,
    any_of,
    closed,
    integer,
    list_of,
    text,
)

_SIZES = list_of(any_of(integer(1), NULL), minItems=1, maxItems=4)
_SHAPE = any_of({"type": "string", "pattern": "^[0-9]+([x×]([0-9]+|\\?)){0,3}$"}, _SIZES)
_NAMES = any_of({"type": "string"}, list_of({"type": "string"}, minItems=1))
_INPUT = any_of(
    _SHAPE,
    {"type": "object", "patternProperties": {NAME: _SHAPE}, "additionalProperties": False},
)
_SEVERITY: Schema = {"enum": ["error", "warning", "warn", "ignore"]}
_BUDGET: Schema = {
    "name": text("what messages call it"),
    "models": {**_NAMES, "description": "patterns of paths, from the folder of this file"},
    "variants": {**_NAMES, "description": "all, or names of variants and of the base"},
    "inputs": {
        **any_of(_INPUT, list_of(_INPUT, minItems=1)),
        "description": "sizes to check at, every one of which must pass; else the file's own",
    },
    "message": text("shown on failure"),
    "assert": closed(ASSERTIONS, description="what the networks must be"),
    "rules": {
        **closed(dict.fromkeys(RULES, _SEVERITY)),
        "description": "other severities of rules",
    },
    "compare": COMPARE,
}


def budgets_schema() -> Schema:
    """The schema of a repository's budgets."""
    budget = {
        **closed({key: _BUDGET[key] for key in KEYS}, required=["name", "models"]),
        "anyOf": [{"required": ["assert"]}, {"required": ["rules"]}],
    }
    return {
        "$schema": DRAFT,
        "title": "convcalc budgets",
        "description": "What the networks of a repository must be.",
        **closed(
            {
                "convcalc-budgets": {"const": VERSION, "description": "version of the format"},
                "budgets": list_of(budget),
            },
            required=["convcalc-budgets", "budgets"],
        ),
        "definitions": WORDS,
    }
