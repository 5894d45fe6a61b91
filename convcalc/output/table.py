"""Tables and how they are shown; each format is a module of ``formats``, imported when needed.

The module of a format has a function ``fragments(table, payload, style)``, which yields the text
without a newline at its end: the lines of a table as they are made, so that there may be many.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from importlib import import_module
from typing import TYPE_CHECKING, Any, NamedTuple

from convcalc.diagnostics.work import current

if TYPE_CHECKING:
    from convcalc.output.columns import Column

_MODULES = {"table": "terminal"}  # formats whose module has another name

MOST_ROWS = 2000  # of more, those that are alike are folded
MARKDOWN_HINT = "a wider terminal or -f markdown shows them"  # for commands without csv


class Fact(NamedTuple):
    """One line below a table: what it is about, and what there is to say."""

    name: str
    text: str

    def __str__(self) -> str:
        return f"{self.name}: {self.text}" if self.name else self.text


class Table(NamedTuple):
    """A table: columns, rows, a row of totals, a title above and a footer of facts below.

    ``totals`` is a row of the same columns; shares are relative to it. ``outputs`` are rows that
    stand apart from the others, before the totals. ``hint`` tells how to see columns that a narrow
    terminal hides. ``unfolded`` tells how to see all rows where those that are alike are folded,
    on a terminal and of more than ``MOST_ROWS``; without it none are. ``result`` says that the
    footer is one, which --quiet leaves.
    """

    title: str
    columns: tuple[Column, ...]
    rows: Sequence[Any]
    totals: Any | None = None
    footer: Sequence[Fact] = ()
    hint: str = "a wider terminal or -f markdown shows them"
    outputs: Sequence[Any] = ()
    unfolded: str = ""
    result: bool = False


class Style(NamedTuple):
    """How a table is shown; ``width`` is that of the terminal, None for unlimited.

    ``quiet`` leaves out the footer.
    """

    exact: bool = False
    color: bool = False
    width: int | None = None
    ascii: bool = False
    quiet: bool = False


def render(format: str, table: Table | None, payload: Any, style: Style) -> str:  # noqa: A002
    """Return the table, or for ``json`` the payload, as text without a newline at its end."""
    return "".join(fragments(format, table, payload, style))


def fragments(
    format: str,  # noqa: A002
    table: Table | None,
    payload: Any,
    style: Style,
) -> Iterator[str]:
    """Return what :func:`render` returns in fragments, each made when it is asked for.

    Raises TooMuchWork before the first one.
    """
    module = import_module(f"convcalc.output.formats.{_MODULES.get(format, format)}")
    if table is not None and format != "table":
        current().spend(10 * cells_of(table), "rows of tables")
    written: Iterator[str] = module.fragments(table, payload, style)
    return written


def cells_of(table: Table) -> int:
    """The number of cells of a table, about."""
    return (len(table.rows) + 4) * len(table.columns)


def joined(lines: Iterable[str]) -> Iterator[str]:
    """Yield lines as fragments: each but the first begins with the newline before it."""
    before = ""
    for line in lines:
        yield before + line
        before = "\n"
