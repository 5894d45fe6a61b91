"""Nodes and tensors of a graph on its way to an ONNX file, before anything of them is named.

The records here know nothing of the onnx package, which :mod:`convcalc.exporting.onnx.model` alone
imports.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from convcalc.errors import Error
from convcalc.model.quantities.shape import Shape

# What a tensor is that a file would hold: learned, stored besides, or an index that nobody counts.
WEIGHT, BUFFER, INDEX = "weight", "buffer", "index"
FLOAT, INT = "float", "int64"
Dims = tuple[int, ...]  # sizes of a tensor, the batch first; UNKNOWN where one is not known


class Unwritable(Error):
    """A layer has no counterpart in what it is to be written as; the message names its operator."""


class Value:
    """A tensor: a node makes it, or it is an input of the graph. Its name comes last."""

    __slots__ = ("dims", "kind", "name", "node")

    def __init__(self, dims: Sequence[int], node: Node | None = None, kind: str = FLOAT) -> None:
        self.dims = tuple(dims)
        self.node = node
        self.kind = kind
        self.name = ""

    @property
    def shape(self) -> Shape:
        """Its sizes as those of a layer's tensor."""
        batch, channels, *spatial = self.dims
        return Shape(batch, channels, tuple(spatial))


class Node:
    """An operator applied to tensors; ``stored`` says what a tensor is that a file would hold.

    An input that is left out is None. ``domain`` is empty: all operators are ONNX's own.
    """

    __slots__ = ("attributes", "inputs", "layer", "op", "outputs", "stored")

    def __init__(
        self,
        op: str,
        inputs: Sequence[Value | None],
        attributes: Mapping[str, Any],
        layer: int,
        stored: str = "",
    ) -> None:
        self.op = op
        self.inputs = tuple(inputs)
        self.outputs: list[Value] = []
        self.attributes = attributes
        self.layer = layer
        self.stored = stored


class Numbers(Value):
    """A small tensor of numbers that are in the file."""

    __slots__ = ("numbers",)

    def __init__(self, dims: Sequence[int], numbers: tuple[float, ...], kind: str) -> None:
        super().__init__(dims, None, kind)
        self.numbers = numbers


class Nodes:
    """The nodes so far, and the numbers that they read."""

    def __init__(self) -> None:
        self.nodes: list[Node] = []
        self.numbers: dict[tuple[Dims, tuple[float, ...], str], Numbers] = {}
        self.stored: dict[str, Value] = {}
        self.layer = -1  # the index of the layer that nodes are added for

    def add(
        self,
        op: str,
        inputs: Sequence[Value | None],
        dims: Sequence[int],
        *,
        stored: str = "",
        kind: str = FLOAT,
        **attributes: Any,
    ) -> Value:
        """Adds a node of one output; attributes that are None are left out."""
        given = {key: value for key, value in attributes.items() if value is not None}
        node = Node(op, inputs, given, self.layer, stored)
        self.nodes.append(node)
        return self.output(node, dims, kind)

    @staticmethod
    def output(node: Node, dims: Sequence[int], kind: str = FLOAT) -> Value:
        """A further output of a node."""
        made = Value(dims, node, kind)
        node.outputs.append(made)
        return made

    def constant(self, dims: Dims, numbers: Sequence[float], kind: str) -> Value:
        """Numbers that are in the file, each list of them once."""
        key = (dims, tuple(numbers), kind)
        return self.numbers.setdefault(key, Numbers(*key))
