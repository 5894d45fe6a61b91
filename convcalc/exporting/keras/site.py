"""An operator at its place: what its fields are in code, and what they were in all runs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from convcalc.exporting.expressions import literal
from convcalc.exporting.refusal import Refused
from convcalc.exporting.trace import Run
from convcalc.language.parse.coercion import field_words
from convcalc.language.parse.tree import Argument, Item
from convcalc.model.graph.network import Layer
from convcalc.model.quantities.shape import Shape

Render = Callable[[Argument, tuple[str, ...]], str]


class Site:
    """An operator in a function; ``inputs`` are the expressions of its tensors."""

    def __init__(
        self,
        item: Item,
        runs: Sequence[Run],
        inputs: Sequence[str],
        render: Render,
        use: Callable[[str], str],
    ) -> None:
        self.item = item
        self.runs = runs
        self.inputs = inputs
        self.render = render
        self.use = use  # a function or class that the code has with it, by its name
        self.layers: list[Layer] = [run.layer for run in runs]
        self.given = {argument.name: argument for argument in item.arguments}

    @property
    def x(self) -> str:
        """The first input."""
        return self.inputs[0]

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

    def made(self) -> list[Shape]:
        """The shapes of the output in all runs."""
        return [layer.analysis.output for layer in self.layers]

    def refused(self, why: str) -> Refused:
        """The exception for an operator that has no counterpart."""
        return Refused(self.item.type, f"{self.item.type} {why}", self.item.place)

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

    def text(self, name: str) -> str:
        """A field as Python text: its expression, or its default."""
        argument = self.given.get(name)
        if argument is None or argument.field is None:
            return scalar(self.one(name))
        text = self.render(argument, field_words(argument.field))
        if argument.evaluate is None or argument.field.kind in ("float", "scales", "numbers"):
            return text
        raw = [argument.evaluate(run.scope) for run in self.runs]
        return f"int({text})" if any(isinstance(value, float) for value in raw) else text

    def keywords(self, **names: str) -> list[str]:
        """``strides=s`` for each field that is not always its default in Keras; by field."""
        found = []
        for field, keyword in names.items():
            text = self.text(field)
            if text != DEFAULTS.get(keyword):
                found.append(f"{keyword}={text}")
        return found


DEFAULTS = {
    "strides": "1",
    "dilation_rate": "1",
    "groups": "1",
    "use_bias": "True",
    "depth_multiplier": "1",
    "keepdims": "False",
}


def scalar(value: Any) -> str:
    """A field's value; one number for equal numbers of all axes."""
    is_flat = isinstance(value, tuple) and value and not isinstance(value[0], tuple)
    if is_flat and len(set(value)) == 1:
        return literal(value[0])
    if isinstance(value, tuple) and value and all(isinstance(each, tuple) for each in value):
        flat = [number for pair in value for number in pair]
        if len(set(flat)) == 1:
            return literal(flat[0])
    return literal(value)
