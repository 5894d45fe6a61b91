"""Creates the layers of a network file: evaluates an item's fields and adds its operator."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from convcalc.diagnostics.diagnostic import Place
from convcalc.diagnostics.rejection import Rejected, gather
from convcalc.diagnostics.work import current
from convcalc.language.expand.scopes import Frame, Names
from convcalc.language.parse.coercion import coerce_field
from convcalc.language.parse.tree import Argument, Item
from convcalc.model.graph.assembly import Assembly, Shared, TooLarge, Value
from convcalc.model.graph.network import NOTHING
from convcalc.model.operators.contract import Operator, Recorded
from convcalc.model.operators.registry import fields_of
from convcalc.model.operators.values import default_value
from convcalc.model.quantities.shape import Shape

LAYERS = "items and layers"  # what their work is called
_AT_ONCE = 1000  # units
SHORT = 64  # characters of values that cost no work


class Layering(Assembly):
    """The layers so far, and the number of items that were expanded."""

    def __init__(
        self, inputs: Mapping[str, Shape], limit: int, shared: Shared | None = None
    ) -> None:
        super().__init__(limit, shared)
        self.inputs = dict(inputs)
        self.steps = 0
        self.recovered: list[str] = []  # paths of layers whose items have problems
        self.recorded = 0  # layers that fields of others refer to
        self.work = current()
        self.spend = self.work.spend
        self.owed = 0  # units of work not yet spent: a call for each layer would take too long

    def step(self, place: Place, scope: Mapping[str, Any] = NOTHING) -> None:
        """Counts an expanded item, whose scope is copied; raises TooLarge when too many items
        produce no layers."""
        self.owed += 6 + len(scope) // 64
        if self.owed > _AT_ONCE:
            self.pay()
        self.steps += 1
        idle = self.steps - 10 * len(self.layers)
        if idle > max(self.limit // 10, 1000):
            raise TooLarge(place, f"{idle:,} items without layers", self.limit)

    def pay(self) -> None:
        """Spends the work that is owed."""
        owed, self.owed = self.owed, 0
        self.spend(owed, LAYERS)

    def instance(
        self, item: Item, scope: dict[str, Any], rank: int, recorded: Mapping[str, Recorded]
    ) -> Operator:
        """The operator of an item with its fields evaluated; equal operators are one object."""
        given = item.arguments
        try:
            values = [a.evaluate(scope) if a.evaluate else recorded.get(a.name) for a in given]
        except Rejected:  # evaluate all again, to collect the problems of every field
            gather(partial(a.evaluate, scope) for a in given if a.evaluate)
            raise
        text = repr(values)
        if len(text) > SHORT:
            self.spend(len(text) // SHORT, "the values of fields")
        key = (rank, text)
        found: Operator | None = item.cache.get(key)
        if found is None:
            found = self.intern(_operator(item, values, rank))
            item.cache[key] = found
        return found

    def add(
        self,
        name: str,
        operator: Operator,
        inputs: Sequence[Value],
        path: str,
        names: Names,
        frame: Frame,
        item: Item,
    ) -> Value:
        """Adds the layer of an item; its problems say in which call of a block they arose."""
        self.owed += 12 + len(inputs) + len(path) // 16 + len(names.groups) // 4
        before = len(self.problems)
        output = self.add_layer(
            name,
            operator,
            inputs,
            path,
            item,
            names.groups,
            item.note,
            trainable=frame.trainable,
            form=frame.form,
        )
        if len(self.problems) > before:
            self.problems[before:] = map(frame.locate, self.problems[before:])
        return output


def _operator(item: Item, values: list[Any], rank: int) -> Operator:
    """Makes the operator from evaluated values, each checked against its field's declaration."""
    assert item.operator is not None
    fields = {
        name: default_value(name, declared, rank)
        for name, declared in fields_of(item.operator).items()
        if not declared.required
    }

    def coerce(argument: Argument, value: Any) -> Any:
        assert argument.field is not None
        if argument.reference is not None:
            return value
        return coerce_field(argument.name, argument.field, value, argument.node, rank)

    names = [argument.name for argument in item.arguments]
    pairs = zip(item.arguments, values, strict=True)
    given = gather(partial(coerce, argument, value) for argument, value in pairs)
    return item.operator(**{**fields, **dict(zip(names, given, strict=True))})
