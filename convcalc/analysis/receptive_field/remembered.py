"""Keeps what was computed of receptive fields, for all networks of a process.

Networks are built of the same windows: of what the layers of the shipped ones see, one reach in six
is new. Results are kept by values, or by the ids of objects that are kept with them. They are
forgotten when there are too many. That changes no number, nor the work of a network: the units that
a result took are spent again by the next network that needs it.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Any, Generic, TypeVar

from convcalc.diagnostics.work import current

T = TypeVar("T")

MOST = 1 << 17  # the sizes of all results together


class Remembered(Generic[T]):
    """Results by key; ``part`` is what the work that they take is called, ``size`` that of one."""

    __slots__ = ("_equal", "_found", "_part", "_room", "_size")

    def __init__(self, part: str, size: Callable[[T], int]) -> None:
        self._part = part
        self._size = size
        self._room = MOST
        self._found: dict[Hashable, tuple[T, int, Any]] = {}
        self._equal: dict[T, T] = {}  # equal results are one object, so that ids go further

    def of(self, key: Hashable, make: Callable[..., T], *arguments: Any) -> T:
        """``make(*arguments)``, computed once for a key of values and of ids of the arguments."""
        entry = self._found.get(key)
        if entry is None:
            return self._add(key, make, arguments)
        if entry[1]:
            current().spend(entry[1], self._part)
        return entry[0]

    def same(self, found: T) -> T:
        """The result that equals this one and that others have; this one if there is none."""
        return self._equal.get(found, found)

    def _add(self, key: Hashable, make: Callable[..., T], arguments: tuple[Any, ...]) -> T:
        work = current()
        if not work.is_open:
            with work:
                return self._add(key, make, arguments)
        before = work.left
        found = make(*arguments)
        units = before - work.left
        self._room -= self._size(found)
        if self._room < 0:
            self.forget()
        found = self._equal.setdefault(found, found)
        self._found[key] = found, units, arguments
        return found

    def forget(self) -> None:
        """Forgets all results."""
        self._found.clear()
        self._equal.clear()
        self._room = MOST
