"""Writes tab-separated values: keys, then exact values; cells hold no tabs, nothing is quoted."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from convcalc.output.cells import plain_rows
from convcalc.output.table import Style, Table, joined


def fragments(table: Table, _payload: Any, style: Style) -> Iterator[str]:
    """Yield one line per row, the keys of the columns first."""
    return joined(map("\t".join, plain_rows(table, style)))
