"""The rows that nothing beats: the Pareto front of exact numbers.

A row is on the front if no other one is at least as good in every objective and better in one.
Rows with equal numbers are on it together.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Collection, Iterator, Sequence
from typing import Any, NamedTuple

from convcalc.analysis.sweeps.arrays import HAS_NUMPY, np
from convcalc.analysis.sweeps.space import SpaceError
from convcalc.diagnostics.suggestion import UnknownName, advise

Point = tuple[Any, ...]  # numbers of which less is better
_BLOCK = 256  # points of a front that are compared with others at once


class Objective(NamedTuple):
    """A column, and whether more of it is better."""

    name: str
    is_more_better: bool = False

    def __str__(self) -> str:
        return f"{'-' * self.is_more_better}{self.name}"

    def of(self, value: Any) -> Any:
        """A value such that less is better."""
        return -value if self.is_more_better else value


def objectives(words: Sequence[str], known: Collection[str]) -> tuple[Objective, ...]:
    """The objectives of words such as ``params`` and ``-receptive_field``: more of that is better.

    Raises UnknownName for a name that is not known, SpaceError for one that is there twice.
    """
    found: list[Objective] = []
    for word in words:
        name = word.strip().removeprefix("-")
        if name not in known:
            raise UnknownName(f"'{name}' is not a column", advise(name, known, "columns:"))
        if any(each.name == name for each in found):
            raise SpaceError(f"'{name}' is named twice", "name each column once")
        found.append(Objective(name, word.strip().startswith("-")))
    return tuple(found)


def front(points: Sequence[Point]) -> list[int]:
    """The places of the points that no other point beats, in their order; exact for any numbers."""
    if not points:
        return []
    places: dict[Point, list[int]] = {}
    for place, point in enumerate(points):
        places.setdefault(point, []).append(place)
    # Whatever beats a point comes before it in this order.
    ordered = sorted(places)
    kept = _WAYS.get(len(ordered[0]), _of_many)(ordered)
    return sorted(place for point in kept for place in places[point])


def _of_one(ordered: Sequence[Point]) -> Iterator[Point]:
    yield ordered[0]


def _of_two(ordered: Sequence[Point]) -> Iterator[Point]:
    """In the order of the first number: those whose second is less than all before."""
    least: Any = None
    for point in ordered:
        if least is None or point[1] < least:
            least = point[1]
            yield point


def _of_three(ordered: Sequence[Point]) -> Iterator[Point]:
    """In the order of the first number, by the front of the other two of all points before.

    That is a staircase: its second numbers rise, its third ones fall (H. T. Kung, F. Luccio and
    F. P. Preparata, On finding the maxima of a set of vectors, 1975).
    """
    seconds: list[Any] = []
    thirds: list[Any] = []
    for point in ordered:
        _, second, third = point
        at = bisect_right(seconds, second)
        if at and thirds[at - 1] <= third:  # the step below or at it is as good
            continue
        yield point
        start = end = bisect_left(seconds, second)
        while end < len(thirds) and thirds[end] >= third:
            end += 1
        seconds[start:end] = [second]
        thirds[start:end] = [third]


def _of_many(ordered: Sequence[Point]) -> Iterator[Point]:
    """Each point against the front of those before it."""
    if not HAS_NUMPY:
        found: list[Point] = []
        for point in ordered:
            if not any(all(map(_is_at_most, each, point)) for each in found):
                found.append(point)
        yield from found
        return
    yield from (ordered[place] for place in _places_of_many(ordered))


def _is_at_most(first: Any, second: Any) -> bool:
    return bool(first <= second)


def _places_of_many(ordered: Sequence[Point]) -> list[int]:
    """The places on the front, by ranks: whole numbers in the order of the numbers themselves.

    Points are taken in the order of the sum of their ranks, which whatever beats a point has less
    of. Those that the next ones of the front beat are dropped from all that are left.
    """
    ranks = [np.array(_ranks(values), np.int64) for values in zip(*ordered, strict=True)]
    left = np.argsort(sum(ranks), kind="stable")
    found: list[int] = []
    while len(left):
        head = left[:_BLOCK]
        kept = head[~_beaten(ranks, head, head)]
        found += kept.tolist()
        left = left[_BLOCK:]
        left = left[~_beaten(ranks, left, kept)]
    return sorted(found)


def _beaten(ranks: Sequence[Any], places: Any, by: Any) -> Any:
    """For each of some points, all of them different, whether one of others beats it."""
    columns = [values[places] for values in ranks]
    found = np.zeros(len(places), bool)
    for place in by.tolist():
        worse = columns[0] >= ranks[0][place]
        for values, own in zip(columns[1:], ranks[1:], strict=True):
            worse &= values >= own[place]
        found |= worse & (places != place)
    return found


def _ranks(values: Sequence[Any]) -> list[int]:
    rank = {value: number for number, value in enumerate(sorted(set(values)))}
    return [rank[value] for value in values]


_WAYS: dict[int, Callable[[Sequence[Point]], Iterator[Point]]] = {
    1: _of_one,
    2: _of_two,
    3: _of_three,
}
