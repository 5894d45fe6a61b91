"""Writes tab-separated values: keys, then exact values; cells hold no tabs, nothing is quoted."""

from __future__ import annotations

from typing import Any

from convcalc.output.cells import plain_rows
from convcalc.output.table import Style, Table


def text(table: Table, _payload: Any, style: Style) -> str:
    """Return one line per row, the keys of the columns first."""
    return "\n".join("\t".join(cells) for cells in plain_rows(table, style))
