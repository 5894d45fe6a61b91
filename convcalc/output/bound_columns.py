"""The columns of bounds on a device, which ``show --device`` adds."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from convcalc.analysis.report.bounds import LOWER, UPPER, at_least, binding
from convcalc.analysis.report.rows import AnyRow
from convcalc.output.columns import SECONDS, Column


def _seconds(key: str) -> Callable[[AnyRow], Any]:
    return lambda row: row.bounds.get(key)


def _at_least(key: str) -> Callable[[AnyRow], Any]:
    return lambda row: at_least(row.bounds, key)


BOUND_COLUMNS = {
    column.key: column
    for column in (
        Column(
            "bound",
            "bound",
            _seconds(LOWER),
            SECONDS,
            "right",
            1,
            "the least seconds of the kernels that begin in the row, fused as the runtime does",
            at_least=_at_least(LOWER),
        ),
        Column(
            "bound_unfused",
            "unfused",
            _seconds(UPPER),
            SECONDS,
            "right",
            4,
            "the least seconds with a kernel for every layer, and a launch for each",
            at_least=_at_least(UPPER),
        ),
        Column(
            "binding",
            "bound by",
            lambda row: binding(row.bounds),
            "",
            "left",
            2,
            "what binds: memory or compute, with its share where both do",
        ),
        Column(
            "kernel",
            "in kernel of",
            lambda row: row.kernel or None,
            "",
            "left",
            8,
            "the layer whose kernel does the work of this one too",
        ),
    )
}
DEFAULT = ("bound", "bound_unfused", "binding")
