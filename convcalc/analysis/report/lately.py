"""Results that are kept for the things last asked for, whose number is bounded."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

T = TypeVar("T")
R = TypeVar("R")

KEPT = 2000  # results


def lately(function: Callable[[T], R], most: int = KEPT) -> Callable[[T], R]:
    """The function, which is called once for an object as long as few others come between.

    Layers that are alike share objects: their counts, shapes and receptive fields. Objects are told
    apart by identity, so that those which cannot be compared, or only slowly, may be asked for.
    """
    kept: dict[int, tuple[T, R]] = {}

    def result(thing: T) -> R:
        found = kept.get(id(thing))
        if found is None:
            if len(kept) >= most:
                kept.clear()
            kept[id(thing)] = found = thing, function(thing)  # which keeps the identity taken
        return found[1]

    return result


def lately_of_two(function: Callable[[Any, Any], R], most: int = KEPT) -> Callable[[Any, Any], R]:
    """Like :func:`lately`, for a function of two objects."""
    kept: dict[tuple[int, int], tuple[Any, Any, R]] = {}

    def result(one: Any, other: Any) -> R:
        found = kept.get((id(one), id(other)))
        if found is None:
            if len(kept) >= most:
                kept.clear()
            kept[id(one), id(other)] = found = one, other, function(one, other)
        return found[2]

    return result
