"""How one output axis reads one input axis: one map class per way of reading.

Positions count from 0; an index below 0 or beyond the input is padding. Every map is
periodic: ``taps(y + period)`` is ``taps(y)`` moved by ``shift`` input positions, so
``shift / period`` is the stride of the layer, a fraction where it upsamples.

Source of the sizes: Dumoulin & Visin, "A guide to convolution arithmetic for deep learning"
(arXiv 1603.07285), relations 6, 14 and 15, and PyTorch's documentation of each layer.
"""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from math import ceil, gcd, lcm
from typing import NamedTuple, Protocol

from convcalc.model.quantities.record import Value
from convcalc.model.quantities.unknown import UNKNOWN


class AxisMap(Protocol):
    """How an output axis reads an input axis."""

    @property
    def period(self) -> int:
        """Outputs after which the pattern of taps repeats."""

    @property
    def shift(self) -> int:
        """Input positions by which the pattern has then moved."""

    def taps(self, y: int) -> range | tuple[int, ...]:
        """The input positions that output ``y`` reads, ascending, padding included."""

    def hull(self, y: int) -> tuple[int, int] | None:
        """The first and the last of :meth:`taps`; None where output ``y`` reads nothing."""


class Slide(NamedTuple):
    """A window that slides: {s·y - p + d·t, t < k}. Convolution, pooling, padding, cropping.

    ``padding_known`` is False where the padding depends on an unknown input size. ``border`` says
    what a tap outside the input reads: nothing (``zeros``), the input mirrored at its border
    (``reflect``), the border itself (``replicate``) or the opposite end (``circular``).
    """

    kernel_size: int = 1
    stride: int = 1
    padding: int = 0  # before the first position; negative crops
    dilation: int = 1
    padding_known: bool = True
    border: str = "zeros"

    @property
    def period(self) -> int:
        return 1

    @property
    def shift(self) -> int:
        return self.stride

    def taps(self, y: int) -> range:
        first = self.stride * y - self.padding
        return range(first, first + self.dilation * self.kernel_size, self.dilation)

    def hull(self, y: int) -> tuple[int, int]:
        first = self.stride * y - self.padding
        return first, first + self.dilation * (self.kernel_size - 1)


IDENTITY = Slide()  # output y is input y, of as many positions
POINTWISE = Slide()  # output y reads input y alone, of as many positions


