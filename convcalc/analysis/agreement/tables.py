"""A network against a table of tensors, as safetensors and state dicts are.

Such a table has names and sizes and no graph. What can be compared is which sizes occur how often;
a convolution of 1×1 and a linear layer have the same. Where sizes are left on both sides, tensors
of as many axes belong together in their order.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import zip_longest

from convcalc.analysis.agreement.differing import ADDED, CHANGED, MISSING, Change, Difference
from convcalc.analysis.agreement.unit import Unit
from convcalc.model.graph.network import Layer, Network

UNKNOWN_OF_TABLES = (
    "the model is a table of tensors: strides, padding, dilation, activations, pooling and what "
    "reads what cannot be known"
)
_NUMBER = re.compile(r"(\d+)")


def is_table(network: Network) -> bool:
    """Whether a network is a table of tensors without a graph."""
    stated = [layer.name for layer in network.layers]
    return not network.inputs and "parameter" in stated and {*stated} <= {"parameter", "opaque"}


class Table:
    """The tensors of a network that has a graph, or of one that has none, as units."""

    def __init__(self, network: Network) -> None:
        self.units = [*_tensors(network)]
        if is_table(network):
            self.units.sort(key=lambda unit: _natural(unit.path))

    def against(self, other: Table) -> tuple[list[Difference], int]:
        """Return what differs, and how many tensors agree."""
        mine, theirs = self.units, other.units
        there: dict[object, list[Unit]] = defaultdict(list)
        for unit in reversed(theirs):
            there[unit.traits["sizes"]].append(unit)
        lost: list[Unit] = []
        for unit in mine:
            same = there[unit.traits["sizes"]]
            if same:
                same.pop()
            else:
                lost.append(unit)
        kept = {unit.path for left in there.values() for unit in left}
        made = [unit for unit in theirs if unit.path in kept]
        return [*_told(lost, made)], len(mine) - len(lost)


def _told(lost: Sequence[Unit], made: Sequence[Unit]) -> Iterator[Difference]:
    """Yield what is left on both sides, in pairs of tensors with as many axes."""
    ranks = dict.fromkeys(len(unit.traits["sizes"]) for unit in (*lost, *made))
    for rank in ranks:
        mine, theirs = (
            [unit for unit in side if len(unit.traits["sizes"]) == rank] for side in (lost, made)
        )
        for one, other in zip_longest(mine, theirs):
            if one is None:
                yield Difference(ADDED, (), (other,))
            elif other is None:
                yield Difference(MISSING, (one,), ())
            else:
                change = Change("sizes", one.traits["sizes"], other.traits["sizes"])
                yield Difference(CHANGED, (one,), (other,), (change,))


def _tensors(network: Network) -> Iterator[Unit]:
    number = 0
    for layer in network.layers:
        if layer.path == "graph" and layer.name == "opaque":
            continue
        for name, sizes in layer.analysis.stored.items():
            if layer.is_own(name):
                path = layer.path if is_table_layer(layer) else f"{layer.path}.{name}"
                yield _unit(number, path, layer, sizes)
                number += 1


def is_table_layer(layer: Layer) -> bool:
    """Whether a layer is a tensor alone."""
    return layer.name == "parameter"


def _unit(number: int, path: str, layer: Layer, sizes: tuple[int, ...]) -> Unit:
    output = layer.analysis.output
    shown = (*sizes,)
    while len(shown) > 1 and shown[-1] == 1:
        shown = shown[:-1]
    return Unit(number, path, layer, "tensor", "tensor", {"sizes": shown}, (), output, output, True)


def _natural(path: str) -> list[str | int]:
    """Text and numbers of a name, so that 10 comes after 9."""
    return [int(part) if part.isdigit() else part for part in _NUMBER.split(path[:300])]
