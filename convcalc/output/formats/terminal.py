"""Writes a table for the terminal with rich.

Widths are decided in :mod:`convcalc.output.formats.layout`, not by rich, which would shorten cells
that do not fit. Columns that a narrow terminal hides are named below the table.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rich.cells import cell_len, chop_cells
from rich.console import Console, ConsoleOptions
from rich.segment import Segment
from rich.style import Style as RichStyle
from rich.text import Text

from convcalc.model.quantities.number_text import UNKNOWN_WORD
from convcalc.output.cells import NOTHING, Grid, clean, grid
from convcalc.output.columns import Column
from convcalc.output.formats.layout import NARROWEST, Layout, Need, fit
from convcalc.output.table import Style, Table

# Where a text may be wrapped, the preferred pattern first. A number keeps its unit.
IN_PATHS = (r"(?<=\.)",)
IN_TEXTS = (r"(?<=, )", r"(?<=\D )")
IN_LINES = (r"(?<= [·|] )", r"(?<=\D )")

_INDENT = "  "  # of a line that continues
_HEIGHT = 1000  # rich ignores a width without a height where TERM is dumb
_PREFIXED = re.compile(r"[\d.]+ [kMGTPEZYRQ]")
_BARE = re.compile(r"[\d.]+|[–-]")
_BOLD, _QUIET_LOOK, _UNKNOWN_LOOK = "bold", "dim", "yellow"
_QUIET = {"0", "0 %", "0 MiB", "0 B", NOTHING, "-"}


_GAP, _END = Segment(" "), Segment.line()


def text(table: Table, _payload: Any, style: Style) -> str:
    """Return title, table and footer."""
    cells = grid(table, style)
    texts = _texts(cells, table.columns)
    needs = [_need(column, each) for column, each in zip(table.columns, texts, strict=True)]
    layout = fit(needs, style.width)
    out = io.StringIO()
    console = _console(out, sum(layout.widths) + layout.gap * len(layout.widths), style)
    _print_lines(console, [cells.title] if cells.title else [], "bold", style)
    console.print(Drawn(table, texts, layout, style))
    if notes := [*cells.footer, *_hidden_line(table, layout, style)]:
        _print_lines(console, ["", *notes], "", style)
    lines = out.getvalue().splitlines()
    return "\n".join(lines if style.color else map(str.rstrip, lines))


# --- cells -------------------------------------------------------------------------------------


def _texts(cells: Grid, columns: Sequence[Column]) -> list[list[str]]:
    """Return the texts of each column: header, rows, outputs, totals."""
    lines = [
        cells.header,
        *cells.rows,
        *cells.outputs,
        *([] if cells.totals is None else [cells.totals]),
    ]
    return [
        _line_up(texts) if column.align == "right" else list(texts)
        for column, texts in zip(columns, zip(*lines, strict=True), strict=True)
    ]


def _line_up(texts: Sequence[str]) -> list[str]:
    """Pad numbers without a prefix such as M, so that they align with those that have one."""
    room = "  " if any(map(_PREFIXED.fullmatch, texts)) else ""
    return [text + room if _BARE.fullmatch(text) else text for text in texts]


def _need(column: Column, texts: Sequence[str]) -> Need:
    """Return what a column needs; one that folds needs at least its longest word."""
    full = max(map(cell_len, texts))
    if not column.folds:
        return Need(full, full, column.priority)
    longest = max((cell_len(word) for text in texts for word in text.split()), default=0)
    return Need(full, max(longest, min(NARROWEST, full // 2)), column.priority)


def fold(text: str, width: int, breaks: Sequence[str]) -> list[str]:
    """Wrap a text to lines of at most ``width``, at the first pattern whose pieces all fit."""
    found = (re.split(pattern, text) for pattern in breaks)
    fitting = (parts for parts in found if all(cell_len(part.rstrip()) <= width for part in parts))
    lines = [""]
    for part in next(fitting, re.split(breaks[-1], text)):
        if lines[-1] and cell_len(lines[-1] + part.rstrip()) > width:
            lines.append("")
        lines[-1] += part
    return [piece for line in lines for piece in chop_cells(line.rstrip(), width)]


# --- rich --------------------------------------------------------------------------------------


def _console(out: io.StringIO, width: int, style: Style) -> Console:
    """Return a console that depends on neither the terminal nor the environment."""
    return Console(
        file=out,
        width=width,
        height=_HEIGHT,
        color_system="standard" if style.color else None,
        no_color=not style.color,
        force_terminal=style.color,
        force_jupyter=False,
        markup=False,
        emoji=False,
        highlight=False,
        legacy_windows=False,
    )


class Drawn:
    """A table as rich prints it: lines of segments, whose widths are decided already.

    ``rich.table`` would measure every cell again, which takes several times as long as the analysis
    of a network.
    """

    def __init__(
        self, table: Table, texts: Sequence[Sequence[str]], layout: Layout, style: Style
    ) -> None:
        self.table = table
        self.rule = "-" if style.ascii else "─"
        self.columns = [table.columns[index] for index in layout.shown]
        self.texts = [texts[index] for index in layout.shown]
        self.header: Sequence[str] = ()
        self.widths = layout.widths
        self.gap = layout.gap

    def __rich_console__(self, console: Console, _: ConsoleOptions) -> Iterator[Segment]:
        """Yields the header, a rule, the rows, and below another rule the totals."""
        looks = {
            (bold, look): console.get_style(f"{bold} {look}".strip() or "none")
            for bold in ("", _BOLD)
            for look in ("", _QUIET_LOOK, _UNKNOWN_LOOK)
        }
        self.header, *rows = zip(*self.texts, strict=True)
        totals = rows.pop() if self.table.totals is not None else None
        rule = Segment(self.rule * (sum(self.widths) + self.gap * (len(self.widths) - 1)) + "\n")
        yield from self._line(self.header, looks, _BOLD)
        yield rule
        stop = len(self.table.rows) if self.table.outputs else 0  # outputs stand apart
        for index, row in enumerate(rows, 1):
            yield from self._line(row, looks, "")
            if index == stop:
                yield rule
        if totals is not None:
            yield rule
            yield from self._line(totals, looks, _BOLD)

    def _line(
        self, texts: Sequence[str], looks: Mapping[tuple[str, str], RichStyle], bold: str
    ) -> Iterator[Segment]:
        """Yields a row: as many lines as its highest cell has, the others filled up."""
        cells = list(map(_cell, texts, self.columns, self.widths))
        rooms = [*(width + self.gap - 1 for width in self.widths[:-1]), self.widths[-1]]
        styles = [looks[bold, _look(text)] for text in texts]
        height = max(map(len, cells))
        if height > 1:
            cells = [_fill(cell, height, at_top=texts is self.header) for cell in cells]
        for level in range(height):
            for number, (cell, room, style) in enumerate(zip(cells, rooms, styles, strict=True)):
                if number:
                    yield _GAP
                line = cell[level]
                if line is None:
                    yield Segment(" " * room, looks[bold, ""])
                else:
                    yield Segment(line + " " * (room - cell_len(line)), style)
            yield _END


def _fill(cell: Sequence[str | None], height: int, *, at_top: bool) -> list[str | None]:
    """The lines of a cell in a row of some height; None where it has none."""
    blank = [None] * (height - len(cell))
    return [*blank, *cell] if at_top else [*cell, *blank]


def _look(text: str) -> str:
    """What a cell looks like; empty if like any other."""
    bare = text.strip()
    return _QUIET_LOOK if bare in _QUIET else _UNKNOWN_LOOK if bare == UNKNOWN_WORD else ""


def _cell(text: str, column: Column, width: int) -> Sequence[str | None]:
    """The lines of a cell."""
    room = width - cell_len(text)
    if room < 0:
        return fold(text, width, IN_TEXTS if column.folds else IN_PATHS)
    return [" " * room + text if column.align == "right" else text]


# --- lines above and below ---------------------------------------------------------------------


def _print_lines(console: Console, lines: Sequence[str], look: str, style: Style) -> None:
    """Print lines of text, wrapped between their items where the terminal is narrow."""
    for line in lines:
        for piece in [line] if style.width is None else _break_line(line, style.width):
            console.print(Text(piece, look), soft_wrap=True)


def _break_line(line: str, width: int) -> list[str]:
    """Wrap a line; further lines are indented."""
    if cell_len(line) <= width:
        return [line]
    first, *more = fold(line, max(width - len(_INDENT), NARROWEST), IN_LINES)
    return [first, *(_INDENT + piece for piece in more)]


def _hidden_line(table: Table, layout: Layout, style: Style) -> list[str]:
    if not layout.hidden:
        return []
    keys = ", ".join(table.columns[index].key for index in layout.hidden)
    line = f"columns hidden at {style.width} characters: {keys}; "
    return [clean(f"{line}{table.hint}", style)]
