"""The needs of a class body: params, other classes, operators."""

from __future__ import annotations

from typing import Any, Protocol

from convcalc.exporting.formulas import Formulas
from convcalc.exporting.torch.params import Params
from convcalc.exporting.torch.parts import Part
from convcalc.exporting.trace import Trace
from convcalc.language.parse.tree import Block, Item


class Classes(Protocol):
    """The classes of one file while they are written.

    ``stripped`` are items without their loops, ``original`` leads back; ``unfinished`` are the
    classes that are being written.
    """

    trace: Trace
    params: Params
    formulas: Formulas
    stripped: dict[Item, Item]
    original: dict[Item, Item]
    unfinished: list[Part]

    def block_part(self, block: Block) -> Part:
        """The class of a block."""

    def loop_part(self, body: Any, item: Item, one: Item) -> Part:
        """The class of a loop's body."""

    def use(self, *helpers: str) -> None:
        """Notes classes and functions of ``modules/`` that the code needs."""
