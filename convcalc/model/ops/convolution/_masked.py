"""Which taps of a masked kernel are left, and the positions that they read."""

from __future__ import annotations

from math import prod
from typing import NamedTuple

from convcalc.model.geometry.axis_maps import IDENTITY, Axes, AxisMap, Slide
from convcalc.model.geometry.channel_maps import Block, Blocks, ChannelMap
from convcalc.model.quantities.formula import formula

Taps = tuple[int, int]  # the first, and the one behind the last


class Masked(NamedTuple):
    """A kernel with a mask: ``kernel_size`` is odd on every axis that is masked.

    What is left are boxes side by side, each with a range of taps per axis.
    """

    kernel_size: tuple[int, ...]
    mask: str

    @property
    def boxes(self) -> list[tuple[Taps, ...]]:
        """The taps that are left; none of the boxes is empty, and no two share a tap."""
        centers = [k // 2 for k in self.kernel_size]
        whole: list[Taps] = [(0, k) for k in self.kernel_size]
        if self.mask == "causal":
            return [((0, centers[0] + 1), *whole[1:])]
        last = len(centers) - 1
        found: list[tuple[Taps, ...]] = []
        for axis, center in enumerate(centers):
            own = [(c, c + 1) for c in centers[:axis]]
            end = center + (self.mask == "B" and axis == last)
            found.append((*own, (0, end), *whole[axis + 1 :]))
        return [box for box in found if all(first < end for first, end in box)]

    @property
    def taps(self) -> int:
        """How many taps are left."""
        return sum_of_boxes(tuple(prod(end - first for first, end in box) for box in self.boxes))

    def axes(self, whole: Axes) -> Axes:
        """How each axis is read; ``whole`` is how it would be without a mask."""
        ends = [
            (min(first for first, _ in ranges), max(end for _, end in ranges))
            for ranges in zip(*self.boxes, strict=True)
        ]
        return tuple(_part(axis, *each) for axis, each in zip(whole, ends, strict=True))

    def channels(self, whole: Axes, groups: int, inputs: int, outputs: int) -> ChannelMap:
        """Each group of channels, through every box: their union is not a product of axes."""
        return Blocks(
            tuple(
                Block(
                    range(outputs),
                    range(inputs),
                    groups,
                    tuple(_part(axis, *each) for axis, each in zip(whole, box, strict=True)),
                )
                for box in self.boxes
            )
        )


def _part(axis: AxisMap, first: int, end: int) -> AxisMap:
    """Some of the taps in a row of a window that slides."""
    if axis is IDENTITY:
        return axis
    assert isinstance(axis, Slide)
    padding = axis.padding - axis.dilation * first
    return axis._replace(kernel_size=end - first, padding=padding)


@formula
def sum_of_boxes(taps: tuple[int, ...]) -> int:
    """The taps of boxes side by side."""
    return sum(taps)
