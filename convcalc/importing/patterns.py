"""Finds what several nodes do together and says it by one: activations, norms, attention.

Exporters write ``silu`` as a sigmoid and a product, ``layer_norm`` as nine nodes, attention as two
products around a softmax. A pattern is replaced only if nobody else reads what is inside it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from convcalc.diagnostics.work import current
from convcalc.importing.folding import fold
from convcalc.importing.foreign import Constant, Graph, Node


def recognise(graph: Graph) -> Graph:
    """The graph with its patterns replaced; a format that names what was called has none."""
    if graph.names_calls:
        return graph
    found = _Patterns(graph)
    found.run()
    return graph._replace(nodes=[node for node in found.nodes if node is not None])


class _Patterns:
    """The nodes of a graph, their makers and readers."""

    def __init__(self, graph: Graph) -> None:
        self.nodes: list[Node | None] = list(graph.nodes)
        self.constants: dict[str, Constant] = dict(graph.constants)
        self.outputs = set(graph.outputs.values())
        self.maker: dict[str, int] = {}
        self.readers: dict[str, list[int]] = {}
        self.static = set(graph.constants)  # what depends on no number of the input
        for index, node in enumerate(graph.nodes):
            for name in node.outputs:
                self.maker[name] = index
            for name in node.inputs:
                if name:
                    self.readers.setdefault(name, []).append(index)
            if node.op in ("Shape", "Size") or all(
                name in self.static for name in node.inputs if name
            ):
                self.static.update(node.outputs)
            self.fold(node)

    def fold(self, node: Node) -> None:
        """Compute what a node makes of constants, if it is small."""
        inputs = [self.constants.get(name) if name else None for name in node.inputs]
        if any(found is None and name for found, name in zip(inputs, node.inputs, strict=True)):
            return
        count = sum(len(each.data or ()) for each in inputs if each)
        current().spend(1 + count // 4, "constants of the model")
        if node.inputs and count <= 4096:
            made = fold(node, inputs) or []
            self.constants.update(zip(node.outputs, made, strict=False))

    def run(self) -> None:
        """Replace every pattern, in the order of the nodes."""
        for index in range(len(self.nodes)):
            node = self.nodes[index]
            rule = _AT.get(node.op) if node is not None else None
            for each in rule or ():
                if node is not None and self.applies(each, index, node):
                    break

    def applies(self, rule: Callable[[_Patterns, int, Node], bool], index: int, node: Node) -> bool:
        """Whether a pattern was found and replaced; none is where a node lacks what it needs."""
        try:
            return rule(self, index, node)
        except (AttributeError, IndexError, TypeError, ValueError):
            return False

    # --- looking around -----------------------------------------------------------------------

    def producer(self, name: str) -> Node | None:
        """The node that makes a tensor, by what passes it on as well."""
        while True:
            index = self.maker.get(name, -1)
            node = self.nodes[index] if index >= 0 else None
            if node is None or node.op not in ("Identity", "Cast", "Dropout"):
                return node
            name = node.inputs[0]

    def scalar(self, name: str) -> Any:
        """The number that a tensor is; None if it is not a known number."""
        found = self.constants.get(name)
        return found.number if found is not None else None

    def is_scalar(self, name: str) -> bool:
        """Whether a tensor is one fixed number, known or not."""
        found = self.constants.get(name)
        return found is not None and found.is_scalar

    def at(self, index: int) -> Node | None:
        """The node at an index, None if it was replaced."""
        return self.nodes[index]

    def sole_reader(self, name: str) -> tuple[int, Node] | None:
        """The only node that reads a tensor."""
        readers = self.readers.get(name, ())
        if len(readers) != 1 or name in self.outputs:
            return None
        node = self.nodes[readers[0]]
        return (readers[0], node) if node is not None else None

    def reading(self, name: str, op: str) -> list[tuple[int, Node]]:
        """The nodes of an operator that read a tensor."""
        found = ((index, self.nodes[index]) for index in self.readers.get(name, ()))
        return [(index, node) for index, node in found if node is not None and node.op == op]

    def other(self, node: Node, name: str) -> str:
        """The other of two inputs."""
        return node.inputs[1] if node.inputs[0] == name else node.inputs[0]

    def replace(self, inside: Sequence[int], at: int, node: Node) -> None:
        """Put one node in the place of several; ``at`` is the last of them."""
        for index in inside:
            self.nodes[index] = None
        self.nodes[at] = node
        for name in node.outputs:
            self.maker[name] = at
        for name in node.inputs:
            if name:
                self.readers.setdefault(name, []).append(at)

    def live(self, name: str) -> int:
        """How many nodes read a tensor."""
        return sum(self.nodes[index] is not None for index in self.readers.get(name, ()))


def _gate(names: Mapping[str, str]) -> Callable[[_Patterns, int, Node], bool]:
    """x · gate(x), read by nobody else, as one activation."""

    def rule(graph: _Patterns, index: int, node: Node) -> bool:
        reader = graph.sole_reader(node.outputs[0])
        if reader is None or reader[1].op != "Mul":
            return False
        at, product = reader
        if graph.other(product, node.outputs[0]) != node.inputs[0]:
            return False
        made = product._replace(op=names[node.op], inputs=(node.inputs[0],), values={})
        graph.replace([index], at, made)
        return True

    return rule


def _near(number: Any, wanted: float) -> bool:
    return number is not None and abs(number - wanted) < 1e-3 * abs(wanted)


def _gelu(graph: _Patterns, index: int, node: Node) -> bool:
    """x · ½ · (1 + erf(x / √2)), the ½ before or after."""
    x = _over_root_two(graph, node.inputs[0])
    plus = graph.sole_reader(node.outputs[0])
    if not x or plus is None or plus[1].op != "Add" or not _near(_number(graph, plus[1]), 1):
        return False
    inside = [graph.maker[node.inputs[0]], index, plus[0]]
    name, factors = plus[1].outputs[0], {"x", "half"}
    while factors:
        reader = graph.sole_reader(name)
        if reader is None or reader[1].op != "Mul":
            return False
        at, product = reader
        other = graph.other(product, name)
        half = _half_of(graph, other, x)
        found = {"x"} if other == x else {"x", "half"} if half is not None else set()
        if not found and _near(graph.scalar(other), 0.5):
            found = {"half"}
        if not found or not found <= factors:
            return False
        factors -= found
        name = product.outputs[0]
        inside += [] if half is None else [half]
        inside.append(at)
    made = product._replace(op="Gelu", inputs=(x,), values={})
    graph.replace(inside[:-1], inside[-1], made)
    return True


def _over_root_two(graph: _Patterns, name: str) -> str:
    """The tensor that is divided by the root of two; empty if none is."""
    node = graph.producer(name)
    if node is None or node.op not in ("Div", "Mul") or node.outputs[0] != name:
        return ""
    wanted = 2**0.5 if node.op == "Div" else 0.5**0.5
    first, second = node.inputs
    if _near(graph.scalar(second), wanted):
        return first
    return second if node.op == "Mul" and _near(graph.scalar(first), wanted) else ""


def _half_of(graph: _Patterns, name: str, x: str) -> int | None:
    """The node that makes x · ½, if that is what a tensor is."""
    index = graph.maker.get(name, -1)
    node = graph.nodes[index] if index >= 0 else None
    if node is None or node.op != "Mul" or x not in node.inputs or graph.live(name) != 1:
        return None
    return index if _near(graph.scalar(graph.other(node, x)), 0.5) else None


def _number(graph: _Patterns, node: Node) -> Any:
    """The number among the two inputs of a node."""
    first, second = (graph.scalar(name) for name in node.inputs[:2])
    return second if second is not None else first


def _mish(graph: _Patterns, index: int, node: Node) -> bool:
    """x · tanh(softplus(x))."""
    tanh = graph.sole_reader(node.outputs[0])
    if tanh is None or tanh[1].op != "Tanh":
        return False
    product = graph.sole_reader(tanh[1].outputs[0])
    if product is None or product[1].op != "Mul":
        return False
    if graph.other(product[1], tanh[1].outputs[0]) != node.inputs[0]:
        return False
    made = product[1]._replace(op="Mish", inputs=(node.inputs[0],), values={})
    graph.replace([index, tanh[0]], product[0], made)
    return True


def _layer_norm(graph: _Patterns, index: int, node: Node) -> bool:
    """mean, difference, square, mean, root, quotient, weight and bias: a layer norm."""
    x, mean = node.inputs[0], node.outputs[0]
    minus = graph.sole_reader(mean)
    if minus is None or minus[1].op != "Sub" or minus[1].inputs != (x, mean):
        return False
    centred = minus[1].outputs[0]
    inside = [index, minus[0]]
    chain = _variance(graph, centred)
    if chain is None:
        return False
    steps, root, axes = chain
    if (
        axes != (node.values.get("axes"), node.inputs[1:])
        and graph.constants.get(node.input(1)) is None
    ):
        return False
    quotient = graph.sole_reader(root)
    if quotient is None or quotient[1].op != "Div" or quotient[1].inputs != (centred, root):
        return False
    inside += steps
    stated = node.value("axes")
    if stated is None:
        constant = graph.constants.get(node.input(1))
        stated = constant.data if constant is not None else None
    if stated is None:
        return False
    values = {"axes": tuple(int(axis) for axis in stated)}
    weights: list[str] = []
    at, last = quotient
    for op in ("Mul", "Add"):
        reader = graph.sole_reader(last.outputs[0])
        if reader is None or reader[1].op != op:
            break
        name = graph.other(reader[1], last.outputs[0])
        found = graph.constants.get(name)
        if found is None or found.is_scalar:
            break
        weights.append(name)
        inside.append(at)
        at, last = reader
    made = last._replace(op="LayerNormalization", inputs=(x, *weights), values=values)
    graph.replace(inside, at, made)
    return True


def _variance(graph: _Patterns, centred: str) -> tuple[list[int], str, Any] | None:
    """The nodes from a centred tensor to the root of its variance, and that root."""
    for at, square in (*graph.reading(centred, "Pow"), *graph.reading(centred, "Mul")):
        if square.op == "Mul" and square.inputs[0] != square.inputs[1]:
            continue
        inside, name = [at], square.outputs[0]
        axes: Any = None
        for op in ("ReduceMean", "Add", "Sqrt"):
            reader = graph.sole_reader(name)
            if reader is None or reader[1].op != op:
                break
            if op == "ReduceMean":
                axes = (reader[1].values.get("axes"), reader[1].inputs[1:])
            inside.append(reader[0])
            name = reader[1].outputs[0]
        else:
            return inside, name, axes
    return None


def _group_norm(graph: _Patterns, index: int, node: Node) -> bool:
    """Reshape to groups, instance norm, reshape back, weight and bias: a group norm."""
    before = graph.producer(node.inputs[0])
    if before is None or before.op != "Reshape" or graph.live(before.outputs[0]) != 1:
        return False
    shape = graph.constants.get(before.input(1))
    if shape is None or shape.data is None or len(shape.data) != 3:
        return False
    groups = int(shape.data[1])
    after = graph.sole_reader(node.outputs[0])
    if groups < 1 or after is None or after[1].op != "Reshape":
        return False
    inside = [graph.maker[before.outputs[0]], index]
    at, last = after
    weights: list[str] = []
    for op in ("Mul", "Add"):
        reader = graph.sole_reader(last.outputs[0])
        if reader is None or reader[1].op != op:
            break
        name = graph.other(reader[1], last.outputs[0])
        if name not in graph.constants:
            break
        weights.append(name)
        inside.append(at)
        at, last = reader
    values = {"num_groups": groups}
    made = last._replace(
        op="GroupNormalization", inputs=(before.inputs[0], *weights), values=values
    )
    graph.replace(inside, at, made)
    return True


def _linear(graph: _Patterns, index: int, node: Node) -> bool:
    """A product with a learned matrix and the sum with its bias."""
    weight = graph.constants.get(node.inputs[1])
    reader = graph.sole_reader(node.outputs[0])
    if weight is None or len(weight.dims) != 2 or reader is None or reader[1].op != "Add":
        return False
    name = graph.other(reader[1], node.outputs[0])
    bias = graph.constants.get(name)
    if bias is None or bias.dims[-1:] != weight.dims[-1:] or any(n != 1 for n in bias.dims[:-1]):
        return False
    made = reader[1]._replace(
        op="Gemm", inputs=(node.inputs[0], node.inputs[1], name), values={}, scope=node.scope
    )
    graph.replace([index], reader[0], made)
    return True


# --- attention ---------------------------------------------------------------------------------


def _attention(graph: _Patterns, index: int, node: Node) -> bool:
    """softmax(queries · keys, scaled, with biases) · values."""
    scores = _scores(graph, node.inputs[0])
    values = _weighted(graph, node.outputs[0])
    if scores is None or values is None:
        return False
    before, product, biases = scores
    after, at, result = values
    weighted = result.inputs[1]
    is_turned = any(each is not None and each.op == "Transpose" for each in map(graph.at, after))
    if is_turned:
        weighted = result.inputs[0]
    made = result._replace(
        op="Attention",
        inputs=(*product.inputs[:2], weighted, *biases),
        values={"keys_turned": True, "values_turned": is_turned, "biases": tuple(biases)},
        scope=node.scope,
    )
    graph.replace([*before, index, *after], at, made)
    return True


_PASSING = ("Identity", "Cast", "Dropout")
_SHAPING = ("Reshape", "Unsqueeze", "Squeeze")  # there and back, for a mask of windows


def _scores(graph: _Patterns, name: str) -> tuple[list[int], Node, list[str]] | None:
    """The nodes between the product of queries and keys and the softmax, and what they add."""
    inside: list[int] = []
    biases: list[str] = []
    for _ in range(12):
        index = graph.maker.get(name, -1)
        node = graph.nodes[index] if index >= 0 else None
        if node is None or graph.live(name) != 1 or name in graph.outputs:
            return None
        inside.append(index)
        if node.op == "MatMul":
            if any(each in graph.static for each in node.inputs):
                return None
            return inside, node, biases
        if node.op in _PASSING or node.op in _SHAPING:
            name = node.inputs[0]
        elif node.op in ("Add", "Mul", "Div"):
            fixed = [each for each in node.inputs if each in graph.static]
            if len(fixed) != 1 or (node.op != "Add" and not graph.is_scalar(fixed[0])):
                return None
            if node.op == "Add" and not graph.is_scalar(fixed[0]):
                biases.append(fixed[0])
            name = graph.other(node, fixed[0])
        else:
            return None
    return None


def _weighted(graph: _Patterns, name: str) -> tuple[list[int], int, Node] | None:
    """The nodes between the softmax and the product with the values, and that product.

    The values may come first, if the softmax is turned for that.
    """
    inside: list[int] = []
    is_turned = False
    for _ in range(6):
        reader = graph.sole_reader(name)
        if reader is None:
            return _without_nan(graph, name, inside)
        at, node = reader
        if node.op == "MatMul":
            return (inside, at, node) if node.inputs[int(is_turned)] == name else None
        if _is_turn(node) and not is_turned:
            is_turned = True
        elif node.op not in _PASSING:
            return None
        inside.append(at)
        name = node.outputs[0]
    return None


def _is_turn(node: Node) -> bool:
    """Whether a node exchanges the last two axes."""
    order = list(node.value("perm") or ())
    rank = len(order)
    return node.op == "Transpose" and order == [*range(rank - 2), rank - 1, rank - 2]


def _without_nan(
    graph: _Patterns, name: str, inside: list[int]
) -> tuple[list[int], int, Node] | None:
    """The same where rows without a key are set to zero: where(isnan(p), 0, p)."""
    tests, choices = graph.reading(name, "IsNaN"), graph.reading(name, "Where")
    if len(tests) != 1 or len(choices) != 1 or graph.live(name) != 2:
        return None
    (test_at, test), (choice_at, choice) = tests[0], choices[0]
    if choice.inputs[0] != test.outputs[0] or choice.inputs[2] != name:
        return None
    found = _weighted(graph, choice.outputs[0])
    if found is None:
        return None
    more, at, node = found
    return [*inside, test_at, choice_at, *more], at, node


_AT: Mapping[str, Sequence[Callable[[_Patterns, int, Node], bool]]] = {
    "Sigmoid": (_gate({"Sigmoid": "Silu"}),),
    "HardSigmoid": (_gate({"HardSigmoid": "HardSwish"}),),
    "Softplus": (_mish,),
    "Erf": (_gelu,),
    "ReduceMean": (_layer_norm,),
    "InstanceNormalization": (_group_norm,),
    "MatMul": (_linear,),
    "Softmax": (_attention,),
}
