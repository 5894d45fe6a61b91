"""Building blocks of JSON Schemas (draft 7), shared by all schemas in this folder."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

Schema = dict[str, Any]

DRAFT = "http://json-schema.org/draft-07/schema#"

NULL: Schema = {"type": "null"}
TEXT: Schema = {"type": "string"}
FLAG: Schema = {"type": "boolean"}
NUMBER: Schema = {"type": "number"}
WHOLE: Schema = {"type": "integer", "minimum": 0}
COUNT: Schema = {"type": ["integer", "null"], "minimum": 0}
SIZES: Schema = {"type": "array", "items": COUNT}
FRACTIONS: Schema = {
    "type": "array",
    "items": {"type": ["string", "null"], "pattern": "^-?[0-9]+(/[0-9]+)?$"},
}


def document(title: str, description: str, schema: Schema, definitions: Schema) -> Schema:
    """Return a whole schema, with the definitions that its ``$ref``s name."""
    head = {"$schema": DRAFT, "title": title, "description": description}
    return {**head, **schema} | ({"definitions": definitions} if definitions else {})


def ref(name: str) -> Schema:
    """Return a reference to a definition."""
    return {"$ref": f"#/definitions/{name}"}


def described(schema: Schema, description: str) -> Schema:
    """Return the schema with a description.

    A ``$ref`` is wrapped, since draft 7 ignores keys beside it; by ``anyOf``, since editors offer
    no completion inside ``allOf``.
    """
    form = any_of(schema) if "$ref" in schema else schema
    return {**form, "description": description}


def text(description: str) -> Schema:
    """Return the schema of a text; YAML may read one as a number, so numbers are allowed."""
    return {"type": ["string", "number"], "description": description}


def integer(minimum: int | None = None) -> Schema:
    """Return the schema of an integer."""
    return {"type": "integer"} | ({} if minimum is None else {"minimum": minimum})


def any_of(*options: Schema, **more: Any) -> Schema:
    """Return the schema of one of several forms."""
    return {"anyOf": list(options), **more}


def or_null(schema: Schema) -> Schema:
    """Return the schema that also allows null, for an unknown or missing value."""
    return any_of(schema, NULL)


def list_of(items: Schema, **more: Any) -> Schema:
    """Return the schema of an array whose items have one form."""
    return {"type": "array", "items": items, **more}


def closed(properties: Schema, required: Sequence[str] | None = None, **more: Any) -> Schema:
    """Return the schema of an object with only these keys; ``required`` is all by default."""
    names = list(properties if required is None else required)
    schema = {"type": "object", "properties": properties}
    needs = {"required": names} if names else {}
    return {**schema, **needs, "additionalProperties": False, **more}


def mapping(values: Schema, **more: Any) -> Schema:
    """Return the schema of an object with any keys."""
    return {"type": "object", "additionalProperties": values, **more}


def named(pattern: str, value: Schema, **more: Any) -> Schema:
    """Return the schema of an object whose keys match a pattern; null counts as empty."""
    return {
        "type": ["object", "null"],
        "patternProperties": {pattern: value},
        "additionalProperties": False,
        **more,
    }
