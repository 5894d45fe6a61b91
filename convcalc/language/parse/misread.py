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
