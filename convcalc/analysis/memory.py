"""Which tensors are alive while a network runs, in the order of the file, nothing done in place.

A tensor lives from the layer that makes it until the last one that reads it; an output of the
network, until the end. While a layer works, its inputs and its output are alive.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from convcalc.model.graph.network import Network
from convcalc.model.quantities.unknown import known


class Peak(NamedTuple):
    """The most elements alive at once, and the index of the first layer with as many.

    The index is -1 if that is before the first layer.
    """

    elements: int
    layer: int


def peak(network: Network) -> Peak:
    """The peak of live elements; unknown if any size is."""
    found = Peak(sum(shape.numel for shape in network.inputs.values()), -1)
    for index, elements in enumerate(_alive(network)):
        if not known(elements):
            return Peak(elements, index)
        if elements > found.elements:
            found = Peak(elements, index)
    return found


def alive_at(network: Network, index: int) -> list[int]:
    """The numbers of the tensors that are alive while the layer at ``index`` works."""
    last, made = _last_readers(network), network.tensor(index)
    # An input that nobody reads stays.
    last = dict.fromkeys(range(len(network.inputs)), index) | last
    return [*(number for number in range(made) if last.get(number, -1) >= index), made]


def _alive(network: Network) -> Iterator[int]:
    """The number of elements alive while each layer works, in order."""
    last = _last_readers(network)
    dying: dict[int, list[int]] = {}
    for number, index in last.items():
        dying.setdefault(index, []).append(number)
    alive = sum(shape.numel for shape in network.inputs.values())
    for index, (number, layer) in enumerate(network.numbered()):
        alive = alive + layer.analysis.output.numel
        yield alive
        for dead in dying.get(index, ()):
            alive = alive - network.shape(dead).numel
        if number not in last:  # nobody reads it
            alive = alive - layer.analysis.output.numel


def _last_readers(network: Network) -> dict[int, int]:
    """For each tensor, the index of the layer that reads it last; one past the end for outputs."""
    last = {number: len(network.layers) for number in network.outputs.values()}
    for index, layer in enumerate(network.layers):
        for number in layer.inputs:
            last[number] = max(last.get(number, index), index)
    return last
