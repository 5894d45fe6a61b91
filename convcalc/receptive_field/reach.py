"""How far the positions of a tensor reach into one axis of a network input, exactly.

Upsampling makes the reach depend on the phase of the position: in the original U-Net four
of sixteen phases see 188 input positions, the other twelve 204. So a reach keeps one interval
per phase, and every layer maps it through the positions that it really reads: composing exact
reads, never a forward recurrence of sizes. Where branches of different strides meet, their
reaches drift apart with the position; then a tensor has several reaches side by side.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from itertools import pairwise
from math import gcd, lcm
from typing import NamedTuple

from convcalc.formula import formula
from convcalc.geometry import (
    SAME,
    AxisMap,
    Chain,
    Slide,
    Union,
    Unreadable,
    Whole,
    is_unbounded,
    span,
)

LONGEST_PERIOD = 4096  # phases; beyond, a reach is given up as unknown, with that reason
MOST_PARTS = 16  # reaches side by side, likewise


class Reach(NamedTuple):
    """The input interval of each phase.

    Position ``q·period + r`` reaches from ``lo[r] + q·shift`` to ``hi[r] + q·shift``; None
    where it reads nothing. ``jump`` is the distance of neighbouring centers. ``fixed``: the
    tensor has lost the axis (a vector), the interval is that of the last position before.
    ``is_global``: it also depends on the whole axis. ``placed``: the padding was known.
    ``unbounded``: a deformable layer looks anywhere, the interval is that of its grid.
    """

    period: int = 1
    shift: int = 1
    lo: tuple[int | None, ...] = (0,)
    hi: tuple[int | None, ...] = (0,)
    jump: Fraction = Fraction(1)
    is_global: bool = False
    fixed: bool = False
    placed: bool = True
    unbounded: bool = False
    reason: str = ""  # why the reach is not known, if so

    def interval(self, y: int) -> tuple[int, int] | None:
        """First and last input position that position ``y`` sees; None if it sees none."""
        rounds, phase = divmod(y, self.period)
        lo, hi = self.lo[phase], self.hi[phase]
        if lo is None or hi is None:
            return None
        return lo + rounds * self.shift, hi + rounds * self.shift


Reaches = tuple[Reach, ...]  # side by side; one, unless branches drift apart
START: Reaches = (Reach(),)  # the input itself


# --- one layer -------------------------------------------------------------------------------


def through(axis: AxisMap, reach: Reach) -> Reach:
    """The reach of a layer's output, given that of the input it reads."""
    if isinstance(axis, Whole):
        inner = reach._replace(fixed=True) if axis.local is None else through(axis.local, reach)
        return inner._replace(is_global=True)
    if axis is SAME or reach.fixed or reach.reason:
        return reach
    if isinstance(axis, Unreadable):
        return reach._replace(reason=axis.reason)
    if isinstance(axis, Slide):
        reach = reach._replace(placed=reach.placed and axis.placed)
        if reach.period == 1:
            return _slid(axis, reach)
    if is_unbounded(axis):
        reach = reach._replace(unbounded=True)
    rounds = reach.period // gcd(reach.period, axis.shift)
    period = axis.period * rounds
    if period > LONGEST_PERIOD:
        return reach._replace(reason=f"it differs between more than {LONGEST_PERIOD} phases")
    intervals = _all_read(axis, reach, period)
    shift = axis.shift * rounds // reach.period * reach.shift
    jump = reach.jump * Fraction(axis.shift, axis.period)
    return _shortest(intervals, shift, reach._replace(jump=jump))


def _slid(axis: Slide, reach: Reach) -> Reach:
    """The common case: a window over a reach without phases, in closed form."""
    lo, hi = reach.lo[0], reach.hi[0]
    shift = jump_after(reach.shift, axis.stride)
    moved = reach._replace(shift=shift, jump=reach.jump * axis.stride)
    if lo is None or hi is None:
        return moved
    lowest = lo + axis.hull(0)[0] * reach.shift
    size = field_after(hi - lo + 1, axis.kernel_size, axis.dilation, reach.shift)
    return moved._replace(lo=(lowest,), hi=(lowest + size - 1,))


@formula
def field_after(receptive_field: int, kernel_size: int, dilation: int, jump: int) -> int:
    """What a window sees, if a position that it reads sees ``receptive_field`` positions of the
    input and neighbours lie ``jump`` apart."""
    return receptive_field + dilation * (kernel_size - 1) * jump


@formula
def jump_after(jump: int, stride: int) -> int:
    """How far neighbouring outputs lie apart on the input."""
    return jump * stride


def _all_read(axis: AxisMap, reach: Reach, period: int) -> list[tuple[int, int] | None]:
    """For each output, the union of the intervals of the positions that it reads."""
    if isinstance(axis, Chain | Union) or not _is_monotone(reach):
        return [span(map(reach.interval, _outer(axis.taps(y), reach))) for y in range(period)]
    # Intervals that move on with the position: the outer taps decide.
    return [span(map(reach.interval, axis.hull(y) or ())) for y in range(period)]


def _outer(taps: Sequence[int], reach: Reach) -> Sequence[int]:
    """The taps that can decide: a period further in, the same phases reach less far."""
    if len(taps) <= 2 * reach.period:
        return taps
    return [*taps[: reach.period], *taps[-reach.period :]]


def _is_monotone(reach: Reach) -> bool:
    """Whether both ends of the interval move on with the position, at every phase."""
    for ends in (reach.lo, reach.hi):
        walk = [end for end in ends if end is not None]
        if len(walk) < len(ends) or any(a > b for a, b in pairwise([*walk, walk[0] + reach.shift])):
            return False
    return True


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


# --- several inputs --------------------------------------------------------------------------


def joined(inputs: Sequence[Reaches]) -> Reaches:
    """The union over several inputs of one layer.

    An input without the axis (a gate computed from the whole input) adds nothing to the local
    reach of the others. Reaches of the same jump become one; others stand side by side.
    """
    parts = list(dict.fromkeys(reach for reaches in inputs for reach in reaches))
    if len(parts) == 1:
        return tuple(parts)
    like = parts[0]._replace(
        is_global=any(reach.is_global for reach in parts),
        placed=all(reach.placed for reach in parts),
        unbounded=any(reach.unbounded for reach in parts),
        reason=next((reach.reason for reach in parts if reach.reason), ""),
    )
    if like.reason:
        return (like,)
    local = [reach for reach in parts if not reach.fixed] or parts
    by_jump: dict[tuple[Fraction, bool], list[Reach]] = {}
    for reach in local:
        by_jump.setdefault((reach.jump, reach.fixed), []).append(reach)
    if len(by_jump) > MOST_PARTS:
        return (like._replace(reason=f"more than {MOST_PARTS} branches drift apart"),)
    return tuple(_merged(same, like) for same in by_jump.values())


def _merged(reaches: Sequence[Reach], like: Reach) -> Reach:
    """Reaches of the same jump as one."""
    first = reaches[0]
    like = like._replace(jump=first.jump, fixed=first.fixed)
    period = lcm(*(reach.period for reach in reaches))
    if period > LONGEST_PERIOD:
        return like._replace(reason=f"it differs between more than {LONGEST_PERIOD} phases")
    intervals = [span(reach.interval(y) for reach in reaches) for y in range(period)]
    return _shortest(intervals, first.shift * period // first.period, like)
