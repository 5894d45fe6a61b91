"""The words of the JSON Schemas (draft 7) of what comes out."""

from __future__ import annotations

from typing import Any

Schema = dict[str, Any]

TEXT: Schema = {"type": "string"}
FLAG: Schema = {"type": "boolean"}
WHOLE: Schema = {"type": "integer", "minimum": 0}
COUNT: Schema = {"type": ["integer", "null"], "minimum": 0}
SIZES: Schema = {"type": "array", "items": COUNT}
FRACTIONS: Schema = {
    "type": "array",
    "items": {"type": ["string", "null"], "pattern": "^-?[0-9]+(/[0-9]+)?$"},
}


def closed(properties: Schema) -> Schema:
    """An object with exactly these keys."""
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def mapping(values: Schema) -> Schema:
    """An object with any keys."""
    return {"type": "object", "additionalProperties": values}


def list_of(items: Schema) -> Schema:
    """An array of any length."""
    return {"type": "array", "items": items}


def or_null(schema: Schema) -> Schema:
    """The same, or null where it is not known or there is none."""
    return {"anyOf": [schema, {"type": "null"}]}


def said(schema: Schema, description: str) -> Schema:
    """With a description."""
    return {**schema, "description": description}


def ref(name: str) -> Schema:
    """One of the definitions."""
    return {"$ref": f"#/definitions/{name}"}
