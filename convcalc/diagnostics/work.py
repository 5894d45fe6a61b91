"""The work that one run may do, from which every part of it draws.

A *unit* is about what takes a microsecond. What a file makes grow is counted while it is done: the
nodes of the text, the values of lists, items and layers, sets of positions, rows. Whoever spends
more than is left raises :class:`TooMuchWork`, which names the part that has spent most.

A budget of work is open for the time of a ``with``; who works asks for it with :func:`current`. The
command line opens one for each command, ``check`` one for each file, and the Python interface one
for each call, unless the caller has opened one.
"""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar, Token
from functools import wraps
from typing import Any, ParamSpec, TypeVar

from convcalc.diagnostics.diagnostic import Diagnostic, Place
from convcalc.errors import Error

P = ParamSpec("P")
R = TypeVar("R")

MOST_WORK = 4_000_000  # units: a few seconds
MOST_COMPARED = 20_000  # words that suggestions may look at: 20 suggestions among 1,000 names


class TooMuchWork(Error):
    """The work that is allowed does not suffice; ``part`` is what took most of it.

    ``place`` is where, or None as long as nobody on the way up knows it.
    """

    def __init__(self, most: int, part: str, units: int) -> None:
        super().__init__(
            f"more than {most:,} units of work, {units:,} of them for {part}",
            f"make it smaller, or allow more: --limit work={10 * most}",
        )
        self.part = part
        self.place: Place | None = None

    def diagnostic(self, file: str) -> Diagnostic:
        """The problem of a file; at its beginning if nobody knew the place."""
        return Diagnostic("too-large", self.message, self.place or Place(file, 1, 1), self.help)


class Work:
    """A budget of ``most`` units of work; ``parts`` says for what how many were spent."""

    __slots__ = ("_tokens", "comparisons", "left", "most", "parts")

    def __init__(self, most: int = MOST_WORK) -> None:
        self.most = most
        self.left = most
        self.parts: dict[str, int] = {}
        self.comparisons = MOST_COMPARED
        self._tokens: list[Token[Work | None]] = []

    def spend(self, units: int, part: str) -> None:
        """Spend units for a part of the work; raises TooMuchWork if not as many are left."""
        self.parts[part] = self.parts.get(part, 0) + units
        self.left -= units
        if self.left < 0:
            greatest = max(self.parts, key=self.parts.__getitem__)
            raise TooMuchWork(self.most, greatest, self.parts[greatest])

    @property
    def spent(self) -> int:
        """The units that were spent."""
        return self.most - self.left

    def __enter__(self) -> Work:
        self._tokens.append(_OPEN.set(self))
        return self

    def __exit__(self, *error: Any) -> None:
        _OPEN.reset(self._tokens.pop())


_OPEN: ContextVar[Work | None] = ContextVar("work", default=None)


def current() -> Work:
    """The budget of work that is open; a new one of the usual size if none is.

    ``with current():`` opens one for what is done inside, unless one is open already.
    """
    return _OPEN.get() or Work()


def limited(function: Callable[P, R]) -> Callable[P, R]:
    """The function, each call of which has a budget of work of its own, unless one is open."""

    @wraps(function)
    def within(*values: P.args, **named: P.kwargs) -> R:
        with current():
            return function(*values, **named)

    return within
