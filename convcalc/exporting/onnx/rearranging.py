"""Writes operators that move elements, take some of them, or interpolate between them."""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from math import floor, prod
from typing import Any

from convcalc.exporting.onnx.nodes import Unwritable, Value
from convcalc.exporting.onnx.part import Writing
from convcalc.exporting.onnx.pooling import in_parts
from convcalc.exporting.onnx.rule import Rule
from convcalc.model.geometry.sizes import axis_names, resolve_padding
from convcalc.model.ops.rearranging.crop import MARGINS
from convcalc.model.quantities.unknown import known

MODES = {"constant": "constant", "reflect": "reflect", "replicate": "edge", "circular": "wrap"}


def flatten(part: Writing, _: Any, x: Value) -> Value:
    """All of a sample on one axis."""
    return x if len(x.dims) == 2 else part.node("Flatten", x, to=part.made)


def reshape(part: Writing, _: Any, x: Value) -> Value:
    """The elements in other sizes."""
    return part.reshape(x, *part.made)


def permute(part: Writing, operator: Any, x: Value) -> Value:
    """Axes in another order, the batch first."""
    dims = operator.dims[1:] if operator.dims[:1] == (0,) else operator.dims
    return part.transpose(x, 0, *dims)


def dropout(part: Writing, operator: Any, x: Value) -> Value:
    """Nothing in evaluation; the rate stays readable."""
    return part.node("Dropout", x, part.number(operator.rate))


# --- parts ----------------------------------------------------------------------------------------


def channel_slice(part: Writing, operator: Any, x: Value) -> Value:
    """Neighbouring channels."""
    return part.slice(x, 1, operator.start, x.dims[1] if operator.stop is None else operator.stop)


def channel_select(part: Writing, operator: Any, x: Value) -> Value:
    """Channels in a given order, or by an index of which only the length is known."""
    stated = operator.indices
    indices = part.index("index") if stated is None else part.ints(*stated)
    return part.node("Gather", x, indices, to=part.made, axis=1)


def slice_(part: Writing, operator: Any, x: Value) -> Value:
    """Every so many elements of an axis."""
    axis = 1 + axis_names(len(x.dims) - 2).index(operator.axis)
    size = x.dims[axis]
    start, stop = operator.start, size if operator.stop is None else operator.stop
    start, stop = (size + n if n < 0 else n for n in (start, stop))
    return part.slice(x, axis, start, stop, operator.step)


