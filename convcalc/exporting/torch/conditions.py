"""Items with ``if``: no module, the identity, or no statement where the condition is false."""

from __future__ import annotations

from convcalc.exporting.naming import snake_case
from convcalc.exporting.torch.body import Body
from convcalc.exporting.torch.parts import Var
from convcalc.exporting.torch.statements import NotChain, appended
from convcalc.language.parse.tree import Item


def conditional(body: Body, item: Item) -> None:
    """Writes an item with ``if``: as no module where the condition is false."""
    assert item.condition is not None
    body.reading = body.cur.channels
    condition = body.text(item.condition[1])
    if condition == "True":
        body.once(item)
        return
    before = body.cur.channels
    if body.is_flat:
        _branch_of(body, item, condition, before)
        return
    state = body.state()
    try:
        if item.sources or item.share or body.is_read(item):
            raise NotChain
        _optional_module(body, item, condition)
    except NotChain:
        body.restore(state)
        _optional_statements(body, item, condition)


def _branch_of(body: Body, item: Item, condition: str, before: str) -> None:
    """An item in a chain that is there under a condition."""
    state = body.state()
    body.make(f"if {condition}:")
    with body.inside(0):
        body.once(item)
    if body.cur.channels == before or item is body.unmerged:
        return
    body.restore(state)
    name = body.merged(before)
    body.make(f"if {condition}:")
    with body.inside(0):
        body.once(item)
        body.merge(name)


def _optional_module(body: Body, item: Item, condition: str) -> None:
    """A module of its own, which is the identity where the condition is false."""
    attribute = body.attribute_name(item)
    target = f"self.{attribute}"
    before = body.cur.channels
    found = body.collected([item], target, body.once)
    changes = found[1] != before
    if changes:
        before = body.merged(before)
        found = body.collected([item], target, body.once)
    lines, after = found
    if not lines:
        raise NotChain
    single = appended(lines, target)
    if single is not None:
        body.make(f"{target}: nn.Module = nn.Identity()")
        body.make(f"if {condition}:")
        with body.inside(0):
            body.make(f"{target} = {single}")
    else:
        body.make(f"{target} = nn.Sequential()")
        body.make(f"if {condition}:")
        body.init += [(depth + 1, text) for depth, text in lines]
    body.cur = body.cur._replace(channels=after)
    if changes:
        with body.inside(0):
            body.merge(before)
    if item.id:
        body.attributes[item.id] = target
    body.apply(f"{target}({body.cur.tensor})", body.cur.channels)


def _optional_statements(body: Body, item: Item, condition: str) -> None:
    """Statements of forward that run only where the condition holds."""
    body.settle()
    flag = body.keep(condition, f"has_{snake_case(item.component)}")
    before = body.cur.channels
    state = body.state()
    _guarded(body, item, condition, flag, "")
    if body.cur.channels != before:
        body.restore(state)
        _guarded(body, item, condition, flag, body.merged(before))


def _guarded(body: Body, item: Item, condition: str, flag: str, width: str) -> None:
    """An item under a condition; ``width`` is a variable for the channels, if they change."""
    starts = len(body.init), len(body.forward)
    body.make(f"if {condition}:")
    body.do(f"if {flag}:")
    with body.inside(0, 1):
        body.once(item)
        if item.id:
            body.bind(item.id)
        body.settle()
        if width:
            body.merge(width)
    for lines, start in zip((body.init, body.forward), starts, strict=True):
        if len(lines) == start + 1:  # nothing stands under it
            lines.pop()
    body.cur = Var(body.running, body.cur.channels)
