"""Writes a plain HTML table to paste anywhere: ASCII, inline styles, no style sheet."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from html import escape
from typing import Any

from convcalc.output.cells import grid
from convcalc.output.table import Style, Table, joined

_TABLE = "white-space:nowrap;border-collapse:collapse;border-spacing:0"
_CELL = "padding:0 .5em;text-align:"
_RULES = {
    "totals": "border-top:1px solid;font-weight:bold",
    "outputs": "border-top:1px solid",
    "head": "border-bottom:1px solid",
}


def fragments(table: Table, _payload: Any, style: Style) -> Iterator[str]:
    """Yield a ``<table>`` with caption, head and body; totals and footer lines are its foot."""
    return joined(_lines(table, style))


def _lines(table: Table, style: Style) -> Iterator[str]:
    cells = grid(table, style._replace(ascii=False))
    rights = [column.align == "right" for column in table.columns]
    parts = [
        _row(row, rights, "" if index else "outputs") for index, row in enumerate(cells.outputs)
    ]
    foot = [] if cells.totals is None else [_row(cells.totals, rights, "totals")]
    foot = [*parts, *foot]
    foot += [_note(str(fact), len(rights)) for fact in cells.footer]
    yield f'<table class="convcalc" style="{_TABLE}">'
    if cells.title:
        yield f"<caption>{_escape(cells.title)}</caption>"
    yield from _section("thead", [_row(cells.header, rights, "head")])
    yield from _section("tbody", (_row(row, rights) for row in cells.rows))
    if foot:
        yield from _section("tfoot", foot)
    yield "</table>"


def _escape(plain: str) -> str:
    return escape(plain).encode("ascii", "xmlcharrefreplace").decode()


def _section(tag: str, rows: Iterable[str]) -> Iterator[str]:
    yield f"<{tag}>"
    yield from rows
    yield f"</{tag}>"


def _row(cells: Sequence[str], rights: Sequence[bool], kind: str = "") -> str:
    """Return a row; its first cell is its heading, and every cell of the head is a heading."""
    look = f' class="{kind}" style="{_RULES[kind]}"' if kind else ""
    written = (
        _cell(cell, right, "col" if kind == "head" else "" if index else "row")
        for index, (cell, right) in enumerate(zip(cells, rights, strict=True))
    )
    return f"<tr{look}>{''.join(written)}</tr>"


def _cell(cell: str, right: bool, scope: str) -> str:
    """Return a cell; ``scope`` is "row" or "col" for a heading, empty for data."""
    look = f'style="{_CELL}{"right" if right else "left"}"'
    if scope:
        weight = ";font-weight:inherit" if scope == "row" else ""
        return f'<th scope="{scope}" {look[:-1]}{weight}">{_escape(cell)}</th>'
    name = 'class="number" ' if right else ""
    return f"<td {name}{look}>{_escape(cell)}</td>"


def _note(line: str, columns: int) -> str:
    look = "white-space:normal;text-align:left;font-size:smaller"
    return f'<tr class="note"><td colspan="{columns}" style="{look}">{_escape(line)}</td></tr>'
