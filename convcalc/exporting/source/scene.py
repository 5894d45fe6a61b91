"""Facts about the networks while their layers are rewritten."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import accumulate, product
from typing import Any, NamedTuple

from convcalc.exporting.source.flat import defaults_at
from convcalc.exporting.source.terms import Op
from convcalc.model.graph.network import Network
from convcalc.model.quantities.shape import Shape


class Way(NamedTuple):
    """One of the ways to rewrite networks, of which the shortest text is taken.

    ``with_containers``: a module that only holds others may be a block; ``nests_forks``: branches
    may part again within a branch; ``moves_slices``: each is where it is read.
    """

    with_containers: bool = True
    nests_forks: bool = True
    moves_slices: bool = True


WAYS = tuple(Way(*flags) for flags in product((True, False), repeat=3))


class Scene:
    """Knowledge that all blocks share: tensors of one network or several, defaults of layers'
    fields.

    The tensors of each network are numbered from its offset on.
    """

    def __init__(self, networks: Sequence[Network], way: Way = WAYS[0]) -> None:
        self.networks = networks
        self.way = way
        sizes = [len(network.inputs) + len(network.layers) for network in networks]
        self.offsets = [0, *accumulate(sizes)][:-1]
        self.readers: Counter[int] = Counter()  # how many layers read each tensor
        self._defaults: dict[int, Mapping[str, Any]] = {}

    def channels(self, tensor: int) -> int | None:
        """The channels of a tensor; None if they are not known."""
        if tensor < 0:
            return None
        found = self.shape(tensor).channels
        return found if type(found) is int else None

    def shape(self, tensor: int) -> Shape:
        """The shape of a tensor."""
        index = bisect_right(self.offsets, tensor) - 1
        return self.networks[index].shape(tensor - self.offsets[index])

    def defaults(self, op: Op) -> Mapping[str, Any]:
        """The defaults of the fields of a layer."""
        if op.out not in self._defaults:
            index = bisect_right(self.offsets, op.out) - 1
            network = self.networks[index]
            layer = network.layers[network.index(op.out - self.offsets[index])]
            self._defaults[op.out] = defaults_at(layer)
        return self._defaults[op.out]
