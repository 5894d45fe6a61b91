"""Networks with one change: a width, a stride, a layer dropped, an activation, a norm.

A network is built anew, layer by layer, with one operator exchanged or left out; the layers after
it find their sizes again. The layers keep their paths.
"""

from __future__ import annotations

import random
from collections.abc import Container, Iterator
from typing import Any, NamedTuple

from convcalc.diagnostics.rejection import Rejected
from convcalc.model.graph.assembly import Assembly, Tensor
from convcalc.model.graph.network import Layer, Network
from convcalc.model.graph.readers import sole_readers
from convcalc.model.graph.sites import Spot
from convcalc.model.operators.contract import Operator
from convcalc.model.operators.registry import fields_of, operator_class

ACTIVATIONS = ("relu", "silu", "gelu", "hardswish", "leaky_relu", "relu6", "tanh")
DROPPED = (*ACTIVATIONS, "batch_norm", "layer_norm", "conv")
WIDE = ("conv", "pointwise_conv", "linear")
KINDS = ("width", "stride", "dropped", "activation", "norm")


class Change(NamedTuple):
    """What is done to a layer: its kind, the operator in its place or None to leave it out.

    ``then`` is the operator of a layer that follows it now.
    """

    kind: str
    index: int
    name: str
    operator: Operator | None
    then: Operator | None = None


def with_fields(operator: Operator, **values: Any) -> Operator:
    """An operator with some fields changed."""
    cls = type(operator)
    return cls(**{**{name: getattr(operator, name) for name in fields_of(cls)}, **values})


def mutated(network: Network, change: Change) -> Network | None:
    """The network with a change; None where the rest cannot be built on it."""
    assembly = Assembly()
    tensors: list[Tensor] = [
        assembly.add_input(name, shape) for name, shape in network.inputs.items()
    ]
    further: list[Tensor] = []
    for index, layer in enumerate(network.layers):
        if further:  # the ports of the layer before
            tensors.append(further.pop(0))
            continue
        read = [tensors[number] for number in layer.inputs]
        if index == change.index and change.operator is None:
            tensors.append(read[0])
            continue
        name, operator = layer.name, adapted(layer, read)
        if index == change.index and change.operator is not None:
            name, operator = change.name, change.operator
        start = len(assembly.layers)
        try:
            made = assembly.add_layer(
                name,
                assembly.intern(operator),
                read,
                layer.path,
                Spot(layer.place),
                layer.groups,
                layer.note,
                trainable=layer.trainable,
                form=layer.form,
            )
        except Rejected:
            return None
        if made is None:
            return None
        if index == change.index and change.then is not None:
            path = f"{layer.path}.then"
            made = assembly.add_layer(
                "group_norm", change.then, [made], path, Spot(layer.place), layer.groups
            )
            if made is None:
                return None
            tensors.append(made)
            continue
        tensors.append(made)
        further = [*assembly.ports.values()][-(len(assembly.layers) - start - 1) :]
        if len(assembly.layers) - start == 1:
            further = []
    if any(layer.shares >= 0 for layer in network.layers):
        if change.operator is None or change.then is not None:
            return None  # whose numbers would move
        assembly.layers = [
            new._replace(shares=layer.shares, own=layer.own)
            for new, layer in zip(assembly.layers, network.layers, strict=True)
        ]
    outputs = {name: tensors[number].number for name, number in network.outputs.items()}
    return network.replace(layers=tuple(assembly.layers), outputs=outputs)


def adapted(layer: Layer, read: list[Tensor]) -> Operator:
    """The operator of a layer at other channels: a depthwise convolution stays one."""
    operator: Any = layer.operator
    if layer.name == "conv" and 1 < operator.groups == layer.shapes[0].channels:
        channels = read[0].shape.channels
        out = operator.out_channels // operator.groups * channels
        return with_fields(operator, groups=channels, out_channels=out)
    return layer.operator


def changes(network: Network, kind: str, folded: Container[str]) -> Iterator[Change]:
    """All changes of a kind that could be made to a network; into the layers ``folded`` a norm is
    folded."""
    readers = sole_readers(network)
    shared = {layer.shares for layer in network.layers}
    for index, layer in enumerate(network.layers):
        operator: Any = layer.operator
        if layer.shares >= 0 or index in shared or layer.analysis.ports:
            continue
        if kind == "width" and layer.name in WIDE and index in readers:
            if layer.name != "conv" or operator.groups == 1:
                wider = operator.out_channels + operator.out_channels // 2
                yield Change(kind, index, layer.name, with_fields(operator, out_channels=wider))
        elif kind == "stride" and layer.name == "conv" and layer.analysis.output.spatial:
            other = tuple(1 if size == 2 else 2 for size in operator.stride)
            if set(operator.stride) <= {1, 2} and min(operator.kernel_size) > 1:
                yield Change(kind, index, layer.name, with_fields(operator, stride=other))
        elif kind == "dropped" and index in readers and layer.name in DROPPED:
            if layer.analysis.output == layer.shapes[0]:
                yield Change(kind, index, layer.name, None)
        elif kind == "activation" and layer.name in ACTIVATIONS:
            others = [name for name in ACTIVATIONS if name != layer.name]
            for name in others:
                yield Change(kind, index, name, operator_class(name)())
        elif kind == "norm" and layer.name == "batch_norm":
            yield Change(kind, index, "group_norm", grouped(layer.shapes[0].channels))
        elif kind == "norm" and layer.path in folded:
            bare = with_fields(operator, bias=False)  # a norm that cannot be folded leaves no bias
            yield Change(kind, index, "conv", bare, grouped(layer.analysis.output.channels))


def grouped(channels: int) -> Operator:
    """A group norm for so many channels."""
    groups = next(n for n in (32, 16, 8, 4, 3, 2, 1) if channels % n == 0)
    return operator_class("group_norm")(groups=groups)


def one_change(
    network: Network, kind: str, seed: int, folded: Container[str] = ()
) -> tuple[Change, Network] | None:
    """A change of a kind, chosen by a number, and the network with it; None if there is none."""
    chosen = random.Random(f"{kind} {seed} {len(network.layers)}")
    possible = list(changes(network, kind, folded))
    chosen.shuffle(possible)
    for change in possible[:20]:
        made = mutated(network, change)
        if made is not None:
            return change, made
    return None
