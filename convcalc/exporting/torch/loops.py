"""Loops: a container where nothing but the last tensor goes on, and else rounds of forward."""

from __future__ import annotations

from convcalc.exporting.naming import snake_case
from convcalc.exporting.torch.body import Body
from convcalc.exporting.torch.headers import Header
from convcalc.exporting.torch.parts import Var
from convcalc.exporting.torch.rounds import Rounds, carry, is_uniform, stripped, turning
from convcalc.exporting.torch.statements import NotChain
from convcalc.language.parse.tree import Item, inner_items


def write_loop(body: Body, item: Item) -> None:
    """Writes an item with ``for`` or ``repeat``."""
    for name, source in item.carry.items():
        carry(body, name, source.text)
    walks = item.walks_sources or item.rereads
    if item.sources and not walks:
        if len(item.sources) > 1:
            raise body.refuse("a loop whose first round reads several tensors", item.type)
        body.cur = body.resolve(item.sources[0])
    if item.share is not None:
        body.apply(f"{body.share_target(item)}({body.cur.tensor})", body.cur.channels, item)
        _finish(body, item)
        return
    if body.adder is not None:
        raise NotChain
    state = body.state()
    try:
        if item.carry or walks or _read_inside(body, item):
            raise NotChain
        _container(body, item)
    except NotChain:
        body.restore(state)
        if body.is_flat:
            raise
        Rounds(body, item).write()
    _finish(body, item)


def _finish(body: Body, item: Item) -> None:
    """Keeps the last round under the id."""
    if not item.id or item.id not in body.read_ids or body.is_flat:
        return
    found = body.vars.get(item.id)
    if found is not None and found.rounds:
        body.vars[item.id] = Var(
            f"{found.rounds}[-1]", body.cur.channels, found.rounds, found.widths
        )
        return
    if not body.cur.tensor:
        return
    body.bind(item.id)


def _read_inside(body: Body, item: Item) -> bool:
    """Whether something outside reads layers inside the loop."""
    ids = {each.id for each in inner_items(item) if each.id}
    return bool(ids & body.read_ids)


def _container(body: Body, item: Item) -> None:
    """All rounds as the modules of one ``nn.Sequential``."""
    one = stripped(body, item)
    target = _target(body, item)
    source, outer = body.cur, body.sink
    listed = item.id in body.round_ids and bool(item.id)
    if listed and target in ("self", outer):
        raise NotChain
    widths = ""

    def write(_: Header) -> None:
        nonlocal widths
        body.sink = target
        start = len(body.init)
        body.once(one)
        if listed:
            made = sum(f"{target}.append(" in text for _, text in body.init[start:])
            if made != 1:
                raise NotChain
            widths = _listed_widths(body, item)

    turning(body, item, write)
    body.sink = outer
    channels = body.cur.channels
    if item.id:
        body.attributes[item.id] = target
    body.cur = source
    if listed:
        _rounds_of(body, item, target, Var(body.running, channels), widths)
    else:
        body.apply(f"{target}({source.tensor})", channels)


def _target(body: Body, item: Item) -> str:
    """Return what rounds are appended to: the class itself, the container around it, or one of its
    own.
    """
    if body.sink:
        return body.sink
    if body.chain and len(body.part.items) == 1:
        return "self"
    target = f"self.{body.holders.fresh(snake_case(item.component))}"
    body.make(f"{target} = nn.Sequential()")
    return target


def _rounds_of(body: Body, item: Item, target: str, last: Var, widths: str) -> None:
    """Calls the modules of a container one by one, and keeps what each makes in a list."""
    stem = snake_case(item.id)
    rounds = body.variables.fresh(f"{stem}_maps" if item.id in body.vars else stem)
    body.settle()
    module = body.variables.fresh("module")
    body.do(f"{rounds}: list[Tensor] = []")
    body.do(f"for {module} in {target}:")
    with body.inside(1):
        body.do(f"{body.running} = {module}({body.running})")
        body.do(f"{rounds}.append({body.running})")
    body.variables.taken.discard(module)
    body.cur = last
    body.vars[item.id] = Var(rounds, last.channels, rounds, widths)


def _listed_widths(body: Body, item: Item) -> str:
    """Keeps the channels of each round in a list, if they may differ; returns its name."""
    if is_uniform(body, item):
        return ""
    name = body.part.lists.setdefault(item, "")
    if not name:
        name = body.part.lists[item] = body.names.fresh(f"{snake_case(item.id)}_channels")
    body.make(f"{name}.append({body.cur.channels})")
    return name
