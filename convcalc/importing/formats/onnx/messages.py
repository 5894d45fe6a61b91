"""The messages of an ONNX file that are read: models, graphs, nodes, attributes, tensors, types.

Field numbers are those of onnx.proto3, https://github.com/onnx/onnx/blob/main/onnx/onnx.proto3.
Weights stay where they are: a tensor of more than :data:`MOST_VALUES` numbers is its sizes and its
name, and data in other files is never opened.
"""

from __future__ import annotations

import struct
from math import prod
from typing import Any, NamedTuple

from convcalc.importing.foreign import MOST_FLOATS, MOST_VALUES, Constant, Sizes
from convcalc.importing.formats.onnx.wire import (
    Bytes,
    Damaged,
    Span,
    as_number,
    as_span,
    fields,
    floats,
    forget,
    integers,
    text,
)

# TensorProto.DataType: the kind of number, and how struct reads it from raw bytes.
FLOAT, INT, BOOL, OTHER = "float", "int", "bool", "other"
_TYPES = {
    1: (FLOAT, "f"),
    2: (INT, "B"),
    3: (INT, "b"),
    4: (INT, "H"),
    5: (INT, "h"),
    6: (INT, "i"),
    7: (INT, "q"),
    9: (BOOL, "?"),
    10: (FLOAT, "e"),
    11: (FLOAT, "d"),
    12: (INT, "I"),
    13: (INT, "Q"),
    16: (FLOAT, ""),  # bfloat16, which struct does not know
}
_MOST_AXES = 64
_LARGE = 256 * 1024  # bytes of weights behind which a page of the file is not needed any more


class Attribute(NamedTuple):
    """The value of an attribute; ``refers`` names that of the function that it takes it from."""

    value: Any
    refers: str = ""


class RawNode(NamedTuple):
    """A node as the file has it."""

    op: str
    domain: str
    name: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    attributes: dict[str, Attribute]
    metadata: dict[str, str]


class RawFunction(NamedTuple):
    """A function of the file: nodes that stand for one."""

    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    defaults: dict[str, Attribute]
    nodes: list[RawNode]
    opsets: dict[str, int]


class RawGraph(NamedTuple):
    """A graph as the file has it."""

    name: str
    nodes: list[RawNode]
    constants: dict[str, Constant]
    inputs: dict[str, Sizes | None]
    outputs: dict[str, Sizes | None]
    shapes: dict[str, Sizes]


class Subgraph(NamedTuple):
    """An attribute that is a graph, of a branch or a loop."""

    span: Span


def read_graph(data: Bytes, span: Span) -> RawGraph:
    """The nodes, the constants and what is known of sizes."""
    name, nodes, constants = "", [], {}
    inputs: dict[str, Sizes | None] = {}
    outputs: dict[str, Sizes | None] = {}
    shapes: dict[str, Sizes] = {}
    for number, value in fields(data, span):
        if number == 1:
            nodes.append(read_node(data, as_span(value)))
        elif number == 2:
            name = text(data, value)
        elif number == 5:
            key, tensor = read_tensor(data, as_span(value))
            constants[key] = tensor._replace(origin=key, stored=tensor.dims)
        elif number == 15:
            key, tensor = _sparse(data, as_span(value))
            constants[key] = tensor._replace(origin=key, stored=tensor.dims)
        elif number in (11, 12, 13):
            key, sizes = _value_info(data, as_span(value))
            if number == 11:
                inputs[key] = sizes
            elif number == 12:
                outputs[key] = sizes
            if sizes is not None:
                shapes[key] = sizes
    return RawGraph(name, nodes, constants, inputs, outputs, shapes)


def read_node(data: Bytes, span: Span) -> RawNode:
    """A node with its attributes."""
    inputs, outputs = [], []
    op = domain = name = ""
    attributes: dict[str, Attribute] = {}
    metadata: dict[str, str] = {}
    for number, value in fields(data, span):
        if number == 1:
            inputs.append(text(data, value))
        elif number == 2:
            outputs.append(text(data, value))
        elif number == 3:
            name = text(data, value)
        elif number == 4:
            op = text(data, value)
        elif number == 5:
            key, attribute = _attribute(data, as_span(value))
            attributes[key] = attribute
        elif number == 7:
            domain = text(data, value)
        elif number == 9:
            key, words = read_entry(data, as_span(value))
            metadata[key] = words
    return RawNode(op, domain, name, tuple(inputs), tuple(outputs), attributes, metadata)


def read_function(data: Bytes, span: Span) -> tuple[tuple[str, str], RawFunction]:
    """A function, by its domain and its name."""
    name = domain = ""
    inputs, outputs, nodes = [], [], []
    defaults: dict[str, Attribute] = {}
    opsets: dict[str, int] = {}
    for number, value in fields(data, span):
        if number == 1:
            name = text(data, value)
        elif number == 4:
            inputs.append(text(data, value))
        elif number == 5:
            outputs.append(text(data, value))
        elif number == 7:
            nodes.append(read_node(data, as_span(value)))
        elif number == 9:
            key, version = read_opset(data, as_span(value))
            opsets[key] = version
        elif number == 10:
            domain = text(data, value)
        elif number == 11:
            key, attribute = _attribute(data, as_span(value))
            defaults[key] = attribute
    found = RawFunction(tuple(inputs), tuple(outputs), defaults, nodes, opsets)
    return (domain, name), found


