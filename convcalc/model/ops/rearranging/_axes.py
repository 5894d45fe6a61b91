"""Shared by operators that move, split and merge the axes of a tensor."""

from __future__ import annotations

from collections.abc import Sequence

from convcalc.model.geometry.axis_maps import IDENTITY
from convcalc.model.geometry.channel_maps import OWN, ChannelMap, Hidden
from convcalc.model.operators.contract import Analysis
from convcalc.model.quantities.shape import Shape
from convcalc.model.quantities.unknown import known

MOVED = "channels become positions, or positions channels"

Arranged = tuple[tuple[int, ...], ...]


def arranged_analysis(x: Shape, output: Shape, arranged: Arranged) -> Analysis:
    """The analysis of a move of whole axes; what stays where it is, is the identity."""
    axes = ((IDENTITY,) * x.rank,)
    if arranged == tuple((dim,) for dim in range(x.rank + 1)) and output.rank == x.rank:
        return Analysis(output, axes, channels=(OWN,))
    channels = (channels_of(arranged),)
    return Analysis(output, axes, channels=channels, arranged=arranged)


def channels_of(arranged: Arranged) -> ChannelMap:
    """Which input channels an output channel reads when axes move."""
    held = [dim for dims in arranged for dim in dims]
    return OWN if arranged[0] == (0,) and held.count(0) == 1 else Hidden(MOVED)


def regrouped(sizes: Sequence[int], target: Sequence[int]) -> Arranged | None:
    """For each size of ``target`` the axes of ``sizes`` that it holds, if elements keep their
    order; None where axes are cut in a way that is neither a merge nor a split.

    The axes of both are grouped so that products agree, from the first; axes of size 1 that have no
    counterpart are left out or hold nothing.
    """
    found: list[tuple[int, ...]] = []
    at = 0
    left = list(enumerate(sizes))
    while at < len(target):
        if left and _same(left[0][1], target[at]):
            found.append((left.pop(0)[0],))
            at += 1
            continue
        if target[at] == 1:
            found.append(())
            at += 1
            continue
        while left and left[0][1] == 1:
            left.pop(0)
        group = _group(left, target[at:])
        if group is None:
            return None
        taken, made = group
        dims = tuple(dim for dim, n in left[:taken] if n != 1)
        if len(dims) > 1 and made > 1:
            return None
        found += [() if m == 1 else dims for m in target[at : at + made]]
        left, at = left[taken:], at + made
    return tuple(found) if all(n == 1 for _, n in left) else None


def _same(n: int, m: int) -> bool:
    return n is m or (known((n, m)) and n == m)


def _group(left: Sequence[tuple[int, int]], target: Sequence[int]) -> tuple[int, int] | None:
    """How many axes of either side, from the first, have the same product; None if it is not known,
    but all that is left is one group if one side is a single axis."""
    sizes = [n for _, n in left]
    if not known((*sizes, *target)):
        return (len(sizes), len(target)) if sizes and 1 in (len(sizes), len(target)) else None
    if not sizes:
        return None
    taken = made = 1
    here, there = sizes[0], target[0]
    while here != there:
        if here < there:
            if taken == len(sizes):
                return None
            here, taken = here * sizes[taken], taken + 1
        else:
            if made == len(target):
                return None
            there, made = there * target[made], made + 1
    return taken, made
