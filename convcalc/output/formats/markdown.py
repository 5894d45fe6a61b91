"""Writes a GitHub table; outputs and totals are its last rows, the footer is a list below."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from typing import Any

from convcalc.output.cells import Grid, grid, shared
from convcalc.output.columns import Column
from convcalc.output.markdown import code, escape, escape_line
from convcalc.output.table import Style, Table, joined


def fragments(table: Table, _payload: Any, style: Style) -> Iterator[str]:
    """Yield title, table and footer, separated by empty lines."""
    return joined(_lines(table, style))


def _lines(table: Table, style: Style) -> Iterator[str]:
    cells = grid(table, style)
    if cells.title:
        yield f"**{escape(cells.title)}**"
        yield ""
    yield from _table_lines(cells, table.columns)
    if cells.footer:
        yield ""
        yield from (f"- {escape_line(str(fact))}" for fact in cells.footer)


def _rows(cells: Grid, columns: Sequence[Column]) -> Iterator[list[str]]:
    """Yield the header, the rows, the outputs and the totals, each time again."""
    escaped = shared(escape)
    writers = [shared(code) if column.is_tree else escaped for column in columns]
    yield [escaped(cell) for cell in cells.header]
    for row in chain(cells.rows, cells.outputs):
        yield [write(cell) for write, cell in zip(writers, row, strict=True)]
    if cells.totals is not None:
        yield [f"**{escape(cell)}**" if cell else "" for cell in cells.totals]


def _table_lines(cells: Grid, columns: Sequence[Column]) -> Iterator[str]:
    """Yield the lines of the table, padded so that the source is readable too."""
    rights = [column.align == "right" for column in columns]
    widths = _widths(_rows(cells, columns), len(rights))
    for number, row in enumerate(_rows(cells, columns)):
        padded = [
            cell.rjust(width) if right else cell.ljust(width)
            for cell, width, right in zip(row, widths, rights, strict=True)
        ]
        yield f"| {' | '.join(padded)} |"
        if number == 0:
            rule = (
                "-" * (width - right) + ":" * right
                for width, right in zip(widths, rights, strict=True)
            )
            yield f"| {' | '.join(rule)} |"


def _widths(rows: Iterable[Sequence[str]], columns: int) -> list[int]:
    widths = [3] * columns
    for row in rows:
        widths = list(map(max, widths, map(len, row)))
    return widths
