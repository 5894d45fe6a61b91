"""Where the axes of the image are in a tensor that was permuted or reshaped.

A tensor of tokens holds height and width in one axis, one of channels last holds them in others,
and a mixer holds them in the channels. What a layer reads on its own axes is said here on those of
the image, so that what is moved about and back is followed exactly. Where an axis of a tensor holds
several of the image, a layer that reads other positions than its own cannot be told apart on them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from convcalc.model.geometry.axis_maps import (
    IDENTITY,
    Axes,
    AxisMap,
    Nothing,
    Scattered,
    Unreadable,
    Whole,
)
from convcalc.model.geometry.channel_maps import JOINED, MIXED, OWN, ChannelMap
from convcalc.model.operators.contract import Analysis
from convcalc.model.quantities.shape import Shape
from convcalc.model.quantities.unknown import known

MERGED = "positions of several axes lie in one, and a layer reads others than its own of them"
SPLIT = "the positions of one axis are spread over several"
SPREAD = "positions lie in one axis with something else"
IN_CHANNELS = "it reads a part of the positions, which lie in the channels"
IN_TURN = "each position reads one of several inputs"
DIFFERENT = "the axes of its inputs are arranged differently"


class Layout(NamedTuple):
    """For the channels and for each spatial axis of a tensor, the axes of the image that it holds,
    the slowest first; ``sizes`` are the positions on each axis of the image."""

    dims: tuple[tuple[int, ...], ...]
    sizes: tuple[int, ...]

    def place(self, axis: int) -> int:
        """The axis of the tensor that holds an axis of the image, 0 for the channels; -1 for
        none."""
        return next((dim for dim, held in enumerate(self.dims) if axis in held), -1)

    @property
    def has_positions(self) -> bool:
        """Whether the tensor holds any axis of the image."""
        return any(self.dims)


def usual(shape: Shape) -> Layout:
    """Each axis in its own place, none in the channels."""
    return Layout(((), *((axis,) for axis in range(shape.rank))), shape.spatial)


def read_on_image(
    layout: Layout, axes: Axes, channel_map: ChannelMap, analysis: Analysis, x: Shape
) -> tuple[AxisMap, ...]:
    """Return what a layer reads of a tensor ``x`` of that layout, on each axis of the image."""
    found: list[AxisMap] = []
    for axis in range(len(layout.sizes)):
        dim = layout.place(axis)
        if dim < 0:
            found.append(IDENTITY)
        elif _held_apart(layout, dim, analysis) is None:
            found.append(Unreadable(SPLIT))
        elif _is_spread(layout, dim, analysis, x):
            found.append(Unreadable(SPREAD))
        elif dim == 0:
            found.append(_in_channels(axes, channel_map, analysis))
        else:
            found.append(_in_axis(axes[dim - 1], len(layout.dims[dim]) > 1))
    return tuple(found)


def _is_spread(layout: Layout, dim: int, analysis: Analysis, x: Shape) -> bool:
    """Whether an axis of positions becomes one with another that holds none of the image."""
    return any(
        each != dim and not layout.dims[each] and not (known(n := x.dims[1 + each]) and n == 1)
        for dims in (analysis.arranged or ())[1:]
        if dim in dims
        for each in dims
    )


def _in_channels(axes: Axes, channel_map: ChannelMap, analysis: Analysis) -> AxisMap:
    if any(isinstance(axis, Nothing | Scattered) for axis in axes):
        return axes[0]
    if analysis.arranged is not None or channel_map is OWN:
        return IDENTITY
    return Whole() if channel_map is MIXED else Unreadable(IN_CHANNELS)


def _in_axis(axis: AxisMap, is_merged: bool) -> AxisMap:
    if not is_merged or axis is IDENTITY or isinstance(axis, Nothing | Scattered | Unreadable):
        return axis
    if isinstance(axis, Whole) and (axis.local is None or axis.local is IDENTITY):
        return axis
    return Unreadable(MERGED)


def _held_apart(layout: Layout, dim: int, analysis: Analysis) -> Sequence[tuple[int, ...]] | None:
    """Return what each of the output's axes holds that an axis of the input goes to; None if they
    part positions of one axis of the image.
    """
    held = layout.dims[dim]
    places = [i for i, dims in enumerate(analysis.arranged or ()) if dim in dims]
    if len(places) < 2:
        return [held]
    sizes = [analysis.output.dims[1:][place] for place in places]
    if not held:
        return [()] * len(places)
    if len(held) == len(places) and sizes == [layout.sizes[axis] for axis in held]:
        return [(axis,) for axis in held]
    return None


def layout_after(layout: Layout, analysis: Analysis, channel_map: ChannelMap) -> Layout | None:
    """The layout of a layer's output; None where it is the usual one of that shape."""
    output = analysis.output
    if analysis.arranged is not None:
        dims = _arranged(layout, analysis.arranged, analysis)
    elif output.rank and output.rank == len(layout.dims) - 1:
        stays = channel_map is OWN or is_joined(analysis)
        dims = (layout.dims[0] if stays else (), *layout.dims[1:])
    else:
        return None
    moved = Layout(dims, _read_sizes(layout, analysis))
    sizes = tuple(_size(moved, axis, output) for axis in range(len(layout.sizes)))
    found = Layout(dims, sizes)
    return None if found == usual(output) else found


def is_joined(analysis: Analysis) -> bool:
    """Whether a layer puts the channels of its inputs in a row."""
    return analysis.channels[:1] == (JOINED,)


def _arranged(
    layout: Layout, arranged: Sequence[Sequence[int]], analysis: Analysis
) -> tuple[tuple[int, ...], ...]:
    parts = {
        dim: iter(_held_apart(layout, dim, analysis) or ()) for dims in arranged for dim in dims
    }
    return tuple(tuple(axis for dim in dims for axis in next(parts[dim], ())) for dims in arranged)


def _read_sizes(layout: Layout, analysis: Analysis) -> tuple[int, ...]:
    """The positions on each axis of the image after windows were read, before axes are moved."""
    if not analysis.windows:
        return layout.sizes
    places = [layout.place(axis) for axis in range(len(layout.sizes))]
    return tuple(
        analysis.windows[dim - 1] if dim > 0 and len(layout.dims[dim]) == 1 else n
        for dim, n in zip(places, layout.sizes, strict=True)
    )


def _size(layout: Layout, axis: int, output: Shape) -> int:
    """The positions on an axis of the image that are left."""
    dim = layout.place(axis)
    alone = dim > 0 and len(layout.dims[dim]) == 1
    return output.spatial[dim - 1] if alone else layout.sizes[axis]
