"""An operator at its place: what its fields are in code, and what they were in all runs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar

from convcalc.exporting.phrases import scalar, whole
from convcalc.exporting.refusal import Refused
from convcalc.exporting.trace import Run
from convcalc.language.parse.coercion import field_words
from convcalc.language.parse.tree import Argument, Item
from convcalc.model.graph.network import Layer
from convcalc.model.quantities.shape import Shape

Render = Callable[[Argument, tuple[str, ...]], str]


class OperatorSite:
    """An operator in a class or function; ``defaults`` are those of a framework by keyword."""

    defaults: ClassVar[Mapping[str, str]] = {}

    def __init__(self, item: Item, runs: Sequence[Run], render: Render) -> None:
        self.item = item
        self.runs = runs
        self.render = render  # the expression of a value
        self.layers: list[Layer] = [run.layer for run in runs]
        self.given = {argument.name: argument for argument in item.arguments}

    @property
    def rank(self) -> int:
        """The number of spatial axes of the first input."""
        ranks = {layer.shapes[0].rank for layer in self.layers}
        if len(ranks) != 1:
            raise self.refused("reads maps of different ranks")
        return ranks.pop()

    def shapes(self, index: int = 0) -> list[Shape]:
        """The shapes of an input in all runs."""
        return [layer.shapes[index] for layer in self.layers]

    def refused(self, why: str, advice: str = "") -> Refused:
        """The exception for an operator that has no counterpart."""
        name = self.item.type
        return Refused(name, f"{name} {why}", self.item.place, advice)

    def values(self, name: str) -> list[Any]:
        """The different values of a field."""
        found: list[Any] = []
        for layer in self.layers:
            value = getattr(layer.operator, name)
            if value not in found:
                found.append(value)
        return found

    def one(self, name: str) -> Any:
        """The only value of a field; Refused if there are several."""
        found = self.values(name)
        if len(found) != 1:
            raise self.refused(f"has several values of {name}")
        return found[0]

    def is_always(self, name: str, value: Any) -> bool:
        """Whether a field has one value throughout."""
        return self.values(name) == [value]

    def raw(self, name: str) -> list[Any]:
        """The values of a field as its expression gives them, before they are converted."""
        argument = self.given.get(name)
        if argument is None or argument.evaluate is None:
            return []
        return [argument.evaluate(run.scope) for run in self.runs]

    def text(self, name: str) -> str:
        """A field as Python text: its expression, or its default."""
        argument = self.given.get(name)
        if argument is None or argument.field is None:
            return scalar(self.one(name))
        text = self.render(argument, field_words(argument.field))
        is_real = argument.field.kind in ("float", "scales", "numbers")
        return text if is_real else whole(text, self.raw(name))

    def keywords(self, **names: str) -> list[str]:
        """``stride=s`` for each field that is not always the framework's default.

        ``names`` are the keywords of the framework by field.
        """
        found = []
        for field, keyword in names.items():
            text = self.text(field)
            if text != self.defaults.get(keyword):
                found.append(f"{keyword}={text}")
        return found
