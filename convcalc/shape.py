"""Shapes of tensors, and the one value that stands for a size nobody knows."""

from __future__ import annotations

from math import prod
from typing import Any, NamedTuple, cast

from convcalc.formula import formula


class Unknown:
    """A count that is not known; like NaN it absorbs arithmetic and fails every comparison.

    Formulas therefore run unchanged on unknown sizes, and an unknown can never turn into
    a zero: ``UNKNOWN * 3 is UNKNOWN``, and ``UNKNOWN < 1``, ``UNKNOWN != 1`` are both False,
    so a check of the form "problem if bad" stays silent about what it cannot know. The
    builtins ``min`` and ``max`` compare; use :func:`largest` where a size may be unknown.
    """

    __slots__ = ()

    def _absorb(self, *_: object) -> Unknown:
        return self

    def _fail(self, _: object) -> bool:
        return False

    __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = _absorb
    __floordiv__ = __rfloordiv__ = __truediv__ = __rtruediv__ = _absorb
    __mod__ = __rmod__ = __pow__ = __rpow__ = __neg__ = __abs__ = _absorb
    __eq__ = __ne__ = __lt__ = __le__ = __gt__ = __ge__ = _fail
    __hash__ = object.__hash__

    def __bool__(self) -> bool:
        return False

    def __repr__(self) -> str:
        return "unknown"

    def __reduce__(self) -> str:
        return "UNKNOWN"


# Typed as int: it goes wherever a count goes, and formulas need not know.
UNKNOWN: int = cast("int", Unknown())


def known(value: Any) -> bool:
    """Whether a count, or every count in a tuple, is known."""
    if isinstance(value, tuple):
        return all(known(item) for item in value)
    return value is not UNKNOWN


def largest(*values: int) -> int:
    """The maximum; unknown if any value is."""
    return max(values) if known(values) else UNKNOWN


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

    def with_channels(self, channels: int) -> Shape:
        """The same tensor with another number of channels."""
        return Shape(self.batch, channels, self.spatial)

    def with_spatial(self, spatial: tuple[int, ...]) -> Shape:
        """The same tensor with other spatial sizes."""
        return Shape(self.batch, self.channels, spatial)

    def __str__(self) -> str:
        """Without the batch, as people write it: ``64×56×56``."""
        return "×".join(str(size) for size in self.dims[1:])
