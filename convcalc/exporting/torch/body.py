"""The body of a class on its way: its modules and their names, and states to come back to."""

from __future__ import annotations

import copy
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from convcalc.exporting.naming import snake_case
from convcalc.exporting.torch.classes import Classes
from convcalc.exporting.torch.parts import Part
from convcalc.exporting.torch.statements import Lines
from convcalc.exporting.torch.values import Values
from convcalc.language.parse.tree import Item, inner_items

_CHANGING = (
    *("init", "forward", "depth", "vars", "attributes", "cur", "running", "kept", "sink"),
    *("numbers",),
)
_SPACES = ("names", "holders", "variables")

Adder = Callable[[Item, str], str]  # appends the text of a module; returns its name in forward


class Body(Values):
    """The body of one class."""

    def __init__(self, writer: Classes, part: Part, *, chain: bool) -> None:
        super().__init__(writer, part, chain=chain)
        self.sinks: dict[int, str] = {}  # local names of modules that loops append
        self.unmerged: Item | None = None  # what nothing follows: its channels do not matter
        self.adder: Adder | None = None  # of modules of a loop
        self.counts = Counter(snake_case(each.component) for each in self._live(part.items))
        self.numbers: dict[str, int] = {}  # of modules of one name so far

    def _live(self, items: Sequence[Item]) -> Iterator[Item]:
        """All modules that any network has, those inside composites too."""
        for item in items:
            for each in (item, *inner_items(item)):
                if each.kind in ("operator", "block") and self.runs(each) and each.share is None:
                    yield each

    # --- states -----------------------------------------------------------------------------------

    def state(self) -> dict[str, Any]:
        """Everything that writing changes, to come back to."""
        kept = {name: copy.copy(getattr(self, name)) for name in _CHANGING}
        spaces = {name: getattr(self, name).copy() for name in _SPACES}
        return {**kept, **spaces, "loops": (len(self.local), len(self.index))}

    def restore(self, state: dict[str, Any]) -> None:
        """Comes back to a state."""
        for name in _CHANGING:
            setattr(self, name, copy.copy(state[name]))
        for space in _SPACES:
            own, kept = getattr(self, space), state[space].copy()
            own.taken, own.own = kept.taken, kept.own
        scopes, indices = state["loops"]
        del self.local[scopes:]
        del self.walked[scopes:]
        del self.index[indices:]

    # --- modules ----------------------------------------------------------------------------------

    def add(self, item: Item, module: str) -> str:
        """Gives a module its attribute, or appends it to the container; returns its name."""
        if not item.trainable:
            module = f"{module}.requires_grad_(False)"
        if self.sink:
            self.make(f"{self.sink}.append({module})")
            return self.sink
        if self.adder is not None:
            return self.adder(item, module)
        target = f"self.{self.attribute_name(item)}"
        if item.id:
            self.attributes[item.id] = target
        self.make(f"{target} = {module}")
        return target

    def attribute_name(self, item: Item) -> str:
        """The name of an item's module: its id or type, with a number if several have it."""
        stem = snake_case(item.component)
        if self.counts.get(stem, 0) > 1:
            number = self.numbers.get(stem, 0) + 1
            self.numbers[stem] = number
            stem = f"{stem}{number}" if not stem[-1:].isdigit() else f"{stem}_{number}"
        return self.holders.fresh(stem)

    def share_target(self, item: Item) -> str:
        """The attribute of the module whose weights an item uses."""
        assert item.share is not None
        if item.share_only:
            raise self.refuse("only some weights are shared", "share")
        found = self.attributes.get(item.share.text)
        if found is None:
            raise self.refuse(f"the weights of {item.share.text} are not one module here", "share")
        return found

    def collected(
        self, items: Sequence[Item], target: str, write: Callable[[Item], None] | None = None
    ) -> tuple[Lines, str]:
        """The statements that append items' modules to a container, and the channels behind.

        ``write`` is how each is written, if not with its loops and its condition.
        """
        state = self.state()
        start = len(self.init)
        self.sink = target
        for item in items:
            (write or self.write)(item)
        lines, after = self.init[start:], self.cur.channels
        kept_names, kept_holders = self.names.copy(), self.holders.copy()
        self.restore(state)
        self.names.taken |= kept_names.taken
        self.holders.taken |= kept_holders.taken
        return lines, after
