"""Expands items into layers: writes out blocks, loops and branches in the order of the file.

A layer with a problem produces no tensor. Layers that read it are skipped and counted; all others
are still expanded, so that one run reports every problem of a file.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

from convcalc.diagnostics.rejection import Rejected, rejected
from convcalc.language.expand.blocks import expand_block
from convcalc.language.expand.composites import expand_branches, expand_residual, expand_seq
from convcalc.language.expand.loops import condition_holds, loop_scopes, repeat_count, stated_form
from convcalc.language.expand.operators import expand_operator
from convcalc.language.expand.scopes import MISSING, Call, Frame, Names
from convcalc.language.expand.state import State, shape_of
from convcalc.language.expand.statements import check_parts, check_stated
from convcalc.language.parse.tree import Item, Reference, indexed_components
from convcalc.language.syntax.sizes import describe_input
from convcalc.model.graph.assembly import Value
from convcalc.model.quantities.unknown import known

Scope = dict[str, Any]


class Expansion(State):
    """Expands one network."""

    def run(self, items: list[Item]) -> Value:
        """Expands the network's own list of layers and returns the last tensor, or None."""
        prev: Value = MISSING
        if len(self.tensors) == 1:
            prev = self.tensors["input"] = next(iter(self.tensors.values()))
        frame = Frame(dict(self.unit.scope), self.tensors)
        last = self.expand_items(items, prev, Names("", (), indexed_components(items)), frame)
        self.layering.pay()
        return None if last is MISSING else last

    def expand_items(self, items: list[Item], prev: Value, names: Names, frame: Frame) -> Value:
        """Expands items one after another and returns the last tensor."""
        for item in items:
            start = len(self.layering.layers)
            prev = self.expand_item(item, prev, names, frame)
            if item.is_recovered:
                self.layering.recovered += [x.path for x in self.layering.layers[start:]]
        return prev

    def expand_item(self, item: Item, prev: Value, names: Names, frame: Frame) -> Value:
        """Expands one item with its loops and its condition; returns None if it has a problem."""
        before = names.path_count
        try:
            if item.kind == "broken":
                self.layering.skip()
            elif item.indexed:
                return self.expand_loops(item, prev, names, frame)
            elif item.condition is None or self.is_present(item, prev, frame):
                return self.expand_once(item, prev, item.sources, names, frame, frame.scope)
            else:
                frame.left_out.add(item.id)
                return prev
        except Rejected as error:
            found = error.certain if self.failures_only else error.diagnostics
            self.layering.problems += map(frame.locate, found)
            self.layering.skip()
        if not item.transparent:  # a failed item still takes its index
            path = names.path(item.component) if names.path_count == before else names.last
            self.all.by_path[path] = None
        if item.id:
            frame.tensors[item.id] = None
        return None

    @property
    def failures_only(self) -> bool:
        """Whether every unknown size so far stems from a layer with a problem, already reported."""
        layers = self.layering.layers
        while self.known_layers < len(layers):
            if not known(layers[self.known_layers].analysis.output.channels):
                return False
            self.known_layers += 1
        return self.layering.skipped > 0

    @staticmethod
    def is_present(item: Item, prev: Value, frame: Frame) -> bool:
        """Whether the ``if`` of an item without loops holds."""
        describe_input(frame.scope, shape_of(prev))
        return condition_holds(item.condition, frame.scope)

    def expand_loops(self, item: Item, prev: Value, names: Names, frame: Frame) -> Value:
        """Expands an item with loops; what lies ahead around it is the same afterwards."""
        outer = self.rounds_ahead
        try:
            return self.expand_rounds(item, prev, names, frame)
        finally:
            self.rounds_ahead = outer

    def expand_rounds(self, item: Item, prev: Value, names: Names, frame: Frame) -> Value:
        """Expands the rounds of an item: ``for`` outside, then ``if``, then ``repeat`` inside."""

        for name, source in item.carry.items():
            frame.carry(name, self.all.resolve(source, prev, frame, frame.scope))
        self.all.rounds.pop(frame.prefix + item.id, None)
        label, outer = 0, self.rounds_ahead
        describe_input(frame.scope, shape_of(prev))
        named = partial(self.all.named, frame=frame)
        loops, scopes = loop_scopes(item, frame.scope, named)
        for k, round_scope in enumerate(scopes):
            self.layering.step(item.place, round_scope)
            scope = round_scope
            describe_input(scope, shape_of(prev))
            if not condition_holds(item.condition, scope):
                continue
            count = repeat_count(item.repeat, scope)
            self.check_limit(item, 0, count)
            start, skipped = len(self.layering.layers), self.layering.skipped
            for i in range(count):
                if item.repeat is not None:
                    scope = {**round_scope, "i": i}
                first = not label or (i == 0 and item.walks_sources)
                sources = item.sources if first or item.rereads else []
                self.rounds_ahead = outer * (loops - k) * (count - i)
                turn = f"{item.id}[{label}]", k
                prev = self.expand_once(item, prev, sources, names, frame, scope, *turn)
                label += 1
                if i == 0:
                    self.rounds_ahead = outer * (loops - k)
                    self.check_limit(item, len(self.layering.layers) - start, count)
                    if prev is None:  # what follows has nothing to read
                        self.layering.skipped += (self.layering.skipped - skipped) * (count - 1)
                        break
        if item.id and not label:
            frame.left_out.add(item.id)
        return prev

    def expand_once(
        self,
        item: Item,
        prev: Value,
        sources: Sequence[Reference],
        names: Names,
        frame: Frame,
        scope: Scope,
        label: str = "",
        turn: int = 0,
    ) -> Value:
        """Expands one iteration of an item, checks it, and registers its path and id."""
        self.layering.step(item.place, scope)
        path = "" if item.transparent else names.path(item.component)
        if item.id and item.indexed:
            self.all.rounds.setdefault(frame.prefix + item.id, 0)
        inputs = [prev]
        if sources:
            resolve = self.all.resolve_all
            found = [resolve(source, prev, frame, scope) for source in sources]
            inputs = [tensor for several in found for tensor in several]
            if not inputs:
                message = f"'{sources[0].text}' names no layer yet"
                raise rejected("unknown-name", message, sources[0].place)
        if len(inputs) > 1 and item.kind != "operator":
            message = f"'{item.type}' reads one tensor, but 'from' names {len(inputs)}"
            raise rejected("wrong-type", message, sources[:2][-1].place)
        owner = self.find_owner(item.share, frame) if item.share else None
        describe_input(scope, shape_of(inputs[0]))
        start = len(self.layering.layers)
        if not item.trainable and frame.trainable:
            frame = frame.nested(frame.scope, trainable=False)
        if item.form and (form := stated_form(item, scope)) != frame.form:
            frame = frame.nested(frame.scope, form=form)
        call = Call(item, inputs, path, names, frame, scope, turn)
        output = _KINDS[item.kind](self, call)
        if item.stated_channels or item.stated_shape:
            check_stated(self, call, output)
        if item.form and "" not in item.form and output is not None:
            check_parts(self, call)
        span = (start, len(self.layering.layers))
        keys: tuple[str, ...] = ()
        if item.id:
            ids = (item.id, label) if item.indexed else (item.id,)
            frame.make(ids, output)
            keys = tuple([frame.prefix + key for key in ids])
        if path or keys:
            self.register((path, keys, output, span))
        if item.share is not None and owner is not None and output is not None:
            self.share(item, item.share, owner, start, frame)
        return output

    def share(
        self, item: Item, share: Reference, owner: tuple[int, int], start: int, frame: Frame
    ) -> None:
        """Makes new layers use the weights of others; if they cannot, their shapes still stand."""
        try:
            self.layering.spend(owner[1] - owner[0], "shared weights")
            self.layering.share(share.text, share.place, owner, start, item.share_only)
        except Rejected as error:
            self.layering.problems += map(frame.locate, error.diagnostics)

    def find_owner(self, share: Reference, frame: Frame) -> tuple[int, int] | None:
        """The range of layers whose weights ``share`` reuses; None if they have a problem."""
        path = frame.path_of(self.all.from_start(share.text, frame))
        found = self.spans.get(path) or self.spans.get(self.all.latest(path))
        if found is not None:
            return found
        if frame.tensors.get(share.text, MISSING) is None:
            return None
        if share.text in frame.tensors:
            message = f"'{share.text}' is a tensor, not a layer with weights to share"
            raise rejected("wrong-type", message, share.place)
        raise self.all.unknown(share, frame)


_KINDS = {
    "seq": expand_seq,
    "residual": expand_residual,
    "branches": expand_branches,
    "block": expand_block,
    "operator": expand_operator,
}
