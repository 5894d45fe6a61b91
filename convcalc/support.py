"""The positions that an output really reads of one axis, as a set of bits.

A hull tells from where to where; the support tells which of those positions are read. Windows
that slide give it exactly: the support of a layer is the union of the supports of its taps.
What has phases (upsampling) or no bounds gives None, not a guess.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from convcalc.geometry import SAME, AxisMap, Nothing, Unreadable, Whole, is_unbounded

MOST_BITS = 2**24
_MOST_TAPS = 4096  # of a map that is no plain window


class Line(NamedTuple):
    """What output 0 reads of one axis; output y reads the same, moved by ``y·jump``.

    Bit b of ``bits`` stands for position ``first + b``; bit 0 is set.
    """

    bits: int = 1
    first: int = 0
    jump: int = 1

    @property
    def span(self) -> int:
        """Positions from the first to the last that is read."""
        return self.bits.bit_length()

    @property
    def read(self) -> int:
        """Positions that are read."""
        return self.bits.bit_count()


def local(axis: AxisMap) -> AxisMap:
    """The map that is left when a global dependence is set aside, as of a norm or a gate."""
    return axis.local if isinstance(axis, Whole) and axis.local is not None else axis


def is_read_plainly(axis: AxisMap) -> bool:
    """Whether every output reads the same taps, moved on."""
    axis = local(axis)
    if isinstance(axis, Whole | Unreadable | Nothing) or is_unbounded(axis):
        return False
    return axis.period == 1


def behind(axis: AxisMap, line: Line) -> Line | None:
    """The line of a layer's output, given that of the input it reads; None if it has none."""
    axis = local(axis)
    if axis is SAME:
        return line
    if not is_read_plainly(axis):
        return None
    first, last = axis.hull(0) or (0, 0)
    jump = line.jump * axis.shift
    if (last - first) * line.jump + line.span > MOST_BITS:
        return None
    taps = axis.taps(0)
    if isinstance(taps, range):
        bits = spread(line.bits, len(taps), taps.step * line.jump)
    elif len(taps) <= _MOST_TAPS:
        bits = 0
        for tap in taps:
            bits |= line.bits << (tap - first) * line.jump
    else:
        return None
    return Line(bits, line.first + first * line.jump, jump)


def spread(bits: int, count: int, step: int) -> int:
    """The union of ``count`` copies, ``step`` positions apart; by doubling."""
    done = 1
    while done < count:
        more = min(done, count - done)
        bits |= bits << more * step
        done += more
    return bits


def united(lines: Iterable[Line]) -> Line | None:
    """What is read through several branches of the same jump; None if their jumps differ."""
    parts = set(lines)
    if len({line.jump for line in parts}) != 1:
        return None
    first = min(line.first for line in parts)
    if max(line.first + line.span for line in parts) - first > MOST_BITS:
        return None
    bits = 0
    for line in parts:
        bits |= line.bits << line.first - first
    return Line(bits, first, next(iter(parts)).jump)


def filling_step(steps: Iterable[tuple[int, int]]) -> tuple[int, int] | None:
    """Which step leaves holes in a chain of windows, and the greatest that would leave none.

    ``steps`` are (step, kernel_size) per layer, the step being dilation times the jump before
    the layer. Sorted by step, each may be at most the span of those before it, which starts
    at 1; then, and only then, every position of the span is read. None if there are no holes.
    (Any sum of smaller taps stays below the span; a greater step skips the position at it.)
    """
    span = 1
    for step, kernel_size in sorted(each for each in steps if each[1] > 1):
        if step > span:
            return step, span
        span += (kernel_size - 1) * step
    return None
