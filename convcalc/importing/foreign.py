"""A graph as another program writes it: nodes that read and make tensors by name.

Whatever the format, operators and their attributes are those of the newest ONNX, with what an
older version or another format says otherwise already translated, and a few more that
:data:`MORE_OPERATORS` names. Axes are the format's own: a tensor has a batch, channels and
positions in whatever order its ``axes`` say.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from mmap import mmap
from typing import Any, NamedTuple, Protocol

from convcalc.diagnostics.diagnostic import Diagnostic, Place
from convcalc.errors import Error
from convcalc.model.graph.network import Group

Content = bytes | mmap  # of a file; of a large one most is never looked at
Size = int | None  # None: not known, or symbolic
Sizes = tuple[Size, ...]
Number = int | float | bool

MORE_OPERATORS = {
    "Linear": "x over its last axis, weight (out, in), bias or nothing: torch.nn.functional.linear",
    "Silu": "x · sigmoid(x)",
    "Attention": "queries, keys, values, mask; (…, heads, n, d), with q_num_heads (b, n, heads·d)",
    "AdaptiveAveragePool": "values: output_size",
    "AdaptiveMaxPool": "values: output_size",
    "TransposeLast": "the last two axes exchanged",
    "MulByNumber": "x times value",
    "L2Norm": "the Euclidean norm over axes, as ReduceL2",
    "Im2Col": "windows laid out in channels, torch.nn.functional.unfold; values as Col2Im",
    "Move": "elements in another order, some repeated or left out; values: sizes",
    "Overwrite": "a tensor, and another that takes the place of a part of it; values: sizes",
    "Layer": "a layer with weights of its own; see convcalc.importing.mapping.layers",
    "Unmapped": "values: reason, why it has no rule; note, params and channels_last",
}

MOST_VALUES = 65_536  # of a constant that is kept as numbers: indices, sizes
MOST_FLOATS = 1024  # of floats: larger tensors are weights, and only their sizes matter


class Unreadable(Error):
    """A model file cannot be read: it is damaged, too large, or of a version that is not known.

    ``element`` names the part of the file where that was seen.
    """

    def __init__(self, message: str, advice: str = "", element: str = "") -> None:
        super().__init__(message, advice)
        self.element = element


class Constant(NamedTuple):
    """A tensor that does not depend on the input.

    ``data`` holds its numbers in row-major order, None if they are too many or not in the file.
    ``origin`` is the name of the stored tensor that it is or was computed from, empty if it is a
    literal; ``stored`` the sizes of that. ``learned``: it is a parameter and no buffer. ``roots``
    are all stored tensors that it was computed from, of a format that stores each once.
    """

    dims: tuple[int, ...]
    data: tuple[Number, ...] | None = None
    kind: str = "float"  # float, int or bool
    origin: str = ""
    stored: tuple[int, ...] = ()
    learned: bool = False
    roots: frozenset[str] = frozenset()

    @property
    def is_scalar(self) -> bool:
        """Whether it has one element, in however many axes."""
        return all(size == 1 for size in self.dims)

    @property
    def number(self) -> Number | None:
        """The only element, if it is known."""
        return self.data[0] if self.data is not None and len(self.data) == 1 else None


class Input(NamedTuple):
    """An input of a graph: its sizes, and what each axis is: ``b`` the batch, ``c`` channels,
    digits the spatial axes in order."""

    dims: Sizes
    axes: str


class Node(NamedTuple):
    """An operator applied to tensors; an input that is left out has an empty name.

    ``scope`` are the modules that it belongs to, from the outermost; ``is_module`` if it is all
    that the innermost of them does. ``place`` is where its element stands. ``trainable`` is false
    if what it learned is kept as it is.
    """

    op: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    values: Mapping[str, Any]
    name: str
    place: Place
    scope: tuple[Group, ...] = ()
    form: str = ""
    trainable: bool = True

    def value(self, name: str, default: Any = None) -> Any:
        """The value of an attribute, or the default where it has none."""
        found = self.values.get(name)
        return default if found is None else found

    def input(self, index: int) -> str:
        """The name of an input; empty if it is left out."""
        return self.inputs[index] if index < len(self.inputs) else ""


class Graph(NamedTuple):
    """The nodes in an order in which each reads only what was made before.

    ``shapes`` are the sizes that the file states of tensors. ``shares``: weights of one origin that
    two nodes read are one; without it, a file may name one tensor for what only has equal numbers,
    as ONNX's exporters do. ``stored_once``: besides, the file lists every stored tensor, so that
    what layers count can be held against it. ``names_calls``: a node is what was called in code,
    and no part of what an exporter took apart. ``channels_first``: what it returns has the axes
    that it has here, in their order.
    """

    name: str
    inputs: Mapping[str, Input]
    outputs: Mapping[str, str]  # what is returned, by the name that it is called
    nodes: Sequence[Node]
    constants: Mapping[str, Constant]
    shapes: Mapping[str, Sizes] = {}
    description: str = ""
    problems: tuple[Diagnostic, ...] = ()
    shares: bool = False
    stored_once: bool = False
    names_calls: bool = False
    channels_first: bool = False


class Model(Protocol):
    """A model file that was read: one graph, or one for each of its variants."""

    base: str  # its name; that of the variant that is meant if none is named
    variants: tuple[str, ...]  # the names of the others

    def graph(self, variant: str) -> Graph:
        """The graph of a variant, or of the base; raises Unreadable if it cannot be made."""


class OneGraph(NamedTuple):
    """A model of one graph."""

    only: Graph
    variants: tuple[str, ...] = ()

    @property
    def base(self) -> str:
        """The name of the graph."""
        return self.only.name

    def graph(self, variant: str) -> Graph:
        """The graph."""
        return self.only
