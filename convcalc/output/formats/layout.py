"""Measures the columns of a table, decides which fit a terminal, and how wide each becomes.

Numbers are never cut: first the gaps narrow, then whole columns are hidden. Only if those that
must stay are still too wide, the first column is narrowed, since its paths can be wrapped.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, islice
from typing import NamedTuple

from rich.cells import cell_len

from convcalc.output.cells import Grid
from convcalc.output.columns import Column

GAPS = (2, 1)  # blanks between columns
NARROWEST = 16  # characters per line that a wrapped path or text keeps at least
PREFIX_ROOM = "  "  # of the blank and the letter of a prefix
MEASURED = 1000  # rows that are measured together

_PREFIXED = re.compile(r"[\d.]+ [kMGTPEZYRQ]")
_BARE = re.compile(r"[\d.]+|[–-]")


class Need(NamedTuple):
    """The needs of a column: its full width, its least width, and its priority."""

    full: int
    least: int
    priority: int


class Texts:
    """The rows of a table as texts: header, rows, outputs, totals; made each time that they are
    gone through.

    Numbers without a prefix such as M are padded where others have one, so that they are aligned.
    """

    def __init__(self, cells: Grid, columns: Sequence[Column]) -> None:
        self._cells = cells
        measures = [_Measure(column) for column in columns]
        rows = self._rows()
        while some := list(islice(rows, MEASURED)):
            for measure, texts in zip(measures, zip(*some, strict=True), strict=True):
                measure.add(set(texts))
        self.needs = [measure.need for measure in measures]
        self._lined_up = [index for index, measure in enumerate(measures) if measure.is_lined_up]

    def __iter__(self) -> Iterator[list[str]]:
        for row in self._rows():
            for index in self._lined_up:
                if _BARE.fullmatch(row[index]):
                    row[index] += PREFIX_ROOM
            yield row

    def _rows(self) -> Iterator[list[str]]:
        cells = self._cells
        totals = [] if cells.totals is None else [list(cells.totals)]
        return chain([list(cells.header)], cells.rows, map(list, cells.outputs), totals)


class _Measure:
    """How much room the texts of a column take."""

    def __init__(self, column: Column) -> None:
        self.column = column
        self.bare = self.other = self.word = 0
        self.has_prefixes = False

    def add(self, texts: Iterable[str]) -> None:
        """Measures some of the texts."""
        is_right, folds = self.column.align == "right", self.column.folds
        for text in texts:
            width = cell_len(text)
            if is_right and _BARE.fullmatch(text):
                self.bare = max(self.bare, width)
            else:
                self.other = max(self.other, width)
                if is_right and not self.has_prefixes:
                    self.has_prefixes = _PREFIXED.fullmatch(text) is not None
            if folds:
                self.word = max(self.word, max(map(cell_len, text.split()), default=0))

    @property
    def is_lined_up(self) -> bool:
        """Whether bare numbers are padded."""
        return self.has_prefixes and self.bare > 0

    @property
    def need(self) -> Need:
        """The needs of the column; one that folds needs at least its longest word."""
        full = max(self.bare + len(PREFIX_ROOM) * self.is_lined_up, self.other)
        if not self.column.folds:
            return Need(full, full, self.column.priority)
        return Need(full, max(self.word, min(NARROWEST, full // 2)), self.column.priority)


class Layout(NamedTuple):
    """The indices of the columns that are shown, their widths, and those that are hidden."""

    shown: list[int]
    widths: list[int]
    hidden: list[int]
    gap: int


def fit(needs: Sequence[Need], width: int | None) -> Layout:
    """Return the layout that fits ``width`` characters; None shows everything in full."""
    everything = list(range(len(needs)))
    if width is None:
        return Layout(everything, [need.full for need in needs], [], GAPS[0])
    gap = GAPS[_least(needs, everything, GAPS[0]) > width]
    shown = _fitting(needs, width, gap)
    hidden = [index for index in everything if index not in shown]
    widths = _distribute(needs, shown, width - _least(needs, shown, gap))
    return Layout(shown, widths, hidden, gap)


def _least(needs: Sequence[Need], shown: Sequence[int], gap: int) -> int:
    return sum(needs[index].least for index in shown) + gap * (len(shown) - 1)


def _fitting(needs: Sequence[Need], width: int, gap: int) -> list[int]:
    """Return the columns that fit; those of high priority, rightmost first, are left out."""
    shown = list(range(len(needs)))
    for index in sorted(shown, key=lambda index: (needs[index].priority, index), reverse=True):
        if needs[index].priority and _least(needs, shown, gap) > width:
            shown.remove(index)
    return shown


def _distribute(needs: Sequence[Need], shown: Sequence[int], room: int) -> list[int]:
    """Return the widths of the columns.

    Spare room goes to columns that fold, the narrowest first; missing room is taken from the first
    column.
    """
    widths = {index: needs[index].least for index in shown}
    while room > 0:
        growing = [index for index in shown if widths[index] < needs[index].full]
        if not growing:
            break
        widths[min(growing, key=lambda index: widths[index])] += 1
        room -= 1
    if room < 0 and 0 in widths:
        widths[0] = min(widths[0], max(NARROWEST, widths[0] + room))
    return list(widths.values())
