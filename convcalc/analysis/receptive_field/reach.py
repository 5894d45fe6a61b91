"""Computes exactly what the positions of a tensor see of one axis of a network input.

Upsampling makes the reach depend on the phase of the position: in the original U-Net four
of sixteen phases see 188 input positions, the other twelve 204. So a reach keeps what each
phase sees, and every layer maps it through the positions that it really reads: composing exact
reads, never a forward recurrence of sizes. Where branches of different strides meet, their
reaches drift apart with the position; then a tensor has several reaches side by side.

What is kept is one of :mod:`convcalc.analysis.receptive_field.domains`: the hull, every position
that is read, or how many paths lead to each.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fractions import Fraction
from itertools import pairwise
from math import gcd, lcm
from typing import Any, NamedTuple

from convcalc.analysis.receptive_field.domains import HULLS, Kind, V
from convcalc.diagnostics.work import current
from convcalc.model.geometry.axis_maps import (
    IDENTITY,
    AxisMap,
    Chain,
    Comb,
    Deformed,
    Scattered,
    Slide,
    Tiles,
    Union,
    Unreadable,
    Whole,
    is_unbounded,
)
from convcalc.model.quantities.formula import formula

LONGEST_PERIOD = 4096  # phases; beyond, a reach is given up as unknown, with that reason
PHASES = "phases of receptive fields"  # what their work is called
MOST_PARTS = 16  # reaches side by side, likewise


class Reach(NamedTuple):
    """The positions of one input axis that each phase of an output axis sees.

    Position ``q·period + r`` sees ``seen[r]`` shifted by ``q·shift``; None where it reads nothing.
    ``jump`` is the distance between the centers of neighbouring positions. ``fixed``: the tensor
    has lost the axis (it is a vector), and ``seen`` is that of an earlier tensor's position.
    ``placed``: all paddings are known, so that
    the positions are right, not only their extents. ``unbounded``: a deformable layer can look
    anywhere, and ``seen`` is that of its undeformed grid. ``sparse``: all positions of the tensor
    together may leave out some of the input; if not, they leave out none.
    """

    period: int = 1
    shift: int = 1
    seen: tuple[Any, ...] = (HULLS.start,)
    jump: int | Fraction = 1  # a fraction only where it has to be: integers are much faster
    fixed: bool = False
    placed: bool = True
    unbounded: bool = False
    sparse: bool = False
    reason: str = ""  # why the reach is not known, if so

    def at(self, y: int, kind: Kind[V]) -> V | None:
        """Return what position ``y`` sees; None if it reads nothing."""
        rounds, phase = divmod(y, self.period)
        seen: V | None = self.seen[phase]
        return seen if seen is None or not rounds else kind.shift(seen, rounds * self.shift)

    def interval(self, y: int) -> tuple[int, int] | None:
        """First and last input position that position ``y`` sees, of a reach of hulls."""
        return self.at(y, HULLS)


Reaches = tuple[Reach, ...]  # side by side; one, unless branches drift apart


def start(kind: Kind[Any]) -> Reaches:
    """The reach of the input itself: every position sees itself."""
    return (Reach(seen=(kind.start,)),)


# --- one layer -------------------------------------------------------------------------------


def propagate(axis: AxisMap, reach: Reach, kind: Kind[Any] = HULLS) -> Reach:
    """The reach of a layer's output, given the reach of its input and the layer's axis map."""
    if isinstance(axis, Scattered | Whole):
        local = axis.local if isinstance(axis, Whole) else None
        return reach._replace(fixed=True) if local is None else propagate(local, reach, kind)
    if axis is IDENTITY or reach.fixed or reach.reason:
        return reach
    if isinstance(axis, Unreadable):
        return reach._replace(reason=axis.reason)
    if isinstance(axis, Chain):
        return propagate(axis.outer, propagate(axis.inner, reach, kind), kind)
    if isinstance(axis, Union):
        return _propagate_union(axis, reach, kind)
    return _propagate_taps(axis, reach, kind)


def _propagate_taps(axis: AxisMap, reach: Reach, kind: Kind[Any]) -> Reach:
    """The reach after a layer whose taps are known."""
    if type(axis) is Slide and reach.period == 1:
        return _slide_window(axis, reach, kind)
    grid = axis.base if isinstance(axis, Deformed) else axis
    if isinstance(grid, Slide):
        reach = reach._replace(placed=reach.placed and grid.padding_known)
    elif isinstance(grid, Tiles):
        reach = reach._replace(placed=reach.placed and grid.placed)
    if reach.shift and not reach.sparse and _leaves_out(axis):
        reach = reach._replace(sparse=True)
    if is_unbounded(axis):
        reach = reach._replace(unbounded=True)
    rounds = reach.period // gcd(reach.period, axis.shift)
    period = axis.period * rounds
    if period > LONGEST_PERIOD:
        return reach._replace(reason=f"it differs between more than {LONGEST_PERIOD} phases")
    current().spend(period * (2 + len(axis.taps(0)) // 2), PHASES)
    seen = _read_phases(axis, reach, period, kind)
    shift = axis.shift * rounds // reach.period * reach.shift
    jump = reach.jump * (axis.shift if axis.period == 1 else Fraction(axis.shift, axis.period))
    return _shorten_period(seen, shift, reach._replace(jump=jump), kind)


def _slide_window(axis: Slide, reach: Reach, kind: Kind[Any]) -> Reach:
    """The reach after a window, where the input has no phases: the common case, in closed form."""
    _, shift, (seen,), jump, fixed, placed, unbounded, sparse, reason = reach
    if seen is not None:
        first = kind.shift(seen, -axis.padding * shift) if axis.padding else seen
        seen = kind.window(first, axis.dilation * shift, axis.kernel_size)
    placed = placed and axis.padding_known
    sparse = sparse or (axis.stride > 1 and shift > 0 and _leaves_out(axis))
    after = jump_after(shift, axis.stride)
    found = jump * axis.stride
    return Reach(1, after, (seen,), found, fixed, placed, unbounded, sparse, reason)


@formula
def jump_after(jump: int, stride: int) -> int:
    """How far neighbouring outputs lie apart on the input."""
    return jump * stride


def _leaves_out(axis: AxisMap) -> bool:
    """Whether there are positions that no output of a layer reads, away from the borders."""
    if isinstance(axis, Slide):
        return gcd(axis.dilation, axis.stride) > 1 or axis.kernel_size < axis.stride
    if axis.shift < 2:  # 0 where a single position is interpolated to several, which are equal
        return False
    if axis.period > LONGEST_PERIOD:
        return True
    read = {tap % axis.shift for y in range(axis.period) for tap in axis.taps(y)}
    return len(read) < axis.shift


def _propagate_union(axis: Union, reach: Reach, kind: Kind[Any]) -> Reach:
    """The reach after several maps of one stride, side by side."""
    parts = [propagate(each, reach, kind) for each in axis.maps]
    return _merge(parts, _combine_flags(parts), kind)


def _read_phases(axis: AxisMap, reach: Reach, period: int, kind: Kind[V]) -> list[V | None]:
    """Return what each of ``period`` outputs sees: the union of what its taps see."""
    if kind.outer_only and _is_monotone(reach):  # the outer taps decide
        return [_hull(axis.hull(y), reach) for y in range(period)]
    if kind.outer_only:
        return [_unite(_outer_taps(axis.taps(y), reach), reach, kind) for y in range(period)]
    if reach.period == 1 and isinstance(axis, Tiles | Comb):  # all taps see the same, moved
        return [_in_a_row(axis.taps(y), reach, kind) for y in range(period)]
    if kind.is_exact and isinstance(axis, Slide):
        taps, doublings = axis.kernel_size, axis.kernel_size.bit_length()
        if taps > 4 and (taps - doublings) * period > doublings * reach.period:
            return _windows(axis, reach, period, kind)
    return [_unite(axis.taps(y), reach, kind) for y in range(period)]


def _windows(axis: Slide, reach: Reach, period: int, kind: Kind[V]) -> list[V | None]:
    """Return what each of ``period`` windows sees, by log2 k unions each: of two windows in a row
    comes one of twice the taps, at every phase, and of some of those in a row the one of k taps.
    """
    starts = [axis.stride * y - axis.padding for y in range(period)]
    found: list[V | None] = [None] * period
    done, size = 0, 1  # taps in ``found``, and in the windows of ``many``
    many = reach
    while True:
        if axis.kernel_size & size:
            at = [many.at(start + axis.dilation * done, kind) for start in starts]
            found = [_either(a, b, kind) for a, b in zip(found, at, strict=True)]
            done += size
        if done == axis.kernel_size:
            return found
        step, size = axis.dilation * size, 2 * size
        seen = [_unite((y, y + step), many, kind) for y in range(reach.period)]
        many = many._replace(seen=tuple(seen))


def _either(one: V | None, other: V | None, kind: Kind[V]) -> V | None:
    """Return what two see together; None if both see nothing."""
    if one is None or other is None:
        return other if one is None else one
    return kind.union([one, other])


def _hull(taps: tuple[int, int] | None, reach: Reach) -> Any:
    """Return what the first and the last tap see together; None if there is none."""
    if taps is None:
        return None
    first, last = reach.at(taps[0], HULLS), reach.at(taps[1], HULLS)
    assert first is not None
    assert last is not None
    return first[0], last[1]


def _unite(positions: Iterable[int], reach: Reach, kind: Kind[V]) -> V | None:
    """Return what several positions see together; None if they see nothing."""
    found = [seen for y in positions if (seen := reach.at(y, kind)) is not None]
    if len(found) == 1:
        return found[0]
    return kind.union(found) if found else None


def _in_a_row(taps: range, reach: Reach, kind: Kind[V]) -> V | None:
    """Return what evenly spaced positions see together, each of them the same but moved."""
    seen = reach.at(taps[0], kind)
    return seen and kind.window(seen, taps.step * reach.shift, len(taps))


def _outer_taps(taps: Sequence[int], reach: Reach) -> Sequence[int]:
    """The taps that can determine the hull: further in, the same phases reach less far."""
    if len(taps) <= 2 * reach.period:
        return taps
    return [*taps[: reach.period], *taps[-reach.period :]]


def _is_monotone(reach: Reach) -> bool:
    """Whether both ends of the interval move on with the position, at every phase."""
    if None in reach.seen:
        return False
    further = (*reach.seen, HULLS.shift(reach.seen[0], reach.shift))
    return all(a[0] <= b[0] and a[1] <= b[1] for a, b in pairwise(further))


def _shorten_period(seen: Sequence[V | None], shift: int, like: Reach, kind: Kind[V]) -> Reach:
    """The reach with these phases, reduced to the shortest period that describes them."""
    period = len(seen)
    for rounds in range(period, 1, -1):
        if period % rounds or shift % rounds:
            continue
        short, step = period // rounds, shift // rounds
        if all(
            each == _shift(seen[y % short], y // short * step, kind) for y, each in enumerate(seen)
        ):
            return like._replace(period=short, shift=step, seen=tuple(seen[:short]))
    return like._replace(period=period, shift=shift, seen=tuple(seen))


def _shift(seen: V | None, by: int, kind: Kind[V]) -> V | None:
    return None if seen is None else kind.shift(seen, by)


# --- several inputs --------------------------------------------------------------------------


def join(
    inputs: Sequence[Reaches], kind: Kind[Any] = HULLS, gates: Sequence[Reaches] = ()
) -> Reaches:
    """The reaches of a layer with several inputs.

    Reaches of the same jump become one; others stand side by side. ``gates`` are inputs without a
    position, computed from the whole input: they add nothing to the local reach, but their
    flags, such as ``unbounded``, hold for the output too.
    """
    parts = [reach for reaches in inputs for reach in reaches]
    if not kind.repeats:
        parts = list(dict.fromkeys(parts))
    like = _combine_flags([*parts, *(reach for reaches in gates for reach in reaches)])
    if like.reason:
        return (like,)
    by_jump: dict[int | Fraction, list[Reach]] = {}
    for reach in parts:
        by_jump.setdefault(reach.jump, []).append(reach)
    if len(by_jump) > MOST_PARTS:
        return (like._replace(reason=f"more than {MOST_PARTS} branches drift apart"),)
    return tuple(_merge(same, like, kind) for same in by_jump.values())


def _combine_flags(parts: Sequence[Reach]) -> Reach:
    """The first reach, with the flags of all of them combined."""
    return parts[0]._replace(
        placed=all(reach.placed for reach in parts),
        unbounded=any(reach.unbounded for reach in parts),
        sparse=all(reach.sparse for reach in parts),
        reason=next((reach.reason for reach in parts if reach.reason), ""),
    )


def _merge(reaches: Sequence[Reach], like: Reach, kind: Kind[Any]) -> Reach:
    """One reach for several of the same jump, with the flags of ``like``."""
    first = reaches[0]
    like = like._replace(jump=first.jump, fixed=first.fixed)
    if len(reaches) == 1:
        return like._replace(period=first.period, shift=first.shift, seen=first.seen)
    period = lcm(*(reach.period for reach in reaches))
    if period > LONGEST_PERIOD:
        return like._replace(reason=f"it differs between more than {LONGEST_PERIOD} phases")
    current().spend(period * len(reaches), PHASES)
    seen = [seen_together(reaches, y, kind) for y in range(period)]
    return _shorten_period(seen, first.shift * period // first.period, like, kind)


def seen_together(reaches: Iterable[Reach], y: int, kind: Kind[V]) -> V | None:
    """Return what position ``y`` sees through several reaches; None if it sees nothing."""
    found = [seen for reach in reaches if (seen := reach.at(y, kind)) is not None]
    return kind.union(found) if found else None
