"""The costs of the ways to compute one convolution, as a table and as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from operator import attrgetter
from typing import Any

from convcalc.analysis.costs import Row, rows
from convcalc.analysis.costs.models import Cost
from convcalc.analysis.report.to_json import plain
from convcalc.output.columns import Column
from convcalc.output.table import Fact, Table


def cost_table(found: Sequence[Cost], macs: int) -> Table:
    """Return the table of multiplications, additions and buffers, a row per way."""

    def column(key: str, title: str, **more: Any) -> Column:
        return Column(key, title, attrgetter(key), **more)

    columns = (
        column("model", "computed by"),
        column("multiplications", "multiplications", align="right"),
        Column("saving", "saving", _saving, align="right", priority=1),
        column("additions", "transform additions", align="right", priority=3),
        column("buffer", "buffer (elements)", align="right"),
        column("remark", "remark", priority=2, folds=True),
    )
    footer = (
        Fact("multiplications", "of real numbers, for the whole batch"),
        Fact("buffers", "for one image"),
    )
    return Table("", columns, rows(found, macs), None, footer)


def _saving(row: Row) -> str | None:
    """Return the factor by which multiplications are saved, compared with the definition."""
    return None if row.saving is None else f"{float(row.saving):.2f} x"


def cost_payload(found: Sequence[Cost]) -> list[dict[str, Any]]:
    """Return the costs as JSON, with every buffer and transform."""
    return [
        {
            "model": cost.model,
            "multiplications": plain(cost.multiplications),
            "buffers": plain(cost.buffers),
            "transforms": [plain(transform._asdict()) for transform in cost.transforms],
            "facts": plain(cost.facts),
            "remark": cost.remark,
        }
        for cost in found
    ]
