"""A network at the sizes of another one's inputs, so that both can be compared."""

from __future__ import annotations

from convcalc.model.graph.network import Network
from convcalc.model.quantities.unknown import known

Sizes = dict[str, list[int]]


def common_sizes(design: Network, model: Network) -> tuple[Sizes, Sizes]:
    """Sizes at which a design and a model are read again to be compared: the model's for the
    design, or the design's for a model that leaves its own open. Empty for what stays."""
    if all(known(shape.dims) for shape in model.inputs.values()):
        return at_size_of(design, model), {}
    return {}, at_size_of(model, design)


def at_size_of(network: Network, model: Network) -> Sizes:
    """Sizes for the inputs of a network, those of a model in the same order.

    Empty if they are the same, or if the inputs do not correspond: other numbers of inputs,
    channels or axes, or sizes that the model leaves open.
    """
    pairs = list(zip(network.inputs.items(), model.inputs.values(), strict=False))
    if len(network.inputs) != len(model.inputs):
        return {}
    found: Sizes = {}
    for (name, mine), theirs in pairs:
        if mine.channels != theirs.channels or mine.rank != theirs.rank or not known(theirs.dims):
            return {}
        found[name] = list(theirs.dims[1:])
    same = all(mine.spatial == theirs.spatial for (_, mine), theirs in pairs)
    return {} if same else found
