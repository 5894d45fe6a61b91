"""An operator at its place in a class, and what it is in code."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, ClassVar, NamedTuple

from convcalc.exporting.phrases import bracketed, scalar
from convcalc.exporting.site import OperatorSite, Render
from convcalc.exporting.trace import Run
from convcalc.language.parse.tree import Argument, Item
from convcalc.language.syntax import nodes
from convcalc.model.operators.contract import Operator
from convcalc.model.operators.registry import fields_of


class Made(NamedTuple):
    """An operator in code.

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


class Site(OperatorSite):
    """An operator of a class; ``channels`` are expressions for those of its inputs."""

    defaults: ClassVar = {
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

    def __init__(
        self,
        item: Item,
        runs: Sequence[Run],
        channels: Sequence[str],
        render: Render,
        number: Callable[[str, Callable[[Run], Any]], str],
        keep: Callable[..., str],
        moving: Callable[[nodes.Node], str],
    ) -> None:
        super().__init__(item, runs, render)
        self.inputs = channels
        self.number = number  # what differs between runs, as a number or a name
        self.keep = keep  # an expression of the constructor as one of forward
        self.moved = moving  # a value as one of forward, where sizes are those of a tensor

    @property
    def channels(self) -> str:
        """An expression for the channels of the first input."""
        return self.inputs[0]

    @property
    def bracketed(self) -> str:
        """The same, in brackets if it is more than a name."""
        return bracketed(self.channels)

    @property
    def declared(self) -> frozenset[str]:
        """The names of all fields."""
        assert self.item.operator is not None
        return frozenset(fields_of(self.item.operator))

    @property
    def operators(self) -> list[Operator]:
        """The operator in each run."""
        return [layer.operator for layer in self.layers]

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
