"""FlatBuffers: tables whose fields are found by offsets, read where they stand, never past the end.

Source: FlatBuffers, "FlatBuffer Internals": little-endian; a table begins with the distance back to
its vtable, which has the place of each field in it, 0 for one that is left out.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

from convcalc.importing.foreign import Content, Unreadable

MOST_ELEMENTS = 1_000_000  # of one list of tables


class Table:
    """A table of a file."""

    __slots__ = ("at", "content", "size", "vtable")

    def __init__(self, content: Content, at: int) -> None:
        self.content = content
        self.at = at
        self.vtable = at - _number(content, "<i", at)
        self.size = _number(content, "<H", self.vtable)

    def _field(self, index: int) -> int:
        """Where a field is; 0 if it is left out."""
        place = 4 + 2 * index
        if place + 2 > self.size:
            return 0
        found = _number(self.content, "<H", self.vtable + place)
        return self.at + found if found else 0

    def number(self, index: int, form: str, default: float = 0) -> int:
        """A number by its form: ``b`` a byte, ``i`` 32 bits, ``f`` a float and so on."""
        at = self._field(index)
        return _number(self.content, f"<{form}", at) if at else default  # type: ignore[return-value]

    def flag(self, index: int) -> bool:
        """A field that is true or false."""
        return bool(self.number(index, "B"))

    def table(self, index: int) -> Table | None:
        """A table; None if it is left out."""
        at = self._field(index)
        return Table(self.content, at + _number(self.content, "<I", at)) if at else None

    def tables(self, index: int) -> Iterator[Table]:
        """A list of tables."""
        start, count = self.list(index, 4)
        if count > MOST_ELEMENTS:
            raise Unreadable(f"a list of {count:,} elements")
        for at in range(start, start + 4 * count, 4):
            yield Table(self.content, at + _number(self.content, "<I", at))

    def list(self, index: int, width: int) -> tuple[int, int]:
        """Where a list begins and how many elements of ``width`` bytes it has."""
        at = self._field(index)
        if not at:
            return 0, 0
        start = at + _number(self.content, "<I", at)
        count = _number(self.content, "<I", start)
        if start + 4 + count * width > len(self.content):
            raise Unreadable("a list ends behind the file; it is cut off, perhaps")
        return start + 4, count

    def numbers(self, index: int, form: str) -> tuple[int, ...]:
        """A list of numbers."""
        start, count = self.list(index, struct.calcsize(form))
        if count > MOST_ELEMENTS:
            raise Unreadable(f"a list of {count:,} numbers")
        end = start + count * struct.calcsize(form)
        return struct.unpack(f"<{count}{form}", self.content[start:end])

    def text(self, index: int) -> str:
        """A string; bytes that are not UTF-8 are shown by their numbers."""
        start, count = self.list(index, 1)
        return self.content[start : start + count].decode("utf-8", "backslashreplace")


def root(content: Content) -> Table:
    """The table that a file begins with."""
    return Table(content, _number(content, "<I", 0))


def _number(content: Content, form: str, at: int) -> int:
    size = struct.calcsize(form)
    if at < 0 or at + size > len(content):
        raise Unreadable("an offset points behind the file; it is cut off, perhaps")
    (found,) = struct.unpack(form, content[at : at + size])
    return found  # type: ignore[no-any-return]
