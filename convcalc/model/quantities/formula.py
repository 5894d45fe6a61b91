"""Formulas: pure functions of named integers, each written once.

What is computed and what is explained is the same function: while a trace is open, the number
that a formula returns also knows its step, the function with its arguments. ``explain`` reads
the function's source and puts the numbers in, so that no text can drift from the code.

A formula's arguments are given in order and are numbers or tuples of numbers; its body is
arithmetic with ``+ - * //``, ``prod`` and the like, and works on every type that has them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import wraps
from typing import Any, NamedTuple, ParamSpec, cast

_P = ParamSpec("_P")
_open: list[None] = []  # one entry for each open trace


class Step(NamedTuple):
    """One use of a formula: the function as it is written, and its arguments in order."""

    function: Callable[..., int]
    values: tuple[Any, ...]

    @property
    def arguments(self) -> Mapping[str, Any]:
        """The arguments by name."""
        return dict(zip(self.function.__code__.co_varnames, self.values, strict=False))


class Traced(int):
    """An integer that knows its origin: a step, or the name of what was given."""

    origin: Step | str


def formula(function: Callable[_P, int]) -> Callable[_P, int]:
    """Makes a function a formula; outside a trace it costs one call more."""

    @wraps(function)
    def computed(*arguments: Any) -> int:
        value: int = cast("Any", function)(*arguments)
        return trace(value, Step(function, arguments)) if _open else value

    return cast("Callable[_P, int]", computed)


@contextmanager
def tracing() -> Iterator[None]:
    """While it is open, formulas return :class:`Traced` numbers."""
    _open.append(None)
    try:
        yield
    finally:
        _open.pop()


def trace(value: int, origin: Step | str) -> int:
    """``value`` with its origin; what is no integer, such as an unknown, stays as it is."""
    if not isinstance(value, int) or isinstance(value, bool):
        return value
    result = Traced(value)
    result.origin = origin
    return result


def origin_of(value: Any) -> Step | str | None:
    """Where a number comes from; None if that was not traced."""
    return value.origin if isinstance(value, Traced) else None