def read_opset(data: Bytes, span: Span) -> tuple[str, int]:
    """The version of the operators of a domain; empty for ONNX's own."""
    domain, version = "", 0
    for number, value in fields(data, span):
        if number == 1:
            domain = text(data, value)
        elif number == 2:
            version = as_number(value)
    return ("" if domain == "ai.onnx" else domain), version


def read_entry(data: Bytes, span: Span) -> tuple[str, str]:
    """A key and its text, of metadata."""
    found = {number: text(data, value) for number, value in fields(data, span)}
    return found.get(1, ""), found.get(2, "")


def _attribute(data: Bytes, span: Span) -> tuple[str, Attribute]:
    name = refers = ""
    value: Any = None
    many: list[Any] = []
    for number, each in fields(data, span):
        if number == 1:
            name = text(data, each)
        elif number == 2:
            (value,) = floats(data, each)
        elif number == 3:
            (value,) = integers(data, as_number(each))
        elif number == 4:
            value = text(data, each)
        elif number == 5:
            value = read_tensor(data, as_span(each))[1]
        elif number == 6:
            value = Subgraph(as_span(each))
        elif number == 7:
            many += floats(data, each)
        elif number == 8:
            many += integers(data, each)
        elif number == 9:
            many.append(text(data, each))
        elif number == 21:
            refers = text(data, each)
        elif number in (10, 11, 14, 15, 22, 23):
            value = Subgraph(as_span(each))
    return name, Attribute(tuple(many) if value is None else value, refers)


def read_tensor(data: Bytes, span: Span) -> tuple[str, Constant]:
    """The name of a tensor, and its sizes; its numbers if they are few."""
    name, kind = "", 0
    dims: list[int] = []
    values: list[Any] = []
    raw: Span | None = None
    external = False
    for number, value in fields(data, span):
        if number == 1:
            dims += integers(data, value)
        elif number == 2:
            kind = as_number(value)
        elif number == 8:
            name = text(data, value)
        elif number == 9:
            raw = as_span(value)
            if raw.size > _LARGE:
                forget(data)
        elif number == 14:
            external = value == 1
        elif number in (4, 5, 7, 10, 11) and _is_short(value):
            values += _numbers(data, number, value)
    if len(dims) > _MOST_AXES or any(size < 0 for size in dims):
        raise Damaged(f"the tensor '{name}' has impossible sizes")
    return name, Constant(tuple(dims), _data(data, dims, kind, values, raw, external), _kind(kind))


def _is_short(value: int | Span) -> bool:
    return isinstance(value, int) or value.size <= 10 * MOST_VALUES


def _numbers(data: Bytes, number: int, value: int | Span) -> list[Any]:
    """The numbers of one of the fields that hold them by type."""
    if number in (4, 10):
        return list(floats(data, value, "f" if number == 4 else "d"))
    return integers(data, value)


def _kind(number: int) -> str:
    return _TYPES.get(number, (OTHER, ""))[0]


def _data(
    data: Bytes, dims: list[int], kind: int, values: list[Any], raw: Span | None, external: bool
) -> tuple[Any, ...] | None:
    """The numbers of a tensor, if the file has them all and they are few."""
    count = prod(dims)
    form = _TYPES.get(kind, (OTHER, ""))[1]
    most = MOST_FLOATS if _kind(kind) == FLOAT else MOST_VALUES
    if external or count > most or max(dims, default=1) > most or not form:
        return None
    if raw is not None and raw.size:
        if raw.size != count * struct.calcsize(form):
            return None
        return tuple(struct.unpack(f"<{count}{form}", data[raw.start : raw.end]))
    if len(values) != count:
        return () if not count else None
    return tuple(map(bool, values)) if kind == 9 else tuple(values)


def _sparse(data: Bytes, span: Span) -> tuple[str, Constant]:
    """A sparse tensor, as one without numbers: its name is that of its values."""
    name, dims = "", []
    for number, value in fields(data, span):
        if number == 1:
            name, _ = read_tensor(data, as_span(value))
        elif number == 3:
            dims += integers(data, value)
    return name, Constant(tuple(dims))


def _value_info(data: Bytes, span: Span) -> tuple[str, Sizes | None]:
    """The name of a tensor and its sizes, as far as the file states them."""
    name, sizes = "", None
    for number, value in fields(data, span):
        if number == 1:
            name = text(data, value)
        elif number == 2:
            sizes = _type(data, as_span(value))
    return name, sizes


def _type(data: Bytes, span: Span) -> Sizes | None:
    for number, value in fields(data, span):
        if number == 1:  # a tensor
            for inner, shape in fields(data, as_span(value)):
                if inner == 2:
                    dims = [dim for key, dim in fields(data, as_span(shape)) if key == 1]
                    return tuple(_dimension(data, as_span(dim)) for dim in dims)
    return None


def _dimension(data: Bytes, span: Span) -> int | None:
    """A size; None for one that has only a name."""
    for number, value in fields(data, span):
        if number == 1:
            size = as_number(value)
            return size if 0 < size < 1 << 40 else None
    return None
