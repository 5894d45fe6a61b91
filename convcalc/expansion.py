"""Items -> layers: blocks, repeats and branches written out, in the order of the file.

A layer that has a problem yields no tensor; whatever reads it is skipped and counted, and
everything else goes on, so that all problems of a file show at once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from convcalc import document as doc
from convcalc.decode import Rejected, rejected, shown
from convcalc.diagnostics import Diagnostic, Place
from convcalc.frames import Frame, Names, Tensor, Tensors, Value, unknown_reference
from convcalc.layering import Layering, TooLarge, check_rank
from convcalc.loops import holds, loop_scopes, times
from convcalc.operator import Operator, Recorded, operator_class
from convcalc.params import checked_param
from convcalc.shape import UNKNOWN, Shape, known
from convcalc.spec import Block, Item, Reference, Unit, indexed_components

Scope = dict[str, Any]


class Call(NamedTuple):
    """One iteration of an item: its inputs, and what is in scope for it."""

    item: Item
    inputs: list[Value]
    names: Names
    frame: Frame
    scope: Scope

    @property
    def inner(self) -> Frame:
        """The frame as it is seen from within: names of a loop reach into it."""
        return self.frame.nested(self.scope, self.frame.trainable)


class Expansion:
    """Writes a network out. ``limit`` bounds layers and iterations."""

    def __init__(self, unit: Unit, inputs: Mapping[str, Shape], limit: int) -> None:
        self.unit = unit
        self.limit = limit
        self.rounds_ahead = 1  # of the repetitions around the present item, multiplied
        self.layering = Layering(len(inputs), limit)
        self.rank = max((shape.rank for shape in inputs.values()), default=2)
        self.all = Tensors(self.layering.ports)
        self.spans: dict[str, tuple[int, int]] = {}  # path or id: its range of layers
        self.tensors: dict[str, Value] = {
            name: Tensor(k, shape, name) for k, (name, shape) in enumerate(inputs.items())
        }

    def run(self, items: list[Item]) -> Value:
        """Expands the network's own list of layers; returns the last tensor."""
        prev: Value = None
        if len(self.tensors) == 1:
            prev = self.tensors["input"] = next(iter(self.tensors.values()))
        elif items and not items[0].sources:
            message = "the first layer must say which input it reads"
            advice = f"from: {next(iter(self.tensors))}; inputs: {', '.join(self.tensors)}"
            first = Diagnostic("missing-key", message, items[0].place, advice)
            self.layering.problems.append(first)
        frame = Frame(dict(self.unit.scope), self.tensors)
        return self.body(items, prev, Names("", (), indexed_components(items)), frame)

    def named(self, text: str) -> Value:
        """The tensor of an id or a path, seen from the top of the network."""
        return self.tensors.get(text) or self.all.by_path.get(text)

    def failed(self, text: str) -> bool:
        """Whether a name is that of a layer with a problem."""
        return text in self.tensors or text in self.all.by_path

    # --- items --------------------------------------------------------------------------------

    def body(self, items: list[Item], prev: Value, names: Names, frame: Frame) -> Value:
        """A list of items, one after another."""
        for item in items:
            prev = self.item(item, prev, names, frame)
        return prev

    def item(self, item: Item, prev: Value, names: Names, frame: Frame) -> Value:
        """One item with its loops, condition and repetitions; None if it has a problem."""
        try:
            if item.kind == "broken":
                self.layering.skip()
            elif item.indexed or item.condition is not None:
                return self.rounds(item, prev, names, frame)
            else:
                return self.once(item, prev, item.sources, names, frame, frame.scope)
        except Rejected as error:
            self.layering.problems.append(frame.located(error.diagnostic))
            self.layering.skip()
        if item.id:
            frame.tensors[item.id] = None
        return None

    def rounds(self, item: Item, prev: Value, names: Names, frame: Frame) -> Value:
        """``for``, then ``if``, then ``repeat``."""

        def tensor(node: doc.Scalar) -> Value:
            return frame.tensors.get(node.text)

        label = 0
        frame.scope["in_channels"] = _channels(prev)
        for round_scope in loop_scopes(item, frame.scope, tensor):
            scope = round_scope
            scope["in_channels"] = _channels(prev)
            if not holds(item.condition, scope):
                continue
            count = times(item.repeat, scope)
            start, outer = len(self.layering.layers), self.rounds_ahead
            for i in range(count):
                if item.repeat is not None:
                    scope = {**round_scope, "i": i}
                sources = item.sources if i == 0 else []
                self.rounds_ahead = outer * (count - i)
                prev = self.once(item, prev, sources, names, frame, scope, f"{item.id}[{label}]")
                self.rounds_ahead = outer
                label += 1
                if i == 0:
                    self.foresee(item, len(self.layering.layers) - start, count)
        return prev

    def foresee(self, item: Item, layers: int, count: int = 1) -> None:
        """Stops as soon as it is clear that repetitions lead far beyond the limit.

        Rounds of outer repetitions may differ, so that they count only when they lead further
        than four times the limit.
        """
        own = layers * count
        if max(own, count) > self.limit or own * self.rounds_ahead > 4 * self.limit:
            expected = max(own * self.rounds_ahead, count)
            raise TooLarge(item.place, f"{expected:,} layers or iterations lie ahead", self.limit)

    def once(
        self,
        item: Item,
        prev: Value,
        sources: Sequence[Reference],
        names: Names,
        frame: Frame,
        scope: Scope,
        label: str = "",
    ) -> Value:
        """One iteration of an item: its layers, its checks, its id."""
        self.layering.step(item.place)
        inputs = [self.all.named(source, prev, frame) for source in sources] or [prev]
        scope["in_channels"] = _channels(inputs[0])
        start = len(self.layering.layers)
        if not item.trainable and frame.trainable:
            frame = frame.nested(frame.scope, trainable=False)
        call = Call(item, inputs, names, frame, scope)
        output, path = _KINDS[item.kind](self, call)
        if item.stated_channels or item.stated_shape:
            self.check_stated(call, output)
        span = (start, len(self.layering.layers))
        if path:
            self.all.by_path[path] = output
            self.spans[path] = span
        if item.id:
            for key in (item.id, label) if item.indexed else (item.id,):
                frame.tensors[key] = output
                self.spans[frame.prefix + key] = span
        if item.share is not None:
            self.share(item.share, start, frame)
        return output

    # --- composites ---------------------------------------------------------------------------

    def seq(self, call: Call) -> tuple[Value, str]:
        """A list in a row; with an id it is a level of its own."""
        item, (source, *_) = call.item, call.inputs
        names, path = _level(call, indexed_components(item.body))
        return self.body(item.body, source, names, call.inner), path

    def residual(self, call: Call) -> tuple[Value, str]:
        """A body and a shortcut from the same input, joined."""
        item, (source, *_) = call.item, call.inputs
        names, path = _level(call, item.inner_indexed)
        frame = call.inner
        main = self.body(item.body, source, names, frame)
        side = source
        if item.shortcut:
            inner = names.path("shortcut")
            below = names.below(inner, "shortcut", indexed_components(item.shortcut))
            side = self.body(item.shortcut, source, below, frame)
        return self.joined(call, [main, side], names), path

    def branches(self, call: Call) -> tuple[Value, str]:
        """Lists side by side, on copies or on slices of the channels, joined."""
        item, (source, *_) = call.item, call.inputs
        names, path = _level(call, item.inner_indexed)
        frame = call.inner
        pieces = _pieces(item, source, call.scope)
        results = []
        for body, piece in zip(item.branches, pieces, strict=True):
            inner = names.path("branch")
            below = names.below(inner, "branch", indexed_components(body))
            branch = source
            if piece is not None:
                branch = self.piece(call, piece, below)
            results.append(self.body(body, branch, below, frame))
        return (self.joined(call, results, names) if len(results) > 1 else results[0]), path

    def piece(self, call: Call, channels: tuple[int, int], names: Names) -> Value:
        """The slice of the channels that one branch gets."""
        start, stop = channels
        slicing = self.layering.shared(_operator("channel_slice", start=start, stop=stop))
        path = names.path("split")
        return self.layering.layer(
            "channel_slice", slicing, call.inputs[:1], path, names, call.frame, call.item
        )

    def joined(self, call: Call, parts: list[Value], names: Names) -> Value:
        """The layer that joins branches."""
        join = call.item.join
        operator = self.layering.shared(_operator(join))
        path = names.path(join)
        return self.layering.layer(join, operator, parts, path, names, call.frame, call.item)

    # --- blocks -------------------------------------------------------------------------------

    def block(self, call: Call) -> tuple[Value, str]:
        """A call of a block: its params, then its layers under a path of their own."""
        item, names, outer = call.item, call.names, call.frame
        block = item.block
        assert block is not None
        self.foresee(item, block.least)
        path = names.path(item.component)
        tensors: dict[str, Value] = {"input": call.inputs[0]}
        scope = {**block.unit.scope, "in_channels": call.scope["in_channels"]}
        within = (block.name, item.place)
        frame = Frame(scope, tensors, f"{path}.", within, outer.trainable)
        self.bind(block, call, frame)
        inner = names.below(path, block.name, block.indexed)
        return self.body(block.body, call.inputs[0], inner, frame), path

    def bind(self, block: Block, call: Call, frame: Frame) -> None:
        """Gives a block's params their values: the call's, else the defaults in order."""
        given = {argument.name: argument for argument in call.item.arguments}
        for name, param in block.params.items():
            argument = given.get(name)
            if argument is None:
                assert param.evaluate is not None
                assert param.default is not None
                value, place = param.evaluate(frame.scope), param.default.place
            elif argument.reference is not None:
                prev = call.inputs[0]
                frame.tensors[name] = self.all.named(argument.reference, prev, call.inner)
                continue
            else:
                assert argument.evaluate is not None
                value, place = argument.evaluate(call.scope), argument.node.place
            frame.scope[name] = checked_param(param, value, place)

    # --- operators ----------------------------------------------------------------------------

    def operator(self, call: Call) -> tuple[Value, str]:
        """One layer."""
        item, names, frame = call.item, call.names, call.frame
        first = call.inputs[0]
        path = names.path(item.component)
        recorded, tensors = self.recorded(call)
        if first is None or None in tensors:
            self.check_fields(call)
            self.layering.skip()
            return None, path
        check_rank(item, first.shape)
        operator = self.layering.instance(item, call.scope, first.shape.rank, recorded)
        inputs = [*call.inputs, *tensors]
        output = self.layering.layer(item.type, operator, inputs, path, names, frame, item)
        return output, path

    def recorded(self, call: Call) -> tuple[dict[str, Recorded], list[Value]]:
        """The other layers that the fields name, and the tensors that they make."""
        found: dict[str, Recorded] = {}
        tensors: list[Value] = []
        for argument in call.item.arguments:
            if argument.reference is None:
                continue
            reference = argument.reference
            tensor = self.all.named(reference, call.inputs[0], call.inner)
            tensors.append(tensor)
            record = self.layering.record(reference.text, tensor) if tensor else None
            if record is not None:
                found[argument.name] = record
            elif tensor is not None:
                message = f"{argument.name} needs a layer, but '{reference.text}' is an input"
                raise rejected("wrong-type", message, reference.place)
        return found, tensors

    def check_fields(self, call: Call) -> None:
        """The problems of fields that do not depend on the input, which is not there."""
        try:
            self.layering.instance(call.item, call.scope, self.rank, {})
        except Rejected as error:
            if not error.needs_input:
                self.layering.problems.append(call.frame.located(error.diagnostic))

    # --- statements ---------------------------------------------------------------------------

    def check_stated(self, call: Call, output: Value) -> None:
        """``in:`` and ``shape:`` say what must hold."""
        first = call.inputs[0]
        if call.item.stated_channels and first is not None:
            evaluate, node = call.item.stated_channels
            actual, stated = first.shape.channels, evaluate(call.scope)
            if known(actual) and (isinstance(stated, bool) or stated != actual):
                message = f"in says {shown(stated)}, but the input has {actual} channels"
                self.differs(message, node.place, call.frame)
        if call.item.stated_shape and output is not None:
            evaluate, node = call.item.stated_shape
            dims, stated = list(output.shape.dims[1:]), evaluate(call.scope)
            if not _agrees(stated, dims):
                message = f"shape says {shown(stated)}, but the output is {shown(dims)}"
                self.differs(message, node.place, call.frame)

    def differs(self, message: str, place: Place, frame: Frame) -> None:
        """A statement that does not hold."""
        problem = Diagnostic("stated-differently", message, place)
        self.layering.problems.append(frame.located(problem))

    def share(self, reference: Reference, start: int, frame: Frame) -> None:
        """Uses the weights of the layers behind an id or a path again."""
        names = (frame.prefix + reference.text, reference.text)
        span = next((self.spans[name] for name in names if name in self.spans), None)
        if span is None and frame.tensors.get(reference.text, span) is None:
            if reference.text in frame.tensors:  # it failed, which was reported
                return
            raise unknown_reference(reference, frame)
        assert span is not None
        self.layering.share(reference.text, reference.place, span, start)


