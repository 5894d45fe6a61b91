"""Functions of expressions: the language's own, and those that a file defines.

A function of a file becomes one of the module; params of the file that it reads are arguments
behind its own.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from convcalc.exporting.expressions import Lookup, Names, written
from convcalc.exporting.naming import snake_case
from convcalc.language.parse.functions import Function
from convcalc.language.parse.tree import Unit
from convcalc.language.syntax.expressions import FUNCTIONS

Called = Callable[[str], tuple[str, list[str]]]  # a name in Python, and arguments behind the own
Define = Callable[[str, Sequence[str], str], str]  # name, arguments and result as a definition

_OF_MATH = ("ceil", "floor")
_DIVISIBLE = "make_divisible"  # a helper that the module has with it


class Formulas:
    """The functions that a module needs; ``texts`` are the definitions of the file's own."""

    def __init__(self, define: Define, use: Callable[[str], object]) -> None:
        self.define = define
        self.use = use
        self.texts: dict[str, str] = {}

    def names(self, unit: Unit, lookup: Lookup) -> Names:
        """How names and functions of a file are written where ``lookup`` knows its params."""

        def called(name: str) -> tuple[str, list[str]]:
            return self._called(name, unit, lookup)

        return Names(lookup, called)

    def _called(self, name: str, unit: Unit, lookup: Lookup) -> tuple[str, list[str]]:
        if name in FUNCTIONS:
            if name == _DIVISIBLE:
                self.use(name)
            return (f"math.{name}" if name in _OF_MATH else name), []
        own = unit.functions[f"{name}()"]
        assert isinstance(own, Function)
        return snake_case(name), [lookup(param) for param in self._params(own)]

    def _params(self, own: Function) -> list[str]:
        """The params of the file that a function reads; defines it if it was not yet."""
        params = _params_of(own)
        if own.name not in self.texts:
            text = written(own.code.text, self.names(own.unit, lambda name: name))
            name = snake_case(own.name)
            self.texts[own.name] = self.define(name, [*own.arguments, *params], text)
        return params


def _params_of(own: Function) -> list[str]:
    found: dict[str, None] = {}
    for name in sorted(own.code.names):
        if name.endswith("()"):
            found |= dict.fromkeys(_params_of(own.unit.functions[name]))
        elif name not in own.arguments:
            found[name] = None
    return list(found)
