"""A report as a data frame of pandas or polars, which are imported only here.

:mod:`convcalc.model.quantities.presented` asks for these functions by their names.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from typing import Any

from convcalc.analysis.report.report import ReceptiveField, Report
from convcalc.analysis.report.rows import AnyRow, rows
from convcalc.model.quantities.counts import COUNTS
from convcalc.model.quantities.unknown import known
from convcalc.output.columns import COLUMNS, cell, tool_columns
from convcalc.output.packages import package
from convcalc.output.views.network import totals_row

WIDEST = 2**63  # the integers of a column of a frame are below it
# The columns by what they hold; those of other fields of operators differ from row to row.
TEXTS = ("path", "operator", "shares", "note")
INTEGERS = ("layers", *COUNTS, "frozen", "groups")
SIZES = ("output", "kernel_size", "stride", "dilation", "receptive_field")
REALS = ("macs_share", "params_share", "intensity")
REAL_LISTS = ("jump", "center")
FLAGS = ("global", "declared")
ORDER = tuple(
    key for key in COLUMNS if key in {*TEXTS, *INTEGERS, *SIZES, *REALS, *REAL_LISTS, *FLAGS}
)


def to_pandas(report: Report, depth: int | None) -> Any:
    """Return a ``pandas.DataFrame``, one row per layer or block, indexed by path."""
    pandas = package("pandas", "to_pandas")
    data, kinds = _data(report, depth)
    types = {int: "Int64", float: "Float64", bool: "boolean", str: "string"}
    made = {}
    for key, values in data.items():
        kind = types.get(kinds[key], "object")
        if kind == "Int64" and not _fits(values):
            kind = "object"
        made[key] = pandas.Series(values, dtype=kind)
    return pandas.DataFrame(made).set_index("path")


def to_polars(report: Report, depth: int | None) -> Any:
    """Return a ``polars.DataFrame``, one row per layer or block."""
    polars = package("polars", "to_polars")
    data, kinds = _data(report, depth)
    types = {
        int: polars.Int64,
        float: polars.Float64,
        bool: polars.Boolean,
        str: polars.String,
        list[int]: polars.List(polars.Int64),
        list[float]: polars.List(polars.Float64),
    }
    made = {}
    for key, values in data.items():
        kind = types[kinds[key]]
        if kind == polars.Int64 and not _fits(values):
            kind = polars.Object
        made[key] = polars.Series(key, [list(v) if type(v) is tuple else v for v in values], kind)
    return polars.DataFrame(made)


def swept_to_pandas(columns: Mapping[str, Sequence[Any]]) -> Any:
    """Return the rows of a sweep as a ``pandas.DataFrame``."""
    pandas = package("pandas", "to_pandas")
    types = {int: "Int64", float: "Float64", bool: "boolean", str: "string"}
    made = {}
    for name, values in columns.items():
        kind = types.get(_kind_of_all(values), "object")
        made[name] = pandas.Series(values, dtype=kind)
    return pandas.DataFrame(made)


def swept_to_polars(columns: Mapping[str, Sequence[Any]]) -> Any:
    """Return the rows of a sweep as a ``polars.DataFrame``."""
    polars = package("polars", "to_polars")
    types = {
        int: polars.Int64,
        float: polars.Float64,
        bool: polars.Boolean,
        str: polars.String,
        list: polars.List(polars.Int64),
    }
    made = {}
    for name, values in columns.items():
        kind = types.get(_kind_of_all(values), polars.Object)
        made[name] = polars.Series(name, list(values), kind)
    return polars.DataFrame(made)


def _kind_of_all(values: Sequence[Any]) -> type:
    """The type of the values that are known; object where there are several, or too large ones."""
    kinds = {type(value) for value in values} - {type(None)}
    if kinds == {int} or not kinds:
        return int if _fits(values) else object
    if kinds == {int, float}:
        return float
    kind = kinds.pop() if len(kinds) == 1 else object
    whole = kind is list and all(type(each) is int for value in values for each in value)
    return kind if whole or kind is not list else object


def _fits(values: Sequence[int | None]) -> bool:
    return all(value is None or -WIDEST <= value < WIDEST for value in values)


# --- columns -------------------------------------------------------------------------------------


def _data(report: Report, depth: int | None) -> tuple[dict[str, list[Any]], dict[str, Any]]:
    """The values of each column, and the type of each."""
    listed, totals = rows(report, depth), totals_row(report)
    data: dict[str, list[Any]] = {}
    kinds: dict[str, Any] = {}
    for key in ORDER:
        plain, kinds[key] = _kind(key)
        data[key] = [plain(cell(COLUMNS[key], row, totals)) for row in listed]
    for column in tool_columns(report):
        kinds[column.key] = int
        data[column.key] = [_number(column.value(row)) for row in listed]
    for key in report.totals.fused:
        kinds[f"{key}_fused"] = int
        data[f"{key}_fused"] = [_number(_fused(row).get(key)) for row in listed]
    if report.roofline is not None:
        _add_bounds(data, kinds, listed)
    return data, kinds


def _add_bounds(
    data: dict[str, list[Any]], kinds: dict[str, Any], listed: Sequence[AnyRow]
) -> None:
    """Adds the columns of bounds on a device: seconds, and what binds."""
    from convcalc.output.bound_columns import BOUND_COLUMNS
    from convcalc.output.columns import SECONDS

    for key, column in BOUND_COLUMNS.items():
        values = [column.value(row) for row in listed]
        kinds[key] = float if column.unit == SECONDS else str
        plain = _real if column.unit == SECONDS else _word
        data[key] = [plain(value) for value in values]


def _word(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _fused(row: AnyRow) -> Mapping[str, int]:
    return row.fused


def _kind(key: str) -> tuple[Callable[[Any], Any], Any]:
    """How a value of a column becomes one of a frame, and its type."""
    if key in TEXTS:
        return (lambda value: value or ""), str
    if key in INTEGERS:
        return _number, int
    if key in SIZES:
        return _sizes, list[int]
    if key in REALS:
        return _real, float
    if key in REAL_LISTS:
        return _reals, list[float]
    return bool, bool


def _number(value: Any) -> int | None:
    return value if isinstance(value, int) and known(value) else None


def _real(value: Any) -> float | None:
    return float(value) if isinstance(value, int | Fraction) and known(value) else None


def _sizes(value: Any) -> tuple[int, ...] | None:
    if isinstance(value, ReceptiveField):
        value = value.size
    if not isinstance(value, tuple) or not all(isinstance(each, int) for each in value):
        return None
    return tuple(value) if known(value) else None


def _reals(value: Any) -> tuple[float, ...] | None:
    if not isinstance(value, tuple) or not known(value):
        return None
    return tuple(map(float, value))
