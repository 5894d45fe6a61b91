"""An operator at its place in a class: what its fields are in code, and were in all runs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from convcalc.exporting.expressions import literal
from convcalc.exporting.refusal import Refused
from convcalc.exporting.trace import Run
from convcalc.language.parse.coercion import field_words
from convcalc.language.parse.tree import Argument, Item
from convcalc.language.syntax import nodes
from convcalc.model.operators.contract import Operator
from convcalc.model.operators.registry import fields_of
from convcalc.model.quantities.shape import Shape


class Made(NamedTuple):
    """What an operator is in code.

    ``module`` makes a module, which is called with all inputs; without one, ``call`` is the
    expression of the output, in which ``{0}``, ``{1}``, … are the inputs. ``channels`` is an
    expression for the output's channels in the constructor, ``helpers`` the classes of
    ``modules/`` that are used. ``held`` makes a tensor that the class holds: ``{held}``.
    ``further`` is what the network is given besides, such as boxes.
    """

    module: str = ""
    held: str = ""
    call: str = ""
    channels: str = ""
    helpers: tuple[str, ...] = ()
    further: str = ""


class Site:
    """An operator of a class; ``channels`` are expressions for those of its inputs."""

    def __init__(
        self,
        item: Item,
        runs: Sequence[Run],
        channels: Sequence[str],
        render: Callable[[Argument, tuple[str, ...]], str],
        number: Callable[[str, Callable[[Run], Any]], str],
        keep: Callable[..., str],
        moving: Callable[[nodes.Node], str],
    ) -> None:
        self.item = item
        self.runs = runs
        self.inputs = channels
        self.render = render
        self.number = number  # what differs between runs, as a number or a name
        self.keep = keep  # an expression of the constructor as one of forward
        self.moved = (
            moving  # a value as an expression of forward, where sizes are those of a tensor
        )
        self.layers = [run.layer for run in runs]
        self.given = {argument.name: argument for argument in item.arguments}

    @property
    def channels(self) -> str:
        """An expression for the channels of the first input."""
        return self.inputs[0]

    @property
    def bracketed(self) -> str:
        """The same, in brackets if it is more than a name."""
        return self.bracket(self.channels)

    @staticmethod
    def bracket(text: str) -> str:
        """An expression as a factor."""
        return text if text.isidentifier() or text.isdigit() else f"({text})"

    @property
    def declared(self) -> frozenset[str]:
        """The names of all fields."""
        assert self.item.operator is not None
        return frozenset(fields_of(self.item.operator))

    @property
    def operators(self) -> list[Operator]:
        """The operator in each run."""
        return [layer.operator for layer in self.layers]

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
        for operator in self.operators:
            value = getattr(operator, name)
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
        wants_int = argument.field.kind not in ("float", "scales", "numbers")
        is_float = any(isinstance(value, float) for value in self.raw(name))
        return f"int({text})" if wants_int and is_float else text

    def moving(self, name: str) -> str:
        """A field as an expression of forward, in which sizes are those of the tensor itself."""
        argument = self.given.get(name)
        if argument is None:
            return scalar(self.one(name))
        return self.moved(argument.node)

    def element(
        self, name: str, index: int, of: Callable[[Run], Any], *, moving: bool = False
    ) -> str:
        """One item of a list: its expression, or its number where the list is not written out."""
        argument = self.given.get(name)
        node = argument.node if argument is not None else None
        if isinstance(node, nodes.Sequence):
            part = node.items[index]
            if moving:
                return self.moved(part)
            piece = Argument(name, part, self.item.place)
            return self.render(piece, ())
        number = self.number(f"{name}{index}", of)
        return self.keep(number) if moving else number

    def keywords(self, **names: str) -> list[str]:
        """``stride=s`` for each field that is not always its default in PyTorch.

        ``names`` are the keywords of PyTorch by field.
        """
        found = []
        for field, keyword in names.items():
            text = self.text(field)
            if text != _DEFAULTS.get(keyword):
                found.append(f"{keyword}={text}")
        return found


_DEFAULTS = {
    "stride": "1",
    "dilation": "1",
    "groups": "1",
    "bias": "True",
    "padding": "0",
    "output_padding": "0",
    "ceil_mode": "False",
    "count_include_pad": "True",
    "padding_mode": '"zeros"',
    "eps": "1e-05",
}


def scalar(value: Any) -> str:
    """A field's value; one number for equal numbers of all axes."""
    if (
        isinstance(value, tuple)
        and value
        and len(set(value)) == 1
        and not isinstance(value[0], tuple)
    ):
        return literal(value[0])
    if isinstance(value, tuple) and value and all(isinstance(each, tuple) for each in value):
        flat = [number for pair in value for number in pair]
        if len(set(flat)) == 1:
            return literal(flat[0])
    return literal(value)
