"""The names of a network's layers, blocks and composites: paths, repeated items, ids."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from typing import Protocol

    from convcalc.model.graph.network import Group

    class Placed(Protocol):
        """A layer of a network, or what a report says of one."""

        @property
        def path(self) -> str: ...
        @property
        def groups(self) -> tuple[Group, ...]: ...
        @property
        def operator(self) -> Any: ...


class Entry(NamedTuple):
    """The layer, or the block or composite, of one path.

    ``kind`` is the operator or the block's name. ``depth`` counts the groups around what it is
    made of. ``layers`` are the indices of the layers in it, in order.
    """

    kind: str
    depth: int
    is_layer: bool
    layers: list[int]


class PathIndex:
    """The names of some layers. Each part is built when it is first asked for."""

    def __init__(self, layers: Sequence[Placed]) -> None:
        self.layers = layers

    @cached_property
    def exact(self) -> dict[str, Entry]:
        """By path, as tables show it."""
        found: dict[str, Entry] = {}
        for index, layer in enumerate(self.layers):
            for depth, group in enumerate(layer.groups, 1):
                if group.path not in found:
                    found[group.path] = Entry(group.kind, depth, False, [])
                found[group.path].layers.append(index)
            found[layer.path] = Entry(operator_name(layer), len(layer.groups), True, [index])
        return found

    @cached_property
    def copies(self) -> dict[str, list[str]]:
        """By what stands before the last index: the paths of the copies of a repeated item."""
        return _without_index(self.exact)

    @cached_property
    def ids(self) -> dict[str, list[str]]:
        """By the path of a block and an id in it: the paths, which name the composites between."""
        found: dict[str, dict[str, None]] = {}
        for layer in self.layers:
            groups = [(group.path, group.kind) for group in layer.groups]
            for depth, (path, kind) in enumerate([*groups, (layer.path, operator_name(layer))]):
                if name := _id(path, kind, layer.groups[:depth]):
                    found.setdefault(name, {})[path] = None
        ids = {name: list(paths) for name, paths in found.items()}
        for name, copies in _without_index(found).items():
            ids.setdefault(name, [path for copy in copies for path in found[copy]])
        return ids

    def names(self) -> list[str]:
        """All of them, those of the tables first."""
        return list(dict.fromkeys([*self.exact, *self.copies, *self.ids]))

    def outermost(self) -> list[str]:
        """The paths of what the network's own list holds."""
        return [path for path in self.exact if "." not in path]


def operator_name(layer: Placed) -> str:
    """The name of a layer's operator; a network's layer has the operator itself beside it."""
    return layer.operator if isinstance(layer.operator, str) else str(getattr(layer, "name", ""))


def is_further_output(layer: Placed) -> bool:
    """Whether a layer stands for a second output of the layer before it (``mix.low``)."""
    around = len(layer.groups[-1].path) + 1 if layer.groups else 0
    return "." in layer.path[around:]


def _without_index(names: Iterable[str]) -> dict[str, list[str]]:
    """The names that end with an index, by what stands before it."""
    found: dict[str, list[str]] = {}
    for name in names:
        if name.endswith("]"):
            found.setdefault(name[: name.rindex("[")], []).append(name)
    return found


def _id(path: str, kind: str, around: Sequence[Group]) -> str:
    """An id behind the path of its block; empty if that is the whole path, or there is no id.

    Without an id a path ends with the type.
    """
    if not around or _is_block(around[-1]):
        return ""
    own = path[len(around[-1].path) + 1 :]
    if own.partition(".")[0].partition("[")[0] in (kind, "split"):
        return ""
    block = next((group.path for group in reversed(around) if _is_block(group)), "")
    return f"{block}.{own}" if block else own


def _is_block(group: Group) -> bool:
    """Whether a group is a block, in which ids are its own; blocks begin with a capital letter."""
    return group.kind[:1].isupper()
