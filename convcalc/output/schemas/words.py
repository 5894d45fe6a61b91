"""The words of JSON Schemas (draft 7), each written down once for all schemas of this folder."""

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
    """A whole schema, with the definitions that its ``$ref``s name."""
    head = {"$schema": DRAFT, "title": title, "description": description}
    return {**head, **schema} | ({"definitions": definitions} if definitions else {})


def ref(name: str) -> Schema:
    """One of the definitions."""
    return {"$ref": f"#/definitions/{name}"}


def described(schema: Schema, description: str) -> Schema:
    """With a description; beside a bare ``$ref`` draft 7 would ignore it.

    ``anyOf``, since behind an ``allOf`` editors see no value to fill in.
    """
    form = any_of(schema) if "$ref" in schema else schema
    return {**form, "description": description}


def text(description: str) -> Schema:
    """A text; one that looks like a number is one too."""
    return {"type": ["string", "number"], "description": description}


def integer(minimum: int | None = None) -> Schema:
    """An integer."""
    return {"type": "integer"} | ({} if minimum is None else {"minimum": minimum})


def any_of(*options: Schema, **more: Any) -> Schema:
    """One of several forms."""
    return {"anyOf": list(options), **more}


def or_null(schema: Schema) -> Schema:
    """The same, or null where it is not known or there is none."""
    return any_of(schema, NULL)


def list_of(items: Schema, **more: Any) -> Schema:
    """An array of entries of one form."""
    return {"type": "array", "items": items, **more}


def closed(properties: Schema, required: Sequence[str] | None = None, **more: Any) -> Schema:
    """An object with these keys and no others; all must be there, or those of ``required``."""
    names = list(properties if required is None else required)
    schema = {"type": "object", "properties": properties}
    needs = {"required": names} if names else {}
    return {**schema, **needs, "additionalProperties": False, **more}


def mapping(values: Schema, **more: Any) -> Schema:
    """An object with any keys."""
    return {"type": "object", "additionalProperties": values, **more}


def named(pattern: str, value: Schema, **more: Any) -> Schema:
    """An object whose keys are names of one form; nothing below the key is an empty one."""
    return {
        "type": ["object", "null"],
        "patternProperties": {pattern: value},
        "additionalProperties": False,
        **more,
    }
