"""Shapes of tensors."""

from __future__ import annotations

from math import prod
from typing import NamedTuple

from convcalc.model.quantities.formula import formula


@formula
def positions(spatial: tuple[int, ...]) -> int:
    """Spatial positions of one sample; 1 for a vector."""
    return prod(spatial)


@formula
def elements(batch: int, channels: int, spatial: tuple[int, ...]) -> int:
    """Elements of a tensor."""
    return batch * channels * prod(spatial)


class Shape(NamedTuple):
    """The size of a tensor in PyTorch's order: batch, channels, then the spatial axes.

    ``spatial`` is empty for a vector (after ``flatten`` or a global pooling). Any size but
    the batch may be ``UNKNOWN``.
    """

    batch: int
    channels: int
    spatial: tuple[int, ...] = ()

    @property
    def rank(self) -> int:
        """Number of spatial axes."""
        return len(self.spatial)

    @property
    def positions(self) -> int:
        """Number of spatial positions of one sample; 1 for a vector."""
        return positions(self.spatial)

    @property
    def numel(self) -> int:
        """Number of elements, the batch included."""
        return elements(self.batch, self.channels, self.spatial)

    @property
    def dims(self) -> tuple[int, ...]:
        """All sizes: ``(batch, channels, *spatial)``."""
        return (self.batch, self.channels, *self.spatial)

    def with_axis(self, axis: int, size: int) -> Shape:
        """The same tensor with another size of one axis: 0 the channels, then the spatial axes."""
        sizes = list(self.dims[1:])
        sizes[axis] = size
        return Shape(self.batch, sizes[0], tuple(sizes[1:]))

    def with_channels(self, channels: int) -> Shape:
        """The same tensor with another number of channels."""
        return Shape(self.batch, channels, self.spatial)

    def with_spatial(self, spatial: tuple[int, ...]) -> Shape:
        """The same tensor with other spatial sizes."""
        return Shape(self.batch, self.channels, spatial)

    def __str__(self) -> str:
        """Without the batch, as people write it: ``64×56×56``."""
        return "×".join(str(size) for size in self.dims[1:])
