"""Rows sorted by the values of any column."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from math import prod
from typing import Any, TypeVar

from convcalc.analysis.report.report import ReceptiveField
from convcalc.model.quantities.unknown import known
from convcalc.output.columns import Size

R = TypeVar("R")


def sorted_rows(listed: Iterable[R], value: Callable[[R], Any]) -> list[R]:
    """Largest first, texts from A to Z.

    A row whose value is unknown comes before all (it may be the largest), one that has no such
    value last. A shape is as large as its elements are many, and so is a receptive field; of
    other values per axis the sum counts.
    """
    return sorted(listed, key=lambda row: _rank(value(row)))


def _rank(value: Any) -> tuple[int, Any]:
    """Unknown, number, text or nothing, and what compares values of a kind."""
    if value is None:
        return 3, 0
    if isinstance(value, str):
        return 2, value
    amount = _amount(value)
    return (1, -amount) if known(amount) else (0, 0)


def _amount(value: Any) -> Any:
    """How large a value is; unknown if a part is."""
    if isinstance(value, ReceptiveField):
        return prod(value.size)
    if isinstance(value, Mapping):
        return sum(map(prod, value.values()))
    if isinstance(value, Size):
        return prod(value)
    if isinstance(value, tuple):
        return sum(map(_amount, value))
    if isinstance(value, str):  # padding that differs between the sides: 0+1
        return sum(map(int, value.split("+")))
    return value
