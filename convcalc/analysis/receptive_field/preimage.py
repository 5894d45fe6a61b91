"""Which positions of an input axis a set of output positions reads."""

from __future__ import annotations

from collections.abc import Iterator

from convcalc.analysis.receptive_field.domains import SUPPORTS, Bits
from convcalc.errors import Error
from convcalc.model.geometry.axis_maps import (
    IDENTITY,
    AxisMap,
    Chain,
    Deformed,
    Nothing,
    Scattered,
    Slide,
    Union,
    Unreadable,
    Whole,
)
from convcalc.model.quantities.unknown import known


class Unseen(Error):
    """It cannot be known which positions are read; the message says why."""


def preimage(axis: AxisMap, wanted: Bits, size: int | None = None) -> Bits | None:
    """The input positions that the output positions ``wanted`` read; None if there are none.

    ``size`` is that of the input: then nothing beyond its ends is read, or what the layer puts
    there; without it the axis goes on for ever. Global layers count with their local part alone.
    """
    if isinstance(axis, Unreadable):
        raise Unseen(axis.reason)
    if isinstance(axis, Union):
        return unite([preimage(each, wanted, size) for each in axis.maps])
    if isinstance(axis, Chain):
        between = axis.between if size is not None and known(axis.between) else None
        middle = preimage(axis.outer, wanted, between)
        return middle and preimage(axis.inner, middle, size)
    local = _local(axis)
    if local is None:
        return None
    return preimage(local, wanted, size) if local is not axis else _read(axis, wanted, size)


def _local(axis: AxisMap) -> AxisMap | None:
    """The local part of an axis map; None if the layer reads nothing near its outputs."""
    if isinstance(axis, Nothing | Scattered):
        return None
    if isinstance(axis, Whole):
        return axis.local
    return axis.base if isinstance(axis, Deformed) and axis.bound is None else axis


def _read(axis: AxisMap, wanted: Bits, size: int | None) -> Bits | None:
    """The positions that windows, stamps, interpolation and partitions read."""
    border = axis.border if isinstance(axis, Slide) else "zeros"
    return _clip(wanted if axis is IDENTITY else _taps(axis, wanted), size, border)


def _taps(axis: AxisMap, wanted: Bits) -> Bits | None:
    """The taps of all outputs together, on an endless axis."""
    if isinstance(axis, Slide):
        first, bits = wanted
        starts = (first * axis.stride - axis.padding, _spread(bits, axis.stride))
        return SUPPORTS.window(starts, axis.dilation, axis.kernel_size)
    return unite([_as_bits(axis.taps(y)) for y in positions(wanted)])


def _as_bits(taps: range | tuple[int, ...]) -> Bits | None:
    """Taps as a set of bits; None if there are none."""
    if not taps:
        return None
    if isinstance(taps, range):
        return SUPPORTS.window((taps[0], 1), taps.step, len(taps))
    return taps[0], sum(1 << (tap - taps[0]) for tap in taps)


def _spread(bits: int, stride: int) -> int:
    """The same set with every position ``stride`` times as far from the first."""
    if stride == 1 or bits == 1:
        return bits
    return int(("0" * (stride - 1)).join(f"{bits:b}"), 2)


def _clip(read: Bits | None, size: int | None, border: str) -> Bits | None:
    """The part of a set within an axis of that size, and the sources of its padding."""
    if read is None or size is None:
        return read
    first, bits = read
    if first >= 0 and first + bits.bit_length() <= size:
        return read
    inside = bits << first if first >= 0 else bits >> -first
    inside &= (1 << size) - 1
    if border != "zeros":
        for position in positions(read):
            if not 0 <= position < size:
                inside |= 1 << _padding_source(position, size, border)
    return trim((0, inside))


def _padding_source(position: int, size: int, border: str) -> int:
    """The position within the axis whose value fills a padding position."""
    if border == "circular":
        return position % size
    if border == "replicate":
        return min(max(position, 0), size - 1)
    return -position if position < 0 else 2 * (size - 1) - position


# --- sets ----------------------------------------------------------------------------------------


def positions(found: Bits) -> Iterator[int]:
    """The positions of a set in order."""
    first, bits = found
    digits = f"{bits:b}"[::-1]
    index = digits.find("1")
    while index >= 0:
        yield first + index
        index = digits.find("1", index + 1)


def unite(parts: list[Bits | None]) -> Bits | None:
    """The union of sets; None if all are empty."""
    some = [part for part in parts if part is not None]
    return SUPPORTS.union(some) if some else None


def trim(found: Bits) -> Bits | None:
    """The same set without leading zero bits; None if it is empty."""
    first, bits = found
    if not bits:
        return None
    zeros = (bits & -bits).bit_length() - 1
    return first + zeros, bits >> zeros


def all_positions(size: int) -> Bits:
    """All positions of an axis."""
    return 0, (1 << size) - 1
