"""A network as a graph: layers in order, and the tensors between them.

Tensors are numbered: the network's inputs come first, then the output of each layer. A
:class:`Network` knows which layer makes a tensor, which layers read it, and its name. It is
immutable; :class:`convcalc.model.graph.builder.Builder` makes one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from types import MappingProxyType
from typing import Any, NamedTuple

from convcalc.diagnostics.diagnostic import Diagnostic, Place
from convcalc.model.operators.contract import Analysis, Operator
from convcalc.model.quantities.presented import Shown, listed, number_of, short
from convcalc.model.quantities.record import Record
from convcalc.model.quantities.shape import Shape

# What a layer is in code, if not a module of PyTorch's own class: a function that its code calls
# (``F.relu``), a method of the tensor (``x.mean``), a module of a class derived from PyTorch's, or
# one of such a class that contains further modules.
FUNCTION, METHOD, SUBCLASS, CONTAINER = "function", "method", "subclass", "container"
MADE = "numbers that the program makes"  # the note of a layer that reads nothing of the input
FORMS = ("", FUNCTION, METHOD, SUBCLASS, CONTAINER)
NOTHING: Mapping[Any, Any] = MappingProxyType({})


def form_of(parts: Mapping[str, str]) -> str:
    """The form of a composite from those of its parts by name; none for plain modules."""
    return ", ".join(f"{name}: {form}" for name, form in parts.items() if form)


def parts_of(form: str) -> dict[str, str]:
    """The forms of parts by name; none where one form holds for all of a layer."""
    pairs = (each.partition(": ") for each in form.split(", ") if ":" in form)
    return {name: each for name, _, each in pairs}


class Group(NamedTuple):
    """A composite that a layer belongs to: its path and its type (the block's name)."""

    path: str
    kind: str


class Layer(NamedTuple):
    """One layer of a network.

    ``name`` is the operator's name. ``inputs`` are tensor numbers, ``shapes`` their shapes.
    ``shares`` is the index of the layer whose weights it reuses, or -1; ``own`` names those weights
    that are its own all the same. ``form`` is what it is in code: empty for a module of PyTorch's
    own class, else FUNCTION, METHOD, SUBCLASS or CONTAINER; of a composite whose parts differ,
    ``part: form`` for each that is not such a module (see ``parts_of``).
    """

    path: str
    groups: tuple[Group, ...]
    name: str
    operator: Operator
    inputs: tuple[int, ...]
    shapes: tuple[Shape, ...]
    analysis: Analysis
    place: Place
    note: str
    trainable: bool
    shares: int = -1
    own: tuple[str, ...] = ()
    form: str = ""

    def __repr__(self) -> str:
        sizes = f"{listed(list(map(str, self.shapes)))} → {self.analysis.output}"
        return f"<Layer {short(self.path)}: {self.name} {sizes}>"

    def is_own(self, weight: str) -> bool:
        """Whether a weight or buffer is the layer's own, and not that of another layer."""
        return self.shares < 0 or weight in self.own


class Network(Shown, Record):
    """A graph of layers, with the problems found when it was built.

    ``inputs`` maps names to shapes, which include the batch; ``outputs`` maps names to tensor
    numbers; ``output_names`` lists them all, also those that could not be made. ``layers`` are in
    topological order: each reads only tensors that come before it.
    ``variant`` is None for the base, ``file`` says where the network comes from. ``skipped`` counts
    the layers that had problems or read a tensor that could not be made; ``layers`` leaves them
    out. ``recovered`` are the paths of layers that have a problem, but are clear all the same, so
    that their numbers may be wrong. ``sources`` maps each file to the text that the places of
    problems point into.
    """

    name: str
    variant: str | None
    description: str
    file: str
    inputs: Mapping[str, Shape]
    outputs: Mapping[str, int]
    layers: tuple[Layer, ...]
    problems: tuple[Diagnostic, ...] = ()
    skipped: int = 0
    sources: Mapping[str, str] = NOTHING
    output_names: tuple[str, ...] = ()
    recovered: tuple[str, ...] = ()

    def __repr__(self) -> str:
        inputs = listed([f"{name} {shape}" for name, shape in self.inputs.items()])
        layers = number_of(len(self.layers), "layer")
        return f"<Network {short(self.name)}: {layers}, {inputs or 'no inputs'}>"

    def tensor(self, index: int) -> int:
        """The number of the tensor that the layer at ``index`` makes."""
        return len(self.inputs) + index

    def index(self, tensor: int) -> int:
        """The index of the layer that makes a tensor; negative for an input of the network."""
        return tensor - len(self.inputs)

    def producer(self, tensor: int) -> Layer | None:
        """The layer that makes a tensor; None for an input of the network."""
        index = self.index(tensor)
        return self.layers[index] if index >= 0 else None

    def readers(self, tensor: int) -> Sequence[Layer]:
        """The layers that read a tensor, in order, each once."""
        return self._readers.get(tensor, ())

    def name_of(self, tensor: int) -> str:
        """The name of a tensor: that of the input, or the path of the layer that makes it."""
        producer = self.producer(tensor)
        return producer.path if producer else self._input_names[tensor]

    def shape(self, tensor: int) -> Shape:
        """The shape of a tensor."""
        producer = self.producer(tensor)
        return producer.analysis.output if producer else self.inputs[self._input_names[tensor]]

    def is_output(self, tensor: int) -> bool:
        """Whether the network returns a tensor."""
        return tensor in self.outputs.values()

    def numbered(self) -> Iterator[tuple[int, Layer]]:
        """Every layer with the number of the tensor that it makes."""
        return enumerate(self.layers, len(self.inputs))

    @cached_property
    def _input_names(self) -> Sequence[str]:
        return tuple(self.inputs)

    @cached_property
    def _readers(self) -> Mapping[int, Sequence[Layer]]:
        found: dict[int, list[Layer]] = {}
        for layer in self.layers:
            for tensor in dict.fromkeys(layer.inputs):
                found.setdefault(tensor, []).append(layer)
        return found
