"""Writes a JSON Schema so that it reads and diffs well: one key, field or metric per line."""

from __future__ import annotations

import json
from typing import Any

PARTS = ("properties", "patternProperties", "definitions")  # keys whose values map names to schemas
WIDTH = 100  # of a list that stays on one line


def schema_text(schema: Any, margin: str = "", key: str = "") -> str:
    """Return the schema as JSON; parts without named parts or long lists go on one line."""
    if not schema or not (key in PARTS or _has_parts(schema)):
        return json.dumps(schema)
    inner = margin + " "
    if isinstance(schema, dict):
        lines = [f"{json.dumps(k)}: {schema_text(part, inner, k)}" for k, part in schema.items()]
        opening, closing = "{}"
    else:
        lines = [schema_text(part, inner) for part in schema]
        opening, closing = "[]"
    body = ",\n".join(inner + line for line in lines)
    return f"{opening}\n{body}\n{margin}{closing}"


def _has_parts(schema: Any) -> bool:
    if isinstance(schema, dict):
        return any(map(schema.get, PARTS)) or any(map(_has_parts, schema.values()))
    is_list = isinstance(schema, list)
    return is_list and (any(map(_has_parts, schema)) or len(json.dumps(schema)) > WIDTH)
