"""The receptive field of every layer, one pass over the graph."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from math import lcm
from typing import Any, NamedTuple

from convcalc.graph import Layer, Network
from convcalc.receptive_field.kinds import HULLS
from convcalc.receptive_field.reach import LONGEST_PERIOD, Reaches, seen_together
from convcalc.receptive_field.walk import Walk
from convcalc.report import ReceptiveField
from convcalc.shape import UNKNOWN, known


def receptive_fields(network: Network) -> list[Mapping[str, ReceptiveField]]:
    """For each layer, its receptive field with respect to each input that it depends on."""
    done: dict[Any, ReceptiveField] = {}
    return [
        {name: _described(axes, layer, done) for name, axes in sight.items() if axes}
        for layer, sight in Walk(network).layers()
    ]


def _described(
    axes: tuple[Reaches, ...], layer: Layer, done: dict[Any, ReceptiveField]
) -> ReceptiveField:
    """The receptive field of a tensor from its reaches; equal ones are made once."""
    key = (axes, layer.analysis.output.spatial)
    found = done.get(key)
    if found is None:
        found = done[key] = _field(*key)
    return found


def _field(axes: tuple[Reaches, ...], spatial: tuple[int, ...]) -> ReceptiveField:
    """What the reaches of each axis say together."""
    known_sizes = spatial if len(spatial) == len(axes) else (UNKNOWN,) * len(axes)
    views = [_view(reaches, size) for reaches, size in zip(axes, known_sizes, strict=True)]
    parts = [reach for reaches in axes for reach in reaches]
    return ReceptiveField(
        tuple(view.size for view in views),
        tuple(view.size_min for view in views),
        tuple(view.jump for view in views),
        tuple(view.center for view in views),
        any(reach.is_global for reach in parts),
        any(reach.unbounded for reach in parts),
        next((view.reason for view in views if view.reason), ""),
    )


class _View(NamedTuple):
    """The receptive field on one axis."""

    size: int
    size_min: int
    jump: Fraction
    center: Fraction
    reason: str = ""


_NOT_A_NUMBER: Fraction = UNKNOWN  # type: ignore[assignment]  # it absorbs arithmetic, as counts do


def _view(reaches: Reaches, size: int) -> _View:
    """The extents over the positions that really occur."""
    jumps = {reach.jump for reach in reaches}
    jump = jumps.pop() if len(jumps) == 1 else _NOT_A_NUMBER
    reason = next((reach.reason for reach in reaches if reach.reason), "")
    count = lcm(*(reach.period for reach in reaches))
    if len(reaches) > 1 and not reason:
        count = size
        if not known(size) or size > LONGEST_PERIOD:
            reason = "branches of different strides meet, so that it changes with the position"
    elif known(size) and not reaches[0].fixed:
        count = min(count, size)
    if reason:
        return _View(UNKNOWN, UNKNOWN, _NOT_A_NUMBER, _NOT_A_NUMBER, reason)
    intervals = [seen_together(reaches, y, HULLS) for y in range(count)]
    extents = [0 if i is None else i[1] - i[0] + 1 for i in intervals]
    center, first = _NOT_A_NUMBER, intervals[0]
    if first is not None and all(reach.placed for reach in reaches):
        center = Fraction(first[0] + first[1], 2)
    return _View(max(extents), min(extents), jump, center)
