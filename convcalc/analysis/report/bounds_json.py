"""Bounds on a device in JSON's types: seconds as numbers, null where unknown."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from convcalc.analysis.report.bounds import COMPUTE, LEAST, LOWER, MEMORY, UPPER, binding
from convcalc.analysis.report.report import Report
from convcalc.model.quantities.unknown import known

if TYPE_CHECKING:
    from convcalc.analysis.report.rows import AnyRow

# The keys of an interval in JSON; the unit is at their end.
SECONDS = {
    "lower_seconds": LOWER,
    "upper_seconds": UPPER,
    "lower_at_least_seconds": LEAST[LOWER],
    "upper_at_least_seconds": LEAST[UPPER],
    "memory_seconds": MEMORY,
    "compute_seconds": COMPUTE,
}


def device_payload(report: Report) -> dict[str, Any]:
    """The device, the assumptions, and the numbers that were used, each with its source."""
    roof = report.roofline
    assert roof is not None
    numbers = {
        key: {
            "value": _number(each.value),
            "unit": each.unit,
            "source": each.source,
            "note": each.note,
        }
        for key, each in roof.numbers.items()
    }
    return {
        "device": {
            "name": roof.device,
            "title": roof.title,
            "file": roof.file,
            "dtype": roof.dtype,
            "runtime": roof.runtime,
            "numbers": numbers,
            "missing": list(roof.missing),
        }
    }


def network_bounds(report: Report) -> dict[str, Any]:
    """The bounds of the network, with its kernels."""
    roof = report.roofline
    assert roof is not None
    counts = {
        "peak_seconds": _seconds(roof.peak_only),
        "kernels": roof.kernels,
        "memory_bound": roof.memory_bound,
        "compute_bound": roof.compute_bound,
        "unfused_kernels": roof.unfused,
        "in_cache": roof.in_cache,
    }
    return {"bounds": _interval(report.totals.bounds) | counts}


def row_bounds(row: AnyRow) -> dict[str, Any]:
    """The bounds of a layer or block; a layer's also say whose kernel it belongs to."""
    return {"bounds": {"kernel": row.kernel or None, **_interval(row.bounds)}}


def _interval(bounds: Mapping[str, Any]) -> dict[str, Any]:
    word = binding(bounds)
    return {
        **{name: _seconds(bounds.get(key)) for name, key in SECONDS.items()},
        "binding": word if word is None or known(word) else None,
    }


def _seconds(value: Any) -> float | None:
    return float(value) if value is not None and known(value) else None


def _number(value: Any) -> int | float:
    return int(value) if value.denominator == 1 else float(value)
