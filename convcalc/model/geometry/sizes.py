"""Sizes along one axis: of windows, padding and transposed convolutions."""

from __future__ import annotations

from convcalc.model.quantities.formula import formula
from convcalc.model.quantities.unknown import known

Sides = tuple[tuple[int, int], ...]  # padding per axis: (before, after)

Padding = str | Sides  # one of PADDING_WORDS, or numbers

PADDING_WORDS = ("valid", "same", "half", "causal")

EXTENT_WORDS = ("unknown", "global")


def axis_name(axis: int, rank: int) -> str:
    """The usual name of an axis: ``height`` for axis 0 of 2."""
    return (("length",), ("height", "width"), ("depth", "height", "width"))[rank - 1][axis]


AXIS_NAMES = ("channels", "length", "depth", "height", "width")


def axis_names(rank: int) -> tuple[str, ...]:
    """The names of all axes of a tensor but the batch: ``channels, height, width``."""
    return ("channels", *(axis_name(axis, rank) for axis in range(rank)))


@formula
def extent(kernel_size: int, dilation: int) -> int:
    """Input positions from the first tap to the last: d·(k - 1) + 1."""
    return dilation * (kernel_size - 1) + 1


@formula
def slide_size(size: int, extent: int, stride: int, before: int, after: int) -> int:
    """Output size of a sliding window: floor((n + p - extent) / s) + 1; below 1 if none fits."""
    return (size + before + after - extent) // stride + 1


def slide_size_ceil(size: int, extent: int, stride: int, before: int, after: int) -> int:
    """Output size of a sliding window with ``ceil_mode``.

    The last window may extend past the end, but must start inside the input or the padding before
    it (PyTorch's rule).
    """
    windows = windows_hanging_over(size, extent, stride, before, after)
    return started_windows(windows, size, stride, before)


@formula
def windows_hanging_over(size: int, extent: int, stride: int, before: int, after: int) -> int:
    """Windows if the last one may hang over the end: ceil((n + p - extent) / s) + 1."""
    return -(-(size + before + after - extent) // stride) + 1


@formula
def started_windows(windows: int, size: int, stride: int, before: int) -> int:
    """Windows without the last one, if that starts behind the input and its first padding."""
    return windows - 1 if (windows - 1) * stride >= size + before else windows


@formula
def stamp_size(
    size: int, extent: int, stride: int, before: int, after: int, output_padding: int
) -> int:
    """Output size of a transposed convolution: (n - 1)·s - p + extent + output_padding."""
    return (size - 1) * stride - before - after + extent + output_padding


@formula
def padded_size(size: int, before: int, after: int) -> int:
    """Size with what is added on both sides."""
    return size + before + after


@formula
def cropped_size(size: int, before: int, after: int) -> int:
    """Size without what is cut off on both sides."""
    return size - before - after


@formula
def same_padding(size: int, stride: int, extent: int) -> int:
    """Both sides together under padding ``same``: what ceil(n / s) windows lack at n positions."""
    return max((-(-size // stride) - 1) * stride + extent - size, 0)


@formula
def same_padding_of_multiples(extent: int, stride: int) -> int:
    """Both sides together under padding ``same``, for an unknown multiple of the stride."""
    return max(extent - stride, 0)


@formula
def smaller_half(total: int) -> int:
    """The side that gets less of an odd number."""
    return total // 2


@formula
def greater_half(total: int) -> int:
    """The side that gets more of an odd number."""
    return total - total // 2


@formula
def causal_padding(extent: int) -> int:
    """The padding before the first position, so that no window reads ahead: d·(k - 1)."""
    return extent - 1


def resolve_padding(
    padding: Padding,
    sizes: tuple[int, ...],
    kernel_size: tuple[int, ...],
    stride: tuple[int, ...],
    dilation: tuple[int, ...],
) -> Sides:
    """Padding in numbers: a pair (before, after) per axis.

    ``same`` is TensorFlow's: the output has ceil(n / s) positions, and an odd total puts the
    extra position after; an unknown size is taken to be a multiple of the stride. ``half`` puts
    floor(extent / 2) on each side. ``causal`` pads d·(k - 1) before the first axis and
    ``half`` on the others.
    """
    if not isinstance(padding, str):
        return padding
    extents = tuple(map(extent, kernel_size, dilation))
    if padding == "valid":
        return tuple((0, 0) for _ in extents)
    halves = tuple((smaller_half(e), smaller_half(e)) for e in extents)
    if padding == "half":
        return halves
    if padding == "causal":
        return ((causal_padding(extents[0]), 0), *halves[1:])
    totals = (
        same_padding(n, s, e) if known(n) else same_padding_of_multiples(e, s)
        for n, s, e in zip(sizes, stride, extents, strict=True)
    )
    return tuple((smaller_half(total), greater_half(total)) for total in totals)
