"""The part of a report about a device: the assumptions, and what binds the network."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import Any, NamedTuple

from convcalc.model.quantities.unknown import known

MEMORY, COMPUTE = "memory", "compute"  # what binds a kernel


class Source(NamedTuple):
    """A number of a device with its unit, and where it is published."""

    value: Fraction
    unit: str
    source: str
    note: str


class Roofline(NamedTuple):
    """The bounds of a network on a device.

    ``numbers`` are those of the device that were used, by key. ``kernels`` are those of the
    runtime, ``memory_bound`` and ``compute_bound`` of them; the rest is unknown. ``unfused`` counts
    the kernels with one for every layer. ``in_cache`` are kernels whose tensors fit into the
    last-level cache together: None if its size is not known. ``peak_only`` are the FLOPs of the
    network over the peak, in seconds, which nothing can be below. ``missing`` says which numbers
    the device does not state, ``others`` for which data types it has a peak.
    """

    device: str
    title: str
    file: str
    dtype: str
    runtime: str
    numbers: Mapping[str, Source]
    kernels: int
    memory_bound: int
    compute_bound: int
    unfused: int
    in_cache: int | None
    peak_only: Any
    missing: tuple[str, ...] = ()
    others: tuple[str, ...] = ()


# The keys of the bounds of a layer, a row or totals: seconds, which add up. A row has none of those
# that begin a kernel where all its layers belong to kernels of others.
LOWER = "lower"  # of the kernels that begin here
UPPER = "upper"  # of every layer as a kernel of its own, with launches
LEAST = {LOWER: "lower_at_least", UPPER: "upper_at_least"}  # what of these is known
KEYS = (LOWER, UPPER, *LEAST.values(), MEMORY, COMPUTE)


def binding(bounds: Mapping[str, Any]) -> Any:
    """The resource that binds: ``memory`` or ``compute``, in a sum with its share if both do.

    None where no kernel begins or none has anything to do; UNKNOWN if the bound is.
    """
    whole = bounds.get(LOWER)
    if whole is None or not known(whole):
        return whole
    if not whole:
        return None
    word = max((MEMORY, COMPUTE), key=lambda each: bounds[each])
    if bounds[word] == whole:
        return word
    from convcalc.model.quantities.number_text import percent_text

    return f"{word} {percent_text(bounds[word] / whole)}"


def at_least(bounds: Mapping[str, Any], key: str) -> Any:
    """The least that an unknown bound can be; None if it is known, or nothing of it is."""
    value = bounds.get(key)
    if value is None or known(value):
        return None
    return bounds[LEAST[key]] or None