def chunk(part: Writing, operator: Any, x: Value) -> Sequence[Value]:
    """The pieces of an axis."""
    axis = 1 + axis_names(len(x.dims) - 2).index(operator.axis)
    sizes = operator.sizes or (x.dims[axis] // operator.chunks,) * operator.chunks
    return part.split(x, axis, *sizes)


def crop(part: Writing, operator: Any, x: Value, *_: Value) -> Value:
    """Positions cut off before and behind each axis."""
    made = part.made[2:]
    if isinstance(operator.margins, tuple):
        befores = [before for before, _ in operator.margins]
    else:
        befores = operator.offset or list(map(MARGINS[operator.keep], x.dims[2:], made))
    for axis, (before, size) in enumerate(zip(befores, made, strict=True), 2):
        x = part.slice(x, axis, before, before + size)
    return x


def pad(part: Writing, operator: Any, x: Value, *_: Value) -> Value:
    """Positions added around, or cut off where a size is smaller."""
    sides = operator.padding
    if sides is None:
        more = [m - n for n, m in zip(x.dims[2:], part.made[2:], strict=True)]
        sides = tuple((n // 2, n - n // 2) for n in more)
    return part.pad(x, sides, MODES[operator.mode])


def pad_channels(part: Writing, operator: Any, x: Value, *_: Value) -> Value:
    """Channels of zeros."""
    before = operator.before
    return part.pad(x, [(before, part.made[1] - before - x.dims[1])], first=1)


# --- channels and positions -----------------------------------------------------------------------


def channel_shuffle(part: Writing, operator: Any, x: Value) -> Value:
    """Channels of groups interleaved."""
    g = operator.groups
    apart = part.reshape(x, x.dims[0], g, x.dims[1] // g, prod(x.dims[2:]))
    return part.reshape(part.transpose(apart, 0, 2, 1, 3), *x.dims)


def pixel_shuffle(part: Writing, operator: Any, x: Value) -> Value:
    """Channels to positions: the first parts of the channels are what is left of them."""
    f, rank = operator.factor, len(x.dims) - 2
    if rank == 2 and len(set(f)) == 1:
        return part.node("DepthToSpace", x, to=part.made, blocksize=f[0], mode="CRD")
    apart = part.reshape(x, x.dims[0], part.made[1], *f, *x.dims[2:])
    order = [axis for i in range(rank) for axis in (2 + rank + i, 2 + i)]
    return part.reshape(part.transpose(apart, 0, 1, *order), *part.made)


def pixel_unshuffle(part: Writing, operator: Any, x: Value) -> Value:
    """Positions to channels, the channel of the input outermost."""
    f, rank = operator.factor, len(x.dims) - 2
    sizes = [n for pair in zip(part.made[2:], f, strict=True) for n in pair]
    apart = part.reshape(x, *x.dims[:2], *sizes)
    order = [*(3 + 2 * i for i in range(rank)), *(2 + 2 * i for i in range(rank))]
    return part.reshape(part.transpose(apart, 0, 1, *order), *part.made)


def space_to_batch(part: Writing, operator: Any, x: Value) -> Value:
    """Every f-th position to an image of its own; the images of a phase follow one another."""
    f, rank, sizes = operator.factor, len(x.dims) - 2, part.made[2:]
    padded = operator.padded(x.dims[2:])
    sides = [
        (before, after + size * each - n)
        for (before, after), size, each, n in zip(operator.padding, sizes, f, padded, strict=True)
    ]
    x = part.pad(x, sides)
    apart = part.reshape(x, *x.dims[:2], *(n for pair in zip(sizes, f, strict=True) for n in pair))
    phases, positions = (range(2 + at, 2 + 2 * rank, 2) for at in (1, 0))
    return part.reshape(part.transpose(apart, *phases, 0, 1, *positions), *part.made)


def batch_to_space(part: Writing, operator: Any, x: Value, *_: Value) -> Value:
    """The images of all phases put together, and what was added cut off."""
    undone = operator.undoes
    f = operator.factor if undone is None else undone.operator.factor
    rank, batch = len(x.dims) - 2, part.made[0]
    apart = part.reshape(x, *f, batch, *x.dims[1:])
    order = [rank, rank + 1, *(a for i in range(rank) for a in (rank + 2 + i, i))]
    whole = [n * each for n, each in zip(x.dims[2:], f, strict=True)]
    made = part.reshape(part.transpose(apart, *order), batch, x.dims[1], *whole)
    befores = (0,) * rank
    if undone is not None:
        befores = tuple(before for before, _ in undone.operator.padding)
    elif operator.margins is not None:
        befores = tuple(before for before, _ in operator.margins)
    for axis, (before, size) in enumerate(zip(befores, part.made[2:], strict=True), 2):
        made = part.slice(made, axis, before, before + size)
    return made


def windows_of(
    part: Writing, x: Value, kernel: Sequence[int], stride: Sequence[int], dilation: Sequence[int]
) -> Value:
    """The windows of a padded map: (batch, channels, k, size, k, size, …), tap before position."""
    axis = 2
    for k, s, d in zip(kernel, stride, dilation, strict=True):
        size = x.dims[axis]
        if not known((size,)):
            raise Unwritable("windows of an axis whose size is not known", "set the input's")
        count = (size - d * (k - 1) - 1) // s + 1
        places = [tap * d + at * s for tap in range(k) for at in range(count)]
        dims = (*x.dims[:axis], k, count, *x.dims[axis + 1 :])
        x = part.node("Gather", x, part.table((k, count), places), to=dims, axis=axis)
        axis += 2
    return x


def unfold(part: Writing, operator: Any, x: Value) -> Value:
    """The windows in the channels: a channel's taps follow one another."""
    window = (operator.kernel_size, operator.stride, operator.dilation)
    sides = resolve_padding(operator.padding, x.dims[2:], *window)
    apart = windows_of(part, part.pad(x, sides), *window)
    rank = len(x.dims) - 2
    taps, positions = range(2, 2 + 2 * rank, 2), range(3, 3 + 2 * rank, 2)
    return part.reshape(part.transpose(apart, 0, 1, *taps, *positions), *part.made)


# --- interpolation --------------------------------------------------------------------------------


def upsample(part: Writing, operator: Any, x: Value, *_: Value) -> Value:
    """Resize to a size, or by scales where they make it in single precision as well."""
    if operator.mode == "area":
        return in_parts(part, x, part.made[2:], "ReduceMean")
    given: dict[str, Any] = {"mode": operator.mode}
    if operator.mode == "nearest":
        given |= {"coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor"}
    elif operator.mode == "nearest_exact":
        given |= {"mode": "nearest", "nearest_mode": "round_prefer_ceil"}
    elif operator.align_corners:
        given["coordinate_transformation_mode"] = "align_corners"
    scales = tuple(map(float, operator.scale or ()))
    if scales and all(map(_scales_to, x.dims[2:], scales, part.made[2:])):
        return part.node("Resize", x, None, part.floats(1, 1, *scales), to=part.made, **given)
    axes = list(range(2, len(x.dims)))
    sizes = part.ints(*part.made[2:])
    return part.node("Resize", x, None, None, sizes, to=part.made, **given, axes=axes)


def _scales_to(n: int, scale: float, size: int) -> bool:
    """Whether a scale of single precision makes an axis as long."""
    (short,) = struct.unpack("f", struct.pack("f", scale))
    return not known((n, size)) or floor(n * short) == size


def grid_sample(part: Writing, operator: Any, x: Value, grid: Value) -> Value:
    """Values at the places that a grid says; it has its coordinates last."""
    given = {"mode": operator.mode, "align_corners": int(operator.align_corners)}
    return part.node("GridSample", x, part.channels_last(grid), to=part.made, **given)


RULES: Mapping[str, Rule] = {
    "flatten": flatten,
    "reshape": reshape,
    "permute": permute,
    "dropout": dropout,
    "channel_slice": channel_slice,
    "channel_select": channel_select,
    "slice": slice_,
    "chunk": chunk,
    "crop": crop,
    "pad": pad,
    "pad_channels": pad_channels,
    "channel_shuffle": channel_shuffle,
    "pixel_shuffle": pixel_shuffle,
    "pixel_unshuffle": pixel_unshuffle,
    "space_to_batch": space_to_batch,
    "batch_to_space": batch_to_space,
    "unfold": unfold,
    "upsample": upsample,
    "grid_sample": grid_sample,
}
