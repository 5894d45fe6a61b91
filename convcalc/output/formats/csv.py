"""Writes comma-separated values, quoted by RFC 4180: keys, then exact values; no totals.

A row that a CI service would take for a command begins with a quote.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from typing import Any

from convcalc.output.cells import plain_rows
from convcalc.output.table import Style, Table, joined


def fragments(table: Table, _payload: Any, style: Style) -> Iterator[str]:
    """Yield one line per row, the keys of the columns first."""
    return joined(map(_line, plain_rows(table, style)))


def _line(cells: Sequence[str]) -> str:
    out = io.StringIO()
    csv.writer(out, lineterminator="").writerow(cells)
    line = out.getvalue()
    first = cells[0] if cells else ""
    return f'"{first}"{line.removeprefix(first)}' if line.lstrip().startswith("::") else line
