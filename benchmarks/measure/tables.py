"""Tables in Markdown, and the figures in them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple


class Table(NamedTuple):
    """A title, the heads of columns, and rows; all columns but the first are numbers."""

    title: str
    heads: Sequence[str]
    rows: Sequence[Sequence[str]]
    note: str = ""

    def __str__(self) -> str:
        """The table as a person reads it in Markdown and as plain text."""
        widths = [max(map(len, column)) for column in zip(self.heads, *self.rows, strict=True)]
        rule = [f"{'-' * widths[0]}", *(f"{'-' * (width - 1)}:" for width in widths[1:])]
        lines = [
            "| "
            + " | ".join([row[0].ljust(widths[0]), *map(str.rjust, row[1:], widths[1:])])
            + " |"
            for row in (self.heads, rule, *self.rows)
        ]
        return "\n".join([f"**{self.title}**", "", *lines, *(["", self.note] if self.note else [])])


def seconds(value: float) -> str:
    """Seconds with three figures, milliseconds below one: ``12.3 s``, ``87 ms``."""
    return f"{value:.3g} s" if value >= 1 else f"{1e3 * value:.3g} ms"


def mebibytes(value: float) -> str:
    """Memory."""
    return f"{value:,.0f} MiB"


def times(value: float) -> str:
    """A ratio with three figures."""
    return f"{value:.3g} ×" if value < 100 else f"{value:.0f} ×"
