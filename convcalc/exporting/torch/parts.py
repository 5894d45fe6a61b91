"""Classes to be written: blocks of a file, bodies of loops, and the network itself."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

from convcalc.exporting.expressions import names_in, substituted
from convcalc.exporting.naming import Namespace, identifier
from convcalc.exporting.phrases import as_word
from convcalc.exporting.references import free_in
from convcalc.exporting.torch.reserved import METHODS, MODULE_NAMES
from convcalc.exporting.trace import Run
from convcalc.language.parse.tree import Block, Item, Unit

_OWN = MODULE_NAMES | {"in_channels"}  # what no argument or variable of a constructor is called

LAST = ""  # among what a class returns: what its last layer makes


class Var(NamedTuple):
    """A tensor: its expression in forward, and one for its channels in the constructor.

    ``rounds`` is the list of those of a loop, ``widths`` the list of their channels, empty if all
    have the same.
    """

    tensor: str
    channels: str
    rounds: str = ""
    widths: str = ""
    is_list: bool = False


class Number(NamedTuple):
    """A number of the trace that differs between the instances of a class: an argument of it."""

    name: str
    item: Item
    of: Callable[[Run], Any]


class Argument(NamedTuple):
    """An argument of a constructor."""

    name: str
    annotation: str
    default: str = ""  # empty: there is none
    late: str = ""  # a default that reads other arguments


class Part:
    """A class: what its items are, what it takes, and what it returns."""

    def __init__(
        self,
        name: str,
        items: Sequence[Item],
        unit: Unit,
        block: Block | None,
        instances: list[Run],
    ) -> None:
        self.name = name
        self.items = items
        self.unit = unit
        self.block = block
        self.instances = instances
        self.notes = ""
        self.wanted: list[str] = []  # what callers read: LAST, ids and paths
        self.used: dict[str, str] = {}  # params by the file's name: the argument's
        self.extras: dict[str, str] = {}  # params of the file
        self.numbers: list[Number] = []
        self.tensors: dict[str, str] = {}  # further tensors by the name in the file: the argument
        self.outer: Callable[[str], str] | None = None  # names of what a loop's body stands in
        self.outer_values: dict[str, str] = {}  # by argument: what the body's class is called with
        self.names = Namespace(_OWN)  # of the constructor
        self.holders = Namespace(METHODS)  # attributes
        self.own: dict[str, str] = {}  # by param: the name that no variable of a loop takes from it
        self.is_chain = False
        self.init: list[tuple[int, str]] = []
        self.forward: list[tuple[int, str]] = []
        self.inputs: list[str] = ["x"]
        self.further: list[str] = []  # inputs of the network that its file does not have
        self.results: dict[str, Var] = {}
        self.arguments: list[Argument] = []
        self.takes_channels = True
        self.takes_input = True
        self.stored_widths: dict[str, str] = {}  # what callers read of it: attribute by result
        self.lists: dict[Item, str] = {}  # by loop: the list of its rounds' channels
        self.carried: dict[Item, dict[str, str]] = {}  # by loop and name: its channels' variable
        self.width_lists: dict[tuple[int, str], str] = {}
        self.widths: dict[str, str] = {}  # by tensor: the argument for its channels
        self.folded: dict[str, str] = {}  # params that are the same in all instances
        self.last_is = ""  # what else the last tensor is called

    def reserve(self) -> None:
        """Keeps the names of params that the items read for the arguments of the constructor."""
        params = self.block.params if self.block is not None else self.unit.params
        read = free_in(self.items)
        for name, param in params.items():
            if name in read and param.kind not in ("ref", "refs"):
                self.own[name] = self.names.fresh(identifier(name))

    def forward_names(self) -> Namespace:
        """The names of forward, which has no params."""
        names = self.names.copy()
        names.taken -= set(self.own.values()) - _OWN
        return names

    @property
    def is_network(self) -> bool:
        """Whether it is the whole network."""
        return self.block is None and not self.instances[0].item

    def known_names(self) -> frozenset[str]:
        """The names that an expression about the class may use outside it."""
        found = {argument.name for argument in self.arguments} | set(self.widths.values())
        return frozenset(found | {"in_channels"})

    def closed(self, result: str) -> str | None:
        """The channels of a result by its arguments; None if they depend on more than these."""
        found = self.results.get(result)
        if found is None or found.is_list or found.widths:
            return None
        text = found.channels
        for argument in reversed(self.arguments):
            if argument.late and argument.name in names_in(text):
                pass
        used = names_in(text) - _FUNCTIONS
        return text if used <= self.known_names() and len(text) <= 40 else None

    def channels_of(self, result: str, values: dict[str, str], attribute: str) -> str:
        """The channels of a result after a call with some arguments of a module."""
        text = self.closed(result)
        if text is not None:
            given = dict(values)
            for argument in self.arguments:
                if argument.name not in given:
                    given[argument.name] = (
                        substituted(argument.late, given) if argument.late else argument.default
                    )
            made = substituted(
                text, {k: v if names_in(v) == {v} else f"({v})" for k, v in given.items() if v}
            )
            needs = names_in(text) & {"in_channels", *self.widths.values()}
            if len(made) <= 60 or needs:
                return made
        name = (
            "out_channels"
            if result == LAST or len(self.wanted) == 1
            else f"{as_word(result)}_channels"
        )
        self.stored_widths[result] = name
        return f"{attribute}.{name}"

    def settle(self) -> None:
        """Finds what of its input the class reads at all."""
        texts = [text for _, text in self.init] + [a.late for a in self.arguments]
        texts += [r.channels for w, r in self.results.items() if self.closed(w) is None]
        self.takes_channels = any(_CHANNELS.search(text) for text in texts)
        self.takes_input = self.is_chain or self.is_network or reads_input(self.forward)

    def values(self, name: str) -> Iterator[Any]:
        """The values of a param in all instances."""
        for run in self.instances:
            inside = next((child for child in run.children), None)
            scope = inside.scope if inside is not None and self.block is not None else run.scope
            if name in scope:
                yield scope[name]


_CHANNELS = re.compile(r"\bin_channels\b")
_INPUT = re.compile(r"\bx\b")

_FUNCTIONS = frozenset(
    ("abs", "int", "len", "max", "min", "round", "sum", "math", "make_divisible")
)


def inner_value(run: Run, number: Number) -> Any:
    """The number of an item below a run; None if the run has none."""
    for inner in run.below():
        if inner.item is number.item:
            return number.of(inner)
    return None


def reads_input(forward: Sequence[tuple[int, str]]) -> bool:
    """Whether the statements of forward read ``x`` before they make it."""
    for _, text in forward:
        if not _INPUT.search(text):
            continue
        target, is_assignment, value = text.partition(" = ")
        if is_assignment and target in ("x", "x: Tensor"):
            return _INPUT.search(value) is not None
        return True
    return False
