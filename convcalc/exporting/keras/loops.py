"""Loops: ``for`` outside, then ``if``, then ``repeat``; each round makes the tensor of the next."""

from __future__ import annotations

from convcalc.exporting.expressions import tuple_of
from convcalc.exporting.keras.body import INDEXED, Body
from convcalc.exporting.naming import identifier, snake_case
from convcalc.exporting.phrases import for_head
from convcalc.exporting.references import head_of, uses_index
from convcalc.language.parse.tree import Item
from convcalc.language.syntax import nodes


def write_loop(body: Body, item: Item) -> None:
    """An item with its rounds."""
    body.look_at(body.cur, item)
    if item.sources and not (item.rereads or item.walks_sources):
        if len(item.sources) > 1:
            raise body.refused("repeats with several inputs", item)
        body.cur = body.resolve(item.sources[0], item)
    _carry(body, item)
    listed = _list_of(body, item)
    run = body.run
    if not item.walks_sources:
        body.settle(run)
    saved = dict(body.loops)
    if item.loops:
        body.block_of(header(body, item, "i"), lambda: _conditional(body, item, listed))
    else:
        _conditional(body, item, listed)
    body.loops = saved
    body.cur = run
    if item.id and item.id in body.read and item.id in body.texts:
        own = body.variable(item.id)
        body.assign(own, run)
        body.vars[item.id] = own


def _carry(body: Body, item: Item) -> None:
    """Return what ids mean in the first round."""
    for name, source in item.carry.items():
        target = body.variable(name)
        found = body.resolve(source, item)
        if found != target:
            body.do(f"{target} = {found}")
        body.vars[name] = target


def header(body: Body, item: Item, index: str) -> str:
    """The head of a ``for``; its names are known in what follows."""
    values = [_values_of(body, node, item) for _, node in item.loops]
    names = []
    for key, _ in item.loops:
        name = body.function.names.fresh(identifier(key))
        body.function.names.taken.discard(name)
        body.loops[key] = body.vars[key] = name
        names.append(name)
    if not uses_index(item):
        return for_head(names, values)
    body.loops["i"] = index
    return for_head(names, values, index)


def _values_of(body: Body, node: nodes.Node, item: Item) -> str:
    """The values of a loop: numbers, or tensors by their names."""
    if isinstance(node, nodes.Sequence):
        return tuple_of([_value_of(body, part, item) for part in node.items])
    return _value_of(body, node, item)


def _value_of(body: Body, node: nodes.Node, item: Item) -> str:
    if isinstance(node, nodes.Scalar) and isinstance(node.value, str):
        found = body.find(node.text, item)
        if found is not None:
            return found.removeprefix("*")
    return body.text(node)


def _conditional(body: Body, item: Item, listed: str) -> None:
    """The rounds of a ``repeat``, below the ``if`` of an item."""
    if item.condition is None:
        _repeated(body, item, listed)
        return
    body.look_at(body.cur, item)
    condition = body.text(item.condition[1])
    if condition == "True":
        _repeated(body, item, listed)
    elif condition != "False":
        body.block_of(f"if {condition}:", lambda: _repeated(body, item, listed))


def _repeated(body: Body, item: Item, listed: str) -> None:
    """The rounds of a ``repeat``, or the only one."""
    if item.repeat is None:
        _turn(body, item, listed)
        return
    body.look_at(body.cur, item)
    count = body.text(item.repeat[1])
    outer = dict(body.loops)
    index = "i" if uses_index(item) else "_"
    if index == "i" and "i" in outer.values():
        index = "j"
    body.loops["i"] = index
    body.block_of(f"for {index} in range({count}):", lambda: _turn(body, item, listed))
    body.loops = outer


def _turn(body: Body, item: Item, listed: str) -> None:
    """One round, whose tensor the next one reads."""
    run = body.cur = body.run
    sources = item.sources
    if sources and not (item.rereads or item.walks_sources):
        item.sources = []
    try:
        body.once(item)
    finally:
        item.sources = sources
    body.settle(run)
    if listed:
        body.do(f"{listed}.append({run})")
    for key, inner in body.lists.items():
        owner, _, rest = key.partition(".")
        if item.id and owner == item.id and item.kind != "block" and rest in body.vars:
            body.do(f"{inner}.append({body.vars[rest]})")


def _list_of(body: Body, item: Item) -> str:
    """The list that holds what each round made, if rounds are read by their number."""
    behind = [text for text in body.texts if text.startswith(f"{item.id}[")] if item.id else []
    for text in behind:
        match = INDEXED.match(text)
        rest = match[3] if match else None
        key = f"{item.id}.{rest}" if rest else item.id
        if key not in body.lists:
            body.lists[key] = body.function.names.fresh(snake_case(f"{key.replace('.', '_')}s"))
            body.do(f"{body.lists[key]} = []")
        if rest:
            body.read.add(head_of(rest))
    return body.lists.get(item.id, "") if behind else ""
