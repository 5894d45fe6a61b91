"""JSON Schema (draft 7) of ``convcalc.toml`` and of ``[tool.convcalc]``, for editors."""

from __future__ import annotations

from convcalc.checking.configuration import FORMATS, KEYS, SEVERITIES
from convcalc.diagnostics.codes import RULES
from convcalc.language.reading import Limits
from convcalc.language.syntax import reader
from convcalc.output.schemas.network import DRAFT
from convcalc.output.schemas.network_parts import Schema, closed, integer, list_of

_CODES = list_of({"type": "string", "pattern": "^CC[0-9]{0,3}$"})
_LIMITS = {**reader.Limits()._asdict(), "layers": Limits().layers}
_SETTINGS: Schema = {
    "select": {**_CODES, "description": "rules that are looked for, by code or its beginning"},
    "ignore": {**_CODES, "description": "rules that are not"},
    "severity": {
        **closed({code: {"enum": list(SEVERITIES)} for code in RULES}),
        "description": "other severities of rules",
    },
    "per-file-ignores": {
        "type": "object",
        "additionalProperties": _CODES,
        "description": "rules that are not looked for in files of a pattern",
    },
    "exclude": list_of({"type": "string"}, description="patterns of what is not checked"),
    "respect-gitignore": {"type": "boolean", "default": True},
    "budgets": {"type": "string", "description": "the file of budgets"},
    "variant": {"type": "string", "default": "all"},
    "strict": {"type": "boolean", "description": "warnings make the check fail"},
    "output-format": {"enum": list(FORMATS)},
    "limits": closed(
        {name: {**integer(1), "default": default} for name, default in _LIMITS.items()},
        description="what one file may hold",
    ),
}


def settings_schema() -> Schema:
    """The schema of a project's settings."""
    return {
        "$schema": DRAFT,
        "title": "convcalc settings",
        "description": "Settings of 'convcalc check'.",
        **closed({key: _SETTINGS[key] for key in KEYS}),
    }
