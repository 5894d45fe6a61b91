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
        Fact("bound", f"{fused} fused, {unfused} with a kernel for every layer{launches}"),
        Fact("kernels", kernels_text(roof)),
        *_cached(roof),
        Fact("FLOPs / peak", seconds_text(roof.peak_only, exact=exact)),
        *missing_facts(roof),
        Fact("", "a bound is what the device must spend at least, not how long a program takes"),
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
    return Fact("device", f"{roof.device} ({roof.title}), {roof.dtype}, runtime {roof.runtime}")


def kernels_text(roof: Roofline) -> str:
    """Return how many kernels there are and what binds them."""
    counts = ((roof.memory_bound, "memory"), (roof.compute_bound, "compute"))
    parts = [f"{count} bound by {word}" for count, word in counts if count]
    rest = roof.kernels - roof.memory_bound - roof.compute_bound
    parts += [f"{rest} {UNKNOWN_WORD}"] if rest else []
    return f"{roof.kernels} fused of {roof.unfused}; {', '.join(parts)}"


def _cached(roof: Roofline) -> list[Fact]:
    """Return how many kernels fit the last-level cache; nothing if that is not known."""
    cache = roof.numbers.get("cache")
    if not roof.in_cache or cache is None:
        return []
    verb = "kernels fit" if roof.in_cache != 1 else "kernel fits"
    size = memory_text(int(cache.value))
    return [Fact("cache", f"{roof.in_cache} {verb} its {size}, which no bound counts on")]


def missing_facts(roof: Roofline) -> list[Fact]:
    """Return the fact that says which numbers of the device are not known."""
    if not roof.missing:
        return []
    others = sorted(key for key in roof.others if key != roof.dtype)
    hint = f" (it has {', '.join(others)})" if "peak" in roof.missing[0] and others else ""
    return [Fact("not stated", f"{', '.join(roof.missing)}{hint}")]
