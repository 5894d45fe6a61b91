"""Measures the columns of a table, decides which fit a terminal, and how wide each becomes.

Numbers are never cut: first the gaps narrow, then decimal points no longer line up, then whole
columns are hidden. Only if those that must stay are still too wide, the first column is narrowed,
since its paths can be wrapped.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, islice
from typing import NamedTuple

from rich.cells import cell_len

from convcalc.model.quantities.number_text import PREFIXES
from convcalc.model.quantities.record import Record
from convcalc.output.cells import Grid, shared
from convcalc.output.columns import Column
from convcalc.output.lines import NARROWEST

GAPS = (2, 1)  # blanks between columns
PREFIX_ROOM = "  "  # of the blank and the letter of a prefix
MEASURED = 1000  # rows that are measured together

_NUMBER = re.compile(r"((?:≥ |>= |[+<-]{0,2})[0-9,]+|[–-])(\.[0-9]+)?( [^ ]+)?")
_WORDS = r"\s+|(?<=[^\W\d]\.)(?=[^\W\d])|(?<=\]\.)"  # and parts of paths


class Need(Record):
    """The needs of a column: its full width, its least width, and its priority.

    ``more`` is what it needs besides where decimal points line up.
    """

    full: int
    least: int
    priority: int
    more: int = 0


class Texts:
    """The rows of a table as texts: header, rows, outputs, totals; made each time that they are
    gone through.

    Numbers are padded so that their decimal points line up, and their units; where there is no room
    for that, those without a prefix such as M are padded if others have one.
    """

    def __init__(self, cells: Grid, columns: Sequence[Column]) -> None:
        self._cells = cells
        measures = [_Measure(column) for column in columns]
        rows = self._rows()
        while some := list(islice(rows, MEASURED)):
            for measure, texts in zip(measures, zip(*some, strict=True), strict=True):
                measure.add(set(texts))
        self.needs = [measure.need for measure in measures]
        self._measures = measures
        self.is_aligned = False

    def __iter__(self) -> Iterator[list[str]]:
        return self._aligned() if self.is_aligned else self._padded()

    def _padded(self) -> Iterator[list[str]]:
        indices = [index for index, each in enumerate(self._measures) if each.is_lined_up]
        for row in self._rows():
            for index in indices:
                number = _NUMBER.fullmatch(row[index])
                if number and not number[3]:
                    row[index] += PREFIX_ROOM
            yield row

    def _aligned(self) -> Iterator[list[str]]:
        writers = [
            (index, shared(each.aligned))
            for index, each in enumerate(self._measures)
            if each.has_parts
        ]
        for row in self._rows():
            for index, write in writers:
                row[index] = write(row[index])
            yield row

    def _rows(self) -> Iterator[list[str]]:
        cells = self._cells
        totals = [] if cells.totals is None else [list(cells.totals)]
        return chain([list(cells.header)], cells.rows, map(list, cells.outputs), totals)


class _Measure:
    """How much room the texts of a column take."""

    def __init__(self, column: Column) -> None:
        self.column = column
        self.bare = self.other = self.word = self.text = 0
        self.parts = (0, 0, 0)  # before the decimal point, from it on, and the unit
        self.has_prefixes = False

    def add(self, texts: Iterable[str]) -> None:
        """Measures some of the texts."""
        is_right, folds = self.column.align == "right", self.column.folds
        for text in texts:
            width = cell_len(text)
            number = _NUMBER.fullmatch(text) if is_right else None
            if number is None:
                self.text = max(self.text, width)
            else:
                whole, fraction, unit = self.parts
                self.parts = (
                    max(whole, len(number[1])),
                    max(fraction, len(number[2] or "")),
                    max(unit, len(number[3] or "")),
                )
            if number and not number[3]:
                self.bare = max(self.bare, width)
            else:
                self.other = max(self.other, width)
                if number and number[3][1:] in PREFIXES:
                    self.has_prefixes = True
            if folds:
                self.word = max(self.word, max(map(cell_len, re.split(_WORDS, text)), default=0))

    @property
    def is_lined_up(self) -> bool:
        """Whether bare numbers are padded."""
        return self.has_prefixes and self.bare > 0

    @property
    def has_parts(self) -> bool:
        """Whether there is something to line up: numbers with a fraction or a unit."""
        return any(self.parts[1:])

    def aligned(self, text: str) -> str:
        """A text of the column, padded as a number."""
        number = _NUMBER.fullmatch(text)
        if number is None:
            return text
        whole, fraction, unit = self.parts
        return f"{number[1]:>{whole}}{number[2] or '':<{fraction}}{number[3] or '':<{unit}}"

    @property
    def need(self) -> Need:
        """The needs of the column; one that folds needs at least its longest word."""
        full = max(self.bare + len(PREFIX_ROOM) * self.is_lined_up, self.other)
        if not self.column.folds:
            wide = max(sum(self.parts), self.text) if self.has_parts else full
            return Need(full, full, self.column.priority, max(0, wide - full))
        return Need(full, max(self.word, min(NARROWEST, full // 2)), self.column.priority)


class Layout(NamedTuple):
    """The indices of the columns that are shown, their widths, and those that are hidden.

    ``is_aligned`` says that there is room for decimal points to line up.
    """

    shown: list[int]
    widths: list[int]
    hidden: list[int]
    gap: int
    is_aligned: bool = False


def fit(needs: Sequence[Need], width: int | None) -> Layout:
    """Return the layout that fits ``width`` characters; None shows everything in full."""
    everything = list(range(len(needs)))
    if width is None:
        return Layout(everything, [need.full + need.more for need in needs], [], GAPS[0], True)
    gap = GAPS[_least(needs, everything, GAPS[0]) + _more(needs, everything) > width]
    shown = _fitting(needs, width, gap)
    hidden = [index for index in everything if index not in shown]
    if is_aligned := _least(needs, shown, gap) + _more(needs, shown) <= width:
        needs = [
            need.replace(full=need.full + need.more, least=need.least + need.more) for need in needs
        ]
    widths = _distribute(needs, shown, width - _least(needs, shown, gap))
    return Layout(shown, widths, hidden, gap, is_aligned)


def _more(needs: Sequence[Need], shown: Sequence[int]) -> int:
    return sum(needs[index].more for index in shown)


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
