"""Writes the graph of a model whose file names layers and no operators: one node after another."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from convcalc.diagnostics.diagnostic import Diagnostic, Place
from convcalc.importing.foreign import Constant, Graph, Input, Node, Unreadable
from convcalc.model.graph.network import Group

MOST_NODES = 200_000
MISSING = "?"  # the name of a tensor that could not be made: what reads it is skipped


class Writer:
    """The nodes of a graph so far, with their weights.

    ``place`` and ``scope`` are those of the node that is written next.
    """

    def __init__(self, file: str) -> None:
        self.nodes: list[Node] = []
        self.constants: dict[str, Constant] = {}
        self.problems: list[Diagnostic] = []
        self.place = Place(file, 1, 1)
        self.scope: tuple[Group, ...] = ()
        self._made = 0

    @contextmanager
    def inside(self, name: str, kind: str) -> Iterator[None]:
        """Assign what is written within to a module of this name and class."""
        above = self.scope
        path = f"{above[-1].path}.{name}" if above else name
        self.scope = (*above, Group(path, kind))
        yield
        self.scope = above

    def add(self, op: str, *inputs: str, form: str = "", **values: Any) -> str:
        """Adds a node of one output; returns its name."""
        return self.parts(op, inputs, 1, form=form, **values)[0]

    def parts(
        self, op: str, inputs: Sequence[str], count: int, *, form: str = "", **values: Any
    ) -> tuple[str, ...]:
        """Adds a node of several outputs; returns their names. Unreadable if there are too many."""
        self._made += 1
        if self._made > MOST_NODES:
            raise Unreadable(f"it has more than {MOST_NODES:,} nodes")
        name = f"{self.scope[-1].path}/{op}" if self.scope else op
        outputs = tuple(f"{self._made}.{index}" for index in range(count))
        node = Node(op, tuple(inputs), outputs, values, name, self.place, self.scope, form)
        self.nodes.append(node)
        return outputs

    def weight(self, *dims: int, learned: bool = True) -> str:
        """A tensor that is a parameter, or a buffer; returns its name."""
        self._made += 1
        name = f"w{self._made}"
        self.constants[name] = Constant(
            dims, origin=name, stored=dims if learned else (), learned=learned
        )
        return name

    def numbers(self, *data: float) -> str:
        """Numbers that the operator is given; returns their name."""
        self._made += 1
        name = f"n{self._made}"
        self.constants[name] = Constant((len(data),) if len(data) != 1 else (), data)
        return name

    def norm(self, channels: int) -> tuple[str, ...]:
        """The weights of a batch norm: scale and shift are learned, mean and variance buffers."""
        learned = [self.weight(channels) for _ in range(2)]
        kept = [self.weight(channels, learned=False) for _ in range(2)]
        return (*learned, *kept)

    def batch_norm(self, x: str, channels: int) -> str:
        """A batch norm with weights of its own."""
        return self.add("BatchNormalization", x, *self.norm(channels))

    def graph(
        self,
        name: str,
        inputs: Mapping[str, Input],
        outputs: Mapping[str, str],
        description: str = "",
    ) -> Graph:
        """The graph of all that was written."""
        return Graph(
            name,
            inputs,
            outputs,
            self.nodes,
            self.constants,
            {},
            description,
            tuple(self.problems),
        )
