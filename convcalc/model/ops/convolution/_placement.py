"""Where the stamps of a transposed convolution lie: what is cut off before and after, and added.

The output's size is said by the padding and output_padding, or is given; then what is cut off, or
added after the last stamp, follows.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from convcalc.model.geometry.sizes import (
    Padding,
    Sides,
    axis_name,
    extent,
    greater_half,
    smaller_half,
    stamp_size,
)
from convcalc.model.operators.contract import Problem
from convcalc.model.quantities.formula import formula
from convcalc.model.quantities.shape import Shape
from convcalc.model.quantities.unknown import UNKNOWN, known

WORDS = ("same", "valid")


class Place(NamedTuple):
    """Positions that are cut off before the first and after the last position of an axis that is
    stamped, and how many positions are added behind; ``size`` is what is left.
    """

    before: int
    after: int
    more: int
    size: int


def places(
    x: Shape,
    kernel_size: Sequence[int],
    stride: Sequence[int],
    dilation: Sequence[int],
    padding: Padding,
    output_padding: Sequence[int],
    sizes: Sequence[int] | None,
) -> tuple[Place, ...]:
    """One place per axis; ``sizes`` are those of the output, if they are given."""
    extents = map(extent, kernel_size, dilation)
    sides: Sides = ((0, 0),) * x.rank if isinstance(padding, str) else padding
    rows = zip(x.spatial, extents, stride, sides, output_padding, strict=True)
    found = []
    for axis, (n, e, s, side, more) in enumerate(rows):
        size = None if sizes is None else sizes[axis]
        if padding == "same":
            found.append(_same(n, e, s, size))
        elif size is not None:
            found.append(Place(*side, added_to_reach(size, stamp_size(n, e, s, *side, 0)), size))
        else:
            added = missing_positions(e, s) if padding == "valid" else more
            found.append(Place(*side, added, stamp_size(n, e, s, *side, added)))
    return tuple(found)


def _same(n: int, e: int, s: int, size: int | None) -> Place:
    """TensorFlow's ``same``: as many positions as a convolution of this stride makes n of."""
    if size is None:
        total, size = same_excess(e, s), strided_size(n, s)
    else:
        total = excess(n, e, s, size)
    if not known(total):
        return Place(UNKNOWN, UNKNOWN, UNKNOWN, size)
    cut = max(total, 0)
    return Place(smaller_half(cut), greater_half(cut), max(-total, 0), size)


@formula
def strided_size(size: int, stride: int) -> int:
    """Output size under padding ``same``: n · s."""
    return size * stride


@formula
def same_excess(extent: int, stride: int) -> int:
    """The excess of the stamps for n · s positions, below 0 too short: extent - s."""
    return extent - stride


@formula
def excess(size: int, extent: int, stride: int, out_size: int) -> int:
    """The excess of the stamps for that size: (n - 1)·s + extent - out_size."""
    return (size - 1) * stride + extent - out_size


@formula
def missing_positions(extent: int, stride: int) -> int:
    """The number of positions that Keras adds under ``valid``, so that each input has s positions:
    max(s - extent, 0).
    """
    return max(stride - extent, 0)


@formula
def added_to_reach(out_size: int, least: int) -> int:
    """The output padding that makes up the size that is wanted."""
    return out_size - least


def size_problems(
    x: Shape, found: Sequence[Place], stride: Sequence[int], padding: Padding, field: str
) -> Iterator[Problem]:
    """Yields a problem for each axis whose size no output of that stride has: a convolution of it
    would not give the input's size back."""
    rule, source = ("out-of-range", 0) if field else ("shape-mismatch", 1)
    for axis, (n, s, place) in enumerate(zip(x.spatial, stride, found, strict=True)):
        if padding == "same":
            low, high = (n - 1) * s + 1, n * s
        else:
            low = place.size - place.more
            high = low + s - 1
        if place.size < low or place.size > high:
            name = axis_name(axis, x.rank)
            message = f"{name} {place.size} cannot be made of {n} positions at stride {s}"
            yield Problem(rule, field, message, f"from {low} to {high}", source)
