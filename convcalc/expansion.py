"""Items -> a graph of layers: blocks, repeats and branches written out, shapes inferred.

Layers stand in the order of the file. Each knows its path, its place, the tensors it reads
and what its operator makes of them. A layer that has a problem yields no tensor; whatever
reads it is skipped and counted, everything else goes on, so that all problems of a file show
at once.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from convcalc import document as doc
from convcalc.decode import (
    Rejected,
    coerced,
    default_value,
    free_names,
    rejected,
    shown,
    value_of,
)
from convcalc.diagnostics import Diagnostic, Place, Related, nearest
from convcalc.graph import Layer
from convcalc.operator import Analysis, Operator, Problem, fields_of, operator_class
from convcalc.report import Group
from convcalc.shape import UNKNOWN, Shape, known
from convcalc.spec import Argument, Block, Item, Reference, Unit, indexed_components
from convcalc.unit import checked_param


class Tensor(NamedTuple):
    """A tensor during expansion: its number, its shape, and what people call it."""

    number: int
    shape: Shape
    label: str


Value = Tensor | None  # None: the layer that makes it has a problem


class Names:
    """Paths of one list of siblings: which components need an index, and how far they are."""

    __slots__ = ("counts", "groups", "indexed", "prefix")

    def __init__(self, prefix: str, groups: tuple[Group, ...], items: list[Item]) -> None:
        self.prefix = prefix
        self.groups = groups
        self.indexed = indexed_components(items)
        self.counts: dict[str, int] = {}

    def path(self, component: str) -> str:
        """The path of the next sibling of that name."""
        if component not in self.indexed:
            return self.prefix + component
        count = self.counts.get(component, 0)
        self.counts[component] = count + 1
        return f"{self.prefix}{component}[{count}]"


class Frame:
    """What is in scope within one block: values, tensors by id, and how the block was called."""

    __slots__ = ("prefix", "scope", "tensors", "trainable", "within")

    def __init__(self, scope: dict[str, Any], tensors: dict[str, Value], prefix: str) -> None:
        self.scope = scope
        self.tensors = tensors
        self.prefix = prefix
        self.within: tuple[str, Place] | None = None
        self.trainable = True


class Expansion:
    """Writes a network out. ``limit`` bounds layers and iterations."""

    def __init__(self, unit: Unit, inputs: Mapping[str, Shape], limit: int) -> None:
        self.unit = unit
        self.limit = limit
        self.layers: list[Layer] = []
        self.problems: list[Diagnostic] = []
        self.skipped = 0
        self.steps = 0
        self.first = len(inputs)  # number of the first layer's tensor
        self.rank = max((shape.rank for shape in inputs.values()), default=2)
        self.inputs = {
            name: Tensor(k, shape, name) for k, (name, shape) in enumerate(inputs.items())
        }
        self.by_path: dict[str, Value] = {}
        self.spans: dict[str, tuple[int, int]] = {}  # path or id: its range of layers
        self.analyses: dict[Any, Analysis | None] = {}
        self.operators: dict[Operator, Operator] = {}
        self.tensors: dict[str, Value] = {}  # by id, at the top of the network

    def named(self, text: str) -> Value:
        """The tensor of an id or a path, seen from the top of the network."""
        return self.tensors.get(text) or self.by_path.get(text)

    @property
    def failed(self) -> set[str]:
        """Names whose layers have problems."""
        return {name for name, value in {**self.by_path, **self.tensors}.items() if value is None}

    # --- lists and items ----------------------------------------------------------------------

    def run(self, items: list[Item]) -> Value:
        """Expands the network's own list of layers; returns the last tensor."""
        tensors: dict[str, Value] = dict(self.inputs)
        prev: Value = next(iter(self.inputs.values())) if len(self.inputs) == 1 else None
        if len(self.inputs) == 1:
            tensors["input"] = prev
        elif items and not items[0].sources:
            names = ", ".join(self.inputs)
            message = "the first layer must say which input it reads"
            first = Diagnostic("missing-key", message, items[0].place, f"from: one of {names}")
            self.problems.append(first)
        frame = Frame(dict(self.unit.scope), tensors, "")
        self.tensors = tensors
        return self.body(items, prev, Names("", (), items), frame)

    def body(self, items: list[Item], prev: Value, names: Names, frame: Frame) -> Value:
        """A list of items, one after another."""
        for item in items:
            prev = self.item(item, prev, names, frame)
        return prev

    def item(self, item: Item, prev: Value, names: Names, frame: Frame) -> Value:
        """One item with its loops, condition and repetitions."""
        if item.kind == "broken":
            self.skipped += 1
            if item.id:
                frame.tensors[item.id] = None
            return None
        try:
            if not item.indexed and item.condition is None:
                return self.once(item, prev, names, frame, frame.scope, item.sources)
            return self.repeated(item, prev, names, frame)
        except Rejected as error:
            self.add(error.diagnostic, frame)
            self.skipped += 1
            if item.id:
                frame.tensors[item.id] = None
            return None

    def repeated(self, item: Item, prev: Value, names: Names, frame: Frame) -> Value:
        """``for``, then ``if``, then ``repeat``."""
        round_ = 0
        for scope in self.loop_scopes(item, prev, frame):
            channels = prev.shape.channels if prev else UNKNOWN
            scope["in_channels"] = channels
            if item.condition is not None and not self.holds(item.condition, scope):
                continue
            for i in range(self.times(item, scope)):
                if item.repeat is not None:
                    scope = {**scope, "i": i}
                before = len(self.layers)
                sources = item.sources if i == 0 else []
                label = f"{item.id}[{round_}]" if item.indexed else ""
                prev = self.once(item, prev, names, frame, scope, sources, label)
                round_ += 1
                self.count(item, len(self.layers) - before, i, scope)
        return prev

    def loop_scopes(self, item: Item, prev: Value, frame: Frame) -> Iterator[dict[str, Any]]:
        """One scope per round of ``for``; the frame's own scope without one."""
        if not item.loops:
            yield dict(frame.scope)
            return
        scope = {**frame.scope, "in_channels": prev.shape.channels if prev else UNKNOWN}
        lists = [self.loop_list(node, scope, frame) for _, node in item.loops]
        lengths = [len(values) for values in lists]
        for (name, node), length in zip(item.loops, lengths, strict=True):
            if length != lengths[0]:
                message = f"'{name}' has {length} values, but '{item.loops[0][0]}' has {lengths[0]}"
                raise rejected("wrong-type", message, node.place, "'for' walks its lists together")
        for i, values in enumerate(zip(*lists, strict=True)):
            named = dict(zip((name for name, _ in item.loops), values, strict=True))
            yield {**frame.scope, **named, "i": i}

    def loop_list(self, node: doc.Node, scope: dict[str, Any], frame: Frame) -> list[Any]:
        """The values of one loop name; the id of a tensor stands for the tensor."""
        if isinstance(node, doc.Sequence):
            return [
                self.reference(Reference(part.text, part.place), None, frame)
                if isinstance(part, doc.Scalar)
                and isinstance(part.value, str)
                and part.text not in scope
                and part.text in frame.tensors
                else self.loop_value(part, scope)
                for part in node.items
            ]
        missing = [name for name in free_names(node) if name not in scope]
        if missing:
            close = nearest(missing[0], scope)
            advice = f"use '{close}'" if close else ""
            raise rejected("unknown-name", f"unknown name '{missing[0]}'", node.place, advice)
        values = value_of(node, scope)
        if not isinstance(values, list):
            message = f"'for' needs a list, not {shown(values)}"
            raise rejected("wrong-type", message, node.place)
        return values

    @staticmethod
    def loop_value(node: doc.Node, scope: dict[str, Any]) -> Any:
        """One value in a list of a loop."""
        for name, where in free_names(node).items():
            if name not in scope:
                close = nearest(name, scope)
                advice = f"use '{close}'" if close else ""
                raise rejected("unknown-name", f"unknown name '{name}'", where.place, advice)
        return value_of(node, scope)

    @staticmethod
    def holds(condition: tuple[Any, doc.Node], scope: dict[str, Any]) -> bool:
        """Whether an ``if`` is true."""
        evaluate, node = condition
        value = evaluate(scope)
        if not isinstance(value, bool):
            message = f"'if' is {shown(value)}, but must be true or false"
            raise rejected("wrong-type", message, node.place, "compare it, for instance 'n > 0'")
        return value

    def times(self, item: Item, scope: dict[str, Any]) -> int:
        """How often an item is repeated."""
        if item.repeat is None:
            return 1
        evaluate, node = item.repeat
        times = evaluate(scope)
        if isinstance(times, float) and times.is_integer():
            times = int(times)
        if isinstance(times, bool) or not isinstance(times, int):
            message = f"repeat is {shown(times)}, but must be an integer"
            raise rejected("wrong-type", message, node.place)
        if times < 0:
            raise rejected(
                "out-of-range", f"repeat is {times}, but must not be negative", node.place
            )
        if times + self.steps > self.limit:
            raise TooLarge(node.place, f"repeat is {times:,}", self.limit)
        return times

    def count(self, item: Item, added: int, i: int, scope: dict[str, Any]) -> None:
        """Stops a repetition as soon as it is clear that it leads beyond the limit."""
        self.steps += 1
        remaining = 0
        if i == 0 and item.repeat is not None:
            remaining = added * (self.times(item, scope) - 1)
        if max(self.steps, len(self.layers) + remaining) > self.limit:
            layers = f"more than {self.limit:,} layers"
            raise TooLarge(item.place, layers, self.limit)

    # --- one item -----------------------------------------------------------------------------

    def once(
        self,
        item: Item,
        prev: Value,
        names: Names,
        frame: Frame,
        scope: dict[str, Any],
        sources: Sequence[Reference],
        label: str = "",
    ) -> Value:
        """One iteration of an item: its layers, its checks, its id."""
        inputs = [self.reference(source, prev, frame) for source in sources] or [prev]
        first = inputs[0]
        scope["in_channels"] = first.shape.channels if first else UNKNOWN
        start = len(self.layers)
        trainable, frame.trainable = frame.trainable, frame.trainable and item.trainable
        try:
            output, path = getattr(self, "on_" + item.kind)(item, inputs, names, frame, scope)
        finally:
            frame.trainable = trainable
        if item.stated_channels or item.stated_shape:
            self.check_stated(item, first, output, scope, frame)
        if path:
            self.by_path[path] = output
            self.spans[path] = (start, len(self.layers))
        if item.id:
            for key in filter(None, (item.id, label)):
                frame.tensors[key] = output
                self.spans[frame.prefix + key] = (start, len(self.layers))
        if item.share is not None:
            self.share(item, start, frame)
        return output

    def reference(self, reference: Reference, prev: Value, frame: Frame) -> Value:
        """The tensor that a name means: prev, a ref param, an id, or a path."""
        text = reference.text
        if text == "prev":
            return prev
        if text in frame.tensors:
            return frame.tensors[text]
        value = frame.scope.get(text)
        if isinstance(value, Tensor):
            return value
        for path in (frame.prefix + text, text):
            if path in self.by_path:
                return self.by_path[path]
        close = nearest(text, frame.tensors)
        advice = f"use '{close}'" if close else ""
        if not close:
            known_names = ", ".join(["prev", *frame.tensors])
            advice = f"tensors so far: {known_names}; a layer can only read what stands above it"
        raise rejected(
            "unknown-name", f"no layer above has the id '{text}'", reference.place, advice
        )

    def on_seq(
        self, item: Item, inputs: list[Value], names: Names, frame: Frame, scope: dict[str, Any]
    ) -> tuple[Value, str]:
        """A list in a row; with an id it is a level of its own."""
        inner, path = self.level(item, names, item.body)
        with self.scoped(frame, scope):
            return self.body(item.body, inputs[0], inner, frame), path

    def on_residual(
        self, item: Item, inputs: list[Value], names: Names, frame: Frame, scope: dict[str, Any]
    ) -> tuple[Value, str]:
        """A body and a shortcut from the same input, joined."""
        inner, path = self.level(item, names, item.body)
        if item.id:
            inner.indexed = indexed_components([_anonymous(item)])
        with self.scoped(frame, scope):
            main = self.body(item.body, inputs[0], inner, frame)
            side = inputs[0]
            if item.shortcut:
                side = self.branch("shortcut", item.shortcut, inputs[0], inner, frame)
        return self.joined(item, [main, side], inner, frame), path

    def on_branches(
        self, item: Item, inputs: list[Value], names: Names, frame: Frame, scope: dict[str, Any]
    ) -> tuple[Value, str]:
        """Lists side by side, on copies or on slices of the channels, joined."""
        inner, path = self.level(item, names, [])
        inner.indexed |= {"branch"}
        pieces = self.split(item, inputs[0], scope)
        results = []
        with self.scoped(frame, scope):
            for body, piece in zip(item.branches, pieces, strict=True):
                results.append(self.branch("branch", body, inputs[0], inner, frame, piece))
        if len(results) == 1:
            return results[0], path
        return self.joined(item, results, inner, frame), path

    def branch(
        self,
        component: str,
        items: list[Item],
        source: Value,
        names: Names,
        frame: Frame,
        piece: tuple[int, int] | None = None,
    ) -> Value:
        """One branch; ``piece`` is the range of channels that it gets."""
        path = names.path(component)
        inner = Names(f"{path}.", (*names.groups, Group(path, component)), items)
        if piece is not None:
            operator = operator_class("channel_slice")(start=piece[0], stop=piece[1])  # type: ignore[call-arg]
            place = items[0].place if items else Place("", 0, 0)
            source = self.layer(
                "channel_slice", operator, [source], inner.prefix + "split", inner, frame, place
            )
        return self.body(items, source, inner, frame)

    def split(
        self, item: Item, source: Value, scope: dict[str, Any]
    ) -> list[tuple[int, int] | None]:
        """The ranges of channels of the branches; None for a copy."""
        count = len(item.branches)
        if item.split is None:
            return [None] * count
        evaluate, node = item.split
        value = evaluate(scope)
        if value == "copy" or source is None:
            return [None] * count
        channels = source.shape.channels
        if value == "channels":
            if not known(channels):
                raise rejected(
                    "bad-expression", "cannot split channels that are not known", node.place
                )
            if channels % count:
                message = f"{count} branches do not divide {channels} channels"
                advice = "give the channels of each branch in a list"
                raise rejected("does-not-divide", message, node.place, advice)
            value = [channels // count] * count
        return list(_ranges(value, count, channels, node.place))

    def joined(self, item: Item, parts: list[Value], names: Names, frame: Frame) -> Value:
        """The layer that joins branches."""
        operator = operator_class(item.join)()
        path = names.path(item.join)
        return self.layer(item.join, operator, parts, path, names, frame, item.place, item.note)

    def level(self, item: Item, names: Names, items: list[Item]) -> tuple[Names, str]:
        """The names of a composite's children: its own level if it has an id."""
        if item.transparent:
            return names, ""
        path = names.path(item.component)
        return Names(f"{path}.", (*names.groups, Group(path, item.kind)), items), path

    def scoped(self, frame: Frame, scope: dict[str, Any]) -> _Scoped:
        """The frame with another scope for a while: loop names reach into composites."""
        return _Scoped(frame, scope)

    def on_block(
        self, item: Item, inputs: list[Value], names: Names, frame: Frame, scope: dict[str, Any]
    ) -> tuple[Value, str]:
        """A call of a block: its params, then its layers under a path of their own."""
        block = item.block
        assert block is not None
        path = names.path(item.component)
        tensors: dict[str, Value] = {"input": inputs[0]}
        inner = Frame({**block.unit.scope}, tensors, f"{path}.")
        inner.scope["in_channels"] = scope["in_channels"]
        inner.within = (block.name, item.place)
        inner.trainable = frame.trainable
        self.bind(block, item, inputs[0], frame, scope, inner)
        groups = (*names.groups, Group(path, block.name))
        output = self.body(block.body, inputs[0], Names(f"{path}.", groups, block.body), inner)
        return output, path

    def bind(
        self,
        block: Block,
        item: Item,
        prev: Value,
        frame: Frame,
        scope: dict[str, Any],
        inner: Frame,
    ) -> None:
        """Gives a block's params their values: the call's, else the defaults in order."""
        given = {argument.name: argument for argument in item.arguments}
        for name, param in block.params.items():
            argument = given.get(name)
            if param.kind == "ref":
                assert argument is not None
                inner.tensors[name] = self.ref_argument(argument, prev, frame, scope)
            elif argument is not None:
                assert argument.evaluate is not None
                value = argument.evaluate(scope)
                inner.scope[name] = checked_param(param, value, argument.node.place)
            elif param.evaluate is not None:
                assert param.default is not None
                value = param.evaluate(inner.scope)
                inner.scope[name] = checked_param(param, value, param.default.place)

    def ref_argument(
        self, argument: Argument, prev: Value, frame: Frame, scope: dict[str, Any]
    ) -> Value:
        """The tensor handed into a block."""
        text = getattr(argument.node, "text", "")
        value = scope.get(text)
        if isinstance(value, Tensor):
            return value
        return self.reference(Reference(text, argument.node.place), prev, frame)

    def on_operator(
        self, item: Item, inputs: list[Value], names: Names, frame: Frame, scope: dict[str, Any]
    ) -> tuple[Value, str]:
        """One layer."""
        first = inputs[0]
        assert item.operator is not None
        if first is not None:
            self.check_rank(item, first)
        rank = first.shape.rank if first else self.rank
        operator = self.instance(item, scope, rank, failed=first is None)
        path = names.path(item.component)
        if operator is None:
            self.skipped += 1
            return None, path
        output = self.layer(
            item.type, operator, inputs, path, names, frame, item.place, item.note, item
        )
        return output, path

    @staticmethod
    def check_rank(item: Item, first: Tensor) -> None:
        """An operator for images cannot read a vector, nor a vector's an image."""
        assert item.operator is not None
        low, high = item.operator.ranks
        if low <= first.shape.rank <= high:
            return
        if first.shape.rank == 0:
            what = f"a vector of {first.shape.channels} channels"
        else:
            what = f"{first.shape}, with {first.shape.rank} spatial axes"
        message = f"'{item.type}' needs {low} to {high} spatial axes, but its input is {what}"
        raise rejected("wrong-rank", message, item.place)

    def instance(
        self, item: Item, scope: dict[str, Any], rank: int, *, failed: bool
    ) -> Operator | None:
        """The operator with its fields' values; equal ones are the same object."""
        try:
            values = tuple(a.evaluate(scope) for a in item.arguments if a.evaluate)
        except Rejected as error:
            if failed and "known" in error.diagnostic.message:
                return None
            raise
        key = (rank, *map(repr, values))
        found: Operator | None = item.cache.get(key)
        if found is None:
            found = self.build(item, values, rank)
            found = item.cache[key] = self.operators.setdefault(found, found)
        return found

    @staticmethod
    def build(item: Item, values: tuple[Any, ...], rank: int) -> Operator:
        """The operator from evaluated values, each held against its declaration."""
        assert item.operator is not None
        fields = {
            name: default_value(name, declared, rank, item.place)
            for name, declared in fields_of(item.operator).items()
            if not declared.required
        }
        for argument, value in zip(item.arguments, values, strict=True):
            assert argument.field is not None
            fields[argument.name] = coerced(
                argument.name, argument.field, value, argument.node, rank
            )
        return item.operator(**fields)

    # --- layers -------------------------------------------------------------------------------

    def layer(
        self,
        name: str,
        operator: Operator,
        inputs: list[Value],
        path: str,
        names: Names,
        frame: Frame,
        place: Place,
        note: str = "",
        item: Item | None = None,
    ) -> Value:
        """Adds a layer; None if its inputs failed or it has a problem of its own."""
        low, high = type(operator).arity
        if len(inputs) < low or (high is not None and len(inputs) > high):
            bounds = (
                f"{low}"
                if low == high
                else f"at least {low}"
                if high is None
                else f"{low} to {high}"
            )
            message = f"'{name}' needs {bounds} inputs, but has {len(inputs)}"
            advice = f"{name}: [a, b], or 'from: [a, b]'" if low > 1 else ""
            raise rejected("missing-key", message, place, advice)
        tensors = [tensor for tensor in inputs if tensor is not None]
        if len(tensors) < len(inputs):
            self.skipped += 1
            return None
        shapes = tuple(tensor.shape for tensor in tensors)
        analysis = self.analysed(operator, shapes, tensors, item, place, frame)
        if analysis is None:
            self.skipped += 1
            return None
        layer = Layer(
            path,
            names.groups,
            name,
            operator,
            tuple(tensor.number for tensor in tensors),
            shapes,
            analysis,
            place,
            note,
            frame.trainable,
        )
        self.layers.append(layer)
        if len(self.layers) > self.limit:
            raise TooLarge(place, f"more than {self.limit:,} layers", self.limit)
        return Tensor(self.first + len(self.layers) - 1, analysis.output, path)

    def analysed(
        self,
        operator: Operator,
        shapes: tuple[Shape, ...],
        tensors: list[Tensor],
        item: Item | None,
        place: Place,
        frame: Frame,
    ) -> Analysis | None:
        """The operator's analysis; equal layers on equal shapes are analysed once."""
        key = (id(operator), shapes)
        if key in self.analyses:
            return self.analyses[key]
        self.operators.setdefault(
            operator, operator
        )  # keeps it alive, so that its id stays its own
        problems = list(operator.check(shapes))
        for problem in problems:
            self.add(_located(problem, tensors, item, place, self), frame)
        bad = any(problem.severity == "error" for problem in problems)
        analysis = None if bad else operator.analyse(shapes)
        # Problems name the layers that feed this one, so they are looked for at each place anew.
        if not problems:
            self.analyses[key] = analysis
        return analysis

    def producer(self, tensor: Tensor) -> Layer | None:
        """The layer that makes a tensor; None for an input of the network."""
        return self.layers[tensor.number - self.first] if tensor.number >= self.first else None

    def add(self, diagnostic: Diagnostic, frame: Frame) -> None:
        """Collects a problem, with the call of the block that it was met in."""
        if frame.within and not diagnostic.within:
            name, call = frame.within
            at = f":{call.line}" if call.file == diagnostic.place.file else str(call)
            diagnostic = diagnostic._replace(within=f"in {name} (called at {at})")
        self.problems.append(diagnostic)

    # --- statements that are checked ----------------------------------------------------------

    def check_stated(
        self, item: Item, first: Value, output: Value, scope: dict[str, Any], frame: Frame
    ) -> None:
        """``in:`` and ``shape:`` say what must hold."""
        if item.stated_channels and first is not None:
            evaluate, node = item.stated_channels
            stated = evaluate(scope)
            if stated != first.shape.channels and known(first.shape.channels):
                message = (
                    f"in says {shown(stated)}, but the input has {first.shape.channels} channels"
                )
                self.add(Diagnostic("stated-differently", message, node.place), frame)
        if item.stated_shape and output is not None:
            evaluate, node = item.stated_shape
            stated = evaluate(scope)
            actual = list(output.shape.dims[1:])
            same = isinstance(stated, list) and len(stated) == len(actual)
            if not same or any(
                a is not UNKNOWN and s is not None and a != s
                for a, s in zip(actual, stated, strict=True)
            ):
                message = f"shape says {shown(stated)}, but the output is {shown(actual)}"
                self.add(Diagnostic("stated-differently", message, node.place), frame)

    def share(self, item: Item, start: int, frame: Frame) -> None:
        """Weights of the layers from ``start`` on are those of the layers behind an id."""
        reference = item.share
        assert reference is not None
        span = self.spans.get(frame.prefix + reference.text) or self.spans.get(reference.text)
        if span is None:
            close = nearest(reference.text, frame.tensors)
            advice = f"use '{close}'" if close else ""
            message = f"no layer above has the id '{reference.text}'"
            raise rejected("unknown-name", message, reference.place, advice)
        owners = [k for k in range(*span) if self.layers[k].analysis.weights]
        users = [k for k in range(start, len(self.layers)) if self.layers[k].analysis.weights]
        pairs = zip(owners, users, strict=False)
        if len(owners) != len(users) or any(
            self.layers[a].analysis.weights != self.layers[b].analysis.weights for a, b in pairs
        ):
            theirs = "; ".join(_weights_text(self.layers[k]) for k in owners) or "no weights"
            ours = "; ".join(_weights_text(self.layers[k]) for k in users) or "no weights"
            message = f"weights cannot be shared: here {ours}, in '{reference.text}' {theirs}"
            raise rejected("share-mismatch", message, reference.place)
        for owner, user in zip(owners, users, strict=True):
            root = self.layers[owner].shares
            self.layers[user] = self.layers[user]._replace(shares=owner if root < 0 else root)


class TooLarge(Exception):
    """The network does not end within the limit."""

    def __init__(self, place: Place, what: str, limit: int) -> None:
        super().__init__(what)
        advice = f"at most {limit:,} layers and iterations"
        self.diagnostic = Diagnostic("too-large", what, place, advice)


class _Scoped:
    """Lends a frame another scope."""

    def __init__(self, frame: Frame, scope: dict[str, Any]) -> None:
        self.frame = frame
        self.scope = scope
        self.own = frame.scope

    def __enter__(self) -> None:
        self.frame.scope = dict(self.scope)

    def __exit__(self, *_: object) -> None:
        self.frame.scope = self.own


def _anonymous(item: Item) -> Item:
    """A copy of a composite without its id, whose children are named as siblings."""
    copy = Item(item.type, item.place)
    copy.kind, copy.body, copy.join = item.kind, item.body, item.join
    return copy


def _ranges(
    value: Any, count: int, channels: int, place: Place
) -> Iterable[tuple[int, int] | None]:
    """Consecutive ranges of the given lengths, which must add up to the channels."""
    sizes = value if isinstance(value, list) else []
    if len(sizes) != count or not all(isinstance(s, int) and s > 0 for s in sizes):
        message = f"split is {shown(value)}, but must be channels, copy or {count} channel counts"
        raise rejected("wrong-type", message, place)
    if sum(sizes) != channels and known(channels):
        message = (
            f"split {shown(value)} adds up to {sum(sizes)}, but the input has {channels} channels"
        )
        raise rejected("shape-mismatch", message, place)
    ends = [sum(sizes[: k + 1]) for k in range(count)]
    return [(end - size, end) for end, size in zip(ends, sizes, strict=True)]


def _weights_text(layer: Layer) -> str:
    """The weights of a layer in words."""
    parts = (f"{name} {'×'.join(map(str, s))}" for name, s in layer.analysis.weights.items())
    return f"{layer.path}: {', '.join(parts)}"


def _located(
    problem: Problem, tensors: list[Tensor], item: Item | None, place: Place, run: Expansion
) -> Diagnostic:
    """An operator's problem with the place of the field or input that it names."""
    arguments = {a.name: a for a in item.arguments} if item else {}
    at, related = place, list[Related]()
    if problem.field in arguments:
        at = arguments[problem.field].node.place
    elif item and problem.source >= 0 and problem.source < len(item.sources):
        at = item.sources[problem.source].place
    if 0 <= problem.source < len(tensors):
        tensor = tensors[problem.source]
        layer = run.producer(tensor)
        note = f"the input is {tensor.shape}, from '{tensor.label}'"
        if layer is not None and layer.place != at:
            related.append(Related(layer.place, note))
    return Diagnostic(
        problem.name, problem.message, at, problem.help, tuple(related), "", problem.severity
    )
