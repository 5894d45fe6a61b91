"""Grids of cases that are too many for every run: a fixed quarter of them, or all."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any
from zlib import crc32

Part = Callable[[Iterable[Any]], list[Any]]


def quarter(cases: Iterable[Any], name: Callable[[Any], str] = repr, of: int = 4) -> list[Any]:
    """A quarter of the cases, or another part ``of`` them, in their order and at least one.

    A hash of their names decides which, the same in every run, and no pattern of the grid.
    """
    listed = list(cases)
    least = sorted(range(len(listed)), key=lambda i: (crc32(name(listed[i]).encode()), i))
    return [listed[i] for i in sorted(least[: -(-len(listed) // of)])]
