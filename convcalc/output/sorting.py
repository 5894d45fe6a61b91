"""Sorts rows by the values of a column."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from math import prod
from typing import Any, TypeVar

from convcalc.analysis.report.report import ReceptiveField
from convcalc.model.quantities.unknown import UNKNOWN, known
from convcalc.output.columns import Several, Size

R = TypeVar("R")


def sorted_rows(listed: Iterable[R], value: Callable[[R], Any]) -> list[R]:
    """Return the rows sorted by value: the largest first, texts from A to Z.

    Rows with an unknown value come first (it may be the largest), rows without a value last. A
    shape or a receptive field counts as its number of elements, any other value per axis as the
    sum over the axes; of several outputs the largest counts.
    """
    return sorted(listed, key=lambda row: _rank(value(row)))


def _rank(value: Any) -> tuple[int, Any]:
    """Return a sort key: first unknown, number, text or nothing, then the value itself."""
    if value is None:
        return 3, 0
    if isinstance(value, str):
        return 2, value
    amount = _largest(value) if isinstance(value, Several) else _amount(value)
    return (1, -amount) if known(amount) else (0, 0)


def _largest(values: Several) -> Any:
    amounts = tuple(_amount(each) for each in values if each is not None)
    return max(amounts, default=0) if known(amounts) else UNKNOWN


def _amount(value: Any) -> Any:
    """Return how large a value is; UNKNOWN if any part of it is unknown."""
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
