"""The items of a class, each as statements of the constructor and of forward."""

from __future__ import annotations

from convcalc.exporting.torch import calls, conditions, joins, layers, loops
from convcalc.exporting.torch.body import Body
from convcalc.exporting.torch.parts import Var
from convcalc.language.parse.tree import Item


class Walk(Body):
    """Writes items by their kind."""

    def write(self, item: Item) -> None:
        """Writes one item, unless no network of the file has it."""
        outer, self.item = self.item, item
        try:
            super().write(item)
        finally:
            self.item = outer

    def loop(self, item: Item) -> None:
        """An item with its rounds."""
        loops.write_loop(self, item)

    def conditional(self, item: Item) -> None:
        """An item that is not always there."""
        conditions.conditional(self, item)

    def once(self, item: Item) -> None:
        """Writes an item without its loops and its condition."""
        outer, self.item = self.item, item
        try:
            if item.sources:
                self.need_forward()
            inputs = [self.resolve(reference) for reference in item.sources] or [self.cur]
            if item.kind != "operator":
                self.cur = inputs[0]
            self.kind(item, inputs)
        finally:
            self.item = outer
        if item.id and item.id in self.read_ids and not item.indexed:
            self.bind(item.id)

    def operator(self, item: Item, inputs: list[Var]) -> None:
        """A module, or an expression of forward."""
        layers.operator(self, item, inputs)

    def call(self, item: Item, source: Var) -> None:
        """A module of the class of a block."""
        del source
        assert item.block is not None
        calls.call(self, item, self.writer.block_part(item.block))

    def residual(self, item: Item, source: Var) -> None:
        """A body, joined with its shortcut."""
        joins.residual(self, item, source)

    def branches(self, item: Item, source: Var) -> None:
        """Branches of one tensor, joined."""
        joins.branches(self, item, source)
