"""The work that one run may do, from which every part of it draws.

A *unit* is about what takes a microsecond. What a file makes grow is counted while it is done: the
nodes of the text, the values of lists, items and layers, sets of positions, rows. A file that
spends more than is left raises :class:`TooMuchWork`, which names the part that has spent most.

A budget of work is open for the time of a ``with``; who works asks for it with :func:`current`. The
command line opens one for each command, and commands on many files one for each file; the Python
interface opens one for each call, unless the caller has opened one with :func:`limits`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextvars import ContextVar, Token
from functools import wraps
from typing import Any, ParamSpec, TypeVar

from convcalc.diagnostics.diagnostic import Diagnostic, Place
from convcalc.errors import Error

P = ParamSpec("P")
R = TypeVar("R")

MOST_WORK = 3_000_000  # units: a few seconds
MOST_SHARES = 8  # times as much for all files of a command together
MOST_COMPARED = 20_000  # words that suggestions may look at: 20 suggestions among 1,000 names
LIMITS = ("bytes", "nodes", "depth", "problems", "layers", "work")  # what may be limited


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

    def __str__(self) -> str:
        return f"{self.place}: {self.message}" if self.place else self.message

    def diagnostic(self, file: str) -> Diagnostic:
        """The problem of a file; at its beginning if nobody knew the place."""
        return Diagnostic("too-large", self.message, self.place or Place(file, 1, 1), self.help)


class Work:
    """A budget of ``most`` units of work; ``parts`` says for what how many were spent.

    ``allowed`` are the limits that the user has set, by name.
    """

    __slots__ = (
        "_outer",
        "_stopped",
        "_tokens",
        "allowed",
        "comparisons",
        "left",
        "most",
        "parts",
        "shared",
    )

    def __init__(self, most: int = MOST_WORK, allowed: Mapping[str, int] | None = None) -> None:
        self.allowed = allowed or {}
        self.most = self.left = self.allowed.get("work", most)
        self.parts: dict[str, int] = {}
        self.comparisons = MOST_COMPARED
        self.shared = 0  # units that its shares have spent
        self._outer: Work | None = None
        self._stopped: TooMuchWork | None = None
        self._tokens: list[Token[Work | None]] = []

    def spend(self, units: int, part: str) -> None:
        """Spend units for a part of the work; raises TooMuchWork if not as many are left."""
        self.parts[part] = self.parts.get(part, 0) + units
        self.left -= units
        if self.left < 0:
            raise self._stop()

    def _stop(self) -> TooMuchWork:
        """The error that ends all further work, always the same one."""
        if self._stopped is None:
            greatest = max(self.parts, key=self.parts.__getitem__)
            self._stopped = TooMuchWork(self.most, greatest, self.parts[greatest])
        return self._stopped

    @property
    def is_open(self) -> bool:
        """Whether work within a ``with`` draws from it."""
        return bool(self._tokens)

    @property
    def spent(self) -> int:
        """The units that were spent."""
        return self.most - self.left

    def share(self, most: int | None = None) -> Work:
        """A budget for one of many files; raises TooMuchWork if those before have spent too much
        together."""
        check_total(self.shared, self.most)
        found = Work(self.most if most is None else most, self.allowed)
        found._outer = self
        return found

    def __enter__(self) -> Work:
        self._tokens.append(_OPEN.set(self))
        return self

    def __exit__(self, *error: Any) -> None:
        _OPEN.reset(self._tokens.pop())
        if self._outer is not None and not self._tokens:
            self._outer.shared += self.spent


def check_total(units: int, most: int) -> None:
    """Raise TooMuchWork if files have spent too many units together; ``most`` is that of one."""
    if units > MOST_SHARES * most:
        error = TooMuchWork(MOST_SHARES * most, "the files before this one", units)
        error.help = f"name fewer files, or allow more for each: --limit work={10 * most}"
        raise error


_OPEN: ContextVar[Work | None] = ContextVar("work", default=None)


def current() -> Work:
    """The budget of work that is open; a new one of the usual size if none is.

    ``with current():`` opens one for what is done inside, unless one is open already.
    """
    return _OPEN.get() or Work()


def limits(**allowed: int) -> Work:
    """Other limits for what is done within ``with convcalc.limits(work=10**8, layers=10**6):``.

    They are those of ``--limit``; ``work`` is that of all calls together. Raises ValueError for a
    name that is none of them, or a number below 1.
    """
    for name, most in allowed.items():
        if name not in LIMITS or isinstance(most, bool) or not isinstance(most, int) or most < 1:
            raise ValueError(f"{name}={most}: a limit is a number from 1 of {', '.join(LIMITS)}")
    return Work(allowed=allowed)


def limited(function: Callable[P, R]) -> Callable[P, R]:
    """The function, each call of which has a budget of work of its own, unless one is open."""

    @wraps(function)
    def within(*values: P.args, **named: P.kwargs) -> R:
        with current():
            return function(*values, **named)

    return within
