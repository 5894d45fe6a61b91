"""Loops: containers of modules where nothing but the last tensor goes on, and else rounds of forward."""

from __future__ import annotations

import copy
from collections.abc import Callable

from convcalc.exporting.expressions import names_in
from convcalc.exporting.naming import snake_case
from convcalc.exporting.torch.body import Body, NotChain
from convcalc.exporting.torch.headers import Header, headed
from convcalc.exporting.torch.parts import LAST, Part, Var
from convcalc.language.parse.tree import Item


def write_loop(body: Body, item: Item) -> None:
    """Writes an item with ``for`` or ``repeat``."""
    for name, source in item.carry.items():
        _carry(body, name, source.text)
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
        if body.chain or body.sink:
            raise
        _rounds(body, item)
    _finish(body, item)


def _finish(body: Body, item: Item) -> None:
    """Keeps the last round under the id."""
    if not item.id or item.id not in body.read_ids or body.chain or body.sink:
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
    from convcalc.language.parse.tree import inner_items

    ids = {each.id for each in inner_items(item) if each.id}
    return bool(ids & body.read_ids)


def _carry(body: Body, name: str, source: str) -> None:
    """What an id means in the first round."""
    var = body.resolve(source)
    known = body.vars.get(name)
    target = known.tensor if known is not None else body.variables.fresh(snake_case(name))
    if target != var.tensor:
        body.do(f"{target} = {var.tensor}")
    body.vars[name] = Var(target, var.channels)


def stripped(body: Body, item: Item) -> Item:
    """One round of an item: without its loops, its condition and what it reads."""
    found = body.writer.stripped.get(item)
    if found is None:
        found = copy.copy(item)
        found.loops, found.repeat, found.condition = [], None, None
        found.sources, found.carry, found.id = [], {}, ""
        body.writer.stripped[item] = found
        body.writer.trace.runs[found] = body.runs(item)
    return found


def _container(body: Body, item: Item) -> None:
    """All rounds as the modules of one ``nn.Sequential``."""
    one = stripped(body, item)
    only = body.chain and not body.sink and len(body.part.items) == 1
    attribute = ""
    if only:
        target = "self"
    elif body.sink:
        target = body.sink
    else:
        attribute = body.names.fresh(snake_case(item.component))
        target = f"self.{attribute}"
        body.make(f"{target} = nn.Sequential()")
    source, outer = body.cur, body.sink
    listed = item.id in body.round_ids and bool(item.id)
    if listed and (only or body.sink):
        raise NotChain
    collect = ""

    def write(header: Header) -> None:
        nonlocal collect
        body.sink = target
        start = len(body.init)
        body.once(one)
        if listed:
            made = sum(f"{target}.append(" in text for _, text in body.init[start:])
            if made != 1:
                raise NotChain
            collect = _listed_widths(body, header, item)

    uniform = _turning(body, item, write)
    body.sink = outer
    channels = body.cur.channels
    if item.id:
        body.attributes[item.id] = target
    body.cur = source
    if not listed:
        body.apply(f"{target}({source.tensor})", channels)
        return
    rounds = body.variables.fresh(
        f"{snake_case(item.id)}_maps" if item.id in body.vars else snake_case(item.id)
    )
    body.settle()
    module = body.variables.fresh("module")
    body.do(f"{rounds} = []")
    body.do(f"for {module} in {target}:")
    with body.inside(1):
        body.do(f"{body.running} = {module}({body.running})")
        body.do(f"{rounds}.append({body.running})")
    body.variables.taken.discard(module)
    body.cur = Var(body.running, channels)
    body.vars[item.id] = Var(rounds, uniform or channels, rounds, collect)


def _listed_widths(body: Body, header: Header, item: Item) -> str:
    """Keeps the channels of each round in a list, if they may differ; returns its name."""
    del header
    values = {run.output.channels for run in body.runs(item) if run.output}
    changing = names_in(body.cur.channels) & {n for scope in body.local for n in scope.values()}
    if not changing and not any(
        "channels" in n for n in names_in(body.cur.channels) - {"in_channels"}
    ):
        return ""
    if len(values) == 1 and not changing:
        return ""
    name = body.part.lists.setdefault(item, "")
    if not name:
        name = body.part.lists[item] = body.names.fresh(f"{snake_case(item.id)}_channels")
    body.make(f"{name}.append({body.cur.channels})")
    return name


def _turning(body: Body, item: Item, write: Callable[[Header], None]) -> str:
    """Writes the rounds; makes the channels a variable if the rounds change them.

    Returns the channels of each round, where all have the same.
    """
    before = body.cur.channels
    body.reading = before
    state = body.state()
    for attempt in (0, 1):
        if attempt:
            body.restore(state)
            name = body.merged(before)
            body.reading = name
        start = len(body.init)
        with headed(body, item, body.runs(item)) as header:
            write(header)
            after = body.cur.channels
            if attempt:
                body.merge(name)
            changing = {n for scope in body.local[-1:] for n in scope.values()}
        listed = body.part.lists.get(item)
        if listed:
            at = start
            body.init.insert(at, (body.depth[0], f"{listed}: list[int] = []"))
        if not attempt and after == before:
            return after
        if attempt:
            return after if not names_in(after) & changing and name not in names_in(after) else ""
    return ""


