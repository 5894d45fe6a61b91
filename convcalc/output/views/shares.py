"""The parts of a network or block with their shares of the totals."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from convcalc.analysis.report.report import LayerReport, Report, lower_bounds
from convcalc.analysis.report.rows import AnyRow, part_row, rows, rows_by_operator
from convcalc.analysis.report.to_json import plain
from convcalc.model.quantities.counts import COUNTS
from convcalc.output.columns import COLUMNS
from convcalc.output.sorting import sorted_rows
from convcalc.output.table import MARKDOWN_HINT, Table
from convcalc.output.views.network import report_title

BY_PART = ("path", "operator", "params", "params_share", "macs", "macs_share", "elementwise")
BY_OPERATOR = ("path", "layers", "params", "params_share", "macs", "macs_share", "elementwise")


def share_tables(
    report: Report, layers: Sequence[LayerReport], depth: int, path: str
) -> tuple[Table, Table]:
    """Return two tables: by block at a depth, and by operator, the most MACs first.

    ``path`` is the block that the layers make up; empty for the whole network.
    """
    part = report.replace(layers=tuple(layers))
    total = "total" if report.complete else "total (incomplete)"
    whole = part_row(total, _count_text(len(layers)), layers)
    whole = whole._replace(at_least=lower_bounds(whole, layers, is_partial=report.is_lower_bound))
    name = f"{report.network} · {path}" if path else report_title(report)
    by_operator = sorted_rows(rows_by_operator(part), lambda row: row.macs)
    return (
        Table(
            name,
            tuple(COLUMNS[key] for key in BY_PART),
            rows(part, depth),
            whole,
            (),
            MARKDOWN_HINT,
        ),
        Table(
            "", tuple(COLUMNS[key] for key in BY_OPERATOR), by_operator, whole, (), MARKDOWN_HINT
        ),
    )


def _count_text(layers: int) -> str:
    return f"{layers} layer{'s' * (layers != 1)}"


def share_payload(tables: tuple[Table, Table]) -> dict[str, Any]:
    """Return both tables as JSON, with exact counts; shares are left to the reader."""
    names = ("by_part", "by_operator")
    return {
        name: [_row_payload(row) for row in table.rows]
        for name, table in zip(names, tables, strict=True)
    }


def _row_payload(row: AnyRow) -> dict[str, Any]:
    counts = {count.json: plain(row.counts[key]) for key, count in COUNTS.items()}
    return {"path": row.path, "type": row.operator, "layers": row.layers, **counts}
