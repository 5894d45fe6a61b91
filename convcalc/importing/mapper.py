"""Maps a foreign graph to a network, node by node, and says what of it has no rule.

Two guards run for every node: each weight is held against the channels that it meets (by the
rules), and each output against the sizes that the file states. What has no rule becomes a layer
with the sizes that the file states, known parameters, and work that is unknown.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from math import prod
from typing import Any

from convcalc.diagnostics.diagnostic import Diagnostic, Place
from convcalc.diagnostics.rejection import Rejected
from convcalc.diagnostics.work import current
from convcalc.importing.accounts import Accounts
from convcalc.importing.folding import fold, shape_of, unfolded
from convcalc.importing.foreign import Constant, Graph, Input, Node, Sizes
from convcalc.importing.mapping import (
    activation,
    convolution,
    darknet,
    einsum,
    joining,
    layers,
    norm,
    picking,
    pooling,
    products,
    recurrent,
    refused,
    resizing,
    samples,
    sampling,
    sequences,
    shaping,
    stored,
    unfolding,
)
from convcalc.importing.mapping.build import (
    Build,
    Held,
    Lost,
    NoRule,
    NotTheBatch,
    Rule,
)
from convcalc.importing.patterns import recognise
from convcalc.importing.views import View, atoms_of, fresh
from convcalc.model.graph.builder import Builder
from convcalc.model.graph.network import SUBCLASS, Group, Network
from convcalc.model.quantities.unknown import UNKNOWN, known

RULES: Mapping[str, Rule] = {
    **activation.RULES,
    **convolution.RULES,
    **darknet.RULES,
    **joining.RULES,
    **layers.RULES,
    **picking.RULES,
    **resizing.RULES,
    **shaping.RULES,
    **norm.RULES,
    **pooling.RULES,
    **products.RULES,
    **recurrent.RULES,
    **stored.RULES,
    **unfolding.RULES,
    **einsum.RULES,
    **refused.RULES,
    **sampling.RULES,
    **sequences.RULES,
}

WEIGHTED = ("Conv", "ConvTranspose", "Gemm", "Linear", "MatMul")

# Operators whose constants are sizes and places, in whatever form a file stores them.
WEIGHTLESS = ("Clip", "NonMaxSuppression", "Pad", "Resize", "RoiAlign", "Slice", "Tile", "TopK")

GivenSizes = Mapping[str, Sequence[int | None]]


def map_graph(graph: Graph, file: str, sizes: GivenSizes, batch: int) -> Network:
    """The network of a graph; ``sizes`` are those of inputs, channels first, where given."""
    return _Mapping(graph, file, sizes, batch).network()


class _Mapping:
    """One graph on its way to a network."""

    def __init__(self, graph: Graph, file: str, sizes: GivenSizes, batch: int) -> None:
        self.graph = recognise(graph)
        self.file = file
        self.batch = batch
        self.builder = Builder(graph.name)
        self.values: dict[str, Held] = dict(graph.constants)
        self.problems: list[Diagnostic] = list(graph.problems)
        self.paths = _Paths(self.graph)
        self.build = Build(self.builder, self.values, self.paths.path)
        names = {name for node in self.graph.nodes for name in node.inputs}
        self.build.read = frozenset(names | set(self.graph.outputs.values()))
        self.owners: dict[str, tuple[int, int]] = {}  # whose layers first read a weight
        self.build.stored_once = graph.stored_once
        self.accounts = (
            Accounts(graph.constants, self.builder, self.paths.path) if graph.stored_once else None
        )
        self.is_resized = False
        self.repeated: set[str] = set()  # tensors whose repetition is left to who reads them
        self.outputs: dict[str, Any] = {}
        for name, given in graph.inputs.items():
            self.add_input(name, given, sizes.get(name))

    def add_input(self, name: str, given: Input, sizes: Sequence[int | None] | None) -> None:
        """An input of the network; batch and symbolic sizes as they were asked for."""
        axes = given.axes
        if "c" not in axes:
            self.values[name] = None
            message = (
                f"the input '{name}' has {len(given.dims)} axes, so its channels are not known"
            )
            self.problems.append(
                Diagnostic("wrong-rank", message, Place(self.file, 1, 1, 0, f"input {name}"))
            )
            return
        order = ["c", *sorted(axis for axis in axes if axis.isdigit())]
        own = [given.dims[axes.index(axis)] for axis in order]
        if sizes is not None and list(sizes) != own:
            self.is_resized = any(
                old not in (None, new) for old, new in zip(own, sizes, strict=True)
            )
            own = list(sizes)
        try:
            tensor = self.builder.input(name, own, batch=self.batch)
        except ValueError as error:
            self.values[name] = None
            place = Place(self.file, 1, 1, 0, f"input {name}")
            self.problems.append(Diagnostic("wrong-rank", str(error), place))
            return
        at = axes.find("b")
        size = given.dims[at] if at >= 0 else 1
        view = fresh(tensor, atoms_of(size or 1), tensor.shape.dims[1:])
        groups = dict(zip(("b", *order), view.axes, strict=True))
        self.values[name] = view._replace(axes=tuple(groups[axis] for axis in axes))

    def network(self) -> Network:
        """The layers, with a problem for each node that has no rule."""
        for node in self.graph.nodes:
            current().spend(20, "nodes of the model")
            self.add(node)
        outputs: dict[str, Any] = {}
        for name, tensor in self.graph.outputs.items():
            held = self.values.get(tensor)
            outputs[name] = self.returned(name, held) if isinstance(held, View) else None
        self.builder.problems += self.problems
        found = self.builder.network(outputs, description=self.graph.description, file=self.file)
        # A hint for who writes a network: a model that was trained has the layers that it has.
        kept = tuple(each for each in found.problems if each.name != "flatten-missing")
        return found.replace(problems=kept)

    def returned(self, name: str, view: View) -> Any:
        """The tensor of an output; one whose axes the last nodes took apart or put together gets
        them by a layer of its own, where that is possible."""
        axes = [group for group in view.axes[1:] if group]
        is_flat = len(view.axes) == 2 and len(view.stored) > 1  # and size 1 on the axes that went
        has_ones = len(view.stored) > len(view.axes) - 1 and not view.stored[0]
        if self.graph.channels_first or (axes and has_ones):  # channels of size 1 that it dropped
            axes = list(view.axes[1:])
        elif not is_flat and set(axes) == {group for group in view.stored if group}:
            return view.tensor
        elif len(axes) > 1 and any(_is_last(given) for given in self.graph.inputs.values()):
            axes = [axes[-1], *axes[:-1]]
        self.build.node = Node(
            "Output", (), (), {}, name, Place(self.file, 1, 1, 0, f"output {name}")
        )
        try:
            return self.build.settle(view, tuple(axes))
        except (NoRule, Lost):
            return view.tensor

    def add(self, node: Node) -> None:
        """The outputs of one node."""
        values = self.values
        self.build.node = node
        start = len(self.builder.layers)
        read = [values.get(name) for name in node.inputs]
        try:
            found = self.result(node)
            if self.graph.shares:
                self.share(node, start)
        except Lost:
            found = []
            self.builder.skip()
        except NoRule as reason:
            found = self.unmapped(node, str(reason))
        except _MISFITS as error:  # numbers of a damaged file, which no rule expects
            kind = type(error).__name__
            found = self.unmapped(node, f"its attributes do not fit each other ({kind})")
        for name, value in zip(node.outputs, [*found, *[None] * len(node.outputs)], strict=False):
            if name:
                values[name] = self.compared(node, name, value)
        if self.accounts is not None and len(self.builder.layers) > start:
            self.accounts.settle(node, [x for x in read if isinstance(x, Constant)], start)

    def result(self, node: Node) -> Sequence[Held]:
        """Return what the rule of a node makes; constants where it depends on nothing computed."""
        held = [self.values.get(name) if name else None for name in node.inputs]
        if any(value is None and name for value, name in zip(held, node.inputs, strict=True)):
            raise Lost(node.name)
        if node.op in ("Shape", "Size") and isinstance(held[0], View):
            found = shape_of(node, held[0].sizes)
            if found is None:
                raise NoRule("the sizes of its input are not known")
            if node.op == "Size":
                return [Constant((), (prod([int(n) for n in found.data or ()]),), "int")]
            return [found]
        if not any(isinstance(value, View) for value in held):
            if node.op in WEIGHTED and self.weighs(held):
                self.values[node.inputs[0]] = self.build.source_view(held[0])  # type: ignore[arg-type]
                return RULES[node.op](self.build, node)
            constants = self.computed(node, held)
            if constants is not None:
                return constants
            if node.op not in RULES:
                raise NoRule(f"no rule for {node.op} of constants")
        rule = RULES.get(node.op)
        if rule is None:
            raise NoRule(f"no rule for {node.op}")
        try:
            return rule(self.build, node)
        except NotTheBatch as reason:
            return samples.in_samples(self.build, node, rule, reason)

    def computed(self, node: Node, held: Sequence[Held]) -> Sequence[Held] | None:
        """Return what a node makes of constants: computed, or of the sizes that the file states."""
        constants = [value if isinstance(value, Constant) else None for value in held]
        folded = fold(node, constants)
        if folded is not None:
            for each in folded:
                current().spend(len(each.data or ()) // 4, "constants of the model")
            return folded
        made = [unfolded(self.graph.shapes.get(name), constants) for name in node.outputs]
        return made if node.inputs and made and None not in made else None

    def share(self, node: Node, start: int) -> None:
        """Give the layers of a node the weights of those that read the same ones before."""
        made = (start, len(self.builder.layers))
        if not any(layer.analysis.stored for layer in self.builder.layers[start:]):
            return
        key = self.weights_of(node)
        owner = self.owners.setdefault(key, made) if key else made
        if owner == made:
            return
        try:
            self.builder.share(self.builder.layers[owner[0]].path, node.place, owner, start)
        except Rejected as error:
            self.problems += error.diagnostics

    def weights_of(self, node: Node) -> str:
        """Return what a node learned, by name; empty if nothing, or nothing that has a name."""
        stated = node.value("weights")
        if stated is not None:
            return str(stated)
        held = (self.values.get(name) for name in node.inputs if name)
        origins = [each.origin for each in held if isinstance(each, Constant) and each.learned]
        return "" if not all(origins) else "\n".join(origins)

    @staticmethod
    def weighs(held: Sequence[Held]) -> bool:
        """Whether a learned weight meets a tensor that is none: work in every run.

        Tables are not told from weights in every format; they have the axes of a sample.
        """
        x, weight, *_ = (*held, None, None)
        return (
            isinstance(x, Constant)
            and isinstance(weight, Constant)
            and weight.learned
            and (not x.learned or (len(x.dims) > 2 and x.dims[0] == 1))
        )

    # --- guards -------------------------------------------------------------------------------

    def compared(self, node: Node, name: str, value: Held) -> Held:
        """A value held against the sizes that the file states for it."""
        stated = self.graph.shapes.get(name)
        if value is None or stated is None or self.is_resized:
            return value
        sizes = value.sizes if isinstance(value, View) else value.dims
        if _agree(sizes, stated):
            return value
        if _is_repeated(sizes, stated) and (
            node.op in shaping.REPEATING
            or (node.op in _MOVES and self.repeated.intersection(node.inputs))
        ):  # what is repeated keeps size 1 here
            self.repeated.add(name)
            return value
        message = f"{node.op} makes {_text(sizes)}, but the file says {_text(stated)}"
        self.problems.append(Diagnostic("contradicts-file", message, node.place))
        return None

    def unmapped(self, node: Node, reason: str) -> list[Held]:
        """A layer for a node without a rule: sizes of the file, its parameters, unknown work."""
        stated = self.graph.shapes.get(node.outputs[0]) if node.outputs else None
        is_last = False
        if stated is not None and len(stated) > 2 and node.value("channels_last"):
            is_last = True
            stated = (stated[0], stated[-1], *stated[1:-1])
        held = [self.values.get(name) for name in node.inputs if name]
        views = [value for value in held if isinstance(value, View)]
        output = self.stated_output(stated) if not self.is_resized else None
        kind = str(node.value("note", node.op))
        message = f"{kind}: {reason}" if not reason.startswith("no rule") else reason
        if output is None or not views or len(node.outputs) != 1:
            self.builder.skip()
            self.problems.append(
                Diagnostic("unmapped-operator", message, node.place, _SKIPPED, severity="error")
            )
            return []
        learned = [each for each in held if isinstance(each, Constant) and each.learned]
        learned = [] if node.op in WEIGHTLESS else learned
        fields: dict[str, Any] = {"params": sum(prod(c.stored or c.dims) for c in learned)}
        if node.op in refused.GRAPHS:
            fields = {}
        elif "params" in node.values:
            fields = {"params": node.values["params"]} if node.values["params"] is not None else {}
        advice = _ADVICE if fields else _ADVICE_UNKNOWN
        self.problems.append(Diagnostic("unmapped-operator", message, node.place, advice))
        try:
            tensor = self.build.add(
                "opaque",
                *(view.tensor for view in views),
                output=output,
                note=kind,
                **fields,
            )
        except Lost:
            return []
        assert stated is not None
        view = fresh(tensor, (), tensor.shape.dims[1:])
        if len(stated) == 1:
            view = view._replace(axes=view.axes[1:])
        if is_last:
            first, channels, *positions = view.axes
            view = view._replace(axes=(first, *positions, channels))
        return [view]

    def stated_output(self, stated: Sizes | None) -> list[int | None] | None:
        """The output of a layer by the sizes that the file states, in PyTorch's order."""
        if not stated or len(stated) > 5 or stated[0] not in (1, None):
            return None
        return list(stated[1:]) or [1]


