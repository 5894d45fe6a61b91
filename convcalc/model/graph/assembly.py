"""Adds layers to a network one by one; every way to build a network is based on it.

:class:`Assembly` takes operators whose fields are already valid, as checked by the network
language; :class:`convcalc.model.graph.builder.Builder` checks the fields as well.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from convcalc.diagnostics.diagnostic import Diagnostic, Place, Related
from convcalc.diagnostics.rejection import rejected
from convcalc.diagnostics.suggestion import advise
from convcalc.errors import Error
from convcalc.model.graph.layer_checks import check_arity
from convcalc.model.graph.network import Group, Layer
from convcalc.model.graph.sites import Site
from convcalc.model.operators.contract import Analysis, Operator, Port, Problem, Recorded
from convcalc.model.quantities.shape import Shape

MOST_LAYERS = 200_000


class Tensor(NamedTuple):
    """A tensor of a network that is being built: its number, its shape, its name."""

    number: int
    shape: Shape
    label: str


Weights = Mapping[str, tuple[int, ...]]  # the shapes of a layer's weights and buffers, by name
Value = Tensor | None  # None: the layer that makes it has a problem, already reported


class TooLarge(Error):
    """The network exceeds the limit of layers or iterations; ``diagnostics`` holds the problem."""

    def __init__(self, place: Place, what: str, limit: int) -> None:
        advice = f"at most {limit:,} layers and iterations"
        super().__init__(what, advice)
        self.diagnostics = (Diagnostic("too-large", what, place, advice),)


class Shared:
    """Results that networks of one file share: equal operators, and their analyses by shapes."""

    __slots__ = ("analyses", "operators")

    def __init__(self) -> None:
        self.analyses: dict[tuple[int, tuple[Shape, ...]], Analysis] = {}
        self.operators: dict[Operator, Operator] = {}

    def examine(
        self, operator: Operator, shapes: tuple[Shape, ...]
    ) -> tuple[Sequence[Problem], Analysis | None]:
        """An operator's problems on these inputs, and its analysis if none of them is an error."""
        problems = _once_per_field(operator.check(shapes))
        is_wrong = any(problem.is_error for problem in problems)
        return problems, None if is_wrong else operator.analyse(shapes)


