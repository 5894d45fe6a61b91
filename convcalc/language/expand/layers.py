"""Operators and the tensors they read -> layers; what is wrong is collected, not raised."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from convcalc.diagnostics.diagnostic import Diagnostic, Place, Related
from convcalc.language.expand.scopes import Frame, Names, Tensor, Value
from convcalc.language.parse.coercion import coerced, default_value
from convcalc.language.parse.tree import Argument, Item
from convcalc.language.syntax.evaluation import Rejected, gathered, rejected
from convcalc.model.graph.network import Layer
from convcalc.model.operators.contract import Analysis, Operator, Port, Problem, Recorded
from convcalc.model.operators.registry import fields_of
from convcalc.model.quantities.shape import Shape


class TooLarge(Exception):
    """The network does not end within the limit."""

    def __init__(self, place: Place, what: str, limit: int) -> None:
        super().__init__(what)
        advice = f"at most {limit:,} layers and iterations"
        self.diagnostic = Diagnostic("too-large", what, place, advice)


class Layering:
    """The layers of a network so far. ``first`` is the tensor number of the first of them."""

    def __init__(self, first: int, limit: int) -> None:
        self.first = first
        self.limit = limit
        self.layers: list[Layer] = []
        self.problems: list[Diagnostic] = []
        self.skipped = 0
        self.steps = 0
        self.analyses: dict[tuple[int, tuple[Shape, ...]], Analysis] = {}
        self.operators: dict[Operator, Operator] = {}
        self.ports: dict[str, Tensor] = {}  # further outputs by path

    def step(self, place: Place) -> None:
        """Counts an item that is written out; a network of nothing but steps must end too."""
        self.steps += 1
        idle = self.steps - 10 * len(self.layers)
        if idle > max(self.limit // 10, 1000):
            raise TooLarge(place, f"{idle:,} items without layers", self.limit)

    def skip(self) -> None:
        """Counts a layer that cannot be computed."""
        self.skipped += 1

    # --- operators ----------------------------------------------------------------------------

    def instance(
        self, item: Item, scope: dict[str, Any], rank: int, recorded: Mapping[str, Recorded]
    ) -> Operator:
        """The operator of an item; equal ones are the same object."""
        given = item.arguments
        try:
            values = [a.evaluate(scope) if a.evaluate else recorded.get(a.name) for a in given]
        except Rejected:  # once more, for the problems of all of them
            gathered(partial(a.evaluate, scope) for a in given if a.evaluate)
            raise
        key = (rank, repr(values))
        found: Operator | None = item.cache.get(key)
        if found is None:
            found = self.shared(_operator(item, values, rank))
            item.cache[key] = found
        return found

    def shared(self, operator: Operator) -> Operator:
        """The one object that stands for all operators equal to this one."""
        return self.operators.setdefault(operator, operator)

    # --- layers -------------------------------------------------------------------------------

    def layer(
        self,
        name: str,
        operator: Operator,
        inputs: Sequence[Value],
        path: str,
        names: Names,
        frame: Frame,
        item: Item,
    ) -> Value:
        """Adds a layer; None if one of its inputs failed or it has a problem of its own."""
        _check_arity(name, operator, len(inputs), item.place)
        tensors = [tensor for tensor in inputs if tensor is not None]
        if len(tensors) < len(inputs):
            self.skip()
            return None
        shapes = tuple(tensor.shape for tensor in tensors)
        analysis = self.analyses.get((id(operator), shapes))
        if analysis is None:
            analysis = self.analysed(operator, tensors, frame, item)
            if analysis is None:
                self.skip()
                return None
        numbers = tuple(tensor.number for tensor in tensors)
        self.layers.append(
            Layer(
                path,
                names.groups,
                name,
                operator,
                numbers,
                shapes,
                analysis,
                item.place,
                item.note,
                frame.trainable,
            )
        )
        if len(self.layers) > self.limit:
            raise TooLarge(item.place, f"more than {self.limit:,} layers", self.limit)
        number = self.first + len(self.layers) - 1
        for key, port in analysis.ports.items():
            self.port(f"{path}.{key}", port)
        return Tensor(number, analysis.output, path)

    def port(self, path: str, port: Port) -> None:
        """Adds a further output of the last layer, as a layer without work of its own."""
        analysis = Analysis(port.output, port.axes)
        self.layers.append(self.layers[-1]._replace(path=path, analysis=analysis))
        number = self.first + len(self.layers) - 1
        self.ports[path] = Tensor(number, port.output, path)

    def record(self, name: str, tensor: Tensor) -> Recorded | None:
        """What is known of the layer that makes a tensor; None for an input of the network."""
        index = tensor.number - self.first
        if index < 0:
            return None
        layer = self.layers[index]
        return Recorded(name, layer.operator, layer.shapes, layer.analysis.output)

    def analysed(
        self, operator: Operator, tensors: list[Tensor], frame: Frame, item: Item
    ) -> Analysis | None:
        """The operator's analysis of these inputs; None if it has an error."""
        shapes = tuple(tensor.shape for tensor in tensors)
        problems = list(operator.check(shapes))
        self.problems += [frame.located(self.diagnostic(p, tensors, item)) for p in problems]
        if any(problem.is_error for problem in problems):
            return None
        analysis = operator.analyse(shapes)
        # A warning names the layers that feed this one, so it is looked for at each place anew.
        if not problems:
            self.analyses[id(self.shared(operator)), shapes] = analysis
        return analysis

    def diagnostic(self, problem: Problem, tensors: list[Tensor], item: Item) -> Diagnostic:
        """An operator's problem with the place of the field or of the input that it names."""
        place = item.place
        source = problem.source if problem.source < len(tensors) else -1
        for argument in item.arguments if item.operator is not None else ():
            if argument.name == problem.field:
                place = argument.node.place
        if place is item.place and 0 <= source < len(item.sources):
            place = item.sources[source].place
        related: tuple[Related, ...] = ()
        if source >= 0 and (made := self.made_at(tensors[source])) not in (None, place):
            tensor = tensors[source]
            note = f"the input is {tensor.shape}, from '{tensor.label}'"
            related = (Related(made, note),) if made else ()
        return Diagnostic(
            problem.name, problem.message, place, problem.help, related, "", problem.severity
        )

    def made_at(self, tensor: Tensor) -> Place | None:
        """Where the layer stands that makes a tensor; None for an input of the network."""
        number = tensor.number - self.first
        return self.layers[number].place if number >= 0 else None

    # --- shared weights -----------------------------------------------------------------------

    def share(self, name: str, place: Place, owner: tuple[int, int], start: int) -> None:
        """Gives the layers from ``start`` on the weights of the layers in ``owner``."""
        owners = [k for k in range(*owner) if self.layers[k].analysis.stored]
        users = [k for k in range(start, len(self.layers)) if self.layers[k].analysis.stored]
        theirs = [self.layers[k].analysis.stored for k in owners]
        ours = [self.layers[k].analysis.stored for k in users]
        if theirs != ours or not ours:
            here = self.weights_text(users)
            message = (
                f"weights cannot be shared: {here} here, {self.weights_text(owners)} in '{name}'"
            )
            raise rejected("share-mismatch", message, place)
        for user, layer in zip(users, owners, strict=True):
            root = self.layers[layer].shares
            self.layers[user] = self.layers[user]._replace(shares=layer if root < 0 else root)

    def weights_text(self, layers: list[int]) -> str:
        """The weights of some layers in words."""
        shapes = [
            f"{name} {'×'.join(map(str, shape))}"
            for k in layers
            for name, shape in self.layers[k].analysis.stored.items()
        ]
        more = f" and {len(shapes) - 4} more" if len(shapes) > 4 else ""
        return (", ".join(shapes[:4]) or "no weights") + more


