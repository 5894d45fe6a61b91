"""Writes a table for the terminal with rich.

Widths are decided in :mod:`convcalc.output.formats.layout`, not by rich, which would shorten cells
that do not fit. Columns that a narrow terminal hides are named below the table. The rows are gone
through twice, once to measure them and once to write them, so that none need be kept.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

from rich.cells import cell_len, chop_cells
from rich.color import ColorSystem
from rich.console import Console, ConsoleOptions
from rich.segment import Segment
from rich.style import Style as RichStyle

from convcalc.diagnostics.work import current
from convcalc.model.quantities.number_text import UNKNOWN_WORD
from convcalc.output.cells import NOTHING, clean, grid, shared
from convcalc.output.columns import Column
from convcalc.output.formats.layout import Layout, Texts, fit
from convcalc.output.lines import IN_PATHS, IN_TEXTS, break_line, fact_lines, fold
from convcalc.output.table import MOST_ROWS, Fact, Style, Table, cells_of, joined

_HEIGHT = 1000  # rich ignores a width without a height where TERM is dumb
_BOLD, _QUIET_LOOK, _UNKNOWN_LOOK = "bold", "dim", "yellow"
_MORE, _LESS = "red", "green"
_QUIET = {"0", "0 %", "0 B", NOTHING, "-"}


_GAP, _END = Segment(" "), Segment.line()


def fragments(table: Table, _payload: Any, style: Style) -> Iterator[str]:
    """Yield title, table and footer; rows that are alike folded, if there are many."""
    if table.unfolded and len(table.rows) > MOST_ROWS:
        from convcalc.output.folding import folded

        current().spend(10 * len(table.rows), "rows of tables")
        table = folded(table)
    current().spend(40 * cells_of(table), "rows of tables")
    lines = _lines(table, style)
    return joined(lines if style.color else map(str.rstrip, lines))


def _lines(table: Table, style: Style) -> Iterator[str]:
    cells = grid(table, style)
    texts = Texts(cells, table.columns)
    layout = fit(texts.needs, style.width)
    texts.is_aligned = layout.is_aligned
    console = _console(sum(layout.widths) + layout.gap * len(layout.widths), style)
    title = break_line(cells.title, style.width) if cells.title else ()
    yield from (f"\x1b[1m{line}\x1b[0m" if style.color else line for line in title)
    yield from _written(console.render(Drawn(table, texts, layout, style)), style)
    if notes := [*cells.footer, *_hidden(table, layout, style)]:
        yield ""
        yield from fact_lines(notes, style.width)


def _written(segments: Iterable[Segment], style: Style) -> Iterator[str]:
    """Yield the lines that segments make."""
    system = ColorSystem.STANDARD if style.color else None
    line: list[str] = []
    for text, look, _ in segments:
        if text == "\n":
            yield "".join(line)
            line.clear()
        else:
            line.append(look.render(text, color_system=system) if look else text)


# --- rich --------------------------------------------------------------------------------------


def _console(width: int, style: Style) -> Console:
    """Return a console that depends on neither the terminal nor the environment."""
    return Console(
        file=io.StringIO(),
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


class _Cell(NamedTuple):
    """A cell as it is printed: lines of the width of its column, and its look."""

    lines: list[str]
    look: str


class Drawn:
    """A table as rich prints it: lines of segments, whose widths are decided already.

    ``rich.table`` would measure every cell again, which takes several times as long as the analysis
    of a network.
    """

    def __init__(
        self, table: Table, texts: Iterable[Sequence[str]], layout: Layout, style: Style
    ) -> None:
        self.table = table
        self.color = style.color
        self.rule = "-" if style.ascii else "─"
        self.columns = [table.columns[index] for index in layout.shown]
        self.shown = layout.shown
        self.texts = texts
        self.widths = layout.widths
        self.rooms = [width + layout.gap - 1 for width in layout.widths]
        self.rooms[-1:] = layout.widths[-1:]
        self.writers = [
            shared(partial(self._cell, column=column, width=width, room=room))
            for column, width, room in zip(self.columns, self.widths, self.rooms, strict=True)
        ]

    def __rich_console__(self, console: Console, _: ConsoleOptions) -> Iterator[Segment]:
        """Yields the header, a rule, the rows, and below another rule the totals."""
        looks = {
            (bold, look): console.get_style(f"{bold} {look}".strip() or "none")
            for bold in ("", _BOLD)
            for look in ("", _QUIET_LOOK, _UNKNOWN_LOOK, _MORE, _LESS)
        }
        rule = Segment(self.rule * (sum(self.rooms) + len(self.rooms) - 1)), _END
        stop = len(self.table.rows) if self.table.outputs else 0  # outputs stand apart
        last = len(self.table.rows) + len(self.table.outputs) + 1  # the totals, if there are any
        for index, row in enumerate(self.texts):
            yield from rule if index == last else ()
            bold = _BOLD if index in (0, last) else ""
            cells = [
                write(row[number]) for write, number in zip(self.writers, self.shown, strict=True)
            ]
            if not self.color and max([len(cell.lines) for cell in cells]) == 1:
                yield Segment(" ".join([cell.lines[0] for cell in cells]))
                yield _END
            else:
                yield from self._lines(cells, looks, bold, at_top=index == 0)
            yield from rule if index in (0, stop) else ()

    def _lines(
        self,
        cells: Sequence[_Cell],
        looks: Mapping[tuple[str, str], RichStyle],
        bold: str,
        *,
        at_top: bool,
    ) -> Iterator[Segment]:
        """Yields a row of several lines, or a coloured one."""
        for level in self._levels(cells, at_top=at_top):
            if self.color:
                yield from _colored(level, cells, looks, bold)
            else:
                yield Segment(" ".join([text for text, _ in level]))
            yield _END

    def _levels(self, cells: Sequence[_Cell], *, at_top: bool) -> Iterator[list[tuple[str, bool]]]:
        """Yields the lines of a row: as many as its highest cell has, the others filled up.

        Each is the padded texts of the cells, and whether they are of the cell or fill it up.
        """
        height = max([len(cell.lines) for cell in cells])
        for level in range(height):
            line = []
            for cell, room in zip(cells, self.rooms, strict=True):
                number = level - (height - len(cell.lines) if at_top else 0)
                is_there = 0 <= number < len(cell.lines)
                line.append((cell.lines[number] if is_there else " " * room, is_there))
            yield line

    def _cell(self, text: str, column: Column, width: int, room: int) -> _Cell:
        """A cell of a column: its lines, filled up with blanks, and what it looks like."""
        missing = width - cell_len(text)
        if missing < 0 and column.is_tree:
            lines = [_cut(text, width)]
        elif missing < 0:
            lines = fold(text, width, IN_TEXTS if column.folds else IN_PATHS)
        else:
            lines = [" " * missing + text if column.align == "right" else text]
        return _Cell([line + " " * (room - cell_len(line)) for line in lines], _look(text, column))


def _cut(text: str, width: int) -> str:
    """Shorten a text to a width."""
    end = clean("…", Style(ascii=text.isascii()))
    return next(iter(chop_cells(text, width - cell_len(end))), "") + end


def _colored(
    level: Sequence[tuple[str, bool]],
    cells: Sequence[_Cell],
    looks: Mapping[tuple[str, str], RichStyle],
    bold: str,
) -> Iterator[Segment]:
    for number, ((text, is_there), cell) in enumerate(zip(level, cells, strict=True)):
        if number:
            yield _GAP
        yield Segment(text, looks[bold, cell.look if is_there else ""])


def _look(text: str, column: Column) -> str:
    """Return what a cell looks like; empty if like any other."""
    bare = " ".join(text.split())
    if column.is_change and bare[:1] in ("+", "-") and bare != "-":
        return _MORE if bare[0] == "+" else _LESS
    return _QUIET_LOOK if bare in _QUIET else _UNKNOWN_LOOK if bare == UNKNOWN_WORD else ""


# --- lines above and below ---------------------------------------------------------------------


def _hidden(table: Table, layout: Layout, style: Style) -> list[Fact]:
    """Return the fact that columns are hidden, if some are."""
    if not layout.hidden or style.quiet:
        return []
    keys = ", ".join(table.columns[index].key for index in layout.hidden)
    text = clean(f"{keys}, at {style.width} characters; {table.hint}", style)
    return [Fact("hidden", text)]
