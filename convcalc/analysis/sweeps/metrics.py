"""The numbers that a sweep may measure; known without numpy."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from convcalc.diagnostics.suggestion import UnknownName, advise
from convcalc.model.quantities.counts import COUNTS

FIELD_METRICS = ("receptive_field", "jump")
METRICS: Mapping[str, str] = {
    **{key: count.doc for key, count in COUNTS.items()},
    "memory": "bytes of parameters and buffers, and the most that is alive at once",
    "layers": "layers of the network",
    "receptive_field": "input positions that the first output sees, along the longest axis",
    "jump": "effective stride of the first output on the input, along the longest axis",
}


def require_metrics(names: Sequence[str]) -> None:
    """Raises UnknownName for a metric that a sweep does not have."""
    for name in names:
        if name not in METRICS:
            raise UnknownName(f"unknown metric '{name}'", advise(name, METRICS, "metrics:"))
