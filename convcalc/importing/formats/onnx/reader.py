"""Reads an ONNX file into a foreign graph: functions inlined, old versions brought up to date."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from convcalc.diagnostics.diagnostic import Place
from convcalc.importing.foreign import Constant, Graph, Input, Node, OneGraph, Size, Unreadable
from convcalc.importing.formats.onnx.contributed import expanded
from convcalc.importing.formats.onnx.messages import (
    Attribute,
    RawFunction,
    RawGraph,
    RawNode,
    Subgraph,
    read_function,
    read_graph,
    read_opset,
)
from convcalc.importing.formats.onnx.opsets import renewed
from convcalc.importing.formats.onnx.scopes import scope_of
from convcalc.importing.formats.onnx.wire import Bytes, Damaged, Span, as_span, fields, text

MOST_NODES = 200_000
MOST_DEPTH = 16  # of functions in functions
OWN_DOMAINS = ("", "ai.onnx")
OWN_PRODUCER = "convcalc"  # whose files list each stored tensor once, by its name
STORED = "stored"  # its metadata of a node that stands for one: weight, buffer or index


def open_model(content: Bytes, file: str) -> OneGraph:
    """The model of an ONNX file; Unreadable if it is damaged or too large."""
    return OneGraph(read_onnx(content, file))


def read_onnx(data: Bytes, file: str) -> Graph:
    """The graph of a model; Unreadable if it is damaged or too large."""
    graph: Span | None = None
    functions: dict[tuple[str, str], RawFunction] = {}
    opsets: dict[str, int] = {}
    producer = ""
    for number, value in fields(data, Span(0, len(data))):
        if number == 7:
            graph = as_span(value)
        elif number == 25:
            key, function = read_function(data, as_span(value))
            functions[key] = function
        elif number == 8:
            domain, version = read_opset(data, as_span(value))
            opsets[domain] = version
        elif number == 2:
            producer = text(data, value)
    if graph is None:
        raise Damaged("it holds no graph; the file is cut off, or is not an ONNX model")
    return _Reading(read_graph(data, graph), functions, opsets, file, producer).graph()


class _Reading:
    """One graph on its way."""

    def __init__(
        self,
        raw: RawGraph,
        functions: Mapping[tuple[str, str], RawFunction],
        opsets: Mapping[str, int],
        file: str,
        producer: str,
    ) -> None:
        self.raw = raw
        self.functions = functions
        self.opsets = opsets
        self.file = file
        self.producer = producer
        self.count = 0

    def graph(self) -> Graph:
        """The graph with all functions inlined."""
        raw = self.raw
        is_own = self.producer == OWN_PRODUCER
        constants = {
            key: each._replace(learned=not is_own and _is_weight(key, each))
            for key, each in raw.constants.items()
        }
        weights = _weights_as_inputs(raw)
        constants |= weights
        nodes = list(self.inlined(raw.nodes, self.opsets, {}, "", 0))
        found = [node for node in nodes if not self.take_constant(node, constants)]
        inputs = {
            name: _input(sizes) for name, sizes in raw.inputs.items() if name not in constants
        }
        return Graph(
            raw.name,
            inputs,
            {name: name for name in raw.outputs},
            [each for node in found for each in expanded(self.node(node))],
            constants,
            raw.shapes,
            self.remark(found, has_weights_as_inputs=bool(weights)),
            shares=is_own,
            stored_once=is_own,
            channels_first=is_own,
        )

    def remark(self, nodes: Sequence[RawNode], *, has_weights_as_inputs: bool) -> str:
        """Who wrote the file, and what that means for its numbers."""
        parts = [f"exported by {self.producer}"] if self.producer else []
        parts += ["its weights are inputs"] if has_weights_as_inputs else []
        operators = {node.op for node in nodes}
        is_folded = "Conv" in operators and "BatchNormalization" not in operators
        if self.producer == "pytorch" and is_folded:
            parts.append("batch norms, if it had any, are folded into convolutions")
        return "; ".join(parts)

    def node(self, raw: RawNode) -> Node:
        """A node in the form of all formats."""
        opset = self.opsets.get("", 1)
        values: Mapping[str, Any] = {key: each.value for key, each in raw.attributes.items()}
        op, inputs, values = renewed(raw.op, raw.inputs, values, opset)
        if raw.domain not in OWN_DOMAINS:
            op = f"{raw.domain}.{raw.op}"
        name = raw.name or (raw.outputs[0] if raw.outputs else raw.op)
        place = Place(self.file, 1, 1, 0, f"node {name}")
        return Node(op, inputs, raw.outputs, values, name, place, scope_of(raw))

    def take_constant(self, node: RawNode, constants: dict[str, Constant]) -> bool:
        """Keep the tensor of a Constant node; whether it is one."""
        if node.domain not in OWN_DOMAINS or len(node.outputs) != 1:
            return False
        if node.op == "ConstantOfShape" and STORED in node.metadata:
            return self.take_stored(node, constants)
        if node.op != "Constant":
            return False
        for key, attribute in node.attributes.items():
            found = _literal(key, attribute.value)
            if found is not None:
                constants[node.outputs[0]] = found
                return True
        return False

    @staticmethod
    def take_stored(node: RawNode, constants: dict[str, Constant]) -> bool:
        """Keep the sizes of a weight or a buffer that convcalc wrote without its numbers."""
        sizes = constants.get(node.inputs[0]) if node.inputs else None
        if sizes is None or sizes.data is None:
            return False
        (name,), dims = node.outputs, tuple(int(size) for size in sizes.data)
        kind = node.metadata[STORED]
        roots = frozenset((name,) if kind in ("weight", "buffer") else ())
        constants[name] = Constant(dims, None, "float", name, dims, kind == "weight", roots)
        return True

    def inlined(
        self,
        nodes: list[RawNode],
        opsets: Mapping[str, int],
        names: dict[str, str],
        prefix: str,
        depth: int,
        given: Mapping[str, Attribute] | None = None,
    ) -> Iterator[RawNode]:
        """The nodes, with those of functions in place of their calls."""
        if depth > MOST_DEPTH:
            raise Unreadable(f"calls of functions are nested more than {MOST_DEPTH} deep")
        for node in nodes:
            self.count += 1
            if self.count > MOST_NODES:
                raise Unreadable(f"it has more than {MOST_NODES:,} nodes")
            inputs = tuple(
                names.get(each, f"{prefix}{each}") if each else "" for each in node.inputs
            )
            outputs = tuple(
                names.get(each, f"{prefix}{each}") if each else "" for each in node.outputs
            )
            attributes = node.attributes
            if given is not None:
                attributes = dict(_resolved(attributes, given))
            function = self.functions.get((node.domain, node.op))
            if function is None:
                name = f"{prefix}{node.name}" if prefix else node.name
                yield node._replace(
                    inputs=inputs, outputs=outputs, attributes=attributes, name=name
                )
                continue
            inner = dict(
                zip(function.inputs, (*inputs, *[""] * len(function.inputs)), strict=False)
            )
            inner.update(zip(function.outputs, outputs, strict=False))
            here = f"{prefix}{node.name or node.outputs[0] if node.outputs else node.op}/"
            handed = {**function.defaults, **attributes}
            for each in self.inlined(function.nodes, opsets, inner, here, depth + 1, handed):
                yield each._replace(metadata=each.metadata or node.metadata)


_WEIGHT_READERS = (
    *("Conv", "ConvTranspose", "Gemm", "MatMul", "BatchNormalization", "LayerNormalization"),
    *("InstanceNormalization", "GroupNormalization", "PRelu"),
)


def _weights_as_inputs(raw: RawGraph) -> dict[str, Constant]:
    """The weights of a file that was exported without them, which are inputs of its graph.

    They have the path of a parameter, such as ``layer1.conv.weight``; an input without a name of
    its own is ``x.1``. What an exporter computed of weights is ``onnx::Conv_12``, as some inputs
    are; it is a weight if only layers with weights read it, and none as what it works on, or if it
    has a number for each channel.
    """
    others: set[str] = set()
    for node in raw.nodes:
        others.update(node.inputs[:1] if node.op in _WEIGHT_READERS else node.inputs)
    found: dict[str, Constant] = {}
    for name, sizes in raw.inputs.items():
        last = name.rpartition(".")[2]
        is_path = "." in name.strip(".") and not last.isdigit()
        known = tuple(size for size in sizes or () if size is not None)
        is_column = len(known) > 1 and known[0] > 1 and all(n == 1 for n in known[1:])
        is_computed = name.startswith("onnx::") and (is_column or name not in others)
        if (is_path or is_computed) and name not in raw.constants and known == sizes:
            found[name] = Constant(known, None, "float", name, known, learned=True)
    return found if len(found) < len(raw.inputs) else {}


def _is_weight(name: str, tensor: Constant) -> bool:
    """Whether a stored tensor was learned, as far as a file of ONNX tells.

    Exporters store numbers like the ½ of a formula beside the weights; a learned number has the
    path of a module's parameter.
    """
    return tensor.kind == "float" and (tensor.dims != () or "." in name)


def _resolved(
    attributes: Mapping[str, Attribute], given: Mapping[str, Attribute]
) -> Iterator[tuple[str, Attribute]]:
    """The attributes of a node in a function, with what its call gives."""
    for key, each in attributes.items():
        if not each.refers:
            yield key, each
        elif each.refers in given:
            yield key, given[each.refers]


def _literal(key: str, value: Any) -> Constant | None:
    """The constant that an attribute of a Constant node holds."""
    if key == "value" and isinstance(value, Constant):
        return value
    if key in ("value_float", "value_int"):
        return Constant((), (value,), "float" if key == "value_float" else "int")
    if key in ("value_floats", "value_ints"):
        return Constant((len(value),), tuple(value), "float" if key == "value_floats" else "int")
    if isinstance(value, Subgraph) or key.startswith(("sparse", "value_string")):
        return Constant((), None, "other")
    return None


AXES = ("", "c", "bc", "bc0", "bc01", "bc012")


def _input(sizes: tuple[Size, ...] | None) -> Input:
    """An input with its axes, which ONNX does not say: channels follow the batch."""
    sizes = sizes or ()
    return Input(sizes, AXES[len(sizes)] if len(sizes) < len(AXES) else "")
