"""Formulas: pure functions of named integers, each written once.

The same function computes and explains: inside :func:`tracing`, the number that a formula
returns also carries its step, the function with its arguments. ``explain`` reads the function's
source and fills in the numbers, so the explanation cannot drift from the code.

A formula takes positional arguments, which are numbers or tuples of numbers; its body is
arithmetic with ``+ - * //``, ``prod`` and the like, and works on every type that supports them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import wraps
from typing import Any, NamedTuple, ParamSpec, cast

_P = ParamSpec("_P")
_open: list[None] = []  # one entry for each open trace


class Step(NamedTuple):
    """One call of a formula: the undecorated function, and its arguments in order."""

    function: Callable[..., int]
    values: tuple[Any, ...]

    @property
    def arguments(self) -> Mapping[str, Any]:
        """The arguments by name."""
        return dict(zip(self.function.__code__.co_varnames, self.values, strict=False))


class Traced(int):
    """An integer that knows its origin: a step, or the name of an input."""

    origin: Step | str


def formula(function: Callable[_P, int]) -> Callable[_P, int]:
    """Decorator for formulas; outside :func:`tracing` it only costs one more call."""

    @wraps(function)
    def computed(*arguments: Any) -> int:
        value: int = cast("Any", function)(*arguments)
        return trace(value, Step(function, arguments)) if _open else value

    return cast("Callable[_P, int]", computed)


@contextmanager
def tracing() -> Iterator[None]:
    """Context in which formulas return :class:`Traced` numbers."""
    _open.append(None)
    try:
        yield
    finally:
        _open.pop()


def trace(value: int, origin: Step | str) -> int:
    """``value`` with its origin; a value that is not an integer, such as UNKNOWN, is unchanged."""
    if not isinstance(value, int) or isinstance(value, bool):
        return value
    result = Traced(value)
    result.origin = origin
    return result


def origin_of(value: Any) -> Step | str | None:
    """The step or the name that a number comes from; None if it was not traced."""
    return value.origin if isinstance(value, Traced) else None
