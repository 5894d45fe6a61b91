"""The wire format of protocol buffers: fields one after another, of which some are skipped.

Nothing is copied: a message is a range of the file's bytes, and the weights of a model are never
looked at. Source: the protocol buffers encoding guide, "Wire format".
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from mmap import MADV_DONTNEED, mmap
from typing import NamedTuple

from convcalc.importing.foreign import Unreadable

Bytes = bytes | mmap

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5
MOST_FIELDS = 20_000_000  # of one file


class Span(NamedTuple):
    """A message or a string within a file: its first byte and the one behind its last."""

    start: int
    end: int

    @property
    def size(self) -> int:
        """Its length in bytes."""
        return self.end - self.start


class Damaged(Unreadable):
    """The bytes are not a message."""


def fields(data: Bytes, span: Span) -> Iterator[tuple[int, int | Span]]:
    """The number of each field of a message, with its value: an integer, or where its bytes are.

    A fixed field gives the span of its 4 or 8 bytes.
    """
    at, end = span
    while at < end:
        key = data[at]
        at += 1
        if key > 127:
            key, at = _varint(data, at - 1, end)
        wire = key & 7
        if wire == BYTES:
            if at >= end:
                raise Damaged("it ends in the middle of a field")
            size = data[at]
            at += 1
            if size > 127:
                size, at = _varint(data, at - 1, end)
            if size > end - at:
                raise Damaged("a field is longer than what it is in; the file is cut off, perhaps")
            yield key >> 3, Span(at, at + size)
            at += size
        elif wire == VARINT:
            value, at = _varint(data, at, end)
            yield key >> 3, value
        elif wire in (FIXED64, FIXED32):
            size = 8 if wire == FIXED64 else 4
            if size > end - at:
                raise Damaged("it ends in the middle of a field")
            yield key >> 3, Span(at, at + size)
            at += size
        else:
            raise Damaged(f"byte {at - 1} is not a field of a message")


def _varint(data: Bytes, at: int, end: int) -> tuple[int, int]:
    value = shift = 0
    while at < end and shift < 70:
        byte = data[at]
        at += 1
        value |= (byte & 127) << shift
        if byte < 128:
            return value, at
        shift += 7
    raise Damaged("it ends in the middle of a number" if at >= end else "a number is too long")


def forget(data: Bytes) -> None:
    """Give back the memory of what was looked at of a mapped file; it is still there to read.

    Around each byte that is looked at, the system may map megabytes.
    """
    if not isinstance(data, bytes) and hasattr(data, "madvise"):  # not on every system
        data.madvise(MADV_DONTNEED)


def text(data: Bytes, value: int | Span) -> str:
    """A string field; bytes that are not UTF-8 are shown by their numbers."""
    span = as_span(value)
    return data[span.start : span.end].decode("utf-8", "backslashreplace")


def as_span(value: int | Span) -> Span:
    """The value of a field that is a message or a string."""
    if isinstance(value, int):
        raise Damaged("a field holds a number where a message belongs")
    return value


def as_number(value: int | Span) -> int:
    """The value of an integer field."""
    if not isinstance(value, int):
        raise Damaged("a field holds a message where a number belongs")
    return value


def signed(value: int) -> int:
    """A 64-bit integer in two's complement."""
    return value - (1 << 64) if value >= 1 << 63 else value


def integers(data: Bytes, value: int | Span) -> list[int]:
    """The numbers of a repeated integer field: one, or many in a row."""
    if isinstance(value, int):
        return [signed(value)]
    found, (at, end) = [], value
    while at < end:
        number, at = _varint(data, at, end)
        found.append(signed(number))
    return found


def floats(data: Bytes, value: int | Span, form: str = "f") -> list[float]:
    """The numbers of a repeated field of floats (``f``) or doubles (``d``)."""
    span = as_span(value)
    size = struct.calcsize(form)
    if span.size % size:
        raise Damaged("a list of numbers has a part of one")
    return list(struct.unpack(f"<{span.size // size}{form}", data[span.start : span.end]))
