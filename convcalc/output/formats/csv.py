"""Comma-separated values (RFC 4180 quoting): keys, then exact values; no totals, no footer."""

from __future__ import annotations

import csv
import io
from typing import Any

from convcalc.output.cells import plain_rows
from convcalc.output.table import Style, Table


def text(table: Table, _payload: Any, style: Style) -> str:
    """One line per row."""
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows(plain_rows(table, style))
    return out.getvalue().removesuffix("\n")
