"""Slices are written where they are read.

Programs cut a tensor into its parts first, and then use one part after another. A person writes
each part where it is used, so that branches are one after another. Nothing is computed otherwise.
"""

from __future__ import annotations

from collections.abc import Sequence

from convcalc.language.file_facts import NetworkFile
from convcalc.model.graph.network import Layer

_SLICES = ("channel_slice", "slice")


def with_slices_where_read(network: NetworkFile) -> NetworkFile:
    """The same graph with each slice right before the first layer that reads it; the very network
    if all are there already. A slice without a module belongs to that of its reader."""
    order = _order(network)
    if order == list(range(len(network.layers))):
        return network
    first = len(network.inputs)
    new = {tensor: tensor for tensor in range(first)}
    new.update((first + old, first + at) for at, old in enumerate(order))
    layers = [_renumbered(network.layers[old], new, first) for old in order]
    for at in range(len(layers) - 2, -1, -1):
        if layers[at].name in _SLICES and not layers[at].groups:
            layers[at] = layers[at]._replace(groups=layers[at + 1].groups)
    outputs = {name: new[tensor] for name, tensor in network.outputs.items()}
    return network.replace(layers=tuple(layers), outputs=outputs)


def _renumbered(layer: Layer, new: dict[int, int], first: int) -> Layer:
    inputs = tuple(new[tensor] for tensor in layer.inputs)
    shares = new[layer.shares + first] - first if layer.shares >= 0 else layer.shares
    return layer._replace(inputs=inputs, shares=shares)


def _order(network: NetworkFile) -> list[int]:
    """The indices of the layers in the new order."""
    kept = set(network.outputs.values())
    kept |= {tensor for layer in network.layers if layer.analysis.ports for tensor in layer.inputs}
    read = {tensor for layer in network.layers for tensor in layer.inputs}
    waiting: set[int] = set()
    found: list[int] = []

    def add(index: int) -> None:
        for source in _sources(network, index):
            if source in waiting:
                waiting.discard(source)
                add(source)
        found.append(index)

    for index, layer in enumerate(network.layers):
        tensor = network.tensor(index)
        if layer.name in _SLICES and tensor in read and tensor not in kept:
            waiting.add(index)
        else:
            add(index)
    return found


def _sources(network: NetworkFile, index: int) -> Sequence[int]:
    """The layers that a layer reads, by their index."""
    tensors = network.layers[index].inputs
    return [found for tensor in tensors if (found := network.index(tensor)) >= 0]
