"""Translates a layer that is written as a call in a program into the language.

``Conv2d(3, 64, kernel_size=3)`` is ``conv: {out_channels: 64, kernel_size: 3}``. Imported only to
word an error.
"""

from __future__ import annotations

import re
from collections.abc import Container, Iterator

from convcalc.language.syntax import nodes
from convcalc.model.operators.advice import REMOVE, bare_word, field_advice
from convcalc.model.operators.registry import families, fields_of, operator_class
from convcalc.model.operators.words import Vocabulary, field_vocabulary, guess_operator

_CALL = re.compile(r"\s*([A-Za-z_][\w.]*)\s*\((.*)\)\s*")
_LONGEST = 200  # characters of a call that is read
_WORDS = {"True": "true", "False": "false", "None": "null"}


def fields_text(
    value: nodes.Node, vocabulary: Vocabulary, word: str = "", lists: Container[str] = ()
) -> str:
    """The fields that a value means which is not a mapping: ``64``, ``[64, 3]`` or ``k=3, s=2``.

    ``word`` is what the file calls the layer, ``lists`` are the fields that take a list.
    """
    if isinstance(value, nodes.Scalar):
        text = value.text.strip()[:_LONGEST]
        parts = list(_split(text[1:-1] if text[:1] in ("(", "{") else text))
    else:
        parts = [node_text(value)] if isinstance(value, nodes.Mapping) else []
        parts = [node_text(each) for each in getattr(value, "items", [])] or parts
    names = [*vocabulary.required, *(n for n in vocabulary.valid if n not in vocabulary.required)]
    plain = [part for part in parts if not re.match(r"\w+\s*[=:]", part)]
    if len(plain) > 1 and names and names[0] in lists and not isinstance(value, nodes.Mapping):
        return f"{{{names[0]}: [{', '.join(plain)}]}}"
    if _counts_inputs(bare_word(word), "linear" if word == "Linear" else "", len(plain)):
        parts = parts[1:]
    return _mapping(_named(parts, names, vocabulary), vocabulary)


def call_text(text: str) -> str:
    """The item that a call of a program means; empty if it names no operator."""
    found = _CALL.fullmatch(text[:_LONGEST])
    if found is None:
        return ""
    name = guess_operator(found[1])
    if name not in families():
        return ""
    vocabulary = field_vocabulary(fields_of(operator_class(name)))
    parts = list(_split(found[2]))
    plain = [part for part in parts if not re.match(r"\w+\s*=", part)]
    if _counts_inputs(bare_word(found[1]), name, len(plain)):
        parts = parts[1:]
    if name.endswith("norm") and name != "group_norm":
        parts = [part for part in parts if part not in plain]
    fields = _named(parts, list(vocabulary.valid), vocabulary)
    return f"{name}: {_mapping(fields, vocabulary)}" if fields or vocabulary.required else name


def layer_text(name: str, fields: list[tuple[nodes.Scalar, nodes.Node]]) -> str:
    """An item of this type with these fields."""
    inner = ", ".join(f"{key.text}: {node_text(node)}" for key, node in fields)
    return f"{name}: {{{inner}}}" if inner else name


def node_text(node: nodes.Node) -> str:
    """A node as it could be written on one line."""
    if isinstance(node, nodes.Scalar):
        return node.text if node.plain else f'"{node.text}"'
    if isinstance(node, nodes.Sequence):
        return f"[{', '.join(map(node_text, node.items))}]"
    return f"{{{', '.join(f'{key.text}: {node_text(value)}' for key, value in node.entries)}}}"


def _counts_inputs(word: str, name: str, plain: int) -> bool:
    """Whether the first value is the number of input channels, as in PyTorch's classes."""
    if name == "linear":
        return word == "Linear" and plain > 1
    return bool(re.fullmatch(r"Conv\w*[123]d", word)) and plain > 1


def _named(parts: list[str], names: list[str], vocabulary: Vocabulary) -> dict[str, str]:
    """The values by field: those with a name, and the others in order."""
    found: dict[str, str] = {}
    for index, part in enumerate(parts):
        word, sign, value = part.partition("=") if "=" in part else part.partition(":")
        if not sign or not word.strip().isidentifier():
            if index < len(names):
                found[names[index]] = _value(part)
            continue
        name = vocabulary.shorts.get(word.strip(), word.strip())
        if name not in vocabulary.valid:
            meant = field_advice(name, found, list(vocabulary.valid), vocabulary.shorts, "")[1]
            name = meant or name
        if name != REMOVE:
            found[name] = _value(value)
    return found


def _mapping(fields: dict[str, str], vocabulary: Vocabulary) -> str:
    missing = {name: "…" for name in vocabulary.required if name not in fields}
    inner = ", ".join(f"{name}: {value}" for name, value in {**fields, **missing}.items())
    return f"{{{inner}}}"


def _value(text: str) -> str:
    """A value of a program as a network file writes it."""
    text = text.strip()
    if text[:1] == "(" and text[-1:] == ")":
        text = f"[{text[1:-1].rstrip(', ')}]"
    return _WORDS.get(text, text)


def _split(text: str) -> Iterator[str]:
    """The parts of a text between commas that are in no bracket."""
    depth, start = 0, 0
    for at, character in enumerate(text):
        depth += (character in "([{") - (character in ")]}")
        if character == "," and depth == 0:
            yield text[start:at].strip()
            start = at + 1
    if text[start:].strip():
        yield text[start:].strip()
