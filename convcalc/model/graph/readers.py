"""Queries on a network's graph, mostly for rules: which layers read a tensor, and how."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from convcalc.diagnostics.diagnostic import Diagnostic
from convcalc.model.geometry.axis_maps import AxisMap
from convcalc.model.graph.network import Layer, Network


class Reading(NamedTuple):
    """A layer that reads a tensor, and the axis maps by which it does."""

    layer: Layer
    axes: Sequence[AxisMap]


def readings(network: Network) -> Mapping[int, Sequence[Reading]]:
    """The readings of each tensor, by the tensor's number; found once for each network."""
    known: Mapping[int, Sequence[Reading]] | None = vars(network).get("readings")
    if known is not None:
        return known
    found: dict[int, list[Reading]] = {}
    vars(network)["readings"] = found
    for layer in network.layers:
        for number, axes in zip(layer.inputs, layer.analysis.axes, strict=True):
            found.setdefault(number, []).append(Reading(layer, axes))
    return found


def finding(name: str, layer: Layer, message: str, advice: str, *notes: str) -> Diagnostic:
    """A diagnostic about a layer, at its place; ``name`` is the rule."""
    within = f"at {layer.path}"
    return Diagnostic(name, message, layer.place, advice, within=within, notes=notes)


def sole_readers(network: Network) -> Mapping[int, int]:
    """For each layer whose output has one reader, which reads nothing else: that reader, by index.

    Outputs of the network are left out.
    """
    readers = Counter(number for layer in network.layers for number in layer.inputs)
    readers.update(network.outputs.values())
    alone = (
        (network.index(layer.inputs[0]), index)
        for index, layer in enumerate(network.layers)
        if len(layer.inputs) == 1 and readers[layer.inputs[0]] == 1
    )
    return {made: index for made, index in alone if made >= 0}
