"""Grids of cases that are too many for every run: a fixed quarter of them, also one share of the
others in turn, or all."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any
from zlib import crc32

Part = Callable[..., list[Any]]


def quarter(cases: Iterable[Any], name: Callable[[Any], str] = repr, of: int = 4) -> list[Any]:
    """A quarter of the cases, or another part ``of`` them, in their order and at least one.

    A hash of their names decides which, the same in every run, and no pattern of the grid.
    """
    listed = list(cases)
    least = sorted(range(len(listed)), key=lambda i: (crc32(name(listed[i]).encode()), i))
    return [listed[i] for i in sorted(least[: -(-len(listed) // of)])]


def with_share(
    cases: Iterable[Any],
    name: Callable[[Any], str] = repr,
    of: int = 4,
    *,
    turn: int = 0,
    shares: int = 1,
) -> list[Any]:
    """A quarter of the cases, and of the others the share whose turn it is, in their order.

    In ``shares`` turns, one after another, every case has been among them.
    """
    listed = list(cases)
    always = {id(case) for case in quarter(listed, name, of)}
    others = [i for i, case in enumerate(listed) if id(case) not in always]
    others.sort(key=lambda i: (crc32(name(listed[i]).encode()), i))
    chosen = set(others[turn % shares :: shares])
    return [case for i, case in enumerate(listed) if id(case) in always or i in chosen]
