"""Types of arguments, from the values that they have."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any


def annotation(values: Sequence[Any]) -> str:
    """The annotation of an argument that had these values."""
    lists = [value for value in values if isinstance(value, list | tuple)]
    lengths = {len(value) for value in lists}
    fixed = len(lengths) == 1 and max(lengths) in (2, 3) and all(map(_is_plain, lists))
    kinds = list(dict.fromkeys(_kind(value, fixed=fixed) for value in values if value is not None))
    if "float" in kinds:
        kinds = [kind for kind in kinds if kind != "int"]
    if not kinds:
        return "int"
    return " | ".join(sorted(kinds))


def _is_plain(value: Sequence[Any]) -> bool:
    """Whether a list holds whole numbers and nothing else."""
    return all(type(each) is int for each in value)


def _kind(value: Any, *, fixed: bool = False) -> str:
    if isinstance(value, bool):
        return "bool"
    if isinstance(value, int):
        return "int"
    if isinstance(value, float):
        return "float"
    if isinstance(value, str):
        return "str"
    if isinstance(value, list | tuple):
        return f"tuple[{', '.join(['int'] * len(value))}]" if fixed else _of_list(value)
    return "int"


def _of_list(value: Sequence[Any]) -> str:
    inner = [_kind(each) for each in value]
    lengths = {len(each) for each in value if isinstance(each, list | tuple)}
    if lengths and len(lengths) == 1 and max(lengths) <= 3:
        first = [each for each in value if isinstance(each, list | tuple)]
        if len(first) == len(value):
            parts = ", ".join(annotation([each[k] for each in value]) for k in range(len(first[0])))
            return f"Sequence[tuple[{parts}]]"
    kinds = set(inner)
    if "float" in kinds:
        kinds.discard("int")
    return f"Sequence[{' | '.join(sorted(kinds)) or 'int'}]"
