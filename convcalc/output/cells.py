"""Turns the values of a table into texts: rounded for people, exact for programs.

Any text may come from a file, so it passes the gate for text here. Escaping for a format is left to
the format.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from fractions import Fraction
from functools import partial
from math import ceil
from typing import Any, NamedTuple, TypeVar

from convcalc.analysis.report.lately import KEPT, lately
from convcalc.analysis.report.report import ReceptiveField
from convcalc.diagnostics.visible import LONGEST_CELL, visible
from convcalc.model.quantities.counts import BYTES
from convcalc.model.quantities.number_text import (
    UNKNOWN_WORD,
    at_least_text,
    count_text,
    decimal_text,
    fraction_text,
    memory_text,
    percent_text,
    seconds_text,
)
from convcalc.model.quantities.unknown import known
from convcalc.output.columns import BAR, SECONDS, SHARE, Column, Several, Size, Span, cell
from convcalc.output.table import Fact, Style, Table

T = TypeVar("T")

BAR_WIDTH = 10  # characters of the longest bar
_EIGHTHS = "▏▎▍▌▋▊▉█"
LISTED = 4  # values of several outputs in one cell
NOTHING = "–"  # the row has no such value; an unknown one is spelt out
_NO_BOUND = Column._field_defaults["at_least"]
_COMPARED = {int, str, Size}  # among which none equals one of another type
_ASCII = str.maketrans(
    {
        "≥": ">=",
        "×": "x",
        "–": "-",
        "…": "...",
        "·": "*",
        "→": "->",
        "−": "-",
        "±": "+-",
        "┌": "/",
        "│": "|",
        "├": "|",
        "─": "-",
        "└": "\\",
        "σ": "sigma",
        "µ": "u",
    }
)


class Grid(NamedTuple):
    """A table of texts; every row is as long as ``header``. Fields as in ``Table``.

    ``rows`` are made each time that they are gone through.
    """

    title: str
    header: list[str]
    rows: Iterable[list[str]]
    totals: list[str] | None
    footer: list[Fact]
    outputs: list[list[str]]


class _Lines:
    """The rows of a table as texts, made one by one."""

    def __init__(self, rows: Sequence[Any], line: Callable[[Any], list[str]]) -> None:
        self._rows = rows
        self._line = line

    def __iter__(self) -> Iterator[list[str]]:
        return map(self._line, self._rows)


def grid(table: Table, style: Style) -> Grid:
    """Return the table as texts for people."""

    def lines(nothing: str) -> Callable[[Any], list[str]]:
        writers = [_writer(column, table, style, nothing) for column in table.columns]
        return lambda row: [write(row) for write in writers]

    bare = lines("")
    return Grid(
        clean(_separate_items(table.title, style), style),
        [clean(column.title, style) for column in table.columns],
        _Lines(table.rows, lines(NOTHING)),
        None if table.totals is None else bare(table.totals),
        [] if style.quiet and not table.result else clean_facts(table.footer, style),
        [bare(row) for row in table.outputs],
    )


def _writer(column: Column, table: Table, style: Style, nothing: str) -> Callable[[Any], str]:
    """Return what writes the cells of a column; of a value that many rows share, once."""
    if column.unit == BAR:
        return _bar_writer(column, table, style)
    texts = shared(
        lambda value: clean(value_text(value, column.unit, exact=style.exact) or nothing, style)
    )
    marked, least = column.mark, column.at_least
    if not marked and least is _NO_BOUND:
        return lambda row: texts(cell(column, row, table.totals))

    def text(row: Any) -> str:
        value, bound = cell(column, row, table.totals), least(row)
        mark = marked(row) if marked else ""
        if bound is not None and (bound or known(value)):  # that it is 0 at least says nothing
            written = at_least_text(value_text(bound, column.unit, exact=style.exact))
        elif mark:
            written = value_text(value, column.unit, exact=style.exact)
        else:
            return texts(value)
        return clean(f"{written} ({mark})" if mark else written, style)

    return text


def _bar_writer(column: Column, table: Table, style: Style) -> Callable[[Any], str]:
    """Return what writes bars, of which the longest is that of the row with the largest value."""
    values = (column.value(row) for row in table.rows)
    largest = max((value for value in values if isinstance(value, int)), default=0)

    def text(row: Any) -> str:
        value = None if row is table.totals else column.value(row)
        if not isinstance(value, int):
            return "" if value is None else UNKNOWN_WORD
        return bar(Fraction(value, largest) if largest > 0 else Fraction(0), style)

    return text


def bar(share: Fraction, style: Style) -> str:
    """Return a bar for a share between 0 and 1; one that is not 0 can be seen."""
    parts = 1 if style.ascii else len(_EIGHTHS)
    amount = max(0, ceil(share * BAR_WIDTH * parts))
    whole, rest = divmod(amount, parts)
    return "#" * whole if style.ascii else "█" * whole + _EIGHTHS[rest - 1] * (rest > 0)


def shared(write: Callable[[Any], T]) -> Callable[[Any], T]:
    """Return the function, which writes equal numbers, sizes and texts once, others by identity."""
    made: dict[Any, T] = {}
    other = lately(write)

    def text(value: Any) -> T:
        if type(value) not in _COMPARED:
            return other(value)
        found = made.get(value)
        if found is None:
            if len(made) >= KEPT:
                made.clear()
            made[value] = found = write(value)
        return found

    return text


def _separate_items(line: str, style: Style) -> str:
    """Return a line with its items separated by ``|`` in ASCII, where ``·`` becomes ``*``."""
    return line.replace(" · ", " | ") if style.ascii else line


def clean_facts(facts: Iterable[Fact], style: Style) -> list[Fact]:
    """Return the lines below a table with their texts cleaned."""
    return [Fact(*(clean(_separate_items(each, style), style) for each in fact)) for fact in facts]


def clean(text: str, style: Style, most: int = LONGEST_CELL) -> str:
    """Show a text on one line, as ASCII if the style says so; 0 for ``most`` means no limit."""
    text = visible(text, most)
    if style.ascii and not text.isascii():
        text = text.translate(_ASCII).encode("ascii", "backslashreplace").decode()
    return text


# --- for people --------------------------------------------------------------------------------


def value_text(value: Any, unit: str = "", *, exact: bool = False) -> str:
    """Return the text of a value with a column's unit; empty for None."""
    if value is None or isinstance(value, str):
        return value or ""
    if not known(value) and not isinstance(value, tuple):
        return UNKNOWN_WORD
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int | Fraction):
        return _number_text(value, unit, exact)
    if isinstance(value, Several | Span):
        texts = [value_text(each, unit, exact=exact) or NOTHING for each in value]
        return " … ".join(texts) if isinstance(value, Span) else _several_text(texts)
    return _shares_text(value) if unit == SHARE else _structure_text(value)


