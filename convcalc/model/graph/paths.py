"""Resolves a path in a network: to a layer, a block, copies of a repeated item, an id, an input.

Commands, budgets and the API all use this module, so that a path means the same in each:

=======================  ======================================================================
``layer[2].conv``        the layer, block or composite of that path, as tables show it
``stage``                all copies made by ``repeat`` or ``for``: ``stage[0]``, ``stage[1]``, …
``c1``, ``body[0].c1``   an id anywhere in its block: the composites around it may be left out
``image``                an input of the network, where a tensor is meant
=======================  ======================================================================

If several of these match, the first one applies. The tensor of several layers is the output of the
last of them; a further output of a layer is meant only where it is named explicitly.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from itertools import chain, islice
from typing import TYPE_CHECKING, Any, NamedTuple

from convcalc.diagnostics.suggestion import advise
from convcalc.diagnostics.work import current
from convcalc.errors import Error
from convcalc.model.graph.path_index import PathIndex, is_further_output, operator_name

if TYPE_CHECKING:
    from typing import Protocol

    from convcalc.model.graph.path_index import Placed

    class Graph(Protocol):
        """A network or a report."""

        @property
        def inputs(self) -> Mapping[str, Any]: ...
        @property
        def layers(self) -> Sequence[Placed]: ...


INPUT = "input"  # names the only input of a network, whatever its own name
LISTED = 24  # names that a message lists at most


class PathError(Error):
    """A path that names nothing; ``help`` suggests valid ones."""


class Part(NamedTuple):
    """The target of a path: one layer (``is_layer``), a block or composite, or several of a kind.

    ``kind`` is the name of the operator or block. ``layers`` are the indices of the layers in it,
    in order, and ``output`` the index of the layer whose output is that of the part. ``depth``
    is the number of groups around its parts: a table of the parts opens one level more.
    """

    path: str
    kind: str
    depth: int
    layers: tuple[int, ...]
    output: int
    is_layer: bool


@lru_cache(maxsize=8)
def paths_of(graph: Graph) -> Paths:
    """The paths of a network or of a report, indexed once."""
    return Paths(graph.layers, graph.inputs)


class Paths:
    """Resolves the paths of one network."""

    def __init__(self, layers: Sequence[Placed], inputs: Iterable[str]) -> None:
        self.layers = layers
        self.inputs = tuple(inputs)
        self.index = PathIndex(layers)

    def find(self, path: str) -> Part | None:
        """The layers that a path names; None if it names none."""
        if path in self.index.exact:
            return self._exact_part(path)
        names = self.index.copies.get(path) or self.index.ids.get(path)
        return self._combined_part(path, names) if names else None

    def part(self, path: str) -> Part:
        """The layers that a path names. Raises PathError if it names none."""
        found = self.find(path)
        if found is None and self._is_input(path):
            raise PathError(f"'{path}' is an input of the network", "name a layer or block")
        if found is None:
            raise self.no_such_path(path)
        return found

    def tensor(self, path: str) -> int:
        """The number of the tensor that a path names: the output of layers, or an input.

        Raises PathError if it names neither.
        """
        found = self.find(path)
        if found is not None:
            return len(self.inputs) + found.output
        if not self._is_input(path):
            raise self.no_such_path(path, self.inputs)
        return self.inputs.index(path) if path in self.inputs else 0

    def longest_prefix(self, text: str) -> tuple[Part, int] | None:
        """The longest path that ``text`` starts with, up to a dot or its end, and that length."""
        end = len(text)
        while end > 0:
            found = self.find(text[:end])
            if found is not None:
                return found, end
            end = text.rfind(".", 0, end)
        return None

    def no_such_path(self, path: str, more: Iterable[str] = ()) -> PathError:
        """The error to raise for a path that names nothing; its help suggests a path or lists some.

        ``more`` are further valid names.
        """
        current().spend(len(self.layers) // 64, "names that are not known")
        more = [*more]
        valid = [*islice(chain(more, self.index.outermost()), LISTED + 1)]
        listed = ", ".join(valid[:LISTED]) + (", …" if len(valid) > LISTED else "")
        otherwise = f"there are: {listed}" if listed else ""
        advice = advise(path, chain(self.index.names(), more), otherwise)
        return PathError(f"there is no layer or block '{path}'", advice)

    def _is_input(self, path: str) -> bool:
        return path in self.inputs or (path == INPUT and len(self.inputs) == 1)

    # --- parts --------------------------------------------------------------------------------

    def _exact_part(self, path: str) -> Part:
        """The layer or block with exactly that path."""
        layers = self.index.exact[path]
        first = self.layers[layers[0]]
        if first.path == path:
            kind, depth = operator_name(first), len(first.groups)
            return Part(path, kind, depth, (layers[0],), layers[0], True)
        depth = [group.path for group in first.groups].index(path) + 1
        kind = first.groups[depth - 1].kind
        return Part(path, kind, depth, tuple(layers), self._last_output(layers), False)

    def _combined_part(self, path: str, names: Sequence[str]) -> Part:
        """Several layers or blocks of a kind as one part; a single match is that part itself."""
        first = self._exact_part(names[0])
        if len(names) == 1 and path.endswith("]") == names[0].endswith("]"):
            return first
        layers = sorted({index for name in names for index in self.index.exact[name]})
        depth = first.depth - (not first.is_layer)
        return Part(path, first.kind, depth, tuple(layers), self._last_output(layers), False)

    def _last_output(self, layers: Sequence[int]) -> int:
        """The last layer that is not a further output of another."""
        own = (index for index in reversed(layers) if not is_further_output(self.layers[index]))
        return next(own, layers[-1])


def may_refer_to(asked: str, path: str) -> bool:
    """Whether ``asked`` may name the layer at ``path``, while the network is still being read."""
    block, dot, name = asked.rpartition(".")
    return path == asked or (path.startswith(block + dot) and path.endswith(f".{name}"))


def no_such_input(name: str, inputs: Iterable[str]) -> PathError:
    """The error to raise for a name that no input of the network has."""
    return PathError(f"there is no input '{name}'", advise(name, inputs, "inputs:"))
