"""The body of a loop as a class: what it takes of what it is in, and what it hands over."""

from __future__ import annotations

from collections.abc import Sequence

from convcalc.exporting.naming import Namespace, camel_case
from convcalc.exporting.references import head_of, own_texts, read_before_made
from convcalc.exporting.torch.body import Body
from convcalc.exporting.torch.parts import LAST, Part
from convcalc.language.parse.tree import Item, inner_items


def loop_class(classes: Namespace, body: Body, item: Item, one: Item) -> Part:
    """The class of a loop; ``one`` is the item without its loop."""
    items = one.body if one.kind == "seq" else [one]
    stem = camel_case(item.id) if item.id else f"{body.part.name}Step"
    part = Part(classes.fresh(stem), items, body.part.unit, None, body.runs(item))
    inside = {each.id for each in inner_items(item) if each.id}
    early = [name for name in read_before_made(items) if name not in item.carry]
    part.wanted = _wanted(item, inside, early, _texts_outside(body.part, item))
    for text in own_texts(items):
        head = head_of(text)
        is_inner = head in inside and head not in item.carry and head not in early
        if text != "prev" and not is_inner:
            part.tensors.setdefault(text, "")
    return part


def _wanted(
    item: Item, inside: set[str], early: Sequence[str], outside: Sequence[str]
) -> list[str]:
    """Return what is read of a round: by rounds and layers behind it, by the next one, the last
    tensor.
    """
    behind: list[str] = []
    if item.id:
        start = f"{item.id}["
        rounds = [text for text in outside if text.startswith(start) and "]." in text]
        behind = [text[text.index("]") + 2 :] for text in rounds]
    carried = [name for name in item.carry if name in inside]
    read = [text for text in outside if head_of(text) in inside]
    return list(dict.fromkeys([*behind, *carried, *early, *read, LAST]))


def _texts_outside(part: Part, item: Item) -> list[str]:
    """The references to what a loop makes, from outside it."""
    inner = {id(each) for each in (item, *inner_items(item))}
    found = [text for each in part.items if id(each) not in inner for text in own_texts([each])]
    texts = [*dict.fromkeys(found), *filter(None, part.wanted)]
    if part.block is None and not part.is_network:
        return texts
    # items around the loop may hold it: what they name besides is outside too
    own = list(own_texts([item]))
    every = list(own_texts(part.items))
    return [
        text
        for text in texts
        if text not in own or every.count(text) > own.count(text) or text in part.wanted
    ]
