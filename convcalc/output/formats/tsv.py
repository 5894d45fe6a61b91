"""Tab-separated values: keys, then exact values. Cells hold no tabs, so nothing is quoted."""

from __future__ import annotations

from typing import Any

from convcalc.output.cells import plain_rows
from convcalc.output.table import Style, Table


def text(table: Table, _payload: Any, style: Style) -> str:
    """One line per row."""
    return "\n".join("\t".join(cells) for cells in plain_rows(table, style))
