"""The words of the schema about each key of a network file, for the manual."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from convcalc.language.parse.tree import BLOCK_KEYS, COMPOSITES, PARAM_KEYS, SIBLINGS, TOP_KEYS
from convcalc.output.schemas.network_parts import BLOCK, COMPOSITE, DETAILS, SIBLING, TOP
from convcalc.output.schemas.words import Schema

# What is accepted where the schema refers to a definition.
_DEFINED = {
    "shape": "[channels, sizes]",
    "value": "any value",
    "name": "name",
    "reference": "id or path",
    "reads": "id or path",
    "references": "id or path, or a list of them",
    "layers": "list of layers",
    "item": "layer",
    "outputs": "id or path, or a list of them",
    "expression": "expression",
    "file_params": "params by name",
    "block_params": "params by name",
    "block": "params and layers",
    "pinned": "number",
    "param_details": "mapping",
}
_TYPES = {
    "object": "mapping",
    "array": "list",
    "number": "number",
    "integer": "int",
    "boolean": "true or false",
    "string": "text",
}


class KeyEntry(NamedTuple):
    """The texts about one key: where it may stand, what it takes, what it means."""

    key: str
    where: str
    value: str
    description: str


def key_entries(word: str) -> Iterator[KeyEntry]:
    """Yields what the schema says about a word, for each place where it may stand."""
    if word in TOP_KEYS:
        yield _entry(word, "the file", TOP[word])
    if word in BLOCK_KEYS and word not in ("params", "layers"):
        yield _entry(word, "a block", BLOCK[word])
    if word in COMPOSITES:
        yield _entry(word, "a layer, as its type", COMPOSITE[word])
    if word in SIBLINGS:
        yield _entry(word, "a layer, beside its type", SIBLING[word])
    if word == "params":
        yield from (_entry(key, "a param", DETAILS[key]) for key in PARAM_KEYS)


def _entry(key: str, where: str, schema: Schema) -> KeyEntry:
    return KeyEntry(key, where, value_text(schema), schema.get("description", ""))


def key_table(entries: Sequence[KeyEntry]) -> str:
    """The entries as a Markdown table; empty without any."""
    if not entries:
        return ""
    cells = [
        (f"`{entry.key}`", entry.where, entry.value, entry.description.replace("|", "\\|"))
        for entry in entries
    ]
    lines = [("key", "of", "takes", "meaning"), ("---",) * 4, *cells]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def value_text(schema: Schema) -> str:
    """Return what a schema accepts, in a few words."""
    return " or ".join(dict.fromkeys(_forms(schema)))


def _forms(schema: Schema) -> Iterator[str]:
    if "$ref" in schema:
        yield _DEFINED[schema["$ref"].rpartition("/")[2]]
    elif "const" in schema:
        yield str(schema["const"])
    elif "enum" in schema:
        yield f"one of {', '.join(map(str, schema['enum']))}"
    elif "anyOf" in schema and "type" not in schema:
        for option in schema["anyOf"]:
            yield from _forms(option)
    elif "if" in schema:
        yield "list of branches"
    else:
        yield from _typed(schema)


def _typed(schema: Schema) -> Iterator[str]:
    named: dict[str, Any] = schema.get("patternProperties", {})
    kinds = schema.get("type", [])
    kinds = [kinds] if isinstance(kinds, str) else kinds
    texts = schema.get("allOf") != [{"$ref": "#/definitions/expression"}]
    for kind in kinds:
        if kind == "object" and named:
            yield from map(_mapping, named.values())
        elif kind == "array" and "items" in schema:
            yield f"list of {_plural(value_text(schema['items']))}"
        elif kind == "string":
            yield "text" if texts else "expression"
        elif kind != "null" and (kind != "number" or "string" not in kinds):
            least = schema.get("minimum")
            yield _TYPES[kind] + (f" ≥ {least}" if least is not None else "")


def _mapping(values: Schema) -> str:
    text = value_text(values)
    return "mapping by name" if "mapping" in text else f"{text}, by name"


def _plural(text: str) -> str:
    return {"layer": "layers", "any value": "values"}.get(text, text)
