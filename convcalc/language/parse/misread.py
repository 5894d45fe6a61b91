"""Layers that are written in the way of another format: what is meant, and what to write.

Imported only once an item is wrong.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from convcalc.diagnostics.diagnostic import Diagnostic
from convcalc.diagnostics.rejection import rejected
from convcalc.language.parse.arguments import is_type
from convcalc.language.parse.calls import layer_text
from convcalc.language.parse.tree import SIBLINGS, Unit
from convcalc.language.syntax import nodes
from convcalc.language.syntax.yaml_errors import NO_LIST
from convcalc.model.operators.advice import REMOVE, field_advice
from convcalc.model.operators.registry import families, fields_of, operator_class
from convcalc.model.operators.words import (
    Vocabulary,
    field_vocabulary,
    guess_operator,
)

TYPE_WORDS = ("type", "op", "layer", "operator", "class", "class_name", "kind", "module", "op_type")
_TIGHT = re.compile(r"(\w+)\s*=?\s*\{")
_LONGEST = 200  # characters of a key that is looked at
# What a mapping that is something else should look like.
_MAPPINGS = {
    "params": "write a name and a value for each param: 'params: {width: 16}'",
    "variants": "write a name and its params for each variant: 'variants: {wide: {width: 32}}'",
    "functions": "write a head and an expression for each: 'functions: {f(x): x * 2}'",
    "blocks": "write a name and a mapping for each block: 'blocks: {Block: {layers: [relu]}}'",
}

Report = Callable[..., None]


def unlisted(node: nodes.Mapping, report: Report) -> list[nodes.Node]:
    """The items of a list of layers that is written as a mapping, without dashes."""
    report(NO_LIST.at(node.entries[0][0].place, ()))
    parts: list[nodes.Node] = []
    for key, value in node.entries:
        if key.text in SIBLINGS and parts:
            last = parts[-1]
        else:
            last = nodes.Mapping(key.place)
            parts.append(last)
        if isinstance(last, nodes.Mapping):
            last.add(key, value)
            last.whole = node.whole
    return parts


def named(node: nodes.Mapping, unit: Unit, report: Report) -> list[nodes.Node]:
    """The items of ``{stem: {conv: …}, act: relu}``, whose keys are meant as ids; else none."""
    parts: list[nodes.Node] = []
    text = ""
    for key, value in node.entries:
        part = nodes.Mapping(key.place)
        types = _types(value, unit)
        if len(types) != 1 or guess_operator(key.text):
            return []
        if isinstance(value, nodes.Mapping):
            for inner in value.entries:
                part.add(*inner)
        else:
            part.add(types[0], nodes.Scalar(None, "", True, value.place))
        text = text or f"{types[0].text}{': …' if isinstance(value, nodes.Mapping) else ''}"
        if "id" not in part.keys:
            part.add(nodes.Scalar("id", "id", True, key.place), key)
        parts.append(part)
    if parts:
        first = node.entries[0][0]
        advice = f"write each layer as an item: '- {{{text}, id: {first.text}}}'"
        report(Diagnostic("wrong-type", NO_LIST.message, first.place, advice))
    return parts


def _types(value: nodes.Node, unit: Unit) -> list[nodes.Scalar]:
    """The keys of a mapping that are not siblings, or a scalar, if they name types."""
    if isinstance(value, nodes.Sequence):
        return []
    found = [value] if isinstance(value, nodes.Scalar) else [key for key, _ in value.entries]
    found = [key for key in found if key.text not in SIBLINGS]
    return found if all(is_type(key.text, unit) for key in found) else []


def unmapped(node: nodes.Node, key: str) -> tuple[str, list[tuple[nodes.Scalar, nodes.Node]]]:
    """Advice for a value that should be a mapping, and the entries that it means.

    These are the files of a list of imports, each under the beginning of its name.
    """
    if key != "imports":
        return _MAPPINGS.get(key, ""), []
    items = node.items if isinstance(node, nodes.Sequence) else [node]
    entries: list[tuple[nodes.Scalar, nodes.Node]] = []
    texts = []
    for item in items:
        if not isinstance(item, nodes.Scalar):
            continue
        stem = item.text[-_LONGEST:].rpartition("/")[2].partition(".")[0]
        name = re.sub(r"\W", "_", stem, flags=re.ASCII)
        if name and not name[0].isdigit():
            entries.append((nodes.Scalar(name, name, True, item.place), item))
            texts.append(f"{name}: {item.text}")
    return f"write '{{{', '.join(texts) or 'name: file.convcalc.yaml'}}}'", entries


def uncoloned(*keys: nodes.Scalar) -> None:
    """Rejects ``conv {k: 3}``, whose colon is missing."""
    for key in keys:
        found = _TIGHT.match(key.text[:_LONGEST])
        if found and key.plain:
            place = key.place._replace(end=key.place.column + found.end() - 1)
            message = f"there is no ':' after '{found[1]}'"
            raise rejected("syntax", message, place, f"write '{found[1]}: '")


def typed(node: nodes.Mapping, unit: Unit, report: Report) -> nodes.Scalar | None:
    """The type of an item that names it as the value of a key, ``type: conv``; None for others.

    Its other keys become the fields.
    """
    for word in TYPE_WORDS:
        value = node.get(word)
        if not isinstance(value, nodes.Scalar):
            continue
        name = value.text if is_type(value.text, unit) else guess_operator(value.text)
        if not name:
            continue
        fields = [(k, v) for k, v in node.entries if k.text not in (*SIBLINGS, word)]
        text = layer_text(name, [pair for pair in fields if pair[0].text != "name"])
        message = f"the type of a layer is its key, not the value of '{word}'"
        report(
            Diagnostic("unknown-key", message, node.keys[word].place, f"write '{text}' as the item")
        )
        _put_fields(node, value.renamed(name), fields)
        return value.renamed(name)
    return None


def nest(
    node: nodes.Mapping,
    chosen: nodes.Scalar,
    others: list[nodes.Scalar],
    unit: Unit,
    report: Report,
) -> bool:
    """Whether the keys beside a type are its fields, which lack an indentation; puts them there."""
    value = node.get(chosen.text)
    if not isinstance(value, nodes.Scalar) or value.value is not None:
        return False
    vocabulary = _vocabulary(chosen.text, unit)
    if not any(_is_field(key.text, vocabulary) for key in others):
        return False
    names = " and ".join(f"'{key.text}'" for key in others)
    message = f"the fields of '{chosen.text}' are beside it, not below it"
    advice = f"indent {names} below '{chosen.text}:'"
    report(Diagnostic("unknown-key", message, others[0].place, advice))
    _put_fields(node, chosen, [(key, node.get(key.text) or key) for key in others])
    return True


def _put_fields(
    node: nodes.Mapping, key: nodes.Scalar, fields: list[tuple[nodes.Scalar, nodes.Node]]
) -> None:
    below = nodes.Mapping(key.place)
    for name, value in fields:
        below.add(name, value)
    node.put(key, below)


def _vocabulary(name: str, unit: Unit) -> Vocabulary:
    if name in unit.blocks:
        return Vocabulary(unit.blocks[name].params.keys())
    name = name if name in families() else guess_operator(name)
    return field_vocabulary(fields_of(operator_class(name))) if name in families() else _NONE


_NONE = Vocabulary(())


def _is_field(word: str, vocabulary: Vocabulary) -> bool:
    if word in vocabulary.valid or word in vocabulary.shorts:
        return True
    meant = field_advice(word, (), list(vocabulary.valid), vocabulary.shorts, "")[1]
    return bool(meant) and meant != REMOVE