class Stamp(NamedTuple):
    """A kernel stamped at every input position: {(y + p - d·t) / s : t < k, s divides}.

    A transposed convolution. Output padding plays no role. With k < s, or gcd(s, d) > 1,
    some outputs read nothing and hold the bias alone.
    """

    kernel_size: int
    stride: int = 1
    padding: int = 0
    dilation: int = 1

    @property
    def period(self) -> int:
        return self.stride

    @property
    def shift(self) -> int:
        return 1

    def taps(self, y: int) -> range:
        reach, rounds = y + self.padding, self.stride // gcd(self.stride, self.dilation)
        fitting = (
            t
            for t in range(min(rounds, self.kernel_size))
            if (reach - self.dilation * t) % self.stride == 0
        )
        nearest = next(fitting, None)  # from there on, every ``rounds``-th tap fits
        if nearest is None:
            return range(0)
        furthest = nearest + (self.kernel_size - 1 - nearest) // rounds * rounds
        first = (reach - self.dilation * furthest) // self.stride
        last = (reach - self.dilation * nearest) // self.stride
        return range(first, last + 1, self.dilation * rounds // self.stride)

    def hull(self, y: int) -> tuple[int, int] | None:
        taps = self.taps(y)
        return (taps[0], taps[-1]) if taps else None

    @property
    def uneven_taps(self) -> tuple[int, int] | None:
        """The least and the most taps that an output reads; None if all read equally many.

        Output y reads tap t where s divides y + p - d·t, so every (s / gcd(s, d))-th tap, and none
        at all unless gcd(s, d) divides y + p.
        """
        shared = gcd(self.stride, self.dilation)
        rounds = self.stride // shared
        least = 0 if shared > 1 else self.kernel_size // rounds
        most = -(-self.kernel_size // rounds)
        return None if least == most else (least, most)


class Resize(Value):
    """Interpolation; ``step`` is the distance between neighbouring outputs in input positions.

    With ``corners`` (align_corners) output y lies at y·step, otherwise at
    (y + 1/2)·step - 1/2; where a tap lies outside the input, the border is already among the taps.
    Nearest reads floor(y·step), PyTorch's ``nearest``; nearest_exact reads floor((y + 1/2)·step).
    """

    mode: str  # nearest | nearest_exact | linear | cubic
    step: Fraction
    corners: bool = False

    @property
    def period(self) -> int:
        return self.step.denominator

    @property
    def shift(self) -> int:
        return self.step.numerator

    def taps(self, y: int) -> range:
        step, whole = 2 * self.shift, 2 * self.period  # integers are much faster than fractions
        if self.mode.startswith("nearest"):
            first = (y * step + (0 if self.mode == "nearest" else self.shift)) // whole
            return range(first, first + 1)
        at = y * step if self.corners else y * step + self.shift - self.period
        first, beside = divmod(at, whole)
        wider = 1 if self.mode == "cubic" and beside else 0
        return range(first - wider, first + (beside > 0) + wider + 1)

    def hull(self, y: int) -> tuple[int, int]:
        taps = self.taps(y)
        return taps[0], taps[-1]


class Partition(Value):
    """Adaptive pooling of ``size`` positions into ``parts``: from floor(y·n/m) to
    ceil((y + 1)·n/m) - 1; the windows differ in size unless m divides n."""

    size: int
    parts: int

    @property
    def period(self) -> int:
        return Fraction(self.size, self.parts).denominator

    @property
    def shift(self) -> int:
        return Fraction(self.size, self.parts).numerator

    def taps(self, y: int) -> range:
        return range(y * self.size // self.parts, -(-(y + 1) * self.size // self.parts))

    def hull(self, y: int) -> tuple[int, int]:
        taps = self.taps(y)
        return taps[0], taps[-1]


class Tiles(Value):
    """Windows side by side: every output of a window of ``size`` reads all of it. One of them
    begins at ``start``, which is right only if ``placed``: it may depend on an unknown size."""

    size: int
    start: int = 0
    placed: bool = True

    @property
    def period(self) -> int:
        return self.size

    @property
    def shift(self) -> int:
        return self.size

    def taps(self, y: int) -> range:
        first = (y - self.start) // self.size * self.size + self.start
        return range(first, first + self.size)

    def hull(self, y: int) -> tuple[int, int]:
        taps = self.taps(y)
        return taps[0], taps[-1]


class Comb(Value):
    """Every ``step``-th position of maps of ``size`` side by side: an output reads those of its
    map that lie a multiple of the step away; the step divides the size."""

    size: int
    step: int

    @property
    def period(self) -> int:
        return self.size

    @property
    def shift(self) -> int:
        return self.size

    def taps(self, y: int) -> range:
        map_, position = divmod(y, self.size)
        first = map_ * self.size + position % self.step
        return range(first, (map_ + 1) * self.size, self.step)

    def hull(self, y: int) -> tuple[int, int]:
        taps = self.taps(y)
        return taps[0], taps[-1]


class Interleaved(Value):
    """Every ``factor``-th output reads the next position, the others nothing: output y reads
    floor((y + before) / factor) if y + before is in ``phase``."""

    factor: int
    phase: int
    before: int = 0

    @property
    def period(self) -> int:
        return self.factor

    @property
    def shift(self) -> int:
        return 1

    def taps(self, y: int) -> tuple[int, ...]:
        position, phase = divmod(y + self.before, self.factor)
        return (position,) if phase == self.phase else ()

    def hull(self, y: int) -> tuple[int, int] | None:
        taps = self.taps(y)
        return (taps[0], taps[0]) if taps else None


class Scattered(Value):
    """The positions go into the channels: each output number reads one position (``flatten``)."""

    @property
    def period(self) -> int:
        return 1

    @property
    def shift(self) -> int:
        return 1

    def taps(self, y: int) -> tuple[int, ...]:
        raise ValueError("which position is read depends on the channel")

    def hull(self, y: int) -> tuple[int, int] | None:
        raise ValueError("which position is read depends on the channel")


class Whole(NamedTuple):
    """Every output depends on the whole axis: global pooling, a norm over space, attention.

    ``local`` is the map that remains when the global dependence is ignored; None where
    there is none, as in ``flatten``.
    """

    local: AxisMap | None = None

    @property
    def period(self) -> int:
        return 1

    @property
    def shift(self) -> int:
        return 1

    def taps(self, y: int) -> tuple[int, ...]:
        raise ValueError("a global map has no list of taps")

    def hull(self, y: int) -> tuple[int, int] | None:
        raise ValueError("a global map has no hull")


class Deformed(Value):
    """Taps whose positions depend on the input: ``base`` is the grid that they start from.

    Without a ``bound`` on the offsets a tap can lie anywhere; the hull is that of the grid, and
    the reach is marked unbounded. With one, a tap reads up to ceil(bound) + 1 positions to
    either side: bilinear sampling adds one.
    """

    base: AxisMap
    bound: Fraction | None = None

    @property
    def period(self) -> int:
        return self.base.period

    @property
    def shift(self) -> int:
        return self.base.shift

    def taps(self, y: int) -> range | tuple[int, ...]:
        taps = self.base.taps(y)
        if self.bound is None:
            return taps
        margin = ceil(self.bound) + 1
        return tuple(sorted({t + m for t in taps for m in range(-margin, margin + 1)}))

    def hull(self, y: int) -> tuple[int, int] | None:
        hull = self.base.hull(y)
        if hull is None or self.bound is None:
            return hull
        margin = ceil(self.bound) + 1
        return hull[0] - margin, hull[1] + margin


def is_unbounded(axis: AxisMap) -> bool:
    """Whether an axis is read at positions that depend on the input without any bound."""
    if isinstance(axis, Deformed):
        return axis.bound is None or is_unbounded(axis.base)
    if isinstance(axis, Chain):
        return is_unbounded(axis.outer) or is_unbounded(axis.inner)
    return isinstance(axis, Union) and any(is_unbounded(each) for each in axis.maps)


class Unreadable(Value):
    """It cannot be known what the output reads; ``reason`` says why."""

    reason: str

    @property
    def period(self) -> int:
        return 1

    @property
    def shift(self) -> int:
        return 1

    def taps(self, y: int) -> tuple[int, ...]:
        raise ValueError(self.reason)

    def hull(self, y: int) -> tuple[int, int] | None:
        raise ValueError(self.reason)


class Nothing(Value):
    """No output reads any position; ``reason`` says what the input is for, such as its size."""

    reason: str = "only its size is used"

    @property
    def period(self) -> int:
        return 1

    @property
    def shift(self) -> int:
        return 1

    def taps(self, y: int) -> tuple[int, ...]:
        return ()

    def hull(self, y: int) -> tuple[int, int] | None:
        return None


class Chain(NamedTuple):
    """One map after another: the output reads through ``outer``, which reads through ``inner``."""

    outer: AxisMap
    inner: AxisMap
    between: int = UNKNOWN  # positions of the tensor that ``inner`` makes

    @property
    def period(self) -> int:
        return self.outer.period * self._rounds

    @property
    def shift(self) -> int:
        return self.outer.shift * self._rounds // self.inner.period * self.inner.shift

    @property
    def _rounds(self) -> int:
        """Periods of ``outer`` until ``inner`` is at the start of a period too."""
        return self.inner.period // gcd(self.inner.period, self.outer.shift)

    def taps(self, y: int) -> tuple[int, ...]:
        return tuple(sorted({t for mid in self.outer.taps(y) for t in self.inner.taps(mid)}))

    def hull(self, y: int) -> tuple[int, int] | None:
        return span(self.inner.hull(mid) for mid in self.outer.taps(y))


class Union(NamedTuple):
    """Several maps that the same output reads side by side; all have the same stride."""

    maps: tuple[AxisMap, ...]

    @property
    def period(self) -> int:
        return lcm(*(each.period for each in self.maps))

    @property
    def shift(self) -> int:
        first = self.maps[0]
        return self.period // first.period * first.shift

    def taps(self, y: int) -> tuple[int, ...]:
        return tuple(sorted({t for each in self.maps for t in each.taps(y)}))

    def hull(self, y: int) -> tuple[int, int] | None:
        return span(each.hull(y) for each in self.maps)


def span(hulls: Iterable[tuple[int, int] | None]) -> tuple[int, int] | None:
    """The smallest interval that contains all hulls; None if all of them are None."""
    found = [hull for hull in hulls if hull is not None]
    return (min(lo for lo, _ in found), max(hi for _, hi in found)) if found else None


def compose(outer: AxisMap, inner: AxisMap, between: int = UNKNOWN) -> AxisMap:
    """The map of two layers in a row: ``outer`` reads the output of ``inner``.

    ``between`` is the size of that output along the axis.
    """
    for none in (outer, inner):
        if isinstance(none, Nothing):
            return none
    for odd in (outer, inner):
        if isinstance(odd, Unreadable):
            return odd
    if isinstance(outer, Whole):
        return outer if outer.local is None else Whole(compose(outer.local, inner, between))
    if isinstance(inner, Whole):
        return inner if inner.local is None else Whole(compose(outer, inner.local, between))
    # A map that is only equal to these may read positions behind the end of what it reads.
    if outer is IDENTITY or outer is POINTWISE:
        return inner
    return outer if inner is IDENTITY or inner is POINTWISE else Chain(outer, inner, between)


Axes = tuple[AxisMap, ...]  # one map per spatial axis of an input
