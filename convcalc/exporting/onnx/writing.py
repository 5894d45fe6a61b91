"""A network as nodes: layer by layer, each by the rule of its operator."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from convcalc.exporting.onnx import (
    activation,
    attention,
    composites,
    convolution,
    joining,
    norm,
    pooling,
    rearranging,
    region,
)
from convcalc.exporting.onnx.nodes import Nodes, Unwritable, Value
from convcalc.exporting.onnx.part import Writing
from convcalc.exporting.onnx.rule import Rule
from convcalc.model.graph.network import Layer, Network
from convcalc.model.operators.contract import Operator
from convcalc.model.operators.registry import name_of

RULES: Mapping[str, Rule] = {
    **convolution.RULES,
    **pooling.RULES,
    **norm.RULES,
    **activation.RULES,
    **joining.RULES,
    **rearranging.RULES,
    **region.RULES,
    **composites.RULES,
}
COMPOSITES: Mapping[str, Callable[..., Any]] = {**composites.COMPOSITES, **attention.COMPOSITES}


class Written(NamedTuple):
    """The nodes of a network, its inputs and its outputs by name.

    ``layers`` are the tensors of its layers, in their order.
    """

    nodes: Nodes
    inputs: Mapping[str, Value]
    outputs: Mapping[str, Value]
    layers: Sequence[Value]


def written(network: Network) -> Written:
    """The nodes of a network; raises Unwritable, with the layer and its operator, if there are
    none for one of its layers."""
    nodes = Nodes()
    inputs = {name: Value(shape.dims) for name, shape in network.inputs.items()}
    tensors = list(inputs.values())
    ports: list[Value] = []
    for index, layer in enumerate(network.layers):
        nodes.layer = index
        if ports:
            made = ports.pop(0)
        else:
            made, *ports = _outputs(network, nodes, layer, [tensors[n] for n in layer.inputs])
        tensors.append(made)
    nodes.layer = -1
    named: dict[str, Value] = {}
    for name, number in network.outputs.items():
        value = tensors[number]
        if value.node is None or value.node.stored or value in named.values():
            value = nodes.add("Identity", [value], value.dims)
        named[name] = value
    return Written(nodes, inputs, named, tensors[len(inputs) :])


def _outputs(network: Network, nodes: Nodes, layer: Layer, inputs: Sequence[Value]) -> list[Value]:
    """Return what a layer makes, its own tensor first; each by a node of the layer."""
    part = Writing(nodes, layer.analysis, _paths(network, layer))
    first = len(nodes.nodes)
    try:
        made = write(part, layer.operator, inputs)
    except Unwritable as error:
        raise Unwritable(f"{layer.path}: {layer.name}: {error}", error.help) from None
    values = [made] if isinstance(made, Value) else list(made)
    own = set(nodes.nodes[first:])
    return [
        value if value.node in own else nodes.add("Identity", [value], value.dims)
        for value in values
    ]


def write(part: Writing, operator: Operator, inputs: Sequence[Value]) -> Any:
    """The output of an operator, or its outputs, by its rule."""
    name = name_of(operator)
    if name in COMPOSITES:
        return COMPOSITES[name](part, operator, *inputs, write=write)
    if name not in RULES:
        raise Unwritable(f"{name} has no counterpart in ONNX")
    return RULES[name](part, operator, *inputs)


def _paths(network: Network, layer: Layer) -> Callable[[str], str]:
    """Where a stored tensor of a layer is: with the layer, or the one whose weights it shares."""

    def path(key: str) -> str:
        return layer.path if layer.is_own(key) else network.layers[layer.shares].path

    return path
