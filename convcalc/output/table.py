"""Tables as text: one module of ``formats`` per format, imported when its format is asked for.

The module of a format has ``text(table, payload, style)``, which returns the text without a
newline at its end.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from convcalc.output.columns import Column

_MODULES = {"table": "terminal"}  # formats that are called other than their module

MARKDOWN_HINT = "a wider terminal or -f markdown shows them"  # of commands without csv


class Table(NamedTuple):
    """What is shown: columns over rows, a row of totals, and lines above and below.

    ``totals`` goes through the same columns as the rows; it is also what shares are shares of.
    ``hint`` tells how to see columns that a narrow terminal hides.
    """

    title: str
    columns: tuple[Column, ...]
    rows: Sequence[Any]
    totals: Any | None = None
    footer: Sequence[str] = ()
    hint: str = "a wider terminal or -f markdown shows them"


class Style(NamedTuple):
    """How it is shown. ``width`` is that of the terminal, None for as wide as needed."""

    exact: bool = False
    color: bool = False
    width: int | None = None
    ascii: bool = False


def render(format: str, table: Table | None, payload: Any, style: Style) -> str:  # noqa: A002
    """The table, or for ``json`` the payload, in a format of ``formats``; no newline at the end."""
    module = import_module(f"convcalc.output.formats.{_MODULES.get(format, format)}")
    written: str = module.text(table, payload, style)
    return written