_KINDS = {
    "seq": Expansion.seq,
    "residual": Expansion.residual,
    "branches": Expansion.branches,
    "block": Expansion.block,
    "operator": Expansion.operator,
}


def _channels(value: Value) -> int:
    return UNKNOWN if value is None else value.shape.channels


def _operator(name: str, **fields: Any) -> Operator:
    return operator_class(name)(**fields)


def _level(call: Call, indexed: frozenset[str]) -> tuple[Names, str]:
    """The names of a composite's children, and its path if it has an id and so a level."""
    item, names = call.item, call.names
    if item.transparent:
        return names, ""
    path = names.path(item.component)
    return names.below(path, item.kind, indexed), path


def _pieces(item: Item, source: Value, scope: Scope) -> Sequence[tuple[int, int] | None]:
    """The range of channels of each branch; None for a copy of all."""
    count = len(item.branches)
    copies = [None] * count
    if item.split is None or source is None:
        return copies
    evaluate, node = item.split
    value, channels = evaluate(scope), source.shape.channels
    if value == "copy":
        return copies
    if not known(channels):
        message = "the channels to split are not known"
        raise rejected("bad-expression", message, node.place)
    if value == "channels":
        if channels % count:
            message = f"{count} branches do not divide {channels} channels"
            advice = "give the channels of each branch in a list"
            raise rejected("does-not-divide", message, node.place, advice)
        value = [channels // count] * count
    return _ranges(value, count, channels, node.place)


def _ranges(value: Any, count: int, channels: int, place: Place) -> list[tuple[int, int]]:
    """Consecutive ranges of the given lengths, which must add up to the channels."""
    sizes = value if isinstance(value, list) else []
    if len(sizes) != count or not all(type(size) is int and size > 0 for size in sizes):
        message = f"split is {shown(value)}, but must be channels, copy or {count} channel counts"
        raise rejected("wrong-type", message, place)
    if sum(sizes) != channels:
        total = sum(sizes)
        message = f"split {shown(value)} adds up to {total}, but the input has {channels} channels"
        raise rejected("shape-mismatch", message, place)
    ends = [sum(sizes[: k + 1]) for k in range(count)]
    return [(end - size, end) for end, size in zip(ends, sizes, strict=True)]


def _agrees(stated: Any, dims: list[int]) -> bool:
    """Whether a stated shape is the actual one; null, or an unknown size, agrees with all."""
    if not isinstance(stated, list) or len(stated) != len(dims):
        return False
    pairs = zip(stated, dims, strict=True)
    return all(s is None or not known(d) or s == d for s, d in pairs)
