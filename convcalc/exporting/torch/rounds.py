"""The rounds of a loop as modules of a list, each called in forward."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence

from convcalc.exporting.expressions import names_in
from convcalc.exporting.naming import snake_case
from convcalc.exporting.phrases import as_word
from convcalc.exporting.references import own_texts, read_before_made
from convcalc.exporting.torch import calls
from convcalc.exporting.torch.body import Body
from convcalc.exporting.torch.headers import Header, headed, indexed
from convcalc.exporting.torch.parts import Var
from convcalc.language.expand.tensors import EVERY
from convcalc.language.parse.tree import Item


class Rounds:
    """Writes the rounds of one item.

    ``names`` are ids that each round reads of the round before, ``lists`` the variables that keep
    something of every round, ``widths`` the lists of their channels.
    """

    def __init__(self, body: Body, item: Item) -> None:
        self.body, self.item = body, item
        self.one = stripped(body, item)
        if self.one.kind == "operator" and item.rereads:
            self.one.sources = item.sources
        stem = snake_case(item.component)
        self.attribute = body.holders.fresh(stem)
        body.make(f"self.{self.attribute} = nn.ModuleList()")
        self.module = body.variables.fresh(stem if self.attribute != stem else "module")
        self.names = dict.fromkeys(item.carry)
        self.lists: dict[str, str] = {}
        self.widths: dict[str, str] = {}

    def write(self) -> None:
        """Writes the loop in the constructor and in forward."""
        body, item = self.body, self.item
        if body.cur.tensor and not item.walks_sources:
            body.settle()
        for name in read_before_made(self.one.body if self.one.kind == "seq" else [self.one]):
            if name not in self.names and name not in body.vars:
                carry(body, name, "prev")
                self.names[name] = None
        if item.id and f"{item.id}{EVERY}" in own_texts([self.one]):
            self.grow()
        start = len(body.forward)
        carried(body, item, list(self.names), lambda: turning(body, item, self.round))
        for key, name in self.lists.items():
            body.forward.insert(start, (body.depth[1], f"{name}: list[Tensor] = []"))
            last = body.vars.get(key, body.cur)
            body.vars[key] = Var(f"{name}[-1]", last.channels, name, self.widths.get(key, ""))
        body.variables.taken.discard(self.module)
        if item.id:
            body.attributes.setdefault(item.id, f"self.{self.attribute}")

    def grow(self) -> None:
        """Makes a list of all rounds so far, which the next round reads."""
        body, id_ = self.body, self.item.id
        name = body.variables.fresh(snake_case(id_))
        made = body.names.fresh(f"{name}_channels")
        self.lists[id_], self.widths[id_] = name, made
        body.part.width_lists[id(self.item), id_] = made
        body.vars[id_] = Var(f"{name}[-1]", f"{made}[-1]", name, made)

    def adder(self, _: Item, text: str) -> str:
        """Appends a module to the list; in forward it is the variable of the loop."""
        self.body.make(f"self.{self.attribute}.append({text})")
        return self.module

    def round(self, header: Header) -> None:
        """Writes one round."""
        body, item = self.body, self.item
        walked = self.walk(header)
        with body.inside(1):
            if item.sources and item.sources[0].text in walked:
                body.cur = walked[item.sources[0].text]
            self.call()
            self.collect()
            if body.cur.tensor:
                body.settle()
            for name in self.names:
                held = body.part.carried.get(item, {}).get(name)
                if held is not None:
                    body.make(f"{held} = {body.vars[name].channels}")

    def walk(self, header: Header) -> dict[str, Var]:
        """Writes the head of the loop in forward; returns the tensors that it walks over."""
        body = self.body
        walked: dict[str, Var] = {}
        zipped, targets = [f"self.{self.attribute}"], [self.module]
        for key, tensors in header.tensors.items():
            name = body.variables.fresh(snake_case(key))
            zipped.append(f"[{', '.join(var.tensor for var in tensors)}]")
            targets.append(name)
            widths = [var.channels for var in tensors]
            width = widths[0] if len(set(widths)) == 1 else indexed(body, header, widths)
            walked[key] = Var(name, width)
        body.walked[-1].update(walked)
        source = zipped[0] if len(zipped) == 1 else f"zip({', '.join(zipped)}, strict=True)"
        body.do(f"for {', '.join(targets)} in {source}:")
        return walked

    def call(self) -> None:
        """Calls the module of a round: of a block, or of a class for what is in the loop."""
        body, item, one = self.body, self.item, self.one
        body.adder = self.adder
        try:
            if one.block is not None:
                part = body.writer.block_part(one.block)
            else:
                part = body.writer.loop_part(body, item, one)
            keyed = copy.copy(one)
            keyed.id = item.id
            keyed.loops = [("", item.place)]  # type: ignore[list-item]  # so that it has rounds
            body.writer.trace.runs[keyed] = body.runs(item)
            body.writer.original[keyed] = item
            outer, body.item = body.item, keyed
            calls.call(body, keyed, part)
            body.item = outer
        finally:
            body.adder = None

    def collect(self) -> None:
        """Appends what is read of each round to its list."""
        body = self.body
        done: set[str] = set()
        for text in body.round_texts:
            head, _, rest = text.partition("[")
            behind = rest.partition("]")[2]
            key = f"{head}{behind}"
            if head != self.item.id or not head or key in done:
                continue
            done.add(key)
            var = body.vars.get(key) if behind else body.cur
            if var is None or not var.tensor:
                raise body.refuse(f"'{text}' is not held in a variable", "reference")
            stem = f"{snake_case(head)}_{as_word(behind) or 'maps'}"
            name = self.lists.get(key) or body.variables.fresh(stem)
            self.lists[key] = name
            body.do(f"{name}.append({var.tensor})")
            self.collect_widths(key, name, var)

    def collect_widths(self, key: str, name: str, var: Var) -> None:
        """Keeps the channels of each round in a list, where the rounds may differ."""
        body = self.body
        changing = {n for scope in body.local for n in scope.values()}
        used = names_in(var.channels) if var.channels else frozenset()
        counted = any("channels" in n for n in used - {"in_channels"}) or "." in var.channels
        place = id(self.item), key
        if used & changing or counted or place in body.part.width_lists:
            made = body.part.width_lists.get(place) or body.names.fresh(f"{name}_channels")
            body.part.width_lists[place] = made
            body.make(f"{made}.append({var.channels})")
            self.widths[key] = made


def carry(body: Body, name: str, source: str) -> None:
    """Return what an id means in the first round."""
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
        body.writer.original[found] = item
    return found


def is_uniform(body: Body, item: Item) -> bool:
    """Whether all rounds of each loop have the same channels."""
    found: dict[int, set[object]] = {}
    for run in body.runs(item):
        if run.output is not None:
            found.setdefault(id(run.parent), set()).add(run.output.channels)
    return all(len(channels) == 1 for channels in found.values())


def turning(body: Body, item: Item, write: Callable[[Header], None]) -> str:
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
        with headed(body, item) as header:
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


def carried(body: Body, item: Item, names: Sequence[str], write: Callable[[], object]) -> None:
    """Writes the rounds; channels that are carried on and change become variables."""
    state = body.state()
    before = {name: body.vars[name] for name in names}
    write()
    if all(body.vars[name].channels == var.channels for name, var in before.items()):
        return
    body.restore(state)
    widths = {}
    for name, var in before.items():
        widths[name] = body.names.fresh(f"{snake_case(name)}_channels")
        body.make(f"{widths[name]} = {var.channels}")
        body.vars[name] = Var(var.tensor, widths[name])
    body.part.carried[item] = widths
    write()
    for name, width in widths.items():
        body.vars[name] = body.vars[name]._replace(channels=width)
