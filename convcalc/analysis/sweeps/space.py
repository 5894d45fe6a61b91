"""The configurations of a sweep: every combination of the values of its factors, by number.

A space is never written out: a configuration is made from its number, so a space may be of any
size. The last factor changes fastest, as in ``itertools.product``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from math import prod
from typing import Any, NamedTuple

from convcalc.analysis.sweeps.drawing import LARGEST, Drawing
from convcalc.errors import Error


class SpaceError(Error):
    """The configurations of a sweep are not well described; ``rule`` is the diagnostic's name in a
    file."""

    rule = "out-of-range"


class Factor(NamedTuple):
    """The input or a param, and the values that it takes.

    A factor whose values are lists of choices has several ``parts``, one for each item of the list,
    and takes every combination of them; any other has one.
    """

    name: str
    parts: tuple[Sequence[Any], ...]
    is_list: bool = False

    @property
    def size(self) -> int:
        """How many values it has."""
        return prod(map(len, self.parts))


class Space:
    """Every combination of the values of some factors, numbered from 0."""

    def __init__(self, factors: Iterable[Factor]) -> None:
        self.factors = tuple(factors)
        self.count = prod(factor.size for factor in self.factors)
        self._places: list[list[tuple[Sequence[Any], int]]] = []
        place = self.count
        for factor in self.factors:
            own = []
            for part in factor.parts:
                place //= len(part)
                own.append((part, place))  # how many numbers in a row have the same value
            self._places.append(own)

    def row(self, number: int) -> dict[str, Any]:
        """The configuration of that number."""
        return {name: values[0] for name, values in self.columns([number]).items()}

    def columns(self, numbers: Sequence[int]) -> dict[str, list[Any]]:
        """The values of each factor in the configurations of these numbers."""
        found: dict[str, list[Any]] = {}
        for factor, places in zip(self.factors, self._places, strict=True):
            parts = [
                [values[number // place % len(values)] for number in numbers]
                for values, place in places
            ]
            lists = factor.is_list
            found[factor.name] = [*map(list, zip(*parts, strict=True))] if lists else parts[0]
        return found


class Rows:
    """The rows of a sweep: all configurations of a space, or ``sample`` different ones of them.

    A row is made from its number and the ``seed`` alone, whatever other rows there are.
    """

    def __init__(self, space: Space, sample: int | None = None, seed: int = 0) -> None:
        self.space = space
        is_drawn = sample is not None and sample < space.count
        self.count = sample if is_drawn and sample is not None else space.count
        if is_drawn and space.count > LARGEST:
            raise SpaceError(
                f"a sample of {space.count:.3g} configurations; at most {LARGEST:.3g} are possible",
                "sweep fewer values",
            )
        self._drawing = Drawing(space.count, seed) if is_drawn else None

    def columns(self, first: int, end: int) -> dict[str, list[Any]]:
        """The values of each factor in the rows from ``first`` up to ``end``, without it."""
        numbers: Sequence[int] = range(first, end)
        if self._drawing is not None:
            numbers = self._drawing.numbers(first, end)
        return self.space.columns(numbers)

    def row(self, number: int) -> Mapping[str, Any]:
        """The configuration of one row."""
        return {name: values[0] for name, values in self.columns(number, number + 1).items()}
