"""A device: its peaks, its bandwidth, its cache and its launch time, each with a source."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from fractions import Fraction
from typing import NamedTuple

from convcalc.diagnostics.diagnostic import Diagnostic
from convcalc.errors import Error

# What a device states beside its peaks: the key, its unit, and what it is.
NUMBERS: Mapping[str, tuple[str, str]] = {
    "bandwidth": ("B/s", "bytes per second between memory and chip, reads and writes together"),
    "cache": ("B", "bytes of the last-level cache"),
    "launch": ("s", "seconds from one kernel to the next, beside what they compute"),
}
PEAK_UNIT = "FLOP/s"


class DeviceError(Error):
    """A file of a device or a runtime has errors; ``diagnostics`` are all of them."""

    def __init__(self, diagnostics: tuple[Diagnostic, ...]) -> None:
        first, *rest = diagnostics
        more = f", and {len(rest)} more" if rest else ""
        super().__init__(f"{first.place}: {first.message}{more}", first.help)
        self.diagnostics = diagnostics

    def __reduce__(self) -> tuple[type[DeviceError], tuple[tuple[Diagnostic, ...]]]:
        return type(self), (self.diagnostics,)


class Figure(NamedTuple):
    """One number of a device, where it is published, and how it follows from what is there."""

    value: Fraction
    source: str
    note: str = ""


class Device(NamedTuple):
    """The most that a device can do.

    ``peak`` are FLOP/s by data type, without sparsity; for integers operations per second, where a
    multiply-accumulate is two as well. ``bandwidth`` is in bytes per second, ``cache`` in bytes and
    ``launch`` in seconds; None where the file does not state it. ``runtime`` is the runtime that is
    assumed unless another one is named.
    """

    name: str
    title: str
    file: str
    runtime: str
    peak: Mapping[str, Figure]
    bandwidth: Figure | None = None
    cache: Figure | None = None
    launch: Figure | None = None

    def figures(self) -> Iterator[tuple[str, Figure, str]]:
        """Every number that is stated: its key, the number and its unit."""
        for dtype, figure in self.peak.items():
            yield f"peak.{dtype}", figure, PEAK_UNIT
        for key, (unit, _) in NUMBERS.items():
            found: Figure | None = getattr(self, key)
            if found is not None:
                yield key, found, unit
