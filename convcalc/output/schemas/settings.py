"""The JSON Schema (draft 7) of ``convcalc.toml`` and of ``[tool.convcalc]``, for editors."""

from __future__ import annotations

from convcalc.checking import FORMATS
from convcalc.checking.configuration import KEYS, SEVERITIES
from convcalc.diagnostics.codes import RULES
from convcalc.language.limits import Limits
from convcalc.language.syntax import document_limits
from convcalc.model.quantities.number_text import DTYPES
from convcalc.output.schemas.words import (
    FLAG,
    TEXT,
    Schema,
    closed,
    described,
    document,
    integer,
    list_of,
    mapping,
    ref,
)

_LIMITS = {**document_limits.Limits()._asdict(), "layers": Limits().layers, "work": Limits().work}
_WORDS: Schema = {"anyOf": [TEXT, list_of(TEXT)]}
_SETTINGS: Schema = {
    "select": described(ref("codes"), "rules to check, by code or its beginning"),
    "ignore": described(ref("codes"), "rules to skip"),
    "severity": closed(
        dict.fromkeys(RULES, ref("severity")),
        required=(),
        description="other severities of rules",
    ),
    "per-file-ignores": mapping(ref("codes"), description="rules to skip in files of a pattern"),
    "exclude": list_of(TEXT, description="patterns of files to skip"),
    "models": list_of(TEXT, description="patterns of models of other programs to check"),
    "respect-gitignore": {**FLAG, "default": True},
    "budgets": described(TEXT, "the file of budgets"),
    "variant": {**TEXT, "default": "all"},
    "strict": described(FLAG, "warnings make the check fail"),
    "output-format": {"enum": list(FORMATS)},
    "depth": {
        "anyOf": [integer(1), {"const": "all"}],
        "description": "how many levels of blocks 'show' expands",
    },
    "columns": described(_WORDS, "columns of 'show', or +A,B for more than the usual ones"),
    "dtype": described({"enum": list(DTYPES)}, "type of the numbers in memory, by default float32"),
    "convention": described(TEXT, "another tool whose numbers are shown too"),
    "count": described(_WORDS, "work that MACs add up, by default weights,dynamic"),
    "memory": described(_WORDS, "how memory is counted, such as training,adam"),
    "limits": closed(
        {
            name: {**integer(1), "maximum": default, "default": default}
            for name, default in _LIMITS.items()
        },
        required=(),
        description="what one file may hold, and the units of work that it may take, about a "
        "microsecond each; only --limit allows more than the default",
    ),
}


def settings_schema() -> Schema:
    """Return the schema of a project's settings."""
    return document(
        "convcalc settings",
        "Settings of 'convcalc check', and of 'convcalc show', 'get' and 'diff'.",
        closed({key: _SETTINGS[key] for key in KEYS}, required=()),
        {
            "codes": list_of({"type": "string", "pattern": "^CC[0-9]{0,3}$"}),
            "severity": {"enum": list(SEVERITIES)},
        },
    )