def _rounds(body: Body, item: Item) -> None:
    """The rounds as modules of a list, each called in forward."""
    one = stripped(body, item)
    one_kind = one.kind
    if one_kind == "operator":
        inner = Item("seq", item.place)
        inner.kind = "seq"
        inner.body = [one]
        if item.rereads:
            one.sources = item.sources
    part: Part | None = None
    attribute = body.names.fresh(snake_case(item.component))
    body.make(f"self.{attribute} = nn.ModuleList()")
    module = body.variables.fresh(
        snake_case(item.component) if attribute != snake_case(item.component) else "module"
    )

    def adder(_: Item, text: str) -> str:
        body.make(f"self.{attribute}.append({text})")
        return module

    body.settle() if body.cur.tensor and not item.walks_sources and body.cur.tensor != body.running else None
    walked = [k for k, _ in item.loops if item.sources and item.sources[0].text == k]
    names = dict.fromkeys(item.carry)
    lists: dict[str, str] = {}
    collect: dict[str, str] = {}
    kept = body.part.lists

    def write(header: Header) -> None:
        nonlocal part
        extra: dict[str, Var] = {}
        zipped = [f"self.{attribute}"]
        targets = [module]
        for key, tensors in header.tensors.items():
            name = body.variables.fresh(snake_case(key))
            zipped.append(
                f"({', '.join(var.tensor for var in tensors)},)"
                if len(tensors) == 1
                else f"({', '.join(var.tensor for var in tensors)})"
            )
            targets.append(name)
            widths = [var.channels for var in tensors]
            width = widths[0] if len(set(widths)) == 1 else _indexed(body, header, widths, key)
            extra[key] = Var(name, width)
        body.walked[-1].update(extra)
        if len(zipped) == 1:
            body.do(f"for {module} in self.{attribute}:")
        else:
            body.do(f"for {', '.join(targets)} in zip({', '.join(zipped)}, strict=True):")
        with body.inside(1):
            if walked:
                body.cur = extra[walked[0]]
            body.adder = adder
            try:
                if one.kind == "block":
                    body.item = one
                    assert one.block is not None
                    part = body.writer.block_part(one.block, item.place)
                    keyed = copy.copy(one)
                    keyed.id = item.id
                    keyed.loops = item.loops or [("", item.place)]  # type: ignore[list-item]
                    body.writer.trace.runs[keyed] = body.runs(item)
                    body.call(keyed, part)
                else:
                    part = body.writer.loop_part(body, item, one)
                    keyed = copy.copy(one)
                    keyed.id = item.id
                    keyed.loops = [("", item.place)]  # type: ignore[list-item]
                    body.writer.trace.runs[keyed] = body.runs(item)
                    body.call(keyed, part)
            finally:
                body.adder = None
            _collect(body, item, lists, collect)
            body.settle() if body.cur.tensor and body.cur.tensor != body.running else None
            for name in names:
                var = body.vars.get(name)
                if var is None:
                    raise body.refuse(f"'{name}' is carried, but not made", "carry")

    insert = len(body.forward)
    _turning(body, item, write)
    for key in lists:
        body.forward.insert(insert, (body.depth[1], f"{lists[key]} = []"))
        last = body.vars.get(key)
        channels = last.channels if last is not None else body.cur.channels
        body.vars[key] = Var(f"{lists[key]}[-1]", channels, lists[key], collect.get(key, ""))
    body.variables.taken.discard(module)
    del kept
    if item.id:
        body.attributes.setdefault(item.id, f"self.{attribute}")


def _indexed(body: Body, header: Header, widths: list[str], key: str) -> str:
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
    del key
    return f"({', '.join(widths)})[{index}]"


def _collect(body: Body, item: Item, lists: dict[str, str], widths: dict[str, str]) -> None:
    """Appends what is read of each round to its list."""
    if not item.id:
        return
    for text in body.round_texts:
        head, _, rest = text.partition("[")
        if head != item.id:
            continue
        behind = rest.partition("]")[2]
        key = f"{head}{behind}"
        var = body.vars.get(key) if behind else body.cur
        if var is None or not var.tensor:
            raise body.refuse(f"'{text}' is not held in a variable", "reference")
        if key in lists and body.forward[-1][1].startswith(f"{lists[key]}.append"):
            continue
        name = lists.get(key) or body.variables.fresh(
            f"{snake_case(head)}_{_word(behind) or 'maps'}"
        )
        if (body.depth[1], f"{name}.append({var.tensor})") in body.forward[-6:]:
            continue
        lists[key] = name
        body.do(f"{name}.append({var.tensor})")
        changing = {n for scope in body.local for n in scope.values()}
        used = names_in(var.channels) if var.channels else frozenset()
        if (
            used & changing
            or any("channels" in n for n in used - {"in_channels"})
            or "." in var.channels
        ):
            made = body.part.width_lists.get((id(item), key))
            if made is None:
                made = body.names.fresh(f"{name}_channels")
                body.part.width_lists[id(item), key] = made
            body.make(f"{made}.append({var.channels})")
            widths[key] = made


def _word(text: str) -> str:
    return "".join(char if char.isalnum() else "_" for char in text).strip("_")


__all__ = ["LAST", "write_loop"]
