"""Writes FlatBuffers, and TensorFlow Lite models of a few operators in them.

A table is a dict of fields by their numbers; a field is a pair of form and value: ``i`` and other
letters of ``struct`` for numbers, ``table``, ``tables``, ``text``, ``bytes``, or ``[i`` for a list
of numbers. A child stands behind its parent. Source: FlatBuffers, "FlatBuffer Internals".
"""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from math import prod
from typing import Any

Fields = Mapping[int, tuple[str, Any]]
_INLINE = ("table", "tables", "text", "bytes")


class _Writer:
    """The bytes so far."""

    def __init__(self) -> None:
        self.bytes = bytearray(8)

    def align(self, to: int, after: int = 0) -> None:
        """Fill up so that what stands ``after`` bytes on begins at a multiple."""
        self.bytes += bytes(-(len(self.bytes) + after) % to)

    def table(self, fields: Fields) -> int:
        """A table and its vtable; where it is."""
        places, size = {}, 4
        for number, (form, _) in sorted(fields.items()):
            width = 4 if form in _INLINE or form[0] == "[" else struct.calcsize(form)
            size += -size % width
            places[number] = size
            size += width
        count = max(fields, default=-1) + 1
        vtable = [4 + 2 * count, size, *(places.get(i, 0) for i in range(count))]
        self.align(8, 2 * len(vtable))
        start = len(self.bytes)
        self.bytes += struct.pack(f"<{len(vtable)}H", *vtable)
        at = len(self.bytes)
        self.bytes += struct.pack("<i", at - start) + bytes(size - 4)
        for number, (form, value) in fields.items():
            place = at + places[number]
            if form in _INLINE or form[0] == "[":
                self.put("I", place, self.child(form, value) - place)
            else:
                self.put(form, place, value)
        return at

    def put(self, form: str, at: int, value: Any) -> None:
        """Overwrite a number."""
        struct.pack_into(f"<{form}", self.bytes, at, value)

    def child(self, form: str, value: Any) -> int:
        """What a field refers to; where it is."""
        if form == "table":
            return self.table(value)
        if form == "tables":
            self.align(4)
            at = len(self.bytes)
            self.bytes += struct.pack("<I", len(value)) + bytes(4 * len(value))
            for index, each in enumerate(value):
                place = at + 4 + 4 * index
                self.put("I", place, self.table(each) - place)
            return at
        if form in ("text", "bytes"):
            data = value.encode() if isinstance(value, str) else value
            self.align(4 if form == "text" else 16, 4)
            at = len(self.bytes)
            self.bytes += struct.pack("<I", len(data)) + data + b"\0"
            return at
        kind = form[1:]
        self.align(max(4, struct.calcsize(kind)), 4)
        at = len(self.bytes)
        self.bytes += struct.pack(f"<I{len(value)}{kind}", len(value), *value)
        return at


def flatbuffer(fields: Fields, identifier: bytes) -> bytes:
    """A file whose first table has these fields."""
    writer = _Writer()
    at = writer.table(fields)
    struct.pack_into("<I4s", writer.bytes, 0, at, identifier)
    return bytes(writer.bytes)


# --- models ------------------------------------------------------------------------------------


class Lite:
    """A TensorFlow Lite model under construction."""

    def __init__(self) -> None:
        self.tensors: list[Fields] = []
        self.buffers: list[Fields] = [{}]
        self.operators: list[Fields] = []
        self.codes: list[Fields] = []
        self.sizes: list[tuple[int, ...]] = []

    def tensor(self, *sizes: int, data: bytes = b"", kind: int = 0) -> int:
        """A tensor; its number."""
        buffer = 0
        if data:
            buffer = len(self.buffers)
            self.buffers.append({0: ("bytes", data)})
        name = f"t{len(self.tensors)}"
        fields = {0: ("[i", sizes), 1: ("b", kind), 2: ("I", buffer), 3: ("text", name)}
        self.tensors.append(fields)
        self.sizes.append(sizes)
        return len(self.tensors) - 1

    def weight(self, *sizes: int) -> int:
        """A weight of ones."""
        return self.tensor(*sizes, data=struct.pack("<f", 1.0) * prod(sizes))

    def whole(self, *values: int, sizes: Sequence[int] | None = None) -> int:
        """A constant of whole numbers."""
        shape = (len(values),) if sizes is None else sizes
        return self.tensor(*shape, data=struct.pack(f"<{len(values)}i", *values), kind=2)

    def add(
        self,
        code: int,
        inputs: Sequence[int],
        *made: tuple[int, ...],
        kind: int = 0,
        **options: Any,
    ) -> list[int]:
        """An operator; the numbers of what it makes. Options are ``f0=("b", 1)``."""
        outputs = [self.tensor(*sizes) for sizes in made]
        self.codes.append({0: ("b", min(code, 127)), 2: ("i", 1), 3: ("i", code)})
        fields: dict[int, tuple[str, Any]] = {
            0: ("I", len(self.codes) - 1),
            1: ("[i", inputs),
            2: ("[i", outputs),
        }
        if kind:
            table = {int(key[1:]): value for key, value in options.items()}
            fields |= {3: ("B", kind), 4: ("table", table)}
        self.operators.append(fields)
        return outputs

    def content(self, inputs: Sequence[int], outputs: Sequence[int]) -> bytes:
        """The file."""
        graph = {
            0: ("tables", self.tensors),
            1: ("[i", inputs),
            2: ("[i", outputs),
            3: ("tables", self.operators),
            4: ("text", "main"),
        }
        model = {
            0: ("I", 3),
            1: ("tables", self.codes),
            2: ("tables", [graph]),
            3: ("text", "written by a test"),
            4: ("tables", self.buffers),
        }
        return flatbuffer(model, b"TFL3")
