"""A function of the written code: its arguments, its statements, the tensors that it returns."""

from __future__ import annotations

from convcalc.exporting.naming import Namespace
from convcalc.language.parse.tree import Block, Item, Unit

# Names that the code uses itself.
RESERVED = ("keras", "layers", "ops", "math", "inputs", "outputs")

INNER = ("y", "z", "u", "v", "w")  # variables of residuals, one in another
LOCALS = ("x", *INNER, "shortcut", "pieces", "branch", "branches")


class Argument:
    """An argument: its name and its default; ``late`` is a default that reads others."""

    __slots__ = ("default", "late", "name")

    def __init__(self, name: str, default: str = "", late: str = "") -> None:
        self.name = name
        self.default = default
        self.late = late

    @property
    def text(self) -> str:
        """As it is written in the head of a function."""
        if self.late:
            return f"{self.name}=None"
        return f"{self.name}={self.default}" if self.default else self.name


class Function:
    """The function of a block, or of the network if ``block`` is None.

    ``params`` are the arguments by the names of the file's params; ``tensors`` by the reference
    that they stand for. ``wanted`` are the paths inside whose tensors it returns besides the last.
    ``outer`` are params of the file that it hands on.
    """

    def __init__(self, name: str, unit: Unit, block: Block | None, items: list[Item]) -> None:
        self.name = name
        self.unit = unit
        self.block = block
        self.items = items
        self.names = Namespace(RESERVED)
        self.params: dict[str, Argument] = {}
        self.fixed: dict[str, str] = {}  # params that have one value throughout
        self.tensors: dict[str, str] = {}
        self.outer: dict[str, Argument] = {}
        self.wanted: list[str] = []
        self.source = ""
        self.lines: list[tuple[int, str]] = []
