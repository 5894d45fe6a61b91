"""Repeats what a call of a block made, for a call with equal params and an equal input.

A block sees its params, those of its file, and the tensor that enters it. So calls for which these
are equal make the same layers, under other paths; the later ones copy them. A call that gets
further tensors, by params of the type ref, is expanded each time, and so is one with a problem.
"""

from __future__ import annotations

from collections.abc import Hashable
from itertools import islice
from typing import TYPE_CHECKING, Any

from convcalc.language.expand.scopes import MISSING, Call, Frame
from convcalc.language.expand.state import Entry, State
from convcalc.model.graph.assembly import Tensor, Value
from convcalc.model.graph.network import Group, Layer

if TYPE_CHECKING:
    from convcalc.language.parse.tree import Block

# The largest values that a call is known by, in numbers and words: of the call, and of its file.
MOST_OF_CALL, MOST_OF_FILE, WORD = 128, 4096, 16

# Layers, entries, blocks called, ports; items come by, units left; what must not become more.
Mark = tuple[int, int, int, int, int, int, int, int, int]


class Made:
    """The result of a call: its layers and the names of its tensors, from the first of them on.

    ``entering`` is the number of the tensor that it reads, ``start`` the index of its first layer,
    ``first`` the number of the first tensor. ``blocks`` are those that were called, ``steps`` the
    number of items that were come by, ``work`` the units that they took.
    """

    __slots__ = (
        *("blocks", "depth", "entering", "entries", "first", "layers", "output", "path", "ports"),
        *("start", "steps", "work"),
    )

    def __init__(self, state: State, call: Call, mark: Mark, output: Tensor) -> None:
        entering = call.inputs[0]
        assert entering is not None
        self.entering = entering.number
        self.path = call.path
        self.depth = len(call.names.groups)
        self.start, entries, called, ports, steps, left, *_ = mark
        self.first = self.start + len(state.layering.inputs)
        self.layers = state.layering.layers[self.start :]
        self.entries = state.entries[entries:]
        self.output = output
        added = len(state.layering.ports) - ports
        self.ports = tuple(islice(reversed(state.layering.ports.values()), added))
        self.blocks = frozenset(state.called[called:])
        self.steps = state.layering.steps - steps
        self.work = left + state.layering.owed - state.layering.work.left

    def reads_only_what_enters(self) -> bool:
        """Whether no layer reads or shares anything else from before the call."""
        for layer in self.layers:
            for number in layer.inputs:
                if number < self.first and number != self.entering:
                    return False
            if 0 <= layer.shares < self.start:
                return False
        return True


def key_of(state: State, block: Block, call: Call, frame: Frame) -> Hashable | None:
    """Return what the layers of a call depend on; None if they must be expanded.

    Values are taken as text, for which ``1`` and ``1.0`` differ.
    """
    entering = call.inputs[0]
    if (
        state.witness is not None
        or not state.copies
        or entering is None
        or entering is MISSING
        or frame.lists
        or len(frame.tensors) > 1
        or state.layering.has_ports(entering)
    ):
        return None
    of_file = state.texts.get(block.unit)
    if of_file is None:
        of_file = state.texts[block.unit] = _text(list(block.unit.scope.values()), MOST_OF_FILE)
    params = _text([frame.scope[name] for name in block.params], MOST_OF_CALL)
    if not of_file or not params:
        return None
    return block, of_file, params, entering.shape, frame.trainable, frame.form


def _text(values: list[Any], most: int) -> str:
    """Values as a text; empty if they are more than so many numbers and words."""
    return repr(values) if _weight(values, most) <= most else ""


def _weight(value: Any, most: int) -> int:
    """How many numbers and short words a value has; more than ``most`` if it has more."""
    if isinstance(value, str):
        return 1 + len(value) // WORD
    if not isinstance(value, list):
        return 1
    weight = len(value)
    for each in value if weight <= most else ():
        weight += _weight(each, most)
        if weight > most:
            break
    return weight


def mark(state: State) -> Mark:
    """How many layers and problems the network has so far."""
    layering = state.layering
    made = len(layering.layers), len(state.entries), len(state.called), len(layering.ports)
    # A field may refer to the layer that makes what enters, so none is copied that does.
    problems = len(layering.problems) + len(layering.recovered)
    obstacles = problems, layering.skipped, layering.recorded
    return (*made, layering.steps, layering.work.left - layering.owed, *obstacles)


def keep(state: State, key: Hashable, call: Call, before: Mark, output: Value) -> None:
    """Keeps what a call made, unless it cannot be copied, or too much is kept already."""
    kept, now = state.kept, mark(state)
    room = kept.room - sum(now[:4]) + sum(before[:4])
    if output is None or room < 0 or now[-3:] != before[-3:]:
        return
    made = Made(state, call, before, output)
    if made.reads_only_what_enters():
        kept.room = room
        kept.made[key] = made


def repeat(state: State, made: Made, call: Call) -> Value:
    """Adds the layers of a call once more, at the path of another one, and names its tensors."""
    copy = _Copy(state, made, call)
    state.layering.steps += made.steps
    state.layering.owed += made.work
    state.layering.layers += map(copy.layer, made.layers)
    for entry in made.entries:
        state.register(copy.entry(entry))
    for port in made.ports:
        new = copy.tensor(port)
        state.layering.ports[new.label] = new
    return copy.tensor(made.output)


def fits(state: State, made: Made) -> bool:
    """Whether a call may be repeated here: within the limit, and not inside one of its blocks."""
    entered = state.entered
    return len(state.layering.layers) + len(made.layers) <= state.limit and not any(
        entered.get(block) for block in made.blocks
    )


class _Copy:
    """Turns what one call made into what another one makes."""

    def __init__(self, state: State, made: Made, call: Call) -> None:
        entering = call.inputs[0]
        assert entering is not None
        self.path = call.path
        self.cut = len(made.path)
        self.entering = entering
        self.by = len(state.layering.layers) - made.start  # tensors and layers lie so much further
        self.numbers = {made.entering: entering.number}
        self.outer = call.names.groups
        self.depth = made.depth
        self.groups: dict[int, tuple[Group, ...]] = {}

    def layer(self, layer: Layer) -> Layer:
        """The layer at the other path."""
        groups = self.groups.get(id(layer.groups))
        if groups is None:
            groups = self.groups[id(layer.groups)] = self._moved(layer.groups)
        numbers, by, shares = self.numbers, self.by, layer.shares
        return Layer(
            self.path + layer.path[self.cut :],
            groups,
            layer.name,
            layer.operator,
            tuple([numbers[n] if n in numbers else n + by for n in layer.inputs]),
            layer.shapes,
            layer.analysis,
            layer.place,
            layer.note,
            layer.trainable,
            shares + by if shares >= 0 else shares,
            layer.own,
            layer.form,
        )

    def entry(self, entry: Entry) -> Entry:
        """Return what is registered at the other path."""
        path, keys, output, (start, stop) = entry
        new, cut, by = self.path, self.cut, self.by
        return (
            path and new + path[cut:],
            tuple([new + key[cut:] for key in keys]),
            output and self.tensor(output),
            (start + by, stop + by),
        )

    def tensor(self, tensor: Tensor) -> Tensor:
        """The tensor that stands in the place of another one."""
        number, shape, label = tensor
        if number in self.numbers:
            return self.entering
        return Tensor(number + self.by, shape, self.path + label[self.cut :])

    def _moved(self, groups: tuple[Group, ...]) -> tuple[Group, ...]:
        inside = groups[self.depth :]
        return (*self.outer, *(Group(self.path + path[self.cut :], kind) for path, kind in inside))
