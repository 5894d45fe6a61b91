"""Writes small ONNX files: the wire format and the few messages that tests need.

Field numbers are those of onnx.proto3; ``tests/importing/test_onnx_package.py`` holds what is
written here against the onnx package where it is installed.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from typing import Any

Sizes = Sequence[int | str | None]
FLOAT, INT64 = 1, 7


def varint(value: int) -> bytes:
    """An integer of 64 bits, seven at a time."""
    value &= (1 << 64) - 1
    found = bytearray()
    while value > 127:
        found.append(value & 127 | 128)
        value >>= 7
    return bytes([*found, value])


def field(number: int, value: int | bytes | str | float) -> bytes:
    """A field: an integer, a float of 4 bytes, or bytes with their length."""
    if isinstance(value, float):
        return varint(number << 3 | 5) + struct.pack("<f", value)
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    content = value.encode() if isinstance(value, str) else value
    return varint(number << 3 | 2) + varint(len(content)) + content


def tensor(
    name: str,
    dims: Sequence[int],
    values: Sequence[int | float] | None = None,
    kind: int = 0,
) -> bytes:
    """A TensorProto; of floats without numbers, unless they are given or ``kind`` is another."""
    is_int = values is not None and all(isinstance(value, int) for value in values)
    kind = kind or (INT64 if is_int else FLOAT)
    found = b"".join(field(1, size) for size in dims) + field(2, kind)
    found += field(8, name)
    if values is not None:
        found += field(9, struct.pack(f"<{len(values)}{'q' if is_int else 'f'}", *values))
    return found


def attribute(name: str, value: Any) -> bytes:
    """An AttributeProto of a number, a text, a tensor or a list."""
    found = field(1, name)
    if isinstance(value, bytes):  # a TensorProto
        return found + field(5, value) + field(20, 4)
    if isinstance(value, str):
        return found + field(4, value) + field(20, 3)
    if isinstance(value, float):
        return found + field(2, value) + field(20, 1)
    if isinstance(value, int):
        return found + field(3, value) + field(20, 2)
    if value and isinstance(value[0], float):
        return found + b"".join(field(7, each) for each in value) + field(20, 6)
    return found + b"".join(field(8, each) for each in value) + field(20, 7)


def node(
    op: str, inputs: Sequence[str], outputs: Sequence[str], name: str = "", **attributes: Any
) -> bytes:
    """A NodeProto; among the attributes, ``domain`` is its domain, ``encoded`` are further ones."""
    domain, encoded = attributes.pop("domain", ""), attributes.pop("encoded", ())
    found = b"".join(field(1, each) for each in inputs)
    found += b"".join(field(2, each) for each in outputs)
    found += field(3, name or f"/{op}_{outputs[0]}") + field(4, op)
    found += b"".join(field(5, attribute(key, value)) for key, value in attributes.items())
    found += b"".join(field(5, each) for each in encoded)
    return found + (field(7, domain) if domain else b"")


def value_info(name: str, sizes: Sizes) -> bytes:
    """A ValueInfoProto of a float tensor; a text is the name of a size that is not known."""
    dims = b"".join(
        field(
            1, b"" if size is None else field(2, size) if isinstance(size, str) else field(1, size)
        )
        for size in sizes
    )
    return field(1, name) + field(2, field(1, field(1, FLOAT) + field(2, dims)))


def function(
    name: str, domain: str, inputs: Sequence[str], outputs: Sequence[str], nodes: Sequence[bytes]
) -> bytes:
    """A FunctionProto."""
    found = field(1, name) + b"".join(field(4, each) for each in inputs)
    found += b"".join(field(5, each) for each in outputs)
    found += b"".join(field(7, each) for each in nodes)
    return found + field(9, field(1, "") + field(2, 17)) + field(10, domain)


def model(
    nodes: Sequence[bytes],
    inputs: Mapping[str, Sizes],
    outputs: Mapping[str, Sizes],
    weights: Mapping[str, Sequence[int]] | None = None,
    numbers: Mapping[str, Sequence[int | float]] | None = None,
    shapes: Mapping[str, Sizes] | None = None,
    opset: int = 17,
    functions: Sequence[bytes] = (),
    name: str = "net",
    tensors: Sequence[bytes] = (),
    domains: Sequence[str] = (),
) -> bytes:
    """A ModelProto: ``weights`` are tensors without numbers, ``numbers`` lists with them,
    ``tensors`` further ones."""
    graph = b"".join(field(1, each) for each in nodes) + field(2, name)
    for key, dims in (weights or {}).items():
        graph += field(5, tensor(key, dims))
    for key, values in (numbers or {}).items():
        graph += field(5, tensor(key, [len(values)], values))
    graph += b"".join(field(5, each) for each in tensors)
    for number, found in ((11, inputs), (12, outputs), (13, shapes or {})):
        graph += b"".join(field(number, value_info(key, sizes)) for key, sizes in found.items())
    versions = [("", opset), *([("local", 1)] if functions else []), *((d, 1) for d in domains)]
    head = field(1, 8) + field(2, "tests")
    opsets = b"".join(field(8, field(1, key) + field(2, number)) for key, number in versions)
    return head + field(7, graph) + opsets + b"".join(field(25, each) for each in functions)


def through(nodes: Sequence[bytes], sizes: Sizes, output: str, **more: Any) -> bytes:
    """A model of one input ``x`` and one output whose sizes are not stated."""
    return model(nodes, {"x": sizes}, {output: [None] * len(sizes)}, **more)
