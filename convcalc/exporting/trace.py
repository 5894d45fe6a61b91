"""How the items of a network file were expanded: a tree of runs for each of its variants.

A :class:`Run` is one round of one item, with the values that its expressions could see, the layers
that it made and the runs inside it. A writer of code looks up all runs of an item, over all calls
of its block and over all variants: what is the same in all of them can be written as a number.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from convcalc.diagnostics.diagnostic import NetworkError
from convcalc.diagnostics.work import limited
from convcalc.language.building import Building, Document
from convcalc.language.expand.expansion import Expansion
from convcalc.language.expand.scopes import Frame, Names
from convcalc.language.file_facts import NetworkFile
from convcalc.language.head.inputs import Inputs
from convcalc.language.parse.tree import Item, Reference
from convcalc.language.syntax.sizes import INPUT
from convcalc.model.graph.assembly import Value
from convcalc.model.graph.network import Layer
from convcalc.model.quantities.shape import Shape


class Run:
    """One round of an item: ``scope`` is what its expressions saw, ``turn`` counts the rounds."""

    __slots__ = ("children", "item", "layers", "output", "parent", "scope", "turn")

    def __init__(self, item: Item | None, parent: Run | None) -> None:
        self.item = item
        self.parent = parent
        self.scope: dict[str, Any] = {}
        self.children: list[Run] = []
        self.layers: Sequence[Layer] = ()
        self.output: Shape | None = None
        self.turn = 0

    @property
    def source(self) -> Shape | None:
        """The shape of the first tensor that it reads."""
        found = self.scope.get(INPUT)
        return found if isinstance(found, Shape) else None

    @property
    def layer(self) -> Layer:
        """The layer of an operator."""
        return self.layers[0]

    def below(self) -> Iterator[Run]:
        """All runs inside it, and itself."""
        yield self
        for child in self.children:
            yield from child.below()


class Tracing(Expansion):
    """Expands one network and keeps its runs."""

    root: Run

    def expand_once(
        self,
        item: Item,
        prev: Value,
        sources: Sequence[Reference],
        names: Names,
        frame: Frame,
        scope: dict[str, Any],
        label: str = "",
        turn: int = 0,
    ) -> Value:
        """Expands one round of an item, and notes it."""
        if not hasattr(self, "root"):
            self.root = Run(None, None)
            self.open = self.root
        run, outer = Run(item, self.open), self.open
        outer.children.append(run)
        run.turn = sum(1 for each in outer.children if each.item is item) - 1
        start = len(self.layering.layers)
        self.open = run
        try:
            output = super().expand_once(item, prev, sources, names, frame, scope, label, turn)
        finally:
            self.open = outer
        run.scope = dict(scope)
        run.layers = self.layering.layers[start:]
        run.output = None if output is None else output.shape
        return output


class _Building(Building):
    expansion = Tracing

    def expand(self, expansion: Expansion, items: list[Item]) -> Value:
        """Expands the layers, and keeps what did it."""
        self.expanded = expansion
        return super().expand(expansion, items)


class Trace:
    """The networks of a file by variant (empty for the base), and the runs of its items."""

    def __init__(self, document: Document) -> None:
        self.document = document
        self.networks: dict[str, NetworkFile] = {}
        self.roots: dict[str, Run] = {}
        self.scopes: dict[str, dict[str, Any]] = {}  # values of the file's params
        self.runs: dict[Item, list[Run]] = defaultdict(list)
        self.items: list[Item] = []

    def add(self, variant: str, inputs: Inputs, params: Mapping[str, Any] | None) -> None:
        """Expands one variant; raises NetworkError if it has an error."""
        building = _Building(self.document, variant or None, 1)
        network = building.network(inputs, params)
        if errors := [problem for problem in network.problems if problem.severity == "error"]:
            raise NetworkError(errors)
        expansion = building.expanded
        assert isinstance(expansion, Tracing)
        self.networks[variant] = network
        self.roots[variant] = expansion.root
        self.scopes[variant] = dict(self.document.unit.scope)
        self.items = building.items(network.inputs)
        for run in expansion.root.below():
            if run.item is not None:
                self.runs[run.item].append(run)

    def variants_of(self, run: Run) -> str:
        """The variant that a run belongs to."""
        while run.parent is not None:
            run = run.parent
        return next(name for name, root in self.roots.items() if root is run)


@limited
def traced(
    document: Document,
    variants: Sequence[str],
    inputs: Inputs = None,
    params: Mapping[str, Any] | None = None,
) -> Trace:
    """The trace of some variants of a file."""
    trace = Trace(document)
    for variant in variants:
        trace.add(variant, inputs, params)
    return trace
