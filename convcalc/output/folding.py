"""Folds rows that are alike in a table of thousands of rows: ``layer[0…49999] ×50,000``.

Two rows are alike if they have the same values in all columns, but for their paths, whose numbers
must count up evenly, and for the columns that ``spans`` marks. So are groups of rows that repeat in
turn, and groups of groups: whatever repeats is folded, and then what repeats of that.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from operator import sub
from typing import Any

from convcalc.output.columns import Column, Span
from convcalc.output.table import Fact, Table

MOST_LOOKED_AT = 40  # rows compared per row, before what is left stays as it is
MOST_TRIED = 16  # lengths of a group that are tried from one row on

# A number within a path, but not one that is written with zeros in front.
NUMBER = re.compile(r"(?<!\d)(0|[1-9]\d{0,8})(?!\d)", re.ASCII)
_TOP, _MIDDLE, _BOTTOM = "┌│└"  # in front of rows that repeat in turn


class Folded:
    """Rows that are alike, as one row of a table: what is not said here is that of the first.

    ``words`` are what stands between the numbers of the paths, ``starts`` and ``ends`` the numbers
    of the first and the last. ``key`` is the same for rows that may be alike. ``differing`` are the
    indices of columns in which the rows differ. ``bracket`` tells which rows repeat in turn.
    """

    __slots__ = (
        "bracket",
        "differing",
        "ends",
        "first",
        "key",
        "last",
        "starts",
        "times",
        "words",
    )

    def __init__(
        self, row: Any, key: int, words: tuple[str, ...], numbers: tuple[int, ...]
    ) -> None:
        self.first = self.last = row
        self.key = key
        self.words = words
        self.starts = self.ends = numbers
        self.times = 1
        self.differing: frozenset[int] = frozenset()
        self.bracket = ""

    def __getattr__(self, name: str) -> Any:
        return getattr(self.first, name)

    @property
    def path(self) -> str:
        """The paths of the rows, and how many they are."""
        ranges = [
            str(start) if start == end else f"{start}…{end}"
            for start, end in zip(self.starts, self.ends, strict=True)
        ]
        parts = [*sum(zip(self.words, ranges, strict=False), ()), self.words[-1]]
        bracket = f"{self.bracket} " if self.bracket else ""
        return f"{bracket}{''.join(parts)} ×{self.times:,}"


def folded(table: Table) -> Table:
    """Return the table with rows that are alike as one, and a line in the footer that says so."""
    folding = _Folding(table.columns)
    items = list(folding.items(table.rows))
    longest = 1  # what repeats within a group that repeats is folded first
    while longest <= len(items) // 2:
        before, items = items, folding.shorter(items, longest)
        longest = 1 if len(items) < len(before) else 2 * longest
    if len(items) == len(table.rows):
        return table
    return table._replace(
        columns=tuple(
            column._replace(value=_spanning(index, column)) if column.spans else column
            for index, column in enumerate(table.columns)
        ),
        rows=[item if item.times > 1 else item.first for item in items],
        footer=[*table.footer, _fact(table, items)],
    )


def _fact(table: Table, items: Sequence[Folded]) -> Fact:
    """Return the fact that tells how to read the rows, and how to see all of them."""
    has_groups = any(item.bracket for item in items)
    words = "; rows behind ┌ │ └ repeat in turn" if has_groups else ""
    return Fact(
        "folded",
        f"{len(table.rows):,} rows into {len(items):,}: "
        f"×N means N rows alike, with the numbers of one{words}; {table.unfolded}",
    )


def _spanning(index: int, column: Column) -> Callable[[Any], Any]:
    """Return the value of a column whose folded rows have a first and a last value."""

    def value(row: Any) -> Any:
        if isinstance(row, Folded) and index in row.differing:
            return Span((column.value(row.first), column.value(row.last)))
        return column.value(row)

    return value


def compared_values(columns: Sequence[Column]) -> Callable[[Any], tuple[Any, ...]]:
    """Return a function of a row: what it must have in common with rows that it is folded with."""
    compared = [each for each in columns if not each.spans and each.key != "path"]

    def found(row: Any) -> tuple[Any, ...]:
        values = []
        for column in compared:
            value = column.value(row)
            values.append(tuple(value.items()) if isinstance(value, Mapping) else value)
            values.append(column.at_least(row))
            if column.mark:
                values.append(column.mark(row))
        return tuple(values)

    return found


class _Folding:
    """The folding of one table."""

    def __init__(self, columns: Sequence[Column]) -> None:
        self._values = compared_values(columns)
        self.spanned = [(index, each) for index, each in enumerate(columns) if each.spans]
        self._keys: dict[Any, int] = {}
        self._words: dict[tuple[str, ...], tuple[str, ...]] = {}
        self._left = 0

    def items(self, rows: Sequence[Any]) -> Iterator[Folded]:
        """Yields the rows, each still by itself."""
        self._left = MOST_LOOKED_AT * len(rows)
        for row in rows:
            parts = NUMBER.split(row.path)
            words = tuple(parts[::2])
            words = self._words.setdefault(words, words)
            yield Folded(row, self._key(words, self._values(row)), words, (*map(int, parts[1::2]),))

    def _key(self, *parts: Any) -> int:
        return self._keys.setdefault(parts, len(self._keys))

    def shorter(self, items: list[Folded], longest: int) -> list[Folded]:
        """The items with those that repeat folded into one, by groups of at most so many."""
        keys = [item.key for item in items]
        if len(set(keys)) == len(keys):
            return items
        later = _next_of_same(keys)
        found: list[Folded] = []
        at = 0
        while at < len(items):
            period, times = self._repeats(items, keys, later, at, longest)
            stop = at + period * times
            if times > 1:
                members = [items[at + number : stop : period] for number in range(period)]
                found += _bracketed([self._merged(each) for each in members])
            else:
                found.append(items[at])
            at = stop
        return found

    def _repeats(
        self,
        items: Sequence[Folded],
        keys: Sequence[int],
        later: Sequence[int],
        at: int,
        longest: int,
    ) -> tuple[int, int]:
        """How many items from a place on repeat, and how often; one, once, if none do."""
        after = at
        for _ in range(MOST_TRIED):
            after = later[after]
            period = after - at
            if period > longest or after + period > len(items) or self._left < 0:
                break
            if keys[after - 1] != keys[after + period - 1]:
                continue
            self._left -= period
            times = self._times(items, keys, at, period)
            if times > 1:
                return period, times
        return 1, 1

    def _times(self, items: Sequence[Folded], keys: Sequence[int], at: int, period: int) -> int:
        """How often a number of items repeats, with numbers that count on by the same steps."""
        group = keys[at : at + period]
        steps: list[tuple[int, ...]] = []
        times = 1
        for start in range(at + period, len(items) - period + 1, period):
            self._left -= period
            if keys[start : start + period] != group:
                break
            found = [
                _step(items[place - period], items[place]) for place in range(start, start + period)
            ]
            steps = steps or found
            if found != steps or not all(map(_counts, steps)):
                break
            times += 1
        return times

    def _merged(self, members: Sequence[Folded]) -> Folded:
        """Items that repeat as one."""
        first, last = members[0], members[-1]
        spans = tuple(map(sub, last.ends, first.starts))
        key = self._key(first.key, len(members), spans)
        found = Folded(first.first, key, first.words, first.starts)
        found.last, found.ends = last.last, last.ends
        found.times = len(members) * first.times
        found.bracket = first.bracket
        found.differing = frozenset(
            index
            for index, column in self.spanned
            if any(index in member.differing for member in members)
            or _differs([member.first for member in members], column)
        )
        return found


def _next_of_same(keys: Sequence[int]) -> list[int]:
    """For each place the next one with the same key, or one behind all."""
    beyond = 2 * len(keys)
    last: dict[int, int] = {}
    found = [beyond] * len(keys)
    for place in range(len(keys) - 1, -1, -1):
        found[place] = last.get(keys[place], beyond)
        last[keys[place]] = place
    return found


def _step(one: Folded, other: Folded) -> tuple[int, ...]:
    return tuple(map(sub, other.starts, one.starts))


def _counts(step: tuple[int, ...]) -> bool:
    """Whether numbers go up, or down, and none the other way."""
    return any(step) and (min(step) >= 0 or max(step) <= 0)


def _differs(rows: Sequence[Any], column: Column) -> bool:
    first = column.value(rows[0])
    return any(column.value(row) != first for row in rows)


def _bracketed(items: list[Folded]) -> list[Folded]:
    """Marks items that repeat in turn."""
    if len(items) > 1:
        room = max(len(item.bracket) for item in items)
        signs = (_TOP, *[_MIDDLE] * (len(items) - 2), _BOTTOM)
        for item, sign in zip(items, signs, strict=True):
            item.bracket = sign + item.bracket.ljust(room)
    return items
