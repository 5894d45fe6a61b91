"""Writes comma-separated values, quoted by RFC 4180: keys, then exact values; no totals."""

from __future__ import annotations

import csv
import io
from typing import Any

from convcalc.output.cells import plain_rows
from convcalc.output.table import Style, Table


def text(table: Table, _payload: Any, style: Style) -> str:
    """Return one line per row, the keys of the columns first."""
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows(plain_rows(table, style))
    return out.getvalue().removesuffix("\n")
