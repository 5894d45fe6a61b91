"""Holds the weights of layers against what a file stores, where it stores each tensor once.

A layer counts the weights that its operator has. A program also stores tensors that a weight is
computed from: the index by which a table of biases is read, the gains of standardised weights. What
the layers of a node do not count of them becomes a layer without work; a node that reads what an
earlier one has read shares its weights. Where layers count more than is stored, that is a problem.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from math import prod
from typing import Any

from convcalc.diagnostics.diagnostic import Diagnostic
from convcalc.importing.foreign import Constant, Node
from convcalc.model.graph.builder import Builder
from convcalc.model.graph.network import Layer
from convcalc.model.graph.sites import Spot
from convcalc.model.quantities.unknown import known

Paths = Callable[[Node, str], tuple[str, Any]]


class Accounts:
    """Which stored tensors the layers so far have counted, and which layers those are."""

    def __init__(self, constants: Mapping[str, Constant], builder: Builder, paths: Paths) -> None:
        self.builder = builder
        self.paths = paths
        self.stored = {name: each for name, each in constants.items() if name in each.roots}
        self.counted: set[str] = set()
        self.owners: dict[frozenset[str], tuple[int, int]] = {}

    def settle(self, node: Node, constants: Iterable[Constant], start: int) -> None:
        """Count what a node reads; its layers are those from an index on."""
        roots = frozenset[str]().union(*(each.roots for each in constants))
        layers = self.builder.layers[start:]
        if not layers:
            return
        new = roots - self.counted
        if roots and not new and self.is_shared(node, roots, start):
            return
        self.counted |= new
        for is_learned in (True, False):
            names = sorted(name for name in new if self.stored[name].learned is is_learned)
            self.add_rest(node, names, _held(layers, is_learned), is_learned=is_learned)
        self.owners.setdefault(roots, (start, len(self.builder.layers)))

    def is_shared(self, node: Node, roots: frozenset[str], start: int) -> bool:
        """Whether the layers of a node use the weights of earlier ones; those are shared then."""
        layers = self.builder.layers
        users = [index for index in range(start, len(layers)) if _stores(layers[index])]
        if not users:
            return True
        first, end = self.owners.get(roots, (0, 0))
        owners = [index for index in range(first, end) if _stores(layers[index])]
        theirs, ours = ([_sizes(layers[index]) for index in each] for each in (owners, users))
        if theirs != ours:
            return False
        for user, owner in zip(users, owners, strict=True):
            root = layers[owner].shares
            layers[user] = layers[user]._replace(shares=owner if root < 0 else root)
        return True

    def add_rest(self, node: Node, names: list[str], held: int, *, is_learned: bool) -> None:
        """Layers for what is stored and not counted, or a problem where more is counted."""
        count = sum(prod(self.stored[name].dims) for name in names) - held
        if not known((count,)) or count == 0:
            return
        if count < 0:
            what = "parameters" if is_learned else "numbers in buffers"
            message = f"{node.op} counts {-count:,} {what} more than the file stores for it"
            self.builder.problems.append(Diagnostic("contradicts-file", message, node.place))
            return
        if held:
            self.add_stored(node, [count], is_learned=is_learned)
            return
        for name in names:
            dims = self.stored[name].dims
            start = len(self.builder.layers)
            shape = list(dims) if 0 < len(dims) <= 4 else [prod(dims)]
            self.add_stored(node, shape, is_learned=is_learned)
            self.owners.setdefault(frozenset((name,)), (start, start + 1))

    def add_stored(self, node: Node, shape: list[int], *, is_learned: bool) -> None:
        """A layer without work for stored numbers."""
        path, composites = self.paths(node, "weights" if is_learned else "buffers")
        self.builder.add(
            "parameter",
            [],
            path=path,
            place=Spot(node.place),
            note="what weights are computed from",
            form=node.form,
            composites=composites,
            shape=shape,
            fixed=not is_learned,
        )


def _stores(layer: Layer) -> bool:
    """Whether a layer has weights or buffers."""
    return any(prod(dims) for dims in layer.analysis.stored.values())


def _sizes(layer: Layer) -> tuple[int, int]:
    """How many parameters a layer has, and how many numbers in buffers."""
    weights, buffers = layer.analysis.weights, layer.analysis.buffers
    return sum(map(prod, weights.values())), sum(map(prod, buffers.values()))


def _held(layers: Iterable[Layer], is_learned: bool) -> int:
    """Return what layers count as their own: learned weights, or buffers."""
    return sum(
        prod(dims)
        for layer in layers
        for name, dims in (layer.analysis.weights if is_learned else layer.analysis.buffers).items()
        if layer.is_own(name)
    )
