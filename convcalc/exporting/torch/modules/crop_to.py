"""Cropping to a size."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor


def crop_to(
    x: Tensor, sizes: Sequence[int], offsets: Sequence[int] | None = None
) -> Tensor:
    """The part of a map of given sizes: its middle, or what begins at the offsets."""
    for axis, size in enumerate(sizes):
        middle = (x.shape[2 + axis] - size) // 2
        x = x.narrow(2 + axis, middle if offsets is None else offsets[axis], size)
    return x