_MOVES = ("Transpose", "Unsqueeze", "Squeeze", "Identity", "Reshape")
# What a rule runs into where a node lacks an input, or an attribute is of another kind.
_MISFITS = (ArithmeticError, AttributeError, LookupError, TypeError, ValueError)
_ADVICE = "its parameters are counted, its work is unknown"
_ADVICE_UNKNOWN = "its parameters and its work are unknown"
_SKIPPED = "its output is not known, and what reads it is skipped"


class _Paths:
    """Names layers after the modules that they come from."""

    def __init__(self, graph: Graph) -> None:
        nodes = graph.nodes
        self.names_calls = graph.names_calls
        self.counts = Counter(
            node.scope[-1].path
            for node in nodes
            if node.scope and (node.op not in shaping.IDLE or node.value("ratio"))
        )
        self.taken: Counter[str] = Counter()

    def is_module(self, node: Node) -> bool:
        """Whether a node is all that the innermost of its modules does, perhaps once more."""
        is_alone = self.counts[node.scope[-1].path] == 1
        if self.names_calls:
            return not node.form or (is_alone and node.form == SUBCLASS)
        return is_alone

    def path(self, node: Node, part: str) -> tuple[str, tuple[Group, ...]]:
        """The path of a node's next layer, or of a move that it needs, and its composites."""
        scope = node.scope
        if scope and self.is_module(node):
            path, groups = scope[-1].path, scope[:-1]
        elif scope:
            path, groups = f"{scope[-1].path}.{_word(node)}", scope
        else:
            path, groups = node.name.strip("/") or _word(node), ()
        path = f"{path}.{part}" if part else path
        self.taken[path] += 1
        number = self.taken[path]
        return (path if number == 1 else f"{path}[{number - 1}]"), groups


def _word(node: Node) -> str:
    """Return what a node does, in one word."""
    return str(node.value("operator", node.op)).lower()


def _agree(sizes: Sequence[int], stated: Sizes) -> bool:
    """Whether sizes are those that a file states, as far as both are known."""
    return len(sizes) == len(stated) and all(
        b is None or not known((a,)) or a == b or index == 0
        for index, (a, b) in enumerate(zip(sizes, stated, strict=True))
    )


def _is_repeated(sizes: Sequence[int], stated: Sizes) -> bool:
    """Whether sizes are those that a file states, apart from some of 1."""
    return len(sizes) == len(stated) and all(
        a == 1 or _agree((1, a), (1, b)) for a, b in zip(sizes, stated, strict=True)
    )


def _text(sizes: Sequence[Any]) -> str:
    """Sizes for a message."""
    words = ("?" if size is None or size is UNKNOWN else str(size) for size in sizes)
    return "×".join(words) or "one number"


def _is_last(given: Input) -> bool:
    """Whether an input has its channels behind its positions."""
    return len(given.axes) > 2 and given.axes.endswith("c")
