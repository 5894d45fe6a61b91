"""The receptive field of every layer, one pass over the graph."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from fractions import Fraction
from math import lcm
from typing import Any, NamedTuple

from convcalc.analysis.receptive_field.domains import HULLS, SUPPORTS
from convcalc.analysis.receptive_field.reach import LONGEST_PERIOD, Reaches, seen_together
from convcalc.analysis.receptive_field.walk import Walk
from convcalc.analysis.report.report import ReceptiveField
from convcalc.model.graph.network import Network
from convcalc.model.quantities.unknown import UNKNOWN, known


def receptive_fields(
    network: Network, *, support: bool = False
) -> list[Mapping[str, ReceptiveField]]:
    """For each layer, its receptive field with respect to each input that it depends on.

    With ``support`` also which positions within the extent are really read, which takes longer.
    """
    done: dict[Any, ReceptiveField] = {}
    fields: list[Mapping[str, ReceptiveField]] = [
        {
            name: _cached_field(
                axes, layer.analysis.output.spatial, network.inputs[name].spatial, done
            )
            for name, axes in by_input.items()
            if axes
        }
        for layer, by_input in Walk(network).layers()
    ]
    return _add_coverage(network, fields) if support else fields


def _cached_field(
    axes: tuple[Reaches, ...],
    spatial: tuple[int, ...],
    inputs: tuple[int, ...],
    done: dict[Any, ReceptiveField],
) -> ReceptiveField:
    """The receptive field of a tensor, from its reaches; equal ones are computed once."""
    key = (axes, spatial, inputs)
    found = done.get(key)
    if found is None:
        found = done[key] = _field(*key)
    return found


def _field(
    axes: tuple[Reaches, ...], spatial: tuple[int, ...], inputs: tuple[int, ...]
) -> ReceptiveField:
    """The receptive field that the reaches of all axes give."""
    views = [_view(*axis) for axis in zip(axes, sizes_of(axes, spatial), strict=True)]
    parts = [reach for reaches in axes for reach in reaches]
    return ReceptiveField(
        tuple(view.size for view in views),
        tuple(view.size_min for view in views),
        tuple(view.jump for view in views),
        tuple(view.center for view in views),
        any(reach.is_global for reach in parts),
        any(reach.unbounded for reach in parts),
        next((view.reason for view in views if view.reason), ""),
        inputs,
    )


def sizes_of(axes: tuple[Reaches, ...], spatial: tuple[int, ...]) -> tuple[int, ...]:
    """The output's size on each axis of the input; unknown where it has lost the axes."""
    return spatial if len(spatial) == len(axes) else (UNKNOWN,) * len(axes)


class _View(NamedTuple):
    """The receptive field on one axis."""

    size: int
    size_min: int
    jump: Fraction
    center: Fraction
    reason: str = ""


_NOT_A_NUMBER: Fraction = UNKNOWN  # type: ignore[assignment]  # it absorbs arithmetic, as counts do


def _view(reaches: Reaches, size: int) -> _View:
    """The receptive field on one axis, over the ``size`` positions that occur."""
    jumps = {reach.jump for reach in reaches}
    jump = jumps.pop() if len(jumps) == 1 else _NOT_A_NUMBER
    count, reason = phase_count(reaches, size)
    if reason:
        return _View(UNKNOWN, UNKNOWN, _NOT_A_NUMBER, _NOT_A_NUMBER, reason)
    intervals = [seen_together(reaches, y, HULLS) for y in range(count)]
    extents = [0 if i is None else i[1] - i[0] + 1 for i in intervals]
    center, first = _NOT_A_NUMBER, intervals[0]
    if first is not None and all(reach.placed for reach in reaches):
        center = Fraction(first[0] + first[1], 2)
    return _View(max(extents), min(extents), jump, center)


def phase_count(reaches: Reaches, size: int) -> tuple[int, str]:
    """How many output positions, from the first, cover all that differ; or why it is unknown."""
    reason = next((reach.reason for reach in reaches if reach.reason), "")
    count = lcm(*(reach.period for reach in reaches))
    if len(reaches) > 1 and not reason:
        count = size
        if not known(size) or size > LONGEST_PERIOD:
            reason = "branches of different strides meet, so that it changes with the position"
    elif known(size) and not reaches[0].fixed:
        count = min(count, size)
    return count, reason


# --- what is really read -----------------------------------------------------------------------


def _add_coverage(
    network: Network, fields: list[Mapping[str, ReceptiveField]]
) -> list[Mapping[str, ReceptiveField]]:
    """The receptive fields with their coverage and holes added."""
    last: tuple[Any, tuple[int, ...]] = ((), ())
    coverages: list[tuple[Fraction, int] | None] = []
    result: list[Mapping[str, ReceptiveField]] = []
    for found, (layer, by_input) in zip(fields, Walk(network, SUPPORTS).layers(), strict=True):
        spatial = layer.analysis.output.spatial
        now: dict[str, ReceptiveField] = {}
        for name, field in found.items():
            axes = by_input[name]
            if axes is not last[0] or spatial != last[1]:  # most layers pass on what they get
                last = (axes, spatial)
                sizes = sizes_of(axes, spatial)
                coverages = [_axis_coverage(*axis) for axis in zip(axes, sizes, strict=True)]
            now[name] = _set_coverage(field, coverages)
        result.append(now)
    return result


def _set_coverage(field: ReceptiveField, axes: list[tuple[Fraction, int] | None]) -> ReceptiveField:
    return replace(
        field,
        coverage=tuple(_NOT_A_NUMBER if axis is None else axis[0] for axis in axes),
        holes=tuple(UNKNOWN if axis is None else axis[1] for axis in axes),
    )


def _axis_coverage(reaches: Reaches, size: int) -> tuple[Fraction, int] | None:
    """The least share of an extent that is read, and the most positions in it that are not."""
    count, reason = phase_count(reaches, size)
    if reason:
        return None
    seen = (seen_together(reaches, y, SUPPORTS) for y in range(count))
    pairs = [(bits.bit_count(), bits.bit_length()) for _, bits in filter(None, seen)]
    least = min((Fraction(*pair) for pair in pairs), default=Fraction(1))
    return least, max((extent - read for read, extent in pairs), default=0)