def _operator(item: Item, values: list[Any], rank: int) -> Operator:
    """The operator from evaluated values, each held against its declaration."""
    assert item.operator is not None
    fields = {
        name: default_value(name, declared, rank, item.place)
        for name, declared in fields_of(item.operator).items()
        if not declared.required
    }

    def coerce(argument: Argument, value: Any) -> Any:
        assert argument.field is not None
        if argument.reference is not None:
            return value
        return coerced(argument.name, argument.field, value, argument.node, rank)

    names = [argument.name for argument in item.arguments]
    pairs = zip(item.arguments, values, strict=True)
    given = gathered(partial(coerce, argument, value) for argument, value in pairs)
    return item.operator(**{**fields, **dict(zip(names, given, strict=True))})


def _check_arity(name: str, operator: Operator, count: int, place: Place) -> None:
    """An operator needs its number of inputs."""
    low, high = operator.arity
    if low <= count and (high is None or count <= high):
        return
    bounds = f"at least {low}" if high is None else str(low) if low == high else f"{low} to {high}"
    message = f"'{name}' needs {bounds} input{'' if bounds == '1' else 's'}, but has {count}"
    advice = f"{name}: [a, b], or 'from: [a, b]'" if low > 1 else ""
    raise rejected("missing-key", message, place, advice)


def check_rank(item: Item, shape: Shape) -> None:
    """An operator for images cannot read a vector, nor a vector's an image."""
    assert item.operator is not None
    low, high = item.operator.ranks
    if low <= shape.rank <= high:
        return
    axes = f"{shape.rank} spatial ax{'i' if shape.rank == 1 else 'e'}s"
    what = f"{shape}, with {axes}" if shape.rank else f"a vector of {shape.channels} channels"
    message = f"'{item.type}' needs {low} to {high} spatial axes, but its input is {what}"
    raise Rejected(Diagnostic("wrong-rank", message, item.place))
