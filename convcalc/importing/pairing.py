"""A network at the sizes of another one's inputs, so that both can be compared."""

from __future__ import annotations

from convcalc.model.graph.network import Network
from convcalc.model.quantities.unknown import known


def at_size_of(network: Network, model: Network) -> dict[str, list[int]]:
    """Sizes for the inputs of a network, those of a model in the same order.

    Empty if they are the same, or if the inputs do not correspond: other numbers of inputs,
    channels or axes, or sizes that the model leaves open.
    """
    pairs = list(zip(network.inputs.items(), model.inputs.values(), strict=False))
    if len(network.inputs) != len(model.inputs):
        return {}
    found: dict[str, list[int]] = {}
    for (name, mine), theirs in pairs:
        if mine.channels != theirs.channels or mine.rank != theirs.rank or not known(theirs.dims):
            return {}
        found[name] = list(theirs.dims[1:])
    same = all(mine.spatial == theirs.spatial for (_, mine), theirs in pairs)
    return {} if same else found
