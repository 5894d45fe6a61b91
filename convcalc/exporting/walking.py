"""The walk over the items of a file that every writer of code does."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Generic, TypeVar

from convcalc.exporting.trace import Run, Trace
from convcalc.language.parse.tree import Item

Tensor = TypeVar("Tensor")  # what a writer knows of a tensor


class Walker(ABC, Generic[Tensor]):
    """Goes from item to item; a writer says what each kind of item is in its code."""

    trace: Trace

    def runs(self, item: Item) -> list[Run]:
        """The runs of an item in all calls and variants."""
        return self.trace.runs.get(item, [])

    def items(self, items: Sequence[Item]) -> None:
        """Writes items one after another."""
        for item in items:
            self.write(item)

    def write(self, item: Item) -> None:
        """Writes an item with its loops or its condition, unless no network of the file has it."""
        if not self.runs(item):
            return
        if item.indexed:
            self.loop(item)
        elif item.condition is not None:
            self.conditional(item)
        else:
            self.once(item)

    def kind(self, item: Item, inputs: list[Tensor]) -> None:
        """Writes an item without its loops and its condition; ``inputs`` are what it reads."""
        if item.kind == "operator":
            self.operator(item, inputs)
        elif item.kind == "block":
            self.call(item, inputs[0])
        elif item.kind == "seq":
            self.items(item.body)
        elif item.kind == "residual":
            self.residual(item, inputs[0])
        elif item.kind == "branches":
            self.branches(item, inputs[0])

    @abstractmethod
    def loop(self, item: Item) -> None:
        """An item with ``for`` or ``repeat``."""

    @abstractmethod
    def conditional(self, item: Item) -> None:
        """An item with ``if`` alone."""

    @abstractmethod
    def once(self, item: Item) -> None:
        """An item without its loops and its condition, and its id."""

    @abstractmethod
    def operator(self, item: Item, inputs: list[Tensor]) -> None:
        """A layer."""

    @abstractmethod
    def call(self, item: Item, source: Tensor) -> None:
        """A call of a block."""

    @abstractmethod
    def residual(self, item: Item, source: Tensor) -> None:
        """A body and its shortcut."""

    @abstractmethod
    def branches(self, item: Item, source: Tensor) -> None:
        """Branches of one tensor."""
