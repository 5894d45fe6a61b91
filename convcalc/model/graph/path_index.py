"""The names of a network's layers, blocks and composites: paths, repeated items, ids."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from typing import Protocol

    from convcalc.model.graph.network import Group

    class Placed(Protocol):
        """A layer of a network or of a report."""

        @property
        def path(self) -> str: ...
        @property
        def groups(self) -> tuple[Group, ...]: ...
        @property
        def operator(self) -> Any: ...


class PathIndex:
    """An index of layers by name. Each part is built when it is first used."""

    def __init__(self, layers: Sequence[Placed]) -> None:
        self.layers = layers

    @cached_property
    def exact(self) -> dict[str, list[int]]:
        """By path, as tables show it: the indices of the layers at or below it, in order."""
        found: dict[str, list[int]] = {}
        for index, layer in enumerate(self.layers):
            for group in layer.groups:
                found.setdefault(group.path, []).append(index)
            found.setdefault(layer.path, []).append(index)
        return found

    @cached_property
    def copies(self) -> dict[str, list[str]]:
        """By path without the last index: the paths of the copies of a repeated item."""
        return _copies_by_name(self.exact)

    @cached_property
    def ids(self) -> dict[str, list[str]]:
        """By the path of a block and an id in it: the full paths, with the composites between."""
        found: dict[str, dict[str, None]] = {}
        for layer in self.layers:
            groups = [(group.path, group.kind) for group in layer.groups]
            for depth, (path, kind) in enumerate([*groups, (layer.path, operator_name(layer))]):
                if name := _scoped_id(path, kind, layer.groups[:depth]):
                    found.setdefault(name, {})[path] = None
        ids = {name: list(paths) for name, paths in found.items()}
        for name, copies in _copies_by_name(found).items():
            ids.setdefault(name, [path for copy in copies for path in found[copy]])
        return ids

    def names(self) -> Sequence[str]:
        """All names, those in tables first."""
        return self._names

    @cached_property
    def _names(self) -> Sequence[str]:
        return list(dict.fromkeys([*self.exact, *self.copies, *self.ids]))

    def outermost(self) -> Iterator[str]:
        """The paths of the items at the top level of the network."""
        return (path for path in self.exact if "." not in path)


def operator_name(layer: Placed) -> str:
    """The name of a layer's operator, whether the layer is of a network or of a report."""
    return layer.operator if isinstance(layer.operator, str) else str(getattr(layer, "name", ""))


def is_further_output(layer: Placed) -> bool:
    """Whether a layer stands for a second output of the layer before it (``mix.low``)."""
    around = len(layer.groups[-1].path) + 1 if layer.groups else 0
    return "." in layer.path[around:]


def _copies_by_name(names: Iterable[str]) -> dict[str, list[str]]:
    """The names that end with an index, grouped by the name without it."""
    found: dict[str, list[str]] = {}
    for name in names:
        if name.endswith("]"):
            found.setdefault(name[: name.rindex("[")], []).append(name)
    return found


def _scoped_id(path: str, kind: str, around: Sequence[Group]) -> str:
    """The path of the enclosing block and the id in it.

    Empty at the top level, and where a path ends with the type because there is no id.
    """
    if not around:
        return ""
    own = path[len(around[-1].path) + 1 :]
    if own.partition(".")[0].partition("[")[0] in (kind, "split"):
        return ""
    block = next((group.path for group in reversed(around) if _is_block(group)), "")
    return f"{block}.{own}" if block else own


def _is_block(group: Group) -> bool:
    """Whether a group is a block, which is a scope of ids; blocks begin with a capital letter."""
    return group.kind[:1].isupper()
