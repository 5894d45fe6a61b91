"""Finds positions of a tensor that none of its readers reads, axis by axis."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from convcalc.model.geometry.axis_maps import AxisMap, Slide
from convcalc.model.geometry.sizes import axis_name, extent
from convcalc.model.graph.network import Network
from convcalc.model.graph.readers import Reading, readings
from convcalc.model.quantities.unknown import known


class Unread(NamedTuple):
    """Unread positions on one axis of a tensor, and the first layer that skips them.

    ``skips``: they lie between the windows; otherwise they lie after the last one.
    """

    reading: Reading
    axis: str
    size: int
    missing: int
    extent: int
    stride: int
    skips: bool

    @property
    def is_pointwise(self) -> bool:
        """Whether the window is a single tap."""
        return self.extent == 1


def unread_tensors(network: Network) -> Iterator[Unread]:
    """Yields an entry for each tensor that only strided windows read, and not completely."""
    outputs = set(network.outputs.values())
    for number, after in readings(network).items():
        if not _has_stride(after[0].axes):
            continue
        spatial = network.shape(number).spatial
        if number not in outputs and known(spatial):
            for axis, size in enumerate(spatial):
                found = _unread_on_axis(after, axis, size, len(spatial))
                if found is not None:
                    yield found
                    break


def _has_stride(axes: Sequence[AxisMap]) -> bool:
    """Whether a window leaves out positions on some axis."""
    return any(type(each) is Slide and each.stride != 1 for each in axes)


def _unread_on_axis(after: Sequence[Reading], axis: int, size: int, rank: int) -> Unread | None:
    """The unread positions on one axis; None if all are read or it is not known."""
    windows: list[tuple[Slide, int]] = []
    for reading in after:
        each = _window(reading, axis, rank)
        if each is None:
            return None
        windows.append(each)
    missing = size - _count_read(windows, size)
    if not missing:
        return None
    window, _ = windows[0]
    reach = extent(window.kernel_size, window.dilation)
    residues = {tap % each.stride for each, _ in windows for tap in _taps(each)}
    skips = len(residues) < window.stride
    name = axis_name(axis, rank)
    return Unread(after[0], name, size, missing, reach, window.stride, skips)


def _window(reading: Reading, axis: int, rank: int) -> tuple[Slide, int] | None:
    """The window of a reader with its number of outputs; None if it may read everything."""
    if len(reading.axes) != rank or type(reading.layer.operator).declared:
        return None  # the stride of a declared layer is told by its sizes, not by its windows
    each: AxisMap = reading.axes[axis]
    output = reading.layer.analysis.output.spatial
    # At stride 1, only positions that are cropped on purpose stay unread.
    if not isinstance(each, Slide) or each.stride == 1 or len(output) != rank:
        return None
    return (each, output[axis]) if each.kernel_size <= _MOST_TAPS else None


_MOST_TAPS = 4096


def _taps(window: Slide) -> range:
    """The input positions that output 0 reads."""
    return window.taps(0)


def _count_read(windows: Sequence[tuple[Slide, int]], size: int) -> int:
    """How many of ``size`` positions are read at all: a union of evenly spaced positions."""
    spaced: dict[tuple[int, int], list[tuple[int, int]]] = {}
    strides = {window.stride for window, _ in windows}
    if len(strides) > 1:
        return size  # windows of different strides mostly fill each other's gaps
    for window, count in windows:
        for tap in _taps(window):
            first, last = tap, tap + window.stride * (count - 1)
            key = (window.stride, tap % window.stride)
            spaced.setdefault(key, []).append((first, last))
    return sum(
        _count_covered(stride, residue, ranges, size)
        for (stride, residue), ranges in spaced.items()
    )


def _count_covered(stride: int, residue: int, ranges: list[tuple[int, int]], size: int) -> int:
    """Positions of one residue within [0, size) that the ranges cover."""
    total, done = 0, -1
    for first, last in sorted(ranges):
        low = max(first, done + 1, 0)
        low += (residue - low) % stride
        high = min(last, size - 1)
        if low <= high:
            total += (high - low) // stride + 1
            done = low + (high - low) // stride * stride
    return total
