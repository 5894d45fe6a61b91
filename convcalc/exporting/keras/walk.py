"""The items of a function, each as statements that make the next tensor."""

from __future__ import annotations

from convcalc.exporting.keras import calls, joins, loops
from convcalc.exporting.keras.body import Body
from convcalc.exporting.keras.operators.calls import X
from convcalc.exporting.keras.operators.table import frozen, made_of
from convcalc.exporting.keras.site import Site
from convcalc.language.parse.tree import Argument, Item


class Walk(Body):
    """Writes items by their kind."""

    def write(self, item: Item) -> None:
        """One item, with its loops or its condition."""
        if item.share is not None:
            raise self.refused("shares weights, which functions do not", item)
        if not item.trainable and item.kind != "operator":
            raise self.refused("is not trained, which functions do not say", item)
        super().write(item)

    def loop(self, item: Item) -> None:
        """An item with its rounds."""
        loops.write_loop(self, item)

    def conditional(self, item: Item) -> None:
        """An item below an ``if``, which may leave the tensor as it is."""
        assert item.condition is not None
        self.look_at(self.cur, item)
        condition = self.text(item.condition[1])
        if condition == "True":
            self.once(item)
        elif condition != "False":
            target = self.target(item)
            self.settle(target)
            self.block_of(f"if {condition}:", lambda: self.once(item))
            self.cur = target

    def once(self, item: Item) -> None:
        """An item without its loops and its condition."""
        self.target(item)  # has its name before what is inside
        inputs = [self.resolve(source, item) for source in item.sources] or [self.cur]
        self.look_at(inputs[0], item)
        if item.kind not in ("operator", "block"):
            self.cur = inputs[0]
        self.kind(item, inputs)
        if item.kind == "seq" and item.id and item.id in self.read:
            self.settle(self.target(item))
        if item.id and not item.indexed:
            self.vars[item.id] = self.cur

    def operator(self, item: Item, inputs: list[str]) -> None:
        """A layer, and what has to stand before it."""
        references = [a.reference for a in item.arguments if a.reference is not None]
        inputs = [*inputs, *(self.resolve(reference, item) for reference in references)]
        given = [] if item.reads_nothing else inputs
        site = Site(item, self.runs(item), given or inputs, self.render, self.writer.use)
        made = made_of(site)
        latest = inputs[0]
        for expression in made if item.trainable else frozen(made):
            text = expression.replace(X, latest)
            if text != latest:
                latest = self.target(item)
                self.do(f"{latest} = {text}")
            self.cur = latest

    def render(self, argument: Argument, words: tuple[str, ...]) -> str:
        """The value of a field as Python."""
        return self.text(argument.node, words)

    def call(self, item: Item, source: str) -> None:
        """A call of a block's function."""
        calls.call(self, item, source)

    def residual(self, item: Item, source: str) -> None:
        """A body and a shortcut of the same tensor, joined."""
        joins.residual(self, item, source)

    def branches(self, item: Item, source: str) -> None:
        """Branches of one tensor, joined."""
        joins.branches(self, item, source)
