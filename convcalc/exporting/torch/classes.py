"""What a class's body asks of the whole module: params, other classes, operators."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol

from convcalc.diagnostics.diagnostic import Place
from convcalc.exporting.torch.parts import Part
from convcalc.exporting.torch.site import Made, Site
from convcalc.exporting.trace import Trace
from convcalc.language.parse.tree import Block, Item


class Classes(Protocol):
    """The classes of one file while they are written.

    ``loops`` and ``joins`` write what holds other items; ``stripped`` are items without their
    loops, ``original`` leads back.
    """

    trace: Trace
    methods: frozenset[str]
    stripped: dict[Item, Item]
    original: dict[Item, Item]

    @property
    def loops(self) -> Any:
        """The module that writes loops."""

    @property
    def joins(self) -> Any:
        """The module that writes residuals and branches."""

    def block_part(self, block: Block, place: Place) -> Part:
        """The class of a block."""

    def loop_part(self, body: Any, item: Item, one: Item) -> Part:
        """The class of a loop's body."""

    def param(self, part: Part, name: str) -> str:
        """A param as a name in the constructor of a class, or its value; empty for no param."""

    def function(
        self, part: Part, lookup: Callable[[str], str]
    ) -> Callable[[str], tuple[str, list[str]]]:
        """How functions are written in the constructor of a class."""

    def operator(self, site: Site, lists: Sequence[bool]) -> Made:
        """What an operator is in code."""

    def use(self, helpers: Sequence[str]) -> None:
        """Notes classes and functions of ``modules/`` that the code needs."""

    def values(self, body: Any, item: Item, part: Part) -> dict[str, str]:
        """The arguments of a call, by name."""

    def widths(self, body: Any, item: Item, part: Part) -> dict[str, str]:
        """The channels of the further tensors that a class reads."""

    def tensor_argument(self, body: Any, item: Item, part: Part, key: str) -> str:
        """A further tensor that a class reads, in the forward of its caller."""
