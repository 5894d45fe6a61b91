"""The scopes of an expansion: tensors, values of names, and paths."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from itertools import count, takewhile
from typing import Any, NamedTuple

from convcalc.diagnostics.diagnostic import Diagnostic, Place
from convcalc.diagnostics.rejection import Rejected, rejected
from convcalc.diagnostics.suggestion import advise, listing
from convcalc.diagnostics.work import current
from convcalc.language.parse.tree import Item, Reference, Unit
from convcalc.language.syntax import nodes
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
    """

    __slots__ = (
        *("call", "form", "left_out", "lists", "paths", "prefix", "scope", "tensors", "trainable"),
        "within",
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
        inner.lists = self.lists
        inner.paths = self.paths
        return inner

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


LISTS = "lists of layers in calls of blocks"
EVERY = "[*]"  # behind an id: all rounds of its loop


class Tensors:
    """All tensors of a network by path; resolves references to them."""

    def __init__(self, ports: dict[str, Tensor]) -> None:
        self.by_path: dict[str, Value] = {}
        self.path_at: dict[str, str] = {}  # by id, with the prefix of its block, where it differs
        self.ports = ports  # further outputs of layers, by path
        self.loops: set[str] = set()  # ids of items with a loop that have begun, with their prefix

    def resolve_all(
        self, reference: Reference, prev: Value, frame: Frame, scope: Mapping[str, Any]
    ) -> list[Value]:
        """The tensors that a reference names: see ``single``."""
        if EVERY not in reference.text and reference.text not in frame.lists:
            return [self.resolve(reference, prev, frame, scope)]
        return [self.resolve(each, prev, frame, scope) for each in self.single(reference, frame)]

    def single(self, reference: Reference, frame: Frame) -> list[Reference]:
        """The references to one tensor each that a reference stands for.

        ``id[*]`` are all rounds so far, in order; behind it may stand a path inside each round:
        ``unit[*].skip``. A param of the type refs is all layers that the call names.
        """
        name, star, rest = reference.text.partition(EVERY)
        if not star and name not in frame.lists:
            return [reference]
        if name not in frame.lists and frame.path_of(name) not in self.loops:
            raise unknown_reference(reference, frame)
        current().spend(frame.lists.get(name, 0), LISTS)
        rounds = takewhile(partial(self.is_made, frame), map(f"{name}[{{}}]".format, count()))
        parts = (Reference(each + rest, reference.place) for each in rounds)
        return [each for part in parts for each in self.single(part, frame)]

    def is_made(self, frame: Frame, text: str) -> bool:
        """Whether an id or a path has been come by, with or without success."""
        path = frame.path_of(text)
        return text in frame.tensors or self.path_at.get(path, path) in self.by_path

    def named(self, node: nodes.Scalar, frame: Frame) -> Tensor | list[Tensor] | None:
        """Return what a word in the list of a ``for`` names: a tensor, those of a list, or none."""
        text = node.text
        if EVERY in text or text in frame.lists:
            found = self.resolve_all(Reference(text, node.place), None, frame, frame.scope)
            return [tensor or FAILED for tensor in found]
        if text in frame.tensors:
            return frame.tensors[text] or FAILED
        path = self.path_at.get(frame.path_of(text), frame.path_of(text))
        return self.by_path[path] or FAILED if "." in text and path in self.by_path else None

    def resolve(
        self, reference: Reference, prev: Value, frame: Frame, scope: Mapping[str, Any]
    ) -> Value:
        """The tensor that a reference names; Rejected if there is none.

        A reference is ``prev``, a loop variable, an id, a ref param, or the path of a layer above
        within the same block. A block does not see the layers of its caller.
        """
        text = reference.text
        if text == "prev":
            return prev
        value = scope.get(text)
        if isinstance(value, Tensor):
            return None if value is FAILED else value
        if text in frame.tensors:
            return frame.tensors[text]
        path = self.path_at.get(frame.path_of(text), frame.path_of(text))
        if path in self.by_path:
            return self.by_path[path]
        head, _, port = text.rpartition(".")
        owner = prev if head == "prev" else frame.tensors.get(head)
        if owner is not None and f"{owner.label}.{port}" in self.ports:
            return self.ports[f"{owner.label}.{port}"]
        head = text.replace("[", ".").partition(".")[0]
        if head in frame.tensors and frame.tensors[head] is None:
            return None
        raise unknown_reference(reference, frame)


def unknown_reference(reference: Reference, frame: Frame) -> Rejected:
    """The exception for a reference that does not name one layer above it."""
    if reference.text in frame.lists:
        message = f"'{reference.text}' is a list of layers, but one is needed"
        return rejected("wrong-type", message, reference.place, f"for instance {reference.text}[0]")
    if reference.text in frame.left_out:
        message = f"'{reference.text}' was left out by its 'if' or 'repeat'"
        return rejected(
            "unknown-name", message, reference.place, "read it under the same condition"
        )
    current().spend(1 + len(frame.tensors) // 16, "names that are not known")
    names = listing(dict.fromkeys(["prev", *frame.tensors]))
    listed = f"names so far: {names}; a layer reads what is above it"
    advice = advise(reference.text, frame.tensors, listed)
    message = f"no layer above has the id '{reference.text}'"
    return rejected("unknown-name", message, reference.place, advice)
