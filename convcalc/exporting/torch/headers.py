"""The heads of loops: ``for`` over lists, ``repeat`` over a range."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from convcalc.exporting.naming import snake_case
from convcalc.exporting.phrases import for_head, whole
from convcalc.exporting.references import uses_index
from convcalc.exporting.torch.body import Body
from convcalc.exporting.torch.parts import Var
from convcalc.language.parse.tree import Item
from convcalc.language.syntax import nodes


class Header:
    """The variables of a loop, and the tensors that it walks over."""

    def __init__(self) -> None:
        self.variables: list[str] = []
        self.tensors: dict[str, list[Var]] = {}


@contextmanager
def headed(body: Body, item: Item) -> Iterator[Header]:
    """Opens the loops of an item in the constructor."""
    header = Header()
    depth = body.depth[0]
    scope: dict[str, str] = {}
    walked: dict[str, Var] = {}
    numbered = uses_index(item)
    if item.loops:
        _open_for(body, item, scope, walked, header, numbered and item.repeat is None)
    body.local.append(scope)
    body.walked.append(walked)
    indices = len(body.index)
    if item.loops and "i" in scope:
        body.index.append((item, scope["i"]))
    try:
        condition = body.text(item.condition[1]) if item.condition is not None else "True"
        if condition != "True":
            body.make(f"if {condition}:")
            body.depth[0] += 1
        if item.repeat is not None:
            name = body.names.fresh("i") if numbered else "_"
            scope["i"] = name
            header.variables.append(name)
            body.make(f"for {name} in range({_count(body, item)}):")
            body.depth[0] += 1
            if numbered:
                body.index.append((item, name))
        yield header
    finally:
        body.depth[0] = depth
        body.local.pop()
        body.walked.pop()
        del body.index[indices:]
        for name in header.variables:
            if name in ("i", "j"):
                body.names.taken.discard(name)


def _count(body: Body, item: Item) -> str:
    assert item.repeat is not None
    values = [item.repeat[0](run.scope) for run in body.runs(item)]
    return whole(body.text(item.repeat[1]), values)


def _open_for(
    body: Body,
    item: Item,
    scope: dict[str, str],
    walked: dict[str, Var],
    header: Header,
    index: bool,
) -> None:
    """Writes ``for a, b in zip(…)``."""
    names: list[str] = []
    lists: list[str] = []
    for key, node in item.loops:
        tensors = _tensors(body, node)
        if tensors is not None:
            header.tensors[key] = tensors
            walked[key] = tensors[0]
            continue
        name = body.names.fresh(snake_case(key))
        names.append(name)
        lists.append(body.text(node))
        scope[key] = name
    header.variables += names
    if not names:
        count = len(next(iter(header.tensors.values())))
        name = body.names.fresh("i") if index else "_"
        scope["i"] = name
        header.variables.append(name)
        body.make(f"for {name} in range({count}):")
    else:
        counter = body.names.fresh("i") if index else ""
        if counter:
            scope["i"] = counter
            header.variables.append(counter)
        body.make(for_head(names, lists, counter, ", strict=True"))
    body.depth[0] += 1


def _tensors(body: Body, node: nodes.Node) -> list[Var] | None:
    """The tensors that a list of names means; None if it is a list of values."""
    if not isinstance(node, nodes.Sequence) or not node.items:
        return None
    found = []
    for part in node.items:
        if not isinstance(part, nodes.Scalar) or not isinstance(part.value, str):
            return None
        text = part.text
        known = text in body.vars or any(text in scope for scope in body.walked)
        if not known and body.of_rounds(text) is None:
            return None
        found.append(body.resolve(text))
    return found


def indexed(body: Body, header: Header, widths: list[str]) -> str:
    """The channels of the tensor that a round reads: an item of a tuple."""
    index = next((scope["i"] for scope in reversed(body.local) if "i" in scope), "")
    if not index or index == "_":
        # the head of the loop has no index: give it one
        depth, text = body.init[-1]
        if text.startswith("for _ in range("):
            index = body.names.fresh("i")
            body.init[-1] = (depth, text.replace("for _ in", f"for {index} in"))
            body.local[-1]["i"] = index
            header.variables.append(index)
        elif text.startswith("for ") and "enumerate" not in text:
            index = body.names.fresh("i")
            names, _, source = text[4:-1].partition(" in ")
            names = f"({names})" if "," in names else names
            body.init[-1] = (depth, f"for {index}, {names} in enumerate({source}):")
            body.local[-1]["i"] = index
            header.variables.append(index)
    return f"({', '.join(widths)})[{index}]"
