"""The scopes of an expansion: tensors, values of names, and paths."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from convcalc.diagnostics.diagnostic import Diagnostic, Place
from convcalc.language.parse.tree import Item, Unit
from convcalc.language.syntax.sizes import UNMADE
from convcalc.model.graph.assembly import Tensor, Value
from convcalc.model.graph.network import Group

# Stands for the input of the first layer when a network has several inputs and none was named.
MISSING = Tensor(-1, UNMADE, "")
# Stands for a layer with a problem where a loop variable is to name its tensor.
FAILED = Tensor(-2, UNMADE, "")


class Names:
    """Hands out the paths of one list of sibling items.

    ``indexed`` are the components that occur more than once and so get an index: ``conv[0]``.
    """

    __slots__ = ("counts", "groups", "indexed", "last", "path_count", "prefix")

    def __init__(self, prefix: str, groups: tuple[Group, ...], indexed: frozenset[str]) -> None:
        self.prefix = prefix
        self.groups = groups
        self.indexed = indexed
        self.counts: dict[str, int] = {}
        self.path_count = 0  # paths handed out so far
        self.last = ""  # the latest path

    def path(self, component: str) -> str:
        """The path of the next sibling with this component."""
        path = self.prefix + component
        if component in self.indexed:
            count = self.counts.get(component, 0)
            self.counts[component] = count + 1
            path = f"{path}[{count}]"
        self.path_count += 1
        self.last = path
        return path

    def below(self, path: str, kind: str, indexed: frozenset[str]) -> Names:
        """The names for the children of a composite or block at ``path``."""
        return Names(f"{path}.", (*self.groups, Group(path, kind)), indexed)


class Frame:
    """The scope of one block while it is expanded: its values, its tensors, and its call.

    ``tensors`` holds ids and ref params, those of ``lists`` as ``name[0]``, ``name[1]`` and so on;
    ``prefix`` begins the paths of its layers; ``within`` is the block's name and the place of its
    call; ``left_out`` holds the ids of items that an ``if`` or a ``repeat`` omitted. ``call`` is
    the call of the block or composite whose inside this is; None at the top of the network.
    ``carried`` holds, by id, the paths below it that ``carry`` gives until the id is made.
    """

    __slots__ = (
        *("call", "carried", "form", "left_out", "lists", "paths", "prefix", "scope", "tensors"),
        *("trainable", "within"),
    )

    def __init__(
        self,
        scope: dict[str, Any],
        tensors: dict[str, Value],
        prefix: str = "",
        within: tuple[str, Place] | None = None,
        trainable: bool = True,
        form: str = "",
    ) -> None:
        self.scope = scope
        self.tensors = tensors
        self.prefix = prefix
        self.within = within
        self.trainable = trainable
        self.form = form  # what layers are in code; empty for modules
        self.left_out: set[str] = set()
        self.call: Call | None = None
        self.carried: dict[str, list[str]] = {}
        self.lists: dict[str, int] = {}  # params of the type refs: how many layers
        self.paths: dict[str, str] = {}  # by ref param: the path of the layer that it stands for

    def nested(
        self, scope: dict[str, Any], *, trainable: bool | None = None, form: str | None = None
    ) -> Frame:
        """The frame inside a composite: the same ids, and possibly more values (loop variables)."""
        trains = self.trainable if trainable is None else trainable
        written = self.form if form is None else form
        inner = Frame(dict(scope), self.tensors, self.prefix, self.within, trains, written)
        inner.left_out = self.left_out
        inner.call = self.call
        inner.carried = self.carried
        inner.lists = self.lists
        inner.paths = self.paths
        return inner

    def carry(self, name: str, start: Value) -> None:
        """Makes an id, or a path below one, mean a tensor until a layer of that id is made."""
        self.tensors[name] = start
        head, dot, _ = name.partition(".")
        if dot:
            self.carried.setdefault(head, []).append(name)

    def make(self, ids: tuple[str, ...], tensor: Value) -> None:
        """Makes ids mean a tensor, and paths below them what was made there."""
        for each in ids:
            self.tensors[each] = tensor
        for path in self.carried.pop(ids[0], ()) if self.carried else ():
            self.tensors.pop(path, None)

    def path_of(self, text: str) -> str:
        """The path that a reference means, perhaps by way of a ref param."""
        head, dot, rest = text.partition(".")
        return self.paths[head] + dot + rest if head in self.paths else self.prefix + text

    def locate(self, diagnostic: Diagnostic) -> Diagnostic:
        """The problem, extended by the call of the block in which it arose."""
        if self.within is None or diagnostic.within:
            return diagnostic
        name, call = self.within
        at = f":{call.line}" if call.file == diagnostic.place.file else str(call)
        return diagnostic._replace(within=f"in {name} (called at {at})")


class Call(NamedTuple):
    """One iteration of an item: its inputs, and the scope it is evaluated in.

    ``turn`` is the round of the item's ``for``, counted from 0.
    """

    item: Item
    inputs: list[Value]
    path: str  # empty for a composite whose children are named as its siblings
    names: Names
    frame: Frame
    scope: dict[str, Any]
    turn: int = 0

    @property
    def inner(self) -> Frame:
        """The frame for the item's children, which also see its loop variables."""
        frame = self.frame.nested(self.scope)
        frame.call = self
        return frame


Witness = Callable[[Call, Unit], None]  # called for each new layer, with the top-level file
