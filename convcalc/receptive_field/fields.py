"""The receptive field of every layer, one pass over the graph."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from math import lcm
from typing import Any, NamedTuple

from convcalc.geometry import SAME, AxisMap, Nothing, span
from convcalc.graph import Layer, Network
from convcalc.receptive_field.reach import (
    LONGEST_PERIOD,
    START,
    Reach,
    Reaches,
    joined,
    through,
)
from convcalc.report import ReceptiveField
from convcalc.shape import UNKNOWN, known

Sight = Mapping[str, tuple[Reaches, ...]]  # by network input: the reaches per axis of that input


def receptive_fields(network: Network) -> list[Mapping[str, ReceptiveField]]:
    """For each layer, its receptive field with respect to each input that it depends on."""
    walk = _Walk(network)
    return [walk.described(layer) for layer in network.layers]


class _Walk:
    """One pass in the order of the layers; equal reads of equal reaches are computed once."""

    def __init__(self, network: Network) -> None:
        self.tensors: list[Sight] = [
            {name: (START,) * shape.rank} for name, shape in network.inputs.items()
        ]
        self.read: dict[tuple[type, AxisMap, Reach], Reach] = {}
        self.fields: dict[Any, ReceptiveField] = {}

    def described(self, layer: Layer) -> Mapping[str, ReceptiveField]:
        """The receptive fields of a layer, whose reaches are kept for those that follow."""
        sight = self.sight(layer)
        self.tensors.append(sight)
        spatial = layer.analysis.output.spatial
        return {name: self.field(axes, spatial) for name, axes in sight.items() if axes}

    def sight(self, layer: Layer) -> Sight:
        """The reaches of a layer's output into each network input."""
        sources = [self.tensors[number] for number in layer.inputs]
        maps = layer.analysis.axes
        if len(sources) == 1:
            return {name: self.axes_through(maps[0], axes) for name, axes in sources[0].items()}
        result: dict[str, tuple[Reaches, ...]] = {}
        for name in dict.fromkeys(name for source in sources for name in source):
            parts = [
                self.axes_through(axes, source[name])
                for axes, source in zip(maps, sources, strict=True)
                if name in source and not any(isinstance(axis, Nothing) for axis in axes)
            ]
            if parts:
                result[name] = tuple(joined(inputs) for inputs in zip(*parts, strict=True))
        return result

    def axes_through(
        self, maps: tuple[AxisMap, ...], axes: tuple[Reaches, ...]
    ) -> tuple[Reaches, ...]:
        """The reaches behind one input of a layer; a vector's are passed on as they are."""
        if len(maps) != len(axes):
            return axes
        return tuple(
            reaches if axis is SAME else tuple(self.read_through(axis, r) for r in reaches)
            for axis, reaches in zip(maps, axes, strict=True)
        )

    def read_through(self, axis: AxisMap, reach: Reach) -> Reach:
        """One reach behind one axis of a layer."""
        key = (type(axis), axis, reach)  # maps of different kinds may hold equal numbers
        found = self.read.get(key)
        if found is None:
            found = self.read[key] = through(axis, reach)
        return found

    def field(self, axes: tuple[Reaches, ...], spatial: tuple[int, ...]) -> ReceptiveField:
        """The receptive field of a tensor from its reaches."""
        key = (axes, spatial)
        found = self.fields.get(key)
        if found is None:
            found = self.fields[key] = _field(axes, spatial)
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
    intervals = [span(reach.interval(y) for reach in reaches) for y in range(count)]
    extents = [0 if i is None else i[1] - i[0] + 1 for i in intervals]
    center, first = _NOT_A_NUMBER, intervals[0]
    if first is not None and all(reach.placed for reach in reaches):
        center = Fraction(first[0] + first[1], 2)
    return _View(max(extents), min(extents), jump, center)
