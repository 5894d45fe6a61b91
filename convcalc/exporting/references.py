"""Who reads whose tensors: what a block takes besides its input, and what is read inside it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from convcalc.diagnostics.rejection import Rejected
from convcalc.language.parse.tree import Block, Item, inner_items
from convcalc.language.syntax import nodes
from convcalc.language.syntax.evaluation import free_names


def own_texts(items: Sequence[Item]) -> Iterator[str]:
    """All references among items: to what they read, and to what loops walk over."""
    for item in items:
        for each in (item, *inner_items(item)):
            yield from _texts_of(each)


def _texts_of(item: Item) -> Iterator[str]:
    yield from (source.text for source in item.sources)
    for name, source in item.carry.items():
        yield name
        yield source.text
    for argument in item.arguments:
        if argument.reference is not None:
            yield argument.reference.text
            if item.block is not None:
                start = argument.reference.text
                for key in tensor_keys(item.block):
                    head, dot, rest = key.partition(".")
                    if head == argument.name and dot:
                        yield f"{start}.{rest}"
        yield from (reference.text for reference in argument.references or ())
    for _, node in item.loops:
        parts = node.items if isinstance(node, nodes.Sequence) else [node]
        for part in parts:
            if isinstance(part, nodes.Scalar) and isinstance(part.value, str):
                yield part.text


def head_of(text: str) -> str:
    """The first component of a reference, without an index."""
    return text.partition(".")[0].partition("[")[0]


def tensor_keys(block: Block) -> list[str]:
    """Return what a block reads of its ref params: their names, and paths behind them."""
    refs = {name for name, param in block.params.items() if param.kind == "ref"}
    found = dict.fromkeys(text for text in own_texts(block.body) if head_of(text) in refs)
    order = list(block.params)
    return sorted(found, key=lambda text: (order.index(head_of(text)), text))


def wanted_results(
    blocks: Iterable[Block], top: Sequence[Item], outputs: Sequence[str]
) -> dict[Block, list[str]]:
    """The paths inside each block that are read from outside it, by fixpoint."""
    bodies: list[tuple[Block | None, Sequence[Item]]] = [(None, top)]
    bodies += [(block, block.body) for block in blocks]
    wanted: dict[Block, list[str]] = {}
    changed = True
    while changed:
        changed = False
        for block, items in bodies:
            inside = wanted.get(block, []) if block is not None else list(outputs)
            for text in (*own_texts(items), *inside):
                for called, rest in reached(items, text):
                    if rest not in wanted.setdefault(called, []):
                        wanted[called].append(rest)
                        changed = True
    return wanted


def reached(items: Sequence[Item], text: str) -> Iterator[tuple[Block, str]]:
    """The blocks that a path goes into, each with the rest of the path."""
    head, dot, rest = text.partition(".")
    if not dot:
        return
    name = head.partition("[")[0]
    for item in items:
        for each in (item, *inner_items(item)):
            if each.block is not None and each.component == name:
                yield each.block, rest


def blocks_below(items: Sequence[Item]) -> list[Block]:
    """All blocks that items call, and those that these call."""
    found: dict[Block, None] = {}
    waiting = list(items)
    while waiting:
        item = waiting.pop(0)
        for each in (item, *inner_items(item)):
            if each.block is not None and each.block not in found:
                found[each.block] = None
                waiting += each.block.body
    return list(found)


def read_before_made(items: Sequence[Item]) -> list[str]:
    """The ids of items that others name before them: in a loop, what the round before made."""
    ids = {each.id for item in items for each in (item, *inner_items(item)) if each.id}
    made: set[str] = set()
    early: dict[str, None] = {}

    def walk(some: Sequence[Item], variables: frozenset[str]) -> None:
        for item in some:
            own = variables | {name for name, _ in item.loops}
            for text in _texts_of(item):
                if head_of(text) in ids - made - own:
                    early[head_of(text)] = None
            for part in (item.body, item.shortcut, item.branches):
                walk(part, own)
            made.add(item.id)

    walk(items, frozenset())
    return list(early)


def names_of(node: nodes.Node) -> frozenset[str]:
    """The names in an expression; none in a path to a tensor, which is not an expression."""
    try:
        return frozenset(free_names(node))
    except Rejected:
        return frozenset()


def nodes_of(item: Item) -> Iterator[nodes.Node]:
    """All expressions of an item itself."""
    for argument in item.arguments:
        yield argument.node
    for pair in (item.condition, item.repeat, item.split):
        if pair is not None:
            yield pair[1]
    for _, node in item.loops:
        yield node


def free_in(items: Iterable[Item], bound: frozenset[str] = frozenset()) -> set[str]:
    """The names that expressions of items read, but for variables of loops around them."""
    found: set[str] = set()
    for item in items:
        inner = bound | {name for name, _ in item.loops}
        lists = {id(node) for _, node in item.loops}
        for node in nodes_of(item):
            found |= names_of(node) - (bound if id(node) in lists else inner)
        for part in (item.body, item.shortcut, item.branches):
            found |= free_in(part, inner)
    return found


_ROUND = re.compile(r"\[[^\]]*\bi\b")


def uses_index(item: Item) -> bool:
    """Whether anything of an item reads the number of its round."""
    for each in (item, *inner_items(item)):
        if any("i" in names_of(node) for node in nodes_of(each)):
            return True
        if any(_ROUND.search(source.text) for source in each.sources):
            return True
    return False
