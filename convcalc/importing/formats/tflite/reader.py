"""Reads a TensorFlow Lite file into a foreign graph. Of the weights only the sizes are looked at.

Source: the schema of TensorFlow Lite, version 3 (tensorflow/compiler/mlir/lite/schema/schema.fbs).
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from math import prod
from typing import NamedTuple

from convcalc.diagnostics.diagnostic import Place
from convcalc.importing.foreign import (
    MOST_VALUES,
    Constant,
    Content,
    Graph,
    Input,
    Node,
    Number,
    OneGraph,
    Sizes,
    Unreadable,
)
from convcalc.importing.formats.tflite.buffers import Table, root
from convcalc.importing.formats.tflite.codes import CUSTOM, NAMES
from convcalc.importing.formats.tflite.operators import RULES, Reading

MOST_OPERATORS = 200_000
_AXES = ("", "c", "bc", "b0c", "b01c", "b012c")
_FLOATS = {0: "f", 1: "e", 10: "d"}
_WHOLES = {2: "i", 4: "q", 7: "h", 12: "Q", 15: "I", 16: "H", 6: "?"}
_WEIGHTS = (0, 1, 3, 7, 9, 10, 17, 18)  # types that weights have: floats, and quantised ones


class Tensor(NamedTuple):
    """A tensor of the file."""

    name: str
    sizes: tuple[int, ...]
    stated: Sizes
    type: int
    buffer: int


def open_model(content: Content, file: str) -> OneGraph:
    """The model of a file; Unreadable if it is damaged or too large."""
    if content[4:8] != b"TFL3":
        raise Unreadable("it does not begin as TensorFlow Lite files do")
    try:
        return OneGraph(_Graph(content, file).graph())
    except struct.error as error:
        raise Unreadable(f"it is damaged ({error})") from None


class _Graph:
    """One file on its way to a graph."""

    def __init__(self, content: Content, file: str) -> None:
        self.content = content
        self.file = file
        self.model = root(content)
        subgraphs = list(self.model.tables(2))
        if not subgraphs:
            raise Unreadable("it holds no graph")
        self.top = subgraphs[0]
        self.buffers = list(self.model.tables(4))
        self.tensors = [self.tensor(each) for each in self.top.tables(0)]
        self.names = _unique([each.name for each in self.tensors])
        self.constants: dict[str, Constant] = {}
        self.nodes: list[Node] = []
        self.count = 0

    def graph(self) -> Graph:
        """The whole graph; further ones are bodies of loops."""
        for index, tensor in enumerate(self.tensors):
            found = self.stored(tensor)
            if found is not None:
                self.constants[self.names[index]] = found
        codes = [_code(each) for each in self.model.tables(1)]
        for operator in self.top.tables(3):
            self.count += 1
            if self.count > MOST_OPERATORS:
                raise Unreadable(f"it has more than {MOST_OPERATORS:,} operators")
            self.add(operator, codes)
        inputs = {
            self.name(index): _input(self.tensors[index]) for index in self.top.numbers(1, "i")
        }
        outputs = {self.name(index): self.name(index) for index in self.top.numbers(2, "i")}
        shapes = {name: each.stated for name, each in zip(self.names, self.tensors, strict=True)}
        version = self.model.number(0, "I")
        about = f"TensorFlow Lite, schema {version}"
        return Graph(self.top.text(4), inputs, outputs, self.nodes, self.constants, shapes, about)

    # --- tensors ------------------------------------------------------------------------------

    def tensor(self, table: Table) -> Tensor:
        """A tensor of the file."""
        sizes = table.numbers(0, "i")
        signature = table.numbers(7, "i")
        stated = signature if len(signature) == len(sizes) else sizes
        return Tensor(
            table.text(3) or "tensor",
            tuple(max(size, 0) for size in sizes),
            tuple(None if size < 0 else size for size in stated),
            table.number(1, "b"),
            table.number(2, "I"),
        )

    def name(self, index: int) -> str:
        """The name of a tensor by its number; empty for -1, which is none."""
        if index == -1:
            return ""
        if not 0 <= index < len(self.names):
            raise Unreadable(f"there is no tensor {index}")
        return self.names[index]

    def stored(self, tensor: Tensor) -> Constant | None:
        """The constant that a tensor is; None if it is computed. Few numbers are read."""
        if not 0 < tensor.buffer < len(self.buffers):
            return None
        buffer = self.buffers[tensor.buffer]
        start, size = buffer.list(0, 1)
        if not size:
            place, size = buffer.number(1, "Q"), buffer.number(2, "Q")
            start = place if place > 1 and size else 0
        if not start:
            return None
        count = prod(tensor.sizes)
        is_float = tensor.type in _FLOATS
        form = {**_WHOLES, **(_FLOATS if count == 1 else {})}.get(tensor.type, "")
        data: tuple[Number, ...] | None = None
        if form and count <= MOST_VALUES and size >= count * struct.calcsize(f"<{form}"):
            end = start + count * struct.calcsize(f"<{form}")
            data = struct.unpack(f"<{count}{form}", self.content[start:end])
        learned = tensor.type in _WEIGHTS and count > 1
        kind = "float" if is_float or learned else "int"
        return Constant(tensor.sizes, data, kind, tensor.name, tensor.sizes, learned)

    # --- operators ----------------------------------------------------------------------------

    def add(self, operator: Table, codes: Sequence[str]) -> None:
        """The nodes, or the constants, of an operator."""
        code = operator.number(0, "I")
        if code >= len(codes):
            raise Unreadable(f"there is no operator code {code}")
        kind = codes[code]
        reads, makes = operator.numbers(1, "i"), operator.numbers(2, "i")
        inputs, outputs = [self.name(each) for each in reads], [self.name(each) for each in makes]
        if not outputs or not all(outputs):
            return
        if kind == "SHAPE" or (inputs and all(not n or n in self.constants for n in inputs)):
            self.fold(kind, inputs, makes)
            return
        sizes = {
            name: self.tensors[i].stated for name, i in zip(inputs, reads, strict=True) if name
        }
        sizes |= {name: self.tensors[i].stated for name, i in zip(outputs, makes, strict=True)}
        options = operator.table(4)
        reading = Reading(kind, inputs, outputs, sizes, options, self.constants)
        rule = RULES.get(kind)
        if rule is None:
            reading.unmapped(f"no rule for {kind}")
        else:
            rule(reading)
        place = Place(self.file, 1, 1, 0, f"operator {outputs[0]}")
        name = outputs[0].partition(";")[0]  # of several that were fused, the first
        self.nodes += [node._replace(place=place, name=name) for node in reading.nodes]

    def fold(self, kind: str, inputs: Sequence[str], makes: Sequence[int]) -> None:
        """Return what is computed of constants: the largest is what it stems from."""
        held = [self.constants[name] for name in inputs if name in self.constants]
        learned = [each for each in held if each.learned and kind != "SHAPE"]
        source = max(learned, key=lambda each: prod(each.dims), default=None)
        for index in makes:
            dims = self.tensors[index].sizes
            made = Constant(dims, None, "float" if learned else "int")
            if source is not None and prod(dims) > 1:
                made = source._replace(dims=dims, data=None)
            self.constants[self.names[index]] = made


def _code(table: Table) -> str:
    """The name of an operator; newer ones do not fit into the byte that older ones are in."""
    number = max(table.number(0, "b"), table.number(3, "i"))
    if number == CUSTOM:
        return f"custom:{table.text(1)[:60]}"
    return NAMES.get(number, f"operator {number}")


def _unique(names: Sequence[str]) -> list[str]:
    """The names, of which each appears once."""
    taken: set[str] = set()
    found = []
    for index, name in enumerate(names):
        own = name if name not in taken else f"{name}:{index}"
        taken.add(own)
        found.append(own)
    return found


def _input(tensor: Tensor) -> Input:
    """An input, whose channels come last."""
    sizes = tensor.stated
    return Input(sizes, _AXES[len(sizes)] if len(sizes) < len(_AXES) else "")