class Assembly:
    """A network under construction.

    ``layers`` are those added so far, ``problems`` those found, ``skipped`` the number of layers
    that could not be added, ``ports`` further outputs of layers by path. Adding more than ``limit``
    layers raises TooLarge.
    """

    def __init__(self, limit: int = MOST_LAYERS, shared: Shared | None = None) -> None:
        self.limit = limit
        shared = shared or Shared()
        self.inputs: dict[str, Shape] = {}
        self.layers: list[Layer] = []
        self.problems: list[Diagnostic] = []
        self.skipped = 0
        self.ports: dict[str, Tensor] = {}
        self._examine = shared.examine
        self._analyses = shared.analyses
        self._operators = shared.operators

    def add_input(self, name: str, shape: Shape) -> Tensor:
        """Adds an input; the shape is not checked."""
        self.inputs[name] = shape
        return Tensor(len(self.inputs) - 1, shape, name)

    def skip(self) -> None:
        """Counts a layer that cannot be computed."""
        self.skipped += 1

    def intern(self, operator: Operator) -> Operator:
        """The first operator seen that equals this one; equal operators share an object."""
        return self._operators.setdefault(operator, operator)

    def add_layer(
        self,
        name: str,
        operator: Operator,
        inputs: Sequence[Value],
        path: str,
        site: Site,
        groups: tuple[Group, ...] = (),
        note: str = "",
        *,
        trainable: bool = True,
        form: str = "",
    ) -> Value:
        """Adds a layer of an operator whose fields are already valid.

        Returns its output, or None if it has a problem or reads None. Raises Rejected if it has too
        few or too many inputs.
        """
        check_arity(name, operator, len(inputs), site.place)
        tensors = [tensor for tensor in inputs if tensor is not None]
        if len(tensors) < len(inputs):
            self.skip()
            return None
        shapes = tuple([tensor.shape for tensor in tensors])  # a list is faster than a generator
        analysis = self._analyses.get((id(operator), shapes))
        if analysis is None:
            analysis = self._analyse(operator, tensors, shapes, site)
            if analysis is None:
                self.skip()
                return None
        numbers = tuple([tensor.number for tensor in tensors])
        place = site.place
        self.layers.append(
            Layer(
                path,
                groups,
                name,
                operator,
                numbers,
                shapes,
                analysis,
                place,
                note,
                trainable,
                form=form,
            )
        )
        if len(self.layers) > self.limit:
            raise TooLarge(place, f"more than {self.limit:,} layers", self.limit)
        number = len(self.inputs) + len(self.layers) - 1
        if analysis.ports:
            for key, port in analysis.ports.items():
                self._add_port(f"{path}.{key}", port)
        return Tensor(number, analysis.output, path)

    def has_ports(self, tensor: Tensor) -> bool:
        """Whether the layer that makes a tensor has further outputs."""
        maker = self._producer(tensor)
        return maker is not None and bool(maker.analysis.ports)

    def record(self, name: str, tensor: Tensor) -> Recorded | None:
        """The layer that makes a tensor, as a Recorded; None for an input of the network."""
        layer = self._producer(tensor)
        if layer is None:
            return None
        return Recorded(name, layer.operator, layer.shapes, layer.analysis.output)

    def share(
        self,
        name: str,
        place: Place,
        owner: tuple[int, int],
        start: int,
        only: Sequence[str] = (),
    ) -> None:
        """Makes the layers from index ``start`` on use the weights of the layers in ``owner``.

        ``owner`` is a range of indices, ``name`` what it is called in messages. ``only`` names the
        weights to share, in all layers; those that it leaves out stay their own. Raises Rejected if
        the shared weights differ in shape, or there are none.
        """
        for weight in only:
            names = self._weight_names(start)
            if weight not in names:
                message = f"there is no weight '{weight}' here to share"
                advice = advise(weight, names, "there are:")
                raise rejected("share-mismatch", message, place, advice)
        owners, theirs = self._shared_weights(range(*owner), only)
        users, ours = self._shared_weights(range(start, len(self.layers)), only)
        if theirs != ours or not ours:
            here, there = _describe_weights(ours), _describe_weights(theirs)
            message = f"weights cannot be shared: {here} here, {there} in '{name}'"
            raise rejected("share-mismatch", message, place, self._share_advice(theirs, ours))
        for user, layer, shared in zip(users, owners, ours, strict=True):
            root = self.layers[layer].shares
            if root >= 0 and any(self.layers[layer].is_own(weight) for weight in shared):
                root = -1
            own = tuple(w for w in self.layers[user].analysis.stored if w not in shared)
            shares = layer if root < 0 else root
            self.layers[user] = self.layers[user]._replace(shares=shares, own=own)

    # --- inside -------------------------------------------------------------------------------

    def _analyse(
        self, operator: Operator, tensors: list[Tensor], shapes: tuple[Shape, ...], site: Site
    ) -> Analysis | None:
        """Records the operator's problems; returns its analysis, or None if one is an error."""
        problems, analysis = self._examine(operator, shapes)
        self.problems += [self._diagnostic(problem, tensors, site) for problem in problems]
        # A warning names the layers that feed this one, so each place is checked again.
        if not problems and analysis is not None:
            self._analyses[id(self.intern(operator)), shapes] = analysis
        return analysis

    def _diagnostic(self, problem: Problem, tensors: list[Tensor], site: Site) -> Diagnostic:
        """An operator's problem as a diagnostic, at the place of the field or input named."""
        source = problem.source if problem.source < len(tensors) else -1
        place = site.field_place(problem.field)
        if place is None and source >= 0:
            place = site.input_place(source)
        place = place or site.place
        related: tuple[Related, ...] = ()
        if source >= 0:
            tensor = tensors[source]
            maker = self._producer(tensor)
            if maker is not None and maker.place != place:
                note = f"the input is {tensor.shape}, from '{tensor.label}'"
                related = (Related(maker.place, note),)
        return Diagnostic(
            problem.name, problem.message, place, problem.help, related, "", problem.severity
        )

    def _producer(self, tensor: Tensor) -> Layer | None:
        index = tensor.number - len(self.inputs)
        return self.layers[index] if index >= 0 else None

    def _add_port(self, path: str, port: Port) -> None:
        """Adds a further output of the last layer, as a layer without work of its own."""
        analysis = Analysis(port.output, port.axes, channels=port.channels)
        self.layers.append(self.layers[-1]._replace(path=path, analysis=analysis))
        number = len(self.inputs) + len(self.layers) - 1
        self.ports[path] = Tensor(number, port.output, path)

    def _weight_names(self, start: int) -> list[str]:
        """The names of the weights of the layers from an index on, without those of their parts."""
        stored = (w for layer in self.layers[start:] for w in layer.analysis.stored)
        return list(dict.fromkeys(w.rpartition(".")[2] for w in stored))

    def _shared_weights(
        self, layers: Iterable[int], only: Sequence[str]
    ) -> tuple[list[int], list[Weights]]:
        """The layers that have weights to share, and these weights; ``only`` may name them."""
        found = {}
        for index in layers:
            stored = self.layers[index].analysis.stored
            chosen = {w: n for w, n in stored.items() if not only or w.rpartition(".")[2] in only}
            if chosen:
                found[index] = chosen
        return list(found), list(found.values())

    @staticmethod
    def _share_advice(theirs: list[Weights], ours: list[Weights]) -> str:
        """How to share what fits: by name, if every weight of one of the names has its like."""
        names = dict.fromkeys(w.rpartition(".")[2] for weights in ours for w in weights)

        def fits(name: str) -> bool:
            here, there = (
                [n for weights in side for w, n in weights.items() if w.rpartition(".")[2] == name]
                for side in (ours, theirs)
            )
            return here == there

        fitting = [name for name in names if fits(name)]
        if not fitting or len(fitting) == len(names):
            return ""
        return f"share what fits: {{of: …, only: [{', '.join(fitting)}]}}"


def _describe_weights(layers: list[Weights]) -> str:
    """The names and shapes of the weights of some layers, for a message."""
    shapes = [
        f"{name} {'×'.join(map(str, shape))}"
        for weights in layers
        for name, shape in weights.items()
    ]
    more = f" and {len(shapes) - 4} more" if len(shapes) > 4 else ""
    return (", ".join(shapes[:4]) or "no weights") + more


def _once_per_field(problems: Iterable[Problem]) -> list[Problem]:
    """The problems without repetitions on further axes: one per rule and field."""
    found: dict[tuple[str, str], Problem] = {}
    for problem in problems:
        found.setdefault((problem.name, problem.field), problem)
    return list(found.values())
