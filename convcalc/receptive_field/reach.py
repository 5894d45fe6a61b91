"""How far the positions of a tensor reach into one axis of a network input, exactly.

Upsampling makes the reach depend on the phase of the position: in the original U-Net four
of sixteen phases see 188 input positions, the other twelve 204. So a reach is kept as one
interval per phase, and every layer maps it through the positions that it really reads:
composing exact reads, never a forward recurrence of sizes.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fractions import Fraction
from functools import reduce
from itertools import pairwise
from math import gcd, lcm
from typing import NamedTuple

from convcalc.geometry import SAME, AxisMap, Chain, Slide, Union, Unreadable, Whole, is_unbounded
from convcalc.shape import known

LONGEST_PERIOD = 4096  # phases; beyond, the reach is given up as unknown, with that reason


class Reach(NamedTuple):
    """The input interval of each phase.

    Position ``q·period + r`` reaches from ``lo[r] + q·shift`` to ``hi[r] + q·shift``; None
    where it reads nothing. ``jump`` is the distance of neighbouring centers. ``fixed``: the
    tensor has lost the axis (a vector), the interval is that of the last position before.
    ``is_global``: it also depends on the whole axis. ``placed``: the padding was known.
    """

    period: int = 1
    shift: int = 1
    lo: tuple[int | None, ...] = (0,)
    hi: tuple[int | None, ...] = (0,)
    jump: Fraction = Fraction(1)
    is_global: bool = False
    fixed: bool = False
    placed: bool = True
    unbounded: bool = False  # deformable: the grid's interval, but a tap can lie anywhere
    reason: str = ""  # why the reach is not known, if so

    def interval(self, y: int) -> tuple[int, int] | None:
        """First and last input position that position ``y`` sees; None if it sees none."""
        rounds, phase = divmod(y, self.period)
        lo, hi = self.lo[phase], self.hi[phase]
        if lo is None or hi is None:
            return None
        return lo + rounds * self.shift, hi + rounds * self.shift


START = Reach()  # the input itself


def through(axis: AxisMap, reach: Reach) -> Reach:
    """The reach of a layer's output, given that of the input it reads."""
    if axis is SAME or reach.fixed or reach.reason:
        return reach._replace(is_global=True) if isinstance(axis, Whole) else reach
    if isinstance(axis, Unreadable):
        return reach._replace(reason=axis.reason)
    if isinstance(axis, Whole):
        inner = reach._replace(fixed=True) if axis.local is None else through(axis.local, reach)
        return inner._replace(is_global=True)
    if isinstance(axis, Slide) and reach.period == 1:
        return _slid(axis, reach)
    if is_unbounded(axis):
        reach = reach._replace(unbounded=True)
    rounds = reach.period // gcd(reach.period, axis.shift)
    period = axis.period * rounds
    if period > LONGEST_PERIOD:
        return reach._replace(reason=f"it differs between more than {LONGEST_PERIOD} phases")
    intervals = [_read(axis, reach, y) for y in range(period)]
    shift = axis.shift * rounds // reach.period * reach.shift
    jump = reach.jump * Fraction(axis.shift, axis.period)
    return _shortest(intervals, shift, reach._replace(jump=jump))


def _slid(axis: Slide, reach: Reach) -> Reach:
    """The common case: a window over a reach without phases, in closed form."""
    lo, hi = reach.lo[0], reach.hi[0]
    if lo is None or hi is None:
        return reach
    first, last = axis.hull(0)
    return reach._replace(
        shift=reach.shift * axis.stride,
        lo=(lo + first * reach.shift,),
        hi=(hi + last * reach.shift,),
        jump=reach.jump * axis.stride,
        placed=reach.placed and axis.placed,
    )


def _read(axis: AxisMap, reach: Reach, y: int) -> tuple[int, int] | None:
    """The interval of output ``y``: the union of those of the positions that it reads."""
    if len(reach.lo) == 1 or not isinstance(axis, Chain | Union):
        hull = axis.hull(y)
        # Intervals move on with their position, so the outer taps decide, if they see anything.
        ends = [] if hull is None else [reach.interval(t) for t in hull]
        if len(ends) == 2 and ends[0] and ends[1] and _is_monotone(reach):
            return ends[0][0], ends[1][1]
    return span(reach.interval(t) for t in axis.taps(y))


def _is_monotone(reach: Reach) -> bool:
    """Whether both ends of the interval move on with the position, at every phase."""
    if reach.period == 1:
        return True
    for ends in (reach.lo, reach.hi):
        first = ends[0]
        if first is None or None in ends:
            return False
        walk: Sequence[int] = [end for end in ends if end is not None] + [first + reach.shift]
        if any(a > b for a, b in pairwise(walk)):
            return False
    return True


def span(intervals: Iterable[tuple[int, int] | None]) -> tuple[int, int] | None:
    """The smallest interval that holds all of them; None if there is none."""
    found = [interval for interval in intervals if interval is not None]
    return (min(lo for lo, _ in found), max(hi for _, hi in found)) if found else None


def _shortest(intervals: list[tuple[int, int] | None], shift: int, like: Reach) -> Reach:
    """The reach of these phases, with the shortest period that says the same."""
    period = len(intervals)
    for rounds in range(period, 1, -1):
        if period % rounds or shift % rounds:
            continue
        short, step = period // rounds, shift // rounds
        if all(
            interval == _moved(intervals[y % short], y // short * step)
            for y, interval in enumerate(intervals)
        ):
            intervals, period, shift = intervals[:short], short, step
            break
    return like._replace(
        period=period,
        shift=shift,
        lo=tuple(None if i is None else i[0] for i in intervals),
        hi=tuple(None if i is None else i[1] for i in intervals),
    )


def _moved(interval: tuple[int, int] | None, by: int) -> tuple[int, int] | None:
    return None if interval is None else (interval[0] + by, interval[1] + by)


def joined(reaches: Sequence[Reach], size: int) -> Reach:
    """The union over several inputs of one layer, whose output has ``size`` positions.

    A global input adds nothing to the local reach of the others. Inputs whose jumps differ
    drift apart; then the union is taken position by position over the output.
    """
    if len(reaches) == 1 or all(reach is reaches[0] for reach in reaches):
        return reaches[0]
    is_global = any(reach.is_global for reach in reaches)
    placed = all(reach.placed for reach in reaches)
    unbounded = any(reach.unbounded for reach in reaches)
    unknown = next((reach for reach in reaches if reach.reason), None)
    if unknown is not None:
        return unknown._replace(is_global=is_global)
    local = [reach for reach in reaches if not reach.fixed] or list(reaches)
    first = local[0]
    jumps = {reach.jump for reach in local}
    period = reduce(lcm, (reach.period for reach in local))
    if len(jumps) > 1:
        if not known(size) or size > LONGEST_PERIOD:
            return first._replace(reason="its inputs drift apart", is_global=is_global)
        period = size
    if period > LONGEST_PERIOD:
        return first._replace(reason=f"it differs between more than {LONGEST_PERIOD} phases")
    intervals = [span(reach.interval(y) for reach in local) for y in range(period)]
    like = first._replace(is_global=is_global, placed=placed, unbounded=unbounded)
    if len(jumps) > 1:
        return like._replace(
            period=period,
            shift=max(1, int(first.jump * period)),
            lo=tuple(None if i is None else i[0] for i in intervals),
            hi=tuple(None if i is None else i[1] for i in intervals),
        )
    return _shortest(intervals, first.shift * period // first.period, like)
