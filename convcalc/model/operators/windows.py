"""Sliding windows: output sizes, axis maps, and the check that a window fits."""

from __future__ import annotations

from collections.abc import Iterator

from convcalc.model.geometry.axis_maps import POINTWISE, Axes, Slide
from convcalc.model.geometry.sizes import (
    Padding,
    Sides,
    axis_name,
    extent,
    resolve_padding,
    slide_size,
    slide_size_ceil,
)
from convcalc.model.operators.contract import Problem
from convcalc.model.quantities.formula import formula
from convcalc.model.quantities.shape import Shape
from convcalc.model.quantities.unknown import known


@formula
def arm(kernel_size: int) -> int:
    """Positions of a centered window before its center: floor((k - 1) / 2)."""
    return (kernel_size - 1) // 2


def slide_axes(
    kernel_size: tuple[int, ...],
    stride: tuple[int, ...],
    padding: Sides,
    dilation: tuple[int, ...],
    padding_known: tuple[bool, ...],
    border: str = "zeros",
) -> Axes:
    """One sliding map per axis; POINTWISE for a single tap without padding before or behind."""
    befores = (before for before, _ in padding)
    sliding = zip(kernel_size, stride, befores, dilation, padding_known, strict=True)
    return tuple(
        POINTWISE if axis == UNMOVED and sides == (0, 0) else Slide(*axis, border)
        for axis, sides in zip(sliding, padding, strict=True)
    )


UNMOVED = (1, 1, 0, 1, True)  # kernel size, stride, padding before, dilation, padding known


def padding_known(
    padding: Padding,
    spatial: tuple[int, ...],
    kernel_size: tuple[int, ...],
    stride: tuple[int, ...],
    dilation: tuple[int, ...],
) -> tuple[bool, ...]:
    """Whether the padding before each axis is known.

    ``same`` on an unknown size pads by extent - s to extent - 1 in all, half of it before. Where
    both halves are equal the size does not matter: for one or two taps in a row, at stride 1,
    and for an even extent at stride 2.
    """
    extents = map(extent, kernel_size, dilation)
    return tuple(
        padding != "same" or known(n) or max(e - s, 0) // 2 == (e - 1) // 2
        for n, e, s in zip(spatial, extents, stride, strict=True)
    )


def slide_sizes(
    spatial: tuple[int, ...],
    kernel_size: tuple[int, ...],
    stride: tuple[int, ...],
    padding: Sides,
    dilation: tuple[int, ...],
    ceil_mode: bool = False,
) -> tuple[int, ...]:
    """The output size of a sliding window, per axis."""
    extents = map(extent, kernel_size, dilation)
    size = slide_size_ceil if ceil_mode else slide_size
    return tuple(
        size(n, e, s, before, after)
        for n, e, s, (before, after) in zip(spatial, extents, stride, padding, strict=True)
    )


def window_problems(
    shape: Shape,
    kernel_size: tuple[int, ...],
    stride: tuple[int, ...],
    padding: Padding,
    dilation: tuple[int, ...],
    ceil_mode: bool = False,
) -> Iterator[Problem]:
    """Yields a problem for each axis on which not a single window fits."""
    numbers = resolve_padding(padding, shape.spatial, kernel_size, stride, dilation)
    outputs = slide_sizes(shape.spatial, kernel_size, stride, numbers, dilation, ceil_mode)
    for axis, (n, k, d, (before, after)) in enumerate(
        zip(shape.spatial, kernel_size, dilation, numbers, strict=True)
    ):
        reach, padded = extent(k, d), n + before + after
        if outputs[axis] < 1:
            name = axis_name(axis, shape.rank)
            spread = f" (dilation {d})" if d > 1 else ""
            message = f"kernel_size {k}{spread} spans {reach}, but {name} is {padded} with padding"
            advice = f"padding of at least {reach - n} in all, or a larger input"
            yield Problem("empty-output", "kernel_size", message, advice, 0)
