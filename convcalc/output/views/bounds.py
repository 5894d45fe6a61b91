"""The lines below a table with bounds on a device."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from convcalc.analysis.report.bounds import LOWER, UPPER, Roofline, at_least
from convcalc.analysis.report.report import Report
from convcalc.model.quantities.number_text import (
    UNKNOWN_WORD,
    at_least_text,
    memory_text,
    seconds_text,
)
from convcalc.output.table import Fact


def bound_facts(report: Report, exact: bool = False) -> list[Fact]:
    """Return what the bounds of a network are, and what they leave out; nothing without them."""
    roof = report.roofline
    if roof is None or not report.layers:
        return []
    bounds = report.totals.bounds
    fused, unfused = (bound_text(bounds, key, exact) for key in (LOWER, UPPER))
    launches = "" if "launch" in roof.missing else " and its launch"
    return [
        device_fact(roof),
        Fact("fused", f"{fused}, {kernels_text(roof)}"),
        Fact("unfused", f"{unfused}, a kernel for every layer{launches}"),
        Fact("FLOPs alone", seconds_text(roof.peak_only, exact=exact)),
        *missing_facts(roof),
    ]


def bound_text(bounds: Mapping[str, Any], key: str, exact: bool = False) -> str:
    """Return one end of the interval, or what it is at least."""
    least = at_least(bounds, key)
    if least is not None:
        return at_least_text(seconds_text(least, exact=exact))
    value = bounds.get(key)
    return UNKNOWN_WORD if value is None else seconds_text(value, exact=exact)


def device_fact(roof: Roofline) -> Fact:
    """Return on which device the bounds are, and under which assumptions."""
    where = f"{roof.device} ({roof.title}; {roof.dtype}, runtime {roof.runtime})"
    return Fact("bounds", f"what {where} must spend at least, not how long a program takes")


def kernels_text(roof: Roofline) -> str:
    """Return how many kernels there are and what binds them."""
    parts = [
        f"{count} {word}"
        for count, word in (
            (roof.memory_bound, "bound by memory"),
            (roof.compute_bound, "bound by compute"),
        )
        if count
    ]
    text = f"{roof.kernels} kernels of {roof.unfused}: {', '.join(parts) or UNKNOWN_WORD}"
    cache = roof.numbers.get("cache")
    if not roof.in_cache or cache is None:
        return text
    size = memory_text(int(cache.value))
    return f"{text}, {roof.in_cache} fit the last-level cache of {size}, which no bound counts on"


def missing_facts(roof: Roofline) -> list[Fact]:
    """Return the fact that says which numbers of the device are not known."""
    if not roof.missing:
        return []
    others = sorted(key for key in roof.others if key != roof.dtype)
    hint = f" (it has {', '.join(others)})" if "peak" in roof.missing[0] and others else ""
    return [Fact(roof.device, f"does not state: {', '.join(roof.missing)}{hint}")]
