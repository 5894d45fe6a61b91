"""Reads the header of a safetensors file: names, kinds and sizes of tensors, and no graph.

So parameters are known, and what is done with them is not. A tensor is a buffer and no parameter
if its name says so, as those of batch norms do, or if it holds integers that count or index.

Source: huggingface/safetensors, README.md, "Format".
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from math import prod
from typing import Any, NamedTuple

from convcalc.diagnostics.diagnostic import Place
from convcalc.importing.foreign import Content, Graph, Node, OneGraph, Unreadable
from convcalc.model.graph.network import Group

MOST_HEADER = 32 * 2**20  # bytes
MOST_TENSORS = 100_000
MOST_ELEMENTS = 2**48
LONGEST = 300  # characters of a name
WIDTHS = {
    "F64": 8,
    "I64": 8,
    "U64": 8,
    "F32": 4,
    "I32": 4,
    "U32": 4,
    "F16": 2,
    "BF16": 2,
    "I16": 2,
    "U16": 2,
    "I8": 1,
    "U8": 1,
    "F8_E4M3": 1,
    "F8_E5M2": 1,
    "BOOL": 1,
}
COUNTING = ("I64", "U64", "I32", "U32", "BOOL")  # kinds of numbers that nothing is learned in
BUFFERS = ("running_mean", "running_var", "num_batches_tracked")


class Stored(NamedTuple):
    """A tensor of the file."""

    name: str
    kind: str
    sizes: tuple[int, ...]

    @property
    def is_buffer(self) -> bool:
        """Whether it is not a parameter."""
        return self.kind in COUNTING or self.name.rpartition(".")[2] in BUFFERS


def open_model(content: Content, file: str) -> OneGraph:
    """The tensors of a file; Unreadable if its header is damaged."""
    return OneGraph(_graph(read_header(content), file))


def read_header(content: Content) -> Sequence[Stored]:
    """The tensors that a header lists; Unreadable if it is damaged, or the file is cut off."""
    if len(content) < 8:
        raise Unreadable("it is shorter than a header")
    size = int.from_bytes(content[:8], "little")
    if size > MOST_HEADER:
        raise Unreadable(f"its header has {size:,} bytes; at most {MOST_HEADER:,} are read")
    if len(content) < 8 + size:
        raise Unreadable("it is cut off within its header")
    try:
        header = json.loads(bytes(content[8 : 8 + size]).decode("utf-8"))
    except (ValueError, RecursionError):
        raise Unreadable("its header is not JSON") from None
    if not isinstance(header, dict):
        raise Unreadable("its header is not a mapping of names")
    if len(header) > MOST_TENSORS:
        raise Unreadable(f"it has more than {MOST_TENSORS:,} tensors")
    return list(_tensors(header, len(content) - 8 - size))


def _tensors(header: Mapping[str, Any], room: int) -> Iterator[Stored]:
    for name, entry in header.items():
        if name == "__metadata__":
            continue
        if not isinstance(entry, dict) or len(name) > LONGEST:
            raise Unreadable(f"an entry of its header is not a tensor: '{name[:40]}'")
        kind: Any = entry.get("dtype")
        sizes: Any = entry.get("shape")
        place: Any = entry.get("data_offsets")
        if not isinstance(kind, str) or not _are_sizes(sizes) or not _are_sizes(place):
            raise Unreadable("its kind, shape or place is missing", element=f"tensor {name}")
        if len(place) != 2 or not place[0] <= place[1] <= room:
            raise Unreadable("its numbers lie outside the file", element=f"tensor {name}")
        count = prod(sizes)
        if count > MOST_ELEMENTS:
            raise Unreadable(f"it has {count:,} elements", element=f"tensor {name}")
        if kind in WIDTHS and count * WIDTHS[kind] != place[1] - place[0]:
            message = f"{count:,} numbers of kind {kind} in {place[1] - place[0]:,} bytes"
            raise Unreadable(message, element=f"tensor {name}")
        yield Stored(name, kind, tuple(sizes))


def _are_sizes(value: Any) -> bool:
    return isinstance(value, list) and all(type(each) is int and each >= 0 for each in value)


def _graph(tensors: Sequence[Stored], file: str) -> Graph:
    """A layer for each tensor, by its name, and one of unknown work: whatever reads them."""
    tensors = sorted(tensors, key=lambda each: _in_order(each.name))
    nodes = [_node(each, index, file) for index, each in enumerate(tensors) if prod(each.sizes)]
    if not nodes:
        raise Unreadable("it holds no tensor")
    place = Place(file, 1, 1, 0, "the graph, which is not in the file")
    last = nodes[-1].outputs[0]
    nodes.append(Node("Undescribed", (last,), ("graph",), {}, "graph", place))
    about = "a table of tensors without a graph: what is done with them is unknown"
    return Graph("", {}, {}, nodes, {}, {}, about)


def _in_order(name: str) -> list[tuple[bool, int, str]]:
    """Where a name stands among others: numbers in it by their values, ``m.10`` after ``m.9``."""
    parts = re.split(r"([0-9]{1,18})", name)
    return [(part.isdecimal(), int(part) if part.isdecimal() else 0, part) for part in parts]


def _node(tensor: Stored, index: int, file: str) -> Node:
    *modules, name = tensor.name.split(".")
    paths = [".".join(modules[: k + 1]) for k in range(len(modules))]
    above = (Group(path, each) for path, each in zip(paths, modules, strict=True))
    scope = (*above, Group(tensor.name, name))
    place = Place(file, 1, 1, 0, f"tensor {tensor.name}")
    sizes = tensor.sizes if 0 < len(tensor.sizes) <= 4 else (prod(tensor.sizes),)
    values = {"sizes": list(sizes), "fixed": tensor.is_buffer}
    return Node("Stored", (), (f"t{index}",), values, tensor.name, place, scope)
