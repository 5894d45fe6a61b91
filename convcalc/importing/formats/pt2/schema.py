"""The program of torch.export as JSON: sizes, arguments, and what its tensors are.

Field names are those of torch/_export/serde/schema.py. Each value is a union, written as an object
of one key that says what it is, such as ``{"as_ints": [2, 2]}``.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from convcalc.importing.foreign import Size, Sizes, Unreadable

MAJOR = 8  # of the schema; PyTorch 2.13 writes 8.20
MOST_VALUES = 2_000_000  # of a program's text: objects, lists and what is in them
_MOST_AXES = 64
_MOST_SIZE = 1 << 40

FLOATS = (6, 7, 8, 13, 14, 15, 16, 17, 18, 29, 30, 31, 32)  # ScalarType: half, float, double, …
BOOL = 12


class Ref(str):
    """The name of a tensor, or of a number that is computed when the program runs."""

    __slots__ = ()


class Subprogram(dict[str, Any]):
    """An argument that is a graph of its own."""


class Unknown:
    """An argument that has no meaning for a network, such as a device."""


def parsed(text: bytes) -> dict[str, Any]:
    """The program of a JSON text; Unreadable for another schema, or if it is damaged."""
    if sum(text.count(mark) for mark in (b",", b"[", b"{")) > MOST_VALUES:
        raise Unreadable(f"its program has more than {MOST_VALUES:,} values")
    try:
        program = json.loads(text)
    except (ValueError, RecursionError) as error:
        reason = str(error) if isinstance(error, json.JSONDecodeError) else type(error).__name__
        raise Unreadable(f"its program is not JSON: {reason}") from None
    if not isinstance(program, dict) or not isinstance(program.get("graph_module"), dict):
        raise Unreadable("its program has no graph")
    check_version(program.get("schema_version"), program.get("torch_version"))
    return program


def check_version(version: Any, torch: Any) -> None:
    """Raises Unreadable for a schema whose major version is not known."""
    major = version.get("major") if isinstance(version, dict) else version
    if major == MAJOR and type(major) is int:
        return
    stated = f"{major}.{version.get('minor')}" if isinstance(version, dict) else f"{version}"
    by = f", written by PyTorch {torch}" if isinstance(torch, str) and torch else ""
    raise Unreadable(
        f"its schema is version {stated[:20]}{by[:40]}, but only {MAJOR} is known",
        "export it with PyTorch 2.13, whose schema this is",
    )


def mapping(value: Any, what: str) -> Mapping[str, Any]:
    """A value that must be an object."""
    if not isinstance(value, dict):
        raise Unreadable(f"{what} is damaged")
    return value


def sequence(value: Any, what: str) -> Sequence[Any]:
    """A value that must be a list."""
    if not isinstance(value, list):
        raise Unreadable(f"{what} is damaged")
    return value


def name_of(value: Any) -> str:
    """The name of a tensor argument: ``{"name": …}``."""
    name = value.get("name") if isinstance(value, dict) else None
    if not isinstance(name, str):
        raise Unreadable("a tensor has no name")
    return name


def sizes_of(meta: Any, name: str) -> Sizes:
    """The sizes of a tensor by its metadata; None for those that are not fixed."""
    sizes = sequence(mapping(meta, f"the tensor '{name}'").get("sizes"), f"the tensor '{name}'")
    if len(sizes) > _MOST_AXES:
        raise Unreadable(f"the tensor '{name}' has {len(sizes)} axes")
    return tuple(_size(each, name) for each in sizes)


def _size(value: Any, name: str) -> Size:
    found = mapping(value, f"the tensor '{name}'").get("as_int")
    if found is None:
        return None
    if type(found) is not int or not 0 <= found < _MOST_SIZE:
        raise Unreadable(f"the tensor '{name}' has an impossible size")
    return found


def kind_of(meta: Mapping[str, Any]) -> str:
    """Return what the numbers of a tensor are: float, int or bool."""
    dtype = meta.get("dtype")
    return "bool" if dtype == BOOL else "float" if dtype in FLOATS else "int"


def argument(value: Any) -> Any:
    """The value of an argument: a number, a text, a Ref, a list of these, a graph, or None."""
    arg = mapping(value, "an argument")
    if len(arg) != 1:
        raise Unreadable("an argument is damaged")
    ((kind, held),) = arg.items()
    reader = _ARGUMENTS.get(kind)
    if reader is None:
        return Unknown
    return reader(held)


def _number(value: Any) -> Any:
    if not isinstance(value, int | float):
        raise Unreadable("an argument is damaged")
    return value


def _float(value: Any) -> Any:
    """A float, of which those that JSON cannot say are texts: Infinity, -Infinity, NaN."""
    return float(value) if isinstance(value, str) else _number(value)


def _symbolic(value: Any) -> Any:
    """A number, or the name of one that is known only when the program runs."""
    held = mapping(value, "an argument")
    for key in ("as_int", "as_float", "as_bool"):
        if key in held:
            return _number(held[key])
    return Ref(_text(held.get("as_name")))


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise Unreadable("an argument is damaged")
    return value


def _list(each: Any) -> Any:
    return lambda values: [each(value) for value in sequence(values, "an argument")]


def _optional(value: Any) -> Any:
    held = mapping(value, "an argument")
    return tensor(held["as_tensor"]) if "as_tensor" in held else None


def tensor(value: Any) -> Ref:
    """A reference to a tensor."""
    return Ref(name_of(value))


def _graph(value: Any) -> Subprogram:
    return Subprogram(mapping(mapping(value, "a graph").get("graph"), "a graph"))


_ARGUMENTS: Mapping[str, Any] = {
    "as_none": lambda _: None,
    "as_tensor": tensor,
    "as_tensors": _list(tensor),
    "as_optional_tensor": _optional,
    "as_optional_tensors": _list(_optional),
    "as_int": _number,
    "as_ints": _list(_number),
    "as_float": _float,
    "as_floats": _list(_float),
    "as_bool": _number,
    "as_bools": _list(_number),
    "as_string": _text,
    "as_strings": _list(_text),
    "as_sym_int": _symbolic,
    "as_sym_ints": _list(_symbolic),
    "as_sym_float": _symbolic,
    "as_sym_floats": _list(_symbolic),
    "as_sym_bool": _symbolic,
    "as_sym_bools": _list(_symbolic),
    "as_graph": _graph,
}


def outputs_of(values: Sequence[Any]) -> list[str]:
    """The names of what a node makes; empty for what is none."""
    found: list[str] = []
    for value in values:
        each = argument(value)
        many = each if isinstance(each, list) else [each]
        found += (str(one) if isinstance(one, Ref) else "" for one in many)
    return found
