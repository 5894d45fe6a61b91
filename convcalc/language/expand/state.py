"""The state of an expansion, which all that writes out items shares."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Hashable, Mapping, Sequence
from typing import Any

from convcalc.diagnostics.diagnostic import Place
from convcalc.diagnostics.rejection import rejected
from convcalc.language.expand.layers import Layering
from convcalc.language.expand.scopes import MISSING, Frame, Names, Witness
from convcalc.language.expand.tensors import Tensors
from convcalc.language.parse.tree import Block, Item, Unit
from convcalc.language.syntax.sizes import UNMADE
from convcalc.model.graph.assembly import Shared, Tensor, TooLarge, Value
from convcalc.model.quantities.shape import Shape

MOST_KEPT = 1 << 19  # layers and names of all calls that are kept

# What was made of an item: its path, which may be empty; its ids, with the prefix of their block
# (of a loop, the id and that of the round); the tensor; the range of its layers.
Entry = tuple[str, tuple[str, ...], Value, tuple[int, int]]


class Kept(Shared):
    """Results that networks of one file share: also what calls of blocks made, by what that depends
    on.
    """

    __slots__ = ("made", "room")

    def __init__(self) -> None:
        super().__init__()
        self.made: dict[Hashable, Any] = {}  # the values are those of ``repeating``
        self.room = MOST_KEPT


class State(ABC):
    """The layers, tensors and open calls so far of one network that is expanded.

    ``limit`` is the largest number of layers and of iterations. ``copies``: a call of a block may
    copy what another one made, instead of being expanded.
    """

    copies = True

    def __init__(
        self,
        unit: Unit,
        inputs: Mapping[str, Shape],
        limit: int,
        witness: Witness | None = None,
        *,
        kept: Kept | None = None,
    ) -> None:
        self.unit = unit
        self.witness = witness
        self.limit = limit
        self.rounds_ahead = 1  # product of the rounds left in the loops around the current item
        self.kept = kept or Kept()
        self.layering = Layering(inputs, limit, self.kept)
        self.known_layers = 0  # the first layers whose channels are known
        self.rank = max((shape.rank for shape in inputs.values()), default=2)
        self.all = Tensors(self.layering.ports)
        self.spans: dict[str, tuple[int, int]] = {}  # path or id: its range of layers
        self.entries: list[Entry] = []  # what ``register`` was given
        self.entered: dict[Block, list[Mapping[str, int]]] = {}  # int params of its open calls
        self.called: list[Block] = []
        self.texts: dict[Unit, str] = {}  # the values of the params of each file
        self.tensors: dict[str, Value] = {
            name: Tensor(k, shape, name) for k, (name, shape) in enumerate(inputs.items())
        }

    @abstractmethod
    def expand_items(self, items: list[Item], prev: Value, names: Names, frame: Frame) -> Value:
        """Expands items one after another and returns the last tensor."""

    def register(self, entry: Entry) -> None:
        """Makes known under its names what was made of an item."""
        self.entries.append(entry)
        path, keys, output, span = entry
        if path:
            self.all.by_path[path] = output
            self.spans[path] = span
        for key in keys:
            self.spans[key] = span
            if key != path:
                self.all.path_at[key] = path
        if len(keys) > 1:
            self.all.rounds[keys[0]] = int(keys[1][len(keys[0]) + 1 : -1]) + 1

    def tensor(self, text: str) -> Value:
        """The tensor that a path or a top-level id names; None if there is none or it failed."""
        text = self.all.from_start(text, Frame({}, self.tensors))
        return self.all.by_path.get(self.all.latest(text)) or self.tensors.get(text)

    def failed(self, text: str) -> bool:
        """Whether a name that has no tensor belongs to a layer with a problem."""
        return text in self.tensors or text in self.all.by_path

    def failures(self) -> list[str]:
        """The ids of layers with a problem."""
        return [name for name, tensor in self.tensors.items() if tensor is None]

    def check_limit(self, item: Item, layers: int, count: int = 1) -> None:
        """Raises TooLarge as soon as it is clear that loops will exceed the limit by far.

        The rounds of outer loops may differ in size, so the estimate for them has to exceed four
        times the limit.
        """
        own = layers * count
        if max(own, count) > self.limit or own * self.rounds_ahead > 4 * self.limit:
            expected = max(own * self.rounds_ahead, count)
            place = item.repeat[1].place if item.repeat else item.place
            raise TooLarge(place, f"{expected:,} layers or iterations lie ahead", self.limit)

    def require_inputs(self, inputs: Sequence[Value], place: Place) -> None:
        """Rejects a layer that does not say which of several network inputs it reads."""
        for value in inputs:
            if value is MISSING:
                names = ", ".join(self.tensors)
                message = "this layer must say which input it reads"
                raise rejected("missing-key", message, place, f"'from:' one of {names}")


def shape_of(value: Value) -> Shape:
    """The shape of a tensor; one whose sizes are not known for a tensor that was not made."""
    return UNMADE if value is None else value.shape
