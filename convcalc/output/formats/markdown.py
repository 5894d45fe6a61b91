"""Writes a GitHub table; outputs and totals are its last rows, the footer is a list below."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from convcalc.output.cells import grid
from convcalc.output.markdown import escape, escape_line
from convcalc.output.table import Style, Table


def text(table: Table, _payload: Any, style: Style) -> str:
    """Return title, table and footer, separated by empty lines."""
    cells = grid(table, style)
    rows = [_escape_row(cells.header), *map(_escape_row, [*cells.rows, *cells.outputs])]
    if cells.totals is not None:
        rows.append([f"**{cell}**" if cell else "" for cell in _escape_row(cells.totals)])
    rights = [column.align == "right" for column in table.columns]
    parts = [
        *([f"**{escape(cells.title)}**"] if cells.title else []),
        "\n".join(_lines(rows, rights)),
        *(["\n".join(f"- {escape_line(line)}" for line in cells.footer)] if cells.footer else []),
    ]
    return "\n\n".join(parts)


def _escape_row(cells: Sequence[str]) -> list[str]:
    return [escape(cell) for cell in cells]


def _lines(rows: list[list[str]], rights: list[bool]) -> list[str]:
    """Return the lines of the table, padded so that the source is readable too."""
    widths = [max(3, *map(len, column)) for column in zip(*rows, strict=True)]
    padded = [
        [
            cell.rjust(width) if right else cell.ljust(width)
            for cell, width, right in zip(row, widths, rights, strict=True)
        ]
        for row in rows
    ]
    rule = [
        "-" * (width - right) + ":" * right for width, right in zip(widths, rights, strict=True)
    ]
    return [f"| {' | '.join(row)} |" for row in (padded[0], rule, *padded[1:])]