def _several_text(texts: Sequence[str]) -> str:
    """Return the first few texts, a single one where all agree."""
    if len(set(texts)) == 1:
        return texts[0]
    more = [f"and {len(texts) - LISTED} more"] if len(texts) > LISTED else []
    return ", ".join([*texts[:LISTED], *more])


def _number_text(value: int | Fraction, unit: str, exact: bool) -> str:
    if unit == SECONDS:
        return seconds_text(Fraction(value), exact=exact)
    if isinstance(value, Fraction):
        return percent_text(value) if unit == SHARE else decimal_text(value)
    return memory_text(value, exact=exact) if unit == BYTES else count_text(value, exact=exact)


def _shares_text(values: Sequence[Fraction]) -> str:
    """Return a percentage per axis, or a single one where all axes agree."""
    texts = list(map(percent_text, values))
    return texts[0] if len(set(texts)) == 1 else " × ".join(texts)


def _structure_text(value: Any) -> str:
    if isinstance(value, ReceptiveField):
        return receptive_field_text(value)
    if isinstance(value, Mapping):
        named = (f"{name} {_sizes_text(shape)}" for name, shape in value.items())
        return ", ".join(text.removeprefix("weight ") for text in named)
    if isinstance(value, Size):
        return _sizes_text(value)
    if isinstance(value, tuple) and value and isinstance(value[0], Size):
        return ", ".join(map(_sizes_text, value))
    return axes_text(value) if isinstance(value, tuple) else str(value)


def receptive_field_text(field: ReceptiveField) -> str:
    """Return the size of a receptive field: ``427``, ``7×5``, ``global (427)``; ``partly global``
    where not every position of the whole input is seen.

    ``188–204`` if it varies over the outputs, ``≥ 3`` if a deformable layer can look further than
    its grid.
    """
    extents = [
        _size_text(high) if high == low or not (known(high) and known(low)) else f"{low}–{high}"
        for low, high in zip(field.size_min, field.size, strict=True)
    ]
    text = axes_text(tuple(extents))
    if field.unbounded and known(field.size):
        text = at_least_text(text)
    if not field.is_global and not field.is_partly_global:
        return text
    word = "global" if field.is_global else "partly global"
    return f"{word} ({text})" if known(field.size) else word


def axes_text(values: Sequence[Any]) -> str:
    """Return one text where all axes agree, else one per axis: ``3``, ``1×7``."""
    texts = [_size_text(value) for value in values]
    return texts[0] if len(set(texts)) == 1 else "×".join(texts)


def _sizes_text(sizes: Sequence[int]) -> str:
    return "×".join(map(_size_text, sizes))


def _size_text(value: Any) -> str:
    return fraction_text(value) if isinstance(value, Fraction) else str(value)


# --- for programs ------------------------------------------------------------------------------


def plain_rows(table: Table, style: Style) -> Iterator[list[str]]:
    """Yield the keys of the columns, then the rows: exact values, no totals, no footer."""
    yield [column.key for column in table.columns]
    writers = [
        (column, shared(partial(_plain_cell, unit=column.unit, style=style)))
        for column in table.columns
    ]
    for row in table.rows:
        yield [write(cell(column, row, table.totals)) for column, write in writers]


def _plain_cell(value: Any, unit: str, style: Style) -> str:
    """Return a cell; a text that a spreadsheet would compute gets a ``'`` in front of it."""
    text = clean(_plain_text(value, unit), style, 0)
    return f"'{text}" if isinstance(value, str) and text.startswith(FORMULAS) else text


FORMULAS = ("=", "+", "-", "@", "\uff1d", "\uff0b", "\uff0d", "\uff20")


def _plain_text(value: Any, unit: str) -> str:
    """Return an exact text: ``3x3`` per axis, ``1/2``, ratios as decimals, ``unknown``."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, ReceptiveField):
        value = value.size if any(map(known, value.size)) else UNKNOWN_WORD
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {_plain_text(shape, '')}" for name, shape in value.items())
    if isinstance(value, Several):
        return ", ".join(_plain_text(each, unit) for each in value)
    if isinstance(value, tuple):
        between = ", " if value and isinstance(value[0], Size) else "x"
        return between.join(_plain_text(item, "") for item in value)
    return f"{float(value):.6g}" if isinstance(value, Fraction) and unit else str(value)
