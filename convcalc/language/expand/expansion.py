"""Expands items into layers: writes out blocks, loops and branches in the order of the file.

A layer with a problem produces no tensor. Layers that read it are skipped and counted; all others
are still expanded, so that one run reports every problem of a file.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from itertools import accumulate
from typing import Any

from convcalc.diagnostics.diagnostic import Diagnostic, Place
from convcalc.diagnostics.rejection import Rejected, gather, rejected
from convcalc.language.expand.layers import Layering
from convcalc.language.expand.loops import condition_holds, loop_scopes, repeat_count, stated_form
from convcalc.language.expand.scopes import (
    MISSING,
    Call,
    Frame,
    Names,
    Tensors,
    Witness,
    unknown_reference,
)
from convcalc.language.parse.params import check_param
from convcalc.language.parse.tree import Argument, Block, Item, Reference, Unit, indexed_components
from convcalc.language.syntax import nodes
from convcalc.language.syntax.sizes import BLOCK, UNMADE, describe_input
from convcalc.model.graph.assembly import Shared, Tensor, TooLarge, Value
from convcalc.model.graph.layer_checks import check_rank
from convcalc.model.operators.contract import Operator, Recorded
from convcalc.model.operators.registry import operator_class
from convcalc.model.operators.values import format_value
from convcalc.model.quantities.shape import Shape
from convcalc.model.quantities.unknown import known

Scope = dict[str, Any]

MOST_RECURSIVE = 32  # calls of a block within itself


class Expansion:
    """Expands one network. ``limit`` is the largest number of layers and of iterations."""

    def __init__(
        self,
        unit: Unit,
        inputs: Mapping[str, Shape],
        limit: int,
        witness: Witness | None = None,
        *,
        shared: Shared | None = None,
    ) -> None:
        self.unit = unit
        self.witness = witness
        self.limit = limit
        self.rounds_ahead = 1  # product of the rounds left in the loops around the current item
        self.layering = Layering(inputs, limit, shared)
        self.known_layers = 0  # the first layers whose channels are known
        self.rank = max((shape.rank for shape in inputs.values()), default=2)
        self.all = Tensors(self.layering.ports)
        self.spans: dict[str, tuple[int, int]] = {}  # path or id: its range of layers
        self.entered: dict[Block, list[Mapping[str, int]]] = {}  # int params of its open calls
        self.tensors: dict[str, Value] = {
            name: Tensor(k, shape, name) for k, (name, shape) in enumerate(inputs.items())
        }

    def run(self, items: list[Item]) -> Value:
        """Expands the network's own list of layers and returns the last tensor, or None."""
        prev: Value = MISSING
        if len(self.tensors) == 1:
            prev = self.tensors["input"] = next(iter(self.tensors.values()))
        frame = Frame(dict(self.unit.scope), self.tensors)
        last = self.expand_items(items, prev, Names("", (), indexed_components(items)), frame)
        self.layering.pay()
        return None if last is MISSING else last

    def tensor(self, text: str) -> Value:
        """The tensor that a path or a top-level id names; None if there is none or it failed."""
        return self.all.by_path.get(text) or self.tensors.get(text)

    def failed(self, text: str) -> bool:
        """Whether a name that has no tensor belongs to a layer with a problem."""
        return text in self.tensors or text in self.all.by_path

    def failures(self) -> list[str]:
        """The ids of layers with a problem."""
        return [name for name, tensor in self.tensors.items() if tensor is None]

    # --- items --------------------------------------------------------------------------------

    def expand_items(self, items: list[Item], prev: Value, names: Names, frame: Frame) -> Value:
        """Expands items one after another and returns the last tensor."""
        for item in items:
            prev = self.expand_item(item, prev, names, frame)
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
        describe_input(frame.scope, _shape(prev))
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

        def tensor(node: nodes.Scalar) -> Value:
            return self.all.find(node.text, frame)

        for name, source in item.carry.items():
            frame.tensors[name] = self.all.resolve(source, prev, frame, frame.scope)
        label, outer = 0, self.rounds_ahead
        describe_input(frame.scope, _shape(prev))
        loops, scopes = loop_scopes(item, frame.scope, tensor)
        for k, round_scope in enumerate(scopes):
            self.layering.step(item.place, round_scope)
            scope = round_scope
            describe_input(scope, _shape(prev))
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

    def check_limit(self, item: Item, layers: int, count: int = 1) -> None:
        """Raises TooLarge as soon as it is clear that loops will exceed the limit by far.

        The rounds of outer loops may differ in size, so the estimate for them has to exceed four
        times the limit.
        """
        own = layers * count
        if max(own, count) > self.limit or own * self.rounds_ahead > 4 * self.limit:
            expected = max(own * self.rounds_ahead, count)
            place = item.repeat[1].place if item.repeat else item.place
            raise TooLarge(place, f"{expected:,} layers or iterations lie ahead", self.limit)

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
            self.all.loops.add(frame.prefix + item.id)
        resolve = self.all.resolve_all
        inputs = [
            tensor for source in sources for tensor in resolve(source, prev, frame, scope)
        ] or [prev]
        if len(inputs) > 1 and item.kind != "operator":
            message = f"'{item.type}' reads one tensor, but 'from' names {len(inputs)}"
            raise rejected("wrong-type", message, sources[1].place)
        owner = self.find_owner(item.share, frame) if item.share else None
        describe_input(scope, _shape(inputs[0]))
        start = len(self.layering.layers)
        if not item.trainable and frame.trainable:
            frame = frame.nested(frame.scope, trainable=False)
        if item.form is not None and (form := stated_form(item.form, scope)) != frame.form:
            frame = frame.nested(frame.scope, form=form)
        call = Call(item, inputs, path, names, frame, scope, turn)
        output = _KINDS[item.kind](self, call)
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
                if frame.prefix + key != path:
                    self.all.path_at[frame.prefix + key] = path
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
        found = self.spans.get(frame.path_of(share.text))
        if found is not None:
            return found
        if frame.tensors.get(share.text, MISSING) is None:
            return None
        if share.text in frame.tensors:
            message = f"'{share.text}' is a tensor, not a layer with weights to share"
            raise rejected("wrong-type", message, share.place)
        raise unknown_reference(share, frame)

    def require_inputs(self, inputs: Sequence[Value], place: Place) -> None:
        """Rejects a layer that does not say which of several network inputs it reads."""
        if any(value is MISSING for value in inputs):
            names = ", ".join(self.tensors)
            message = "this layer must say which input it reads"
            raise rejected("missing-key", message, place, f"'from:' one of {names}")

    # --- composites ---------------------------------------------------------------------------

    def expand_seq(self, call: Call) -> Value:
        """Expands ``seq``; with an id, its layers get a path level of their own."""
        item, (source, *_) = call.item, call.inputs
        names = _child_names(call, indexed_components(item.body))
        return self.expand_items(item.body, source, names, call.inner)

    def expand_residual(self, call: Call) -> Value:
        """Expands ``residual``: body and shortcut read the same input and are joined.

        Of a body that is left out by its ``if`` only the shortcut remains.
        """
        item, (source, *_) = call.item, call.inputs
        names = _child_names(call, item.inner_indexed)
        frame = call.inner
        has_body = _has_body(item, call.scope)
        main = self.expand_items(item.body, source, names, frame)
        side = source
        if item.shortcut:
            inner = names.path("shortcut")
            below = names.below(inner, "shortcut", indexed_components(item.shortcut))
            side = self.expand_items(item.shortcut, source, below, frame)
        return self.join(call, [main, side], names) if has_body else side

    def expand_branches(self, call: Call) -> Value:
        """Expands ``branches``: each reads the input or a slice of its channels; all are joined."""
        item, (source, *_) = call.item, call.inputs
        names = _child_names(call, item.inner_indexed)
        rounds = list(self.branch_rounds(call))
        present = [each for each in rounds if each is not None]
        if not present:
            message = "no branch is left: the 'if' of each is false, or its 'for' has no round"
            raise rejected("wrong-type", message, item.place, "an empty branch [] is the identity")
        pieces = iter(_channel_ranges(item, source, call.scope, len(present)))
        results = []
        for each in rounds:
            inner = names.path("branch")
            if each is None:
                continue
            branch, frame, turn = each
            below = names.below(inner, "branch", indexed_components(branch.body))
            piece = next(pieces)
            read = source if piece is None else self.slice_channels(call, piece, below)
            result = self.expand_items(branch.body, read, below, frame)
            if branch.loops and len(branch.body) == 1 and branch.body[0].id:
                frame.tensors[f"{branch.body[0].id}[{turn}]"] = result
            results.append(result)
        return self.join(call, results, names) if len(results) > 1 else results[0]

    def branch_rounds(self, call: Call) -> Iterator[tuple[Item, Frame, int] | None]:
        """Yields every branch, once per round of its ``for``; None for one that is left out."""
        (source, *_), outer = call.inputs, call.inner

        def tensor(node: nodes.Scalar) -> Value:
            return self.all.find(node.text, outer)

        for branch in call.item.branches:
            if not (branch.loops or branch.condition or branch.optional_body):
                yield branch, outer, 0
                continue
            _, scopes = loop_scopes(branch, outer.scope, tensor)
            for turn, scope in enumerate(scopes):
                self.layering.step(branch.place, scope)
                describe_input(scope, _shape(source))
                if _holds(branch, scope):
                    inner = Call(branch, [source], call.path, call.names, outer, scope, turn)
                    yield branch, inner.inner, turn
                else:
                    outer.left_out.update(item.id for item in branch.body)
                    yield None

    def slice_channels(self, call: Call, channels: tuple[int, int], names: Names) -> Value:
        """Adds the layer that cuts out one branch's channels, from start up to stop."""
        start, stop = channels
        self.require_inputs(call.inputs, call.item.place)
        slicing = self.layering.intern(_operator("channel_slice", start=start, stop=stop))
        path = names.path("split")
        return self.layering.add(
            "channel_slice", slicing, call.inputs[:1], path, names, call.frame, call.item
        )

    def join(self, call: Call, parts: list[Value], names: Names) -> Value:
        """Adds the layer that joins branches."""
        join = call.item.join
        self.require_inputs(parts, call.item.place)
        operator = self.layering.intern(_operator(join))
        path = names.path(join)
        return self.layering.add(join, operator, parts, path, names, call.frame, call.item)

    # --- blocks -------------------------------------------------------------------------------

    def expand_block(self, call: Call) -> Value:
        """Expands a call of a block: binds its params, then expands its layers."""
        item, path, names, outer = call.item, call.path, call.names, call.frame
        block = item.block
        assert block is not None
        if block.unit.is_broken:  # its file has a problem, which was reported
            raise Rejected
        self.check_limit(item, block.least)
        tensors: dict[str, Value] = {"input": call.inputs[0]}
        self.layering.spend(len(block.unit.scope) // 32, "params of files in calls of blocks")
        entering = _shape(call.inputs[0])
        scope = {**block.unit.scope, BLOCK: entering}
        describe_input(scope, entering)
        within = (block.name, item.place)
        frame = Frame(scope, tensors, f"{path}.", within, outer.trainable, outer.form)
        frame.call = call
        self.bind(block, call, frame)
        inner = names.below(path, block.name, block.indexed)
        self.enter(block, item, frame)
        try:
            return self.expand_items(block.body, call.inputs[0], inner, frame)
        finally:
            self.entered[block].pop()

    def enter(self, block: Block, item: Item, frame: Frame) -> None:
        """Opens a call of a block; Rejected if it calls itself and no int param falls."""
        given = frame.scope
        ints = {name: given[name] for name, param in block.params.items() if param.kind == "int"}
        entered = self.entered.setdefault(block, [])
        if entered and not any(ints[name] < entered[-1][name] for name in ints):
            message = f"block '{block.name}' calls itself, and none of its int params falls"
            raise rejected("block-cycle", message, item.place, "for instance n: n - 1")
        if len(entered) >= MOST_RECURSIVE:
            message = f"block '{block.name}' calls itself more than {MOST_RECURSIVE} times"
            raise rejected("too-large", message, item.place)
        entered.append(ints)

    def bind(self, block: Block, call: Call, frame: Frame) -> None:
        """Gives a block's params their values: the call's arguments, then defaults in order."""
        given = {argument.name: argument for argument in call.item.arguments}
        try:
            for argument in given.values():
                self.bind_argument(block, argument, call, frame)
        except Rejected:  # bind all again, to collect the problems of every argument
            gather(partial(self.bind_argument, block, a, call, frame) for a in given.values())
            raise
        for name, param in block.params.items():
            if param.is_broken:
                raise Rejected
            if name not in given:
                assert param.evaluate is not None
                assert param.default is not None
                value = param.evaluate(frame.scope)
                frame.scope[name] = check_param(param, value, param.default.place)

    def bind_argument(self, block: Block, argument: Argument, call: Call, frame: Frame) -> None:
        """Gives one param the value of its argument, evaluated in the caller's scope."""
        name = argument.name
        if argument.reference is not None:
            prev = call.inputs[0]
            tensor = self.all.resolve(argument.reference, prev, call.frame, call.scope)
            frame.tensors[name] = tensor
            path = call.frame.path_of(argument.reference.text)
            path = self.all.path_at.get(path, path)
            if path in self.spans:
                frame.paths[name] = path
            return
        assert argument.evaluate is not None
        value = argument.evaluate(call.scope)
        frame.scope[name] = check_param(block.params[name], value, argument.node.place)

    # --- operators ----------------------------------------------------------------------------

    def expand_operator(self, call: Call) -> Value:
        """Adds the layer of an operator."""
        item, path, names, frame = call.item, call.path, call.names, call.frame
        if item.reads_nothing:
            return self.expand_source(call)
        self.require_inputs(call.inputs, item.place)
        first = call.inputs[0]
        recorded, tensors = self.resolve_references(call)
        if first is None or None in tensors:
            self.check_fields(call)
            self.layering.skip()
            return None
        assert item.operator is not None
        check_rank(item.type, item.operator, first.shape, item.place)
        operator = self.layering.instance(item, call.scope, first.shape.rank, recorded)
        inputs = [*call.inputs, *tensors]
        if self.witness is not None:
            self.witness(call, self.unit)
        return self.layering.add(item.type, operator, inputs, path, names, frame, item)

    def expand_source(self, call: Call) -> Value:
        """Adds the layer of an operator that reads nothing, such as a learned tensor."""
        item, names = call.item, call.names
        operator = self.layering.instance(item, call.scope, self.rank, {})
        if self.witness is not None:
            self.witness(call, self.unit)
        return self.layering.add(item.type, operator, [], call.path, names, call.frame, item)

    def resolve_references(self, call: Call) -> tuple[dict[str, Recorded], list[Value]]:
        """The layers that fields refer to, by field name, and the tensors that they produce."""
        found: dict[str, Recorded] = {}
        tensors: list[Value] = []
        for argument in call.item.arguments:
            if argument.reference is None:
                continue
            reference = argument.reference
            tensor = self.all.resolve(reference, call.inputs[0], call.frame, call.scope)
            tensors.append(tensor)
            record = self.layering.record(reference.text, tensor) if tensor else None
            if record is not None:
                found[argument.name] = record
            elif tensor is not None:
                message = f"{argument.name} needs a layer, but '{reference.text}' is an input"
                raise rejected("wrong-type", message, reference.place)
        return found, tensors

    def check_fields(self, call: Call) -> None:
        """Reports the fields' problems that do not depend on the input, because that failed."""
        try:
            self.layering.instance(call.item, call.scope, self.rank, {})
        except Rejected as error:
            self.layering.problems += map(call.frame.locate, error.certain)

    # --- statements ---------------------------------------------------------------------------

    def check_stated(self, call: Call, output: Value) -> None:
        """Checks what ``in:`` and ``shape:`` state against the actual input and output."""
        first = call.inputs[0]
        if call.item.stated_channels and first is not None:
            evaluate, node = call.item.stated_channels
            actual, stated = first.shape.channels, evaluate(call.scope)
            if known(actual) and (isinstance(stated, bool) or stated != actual):
                message = f"in says {format_value(stated)}, but the input has {actual} channels"
                self.report_difference(message, node.place, call.frame)
        if call.item.stated_shape and output is not None:
            evaluate, node = call.item.stated_shape
            dims, stated = list(output.shape.dims[1:]), evaluate(call.scope)
            if not _agrees(stated, dims):
                message = (
                    f"shape says {format_value(stated)}, but the output is {format_value(dims)}"
                )
                self.report_difference(message, node.place, call.frame)

    def report_difference(self, message: str, place: Place, frame: Frame) -> None:
        """Reports that ``in:`` or ``shape:`` differs from the network."""
        problem = Diagnostic("stated-differently", message, place)
        self.layering.problems.append(frame.locate(problem))


_KINDS = {
    "seq": Expansion.expand_seq,
    "residual": Expansion.expand_residual,
    "branches": Expansion.expand_branches,
    "block": Expansion.expand_block,
    "operator": Expansion.expand_operator,
}


def _shape(value: Value) -> Shape:
    return UNMADE if value is None else value.shape


def _operator(name: str, **fields: Any) -> Operator:
    return operator_class(name)(**fields)


def _child_names(call: Call, indexed: frozenset[str]) -> Names:
    """The path names for a composite's children; a level of their own if it has an id."""
    if call.item.transparent:
        return call.names
    return call.names.below(call.path, call.item.kind, indexed)


def _holds(branch: Item, scope: Scope) -> bool:
    """Whether a branch is there: by its own condition, and by that of any of its layers."""
    return condition_holds(branch.condition, scope) and _has_body(branch, scope)


def _has_body(item: Item, scope: Scope) -> bool:
    """Whether anything of a body is there, or it says itself that there is nothing."""
    return not item.optional_body or any(
        condition_holds(layer.condition, scope) for layer in item.body
    )


def _channel_ranges(
    item: Item, source: Value, scope: Scope, count: int
) -> Sequence[tuple[int, int] | None]:
    """The channel range (start, stop) of each of some branches; None if it reads all channels."""
    copies = [None] * count
    if item.split is None or source is None:
        return copies
    evaluate, node = item.split
    value, channels = evaluate(scope), source.shape.channels
    if value == "copy":
        return copies
    if value == "channels":
        if not known(channels):
            message = "the channels to split are not known"
            raise rejected("bad-expression", message, node.place, "give them in a list")
        if channels % count:
            message = f"{count} branches do not divide {channels} channels"
            advice = "give the channels of each branch in a list"
            raise rejected("does-not-divide", message, node.place, advice)
        value = [channels // count] * count
    return _ranges(value, count, channels, node.place)


def _ranges(value: Any, count: int, channels: int, place: Place) -> list[tuple[int, int]]:
    """Consecutive ranges of the given lengths; Rejected unless they add up to the channels."""
    sizes = value if isinstance(value, list) else []
    if not known((value, *sizes)):
        message = "split depends on a size that is not known"
        raise Rejected(Diagnostic("bad-expression", message, place), needs_input=True)
    if len(sizes) != count or not all(type(size) is int and size > 0 for size in sizes):
        message = (
            f"split is {format_value(value)}, but must be channels, copy or {count} channel counts"
        )
        raise rejected("wrong-type", message, place)
    if known(channels) and sum(sizes) != channels:
        total = sum(sizes)
        message = (
            f"split {format_value(value)} adds up to {total}, but the input has {channels} channels"
        )
        raise rejected("shape-mismatch", message, place)
    ends = accumulate(sizes)
    return [(end - size, end) for end, size in zip(ends, sizes, strict=True)]


def _agrees(stated: Any, dims: list[int]) -> bool:
    """Whether a stated shape matches the actual one; null and unknown sizes match anything."""
    if not isinstance(stated, list) or len(stated) != len(dims):
        return False
    pairs = zip(stated, dims, strict=True)
    return all(s is None or not known((s, d)) or s == d for s, d in pairs)
