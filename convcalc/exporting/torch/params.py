"""Params in the constructor of a class: arguments, or values where nobody gives another one."""

from __future__ import annotations

from typing import Any

from convcalc.exporting.expressions import literal, names_in
from convcalc.exporting.naming import identifier
from convcalc.exporting.refusal import Refused
from convcalc.exporting.torch.parts import Part
from convcalc.language.parse.tree import Param, Unit

_OF_FILE = "<file> "  # before a param of the file that the body of a loop hands on


class Params:
    """The params of one file; ``unit`` is the network's own."""

    def __init__(self, unit: Unit) -> None:
        self.unit = unit

    def param(self, part: Part, name: str) -> str:
        """A param as a name in the constructor of a class, or its value; empty for no param."""
        if part.block is not None and name in part.block.params:
            return self._own(part, name)
        if part.outer is not None:
            return self._from_outside(part, name)
        if name not in part.unit.params:
            return ""
        if part.unit is not self.unit:
            return literal(part.unit.scope[name])
        if part.is_network:
            return _use(part.used, part, name)
        return _use(part.extras, part, name)

    def _own(self, part: Part, name: str) -> str:
        assert part.block is not None
        param = part.block.params[name]
        if name in part.used:
            return part.used[name]
        if part.unit is not self.unit:
            fixed = _fixed(part, param)
            if fixed:
                return fixed
        return _use(part.used, part, name)

    @staticmethod
    def _from_outside(part: Part, name: str) -> str:
        assert part.outer is not None
        if name in part.used:
            return part.used[name]
        try:
            text = part.outer(name)
        except Refused:
            return ""
        if not names_in(text):
            return text
        return _use(part.used, part, name)

    @staticmethod
    def of_file(part: Part, name: str) -> str:
        """A param of the file in the constructor of a class that may have one of the same name."""
        if part.is_network:
            return _use(part.used, part, name)
        if part.outer is not None:
            key = f"{_OF_FILE}{name}"
            if key not in part.used:
                part.used[key] = part.names.fresh(identifier(name))
            return part.used[key]
        return _use(part.extras, part, name)


def without_mark(name: str) -> str:
    """The name of a param that a class may hand on from the file; the same for its own."""
    return name.removeprefix(_OF_FILE)


def is_of_file(name: str) -> bool:
    """Whether a class hands a param on from the file, whatever its own are called."""
    return name.startswith(_OF_FILE)


def _use(used: dict[str, str], part: Part, name: str) -> str:
    if name not in used:
        own = part.own.get(name) if used is part.used else None
        used[name] = own or part.names.fresh(identifier(name))
    return used[name]


def _fixed(part: Part, param: Param) -> str:
    """The value of a param that is its default in all calls; empty if it is not."""
    values: list[Any] = []
    for value in part.values(param.name):
        if value not in values:
            values.append(value)
    if len(values) != 1 or param.default is None or param.evaluate is None:
        return ""
    default = getattr(param.default, "value", None)
    if isinstance(values[0], bool) or (type(default) is type(values[0]) and default == values[0]):
        return literal(values[0])
    return ""
