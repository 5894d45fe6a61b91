"""Pieces of Python that code for every framework is made of."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from convcalc.exporting.expressions import literal


def bracketed(text: str) -> str:
    """An expression as a factor: in brackets if it is more than a name or a number."""
    return text if text.isidentifier() or text.isdigit() else f"({text})"


def whole(text: str, values: Iterable[Any]) -> str:
    """An expression as an integer, which it is already if none of its values is a float."""
    return f"int({text})" if any(isinstance(value, float) for value in values) else text


def scalar(value: Any) -> str:
    """A field's value; one number for equal numbers of all axes."""
    if isinstance(value, tuple) and value:
        flat = [n for pair in value for n in pair] if _are_tuples(value) else value
        if len(set(flat)) == 1 and not isinstance(flat[0], tuple):
            return literal(flat[0])
    return literal(value)


def _are_tuples(value: Sequence[Any]) -> bool:
    return all(isinstance(each, tuple) for each in value)


def for_head(names: Sequence[str], lists: Sequence[str], index: str = "", zipped: str = "") -> str:
    """``for i, (a, b) in enumerate(zip(x, y)):``; ``zipped`` are further arguments of ``zip``."""
    listed = ", ".join(names)
    source = lists[0] if len(lists) == 1 else f"zip({', '.join(lists)}{zipped})"
    if not index:
        return f"for {listed} in {source}:"
    inner = f"({listed})" if len(names) > 1 else listed
    return f"for {index}, {inner} in enumerate({source}):"


def as_word(text: str) -> str:
    """A path as a part of a name: ``a[1].b`` as ``a_1__b``."""
    return "".join(char if char.isalnum() else "_" for char in text).strip("_")
