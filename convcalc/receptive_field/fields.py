"""The receptive field of every layer, one pass over the graph."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from convcalc.geometry import AxisMap, Nothing
from convcalc.graph import Layer, Network
from convcalc.receptive_field.reach import START, Reach, joined, through
from convcalc.report import ReceptiveField
from convcalc.shape import UNKNOWN, known

Reaches = Mapping[str, tuple[Reach, ...]]  # by network input: one reach per axis of that input


def receptive_fields(network: Network) -> list[Mapping[str, ReceptiveField]]:
    """For each layer, its receptive field with respect to each input that it depends on."""
    walk = _Walk(network)
    return [walk.described(layer) for layer in network.layers]


class _Walk:
    """One pass in the order of the layers; equal reads of equal reaches are computed once."""

    def __init__(self, network: Network) -> None:
        self.tensors: list[Reaches] = [
            {name: (START,) * shape.rank} for name, shape in network.inputs.items()
        ]
        self.read: dict[tuple[AxisMap, Reach], Reach] = {}
        self.fields: dict[Any, ReceptiveField] = {}

    def described(self, layer: Layer) -> Mapping[str, ReceptiveField]:
        """The receptive fields of a layer, whose reaches are kept for those that follow."""
        reaches = self.reaches(layer)
        self.tensors.append(reaches)
        spatial = layer.analysis.output.spatial
        return {name: self.field(axes, spatial) for name, axes in reaches.items() if axes}

    def reaches(self, layer: Layer) -> Reaches:
        """The reaches of a layer's output into each network input."""
        sources = [self.tensors[number] for number in layer.inputs]
        maps = layer.analysis.axes
        if len(sources) == 1:
            return {name: self.axes_through(maps[0], axes) for name, axes in sources[0].items()}
        spatial = layer.analysis.output.spatial
        result: dict[str, tuple[Reach, ...]] = {}
        for name in dict.fromkeys(name for source in sources for name in source):
            parts = [
                self.axes_through(axes, source[name])
                for axes, source in zip(maps, sources, strict=True)
                if name in source and not any(isinstance(axis, Nothing) for axis in axes)
            ]
            if not parts:
                continue
            result[name] = tuple(
                joined(reaches, spatial[k] if k < len(spatial) else UNKNOWN)
                for k, reaches in enumerate(zip(*parts, strict=True))
            )
        return result

    def axes_through(
        self, maps: tuple[AxisMap, ...], reaches: tuple[Reach, ...]
    ) -> tuple[Reach, ...]:
        """The reaches behind one input of a layer; a vector's are passed on as they are."""
        if len(maps) != len(reaches):
            return reaches
        result = []
        for axis, reach in zip(maps, reaches, strict=True):
            key = (axis, reach)
            found = self.read.get(key)
            if found is None:
                found = self.read[key] = through(axis, reach)
            result.append(found)
        return tuple(result)

    def field(self, axes: tuple[Reach, ...], spatial: tuple[int, ...]) -> ReceptiveField:
        """The receptive field of a tensor from its reaches."""
        key = (axes, spatial)
        found = self.fields.get(key)
        if found is None:
            found = self.fields[key] = _field(axes, spatial)
        return found


def _field(axes: tuple[Reach, ...], spatial: tuple[int, ...]) -> ReceptiveField:
    sizes = [_sizes(reach, _positions(reach, k, spatial)) for k, reach in enumerate(axes)]
    return ReceptiveField(
        tuple(high for _, high in sizes),
        tuple(low for low, _ in sizes),
        tuple(reach.jump for reach in axes),
        tuple(_center(reach) for reach in axes),
        any(reach.is_global for reach in axes),
        any(reach.unbounded for reach in axes),
        next((reach.reason for reach in axes if reach.reason), ""),
    )


def _positions(reach: Reach, axis: int, spatial: tuple[int, ...]) -> range:
    """The phases that really occur among the output's positions."""
    if axis < len(spatial) and known(spatial[axis]) and not reach.fixed:
        return range(min(reach.period, spatial[axis]))
    return range(reach.period)


def _sizes(reach: Reach, positions: range) -> tuple[int, int]:
    """The smallest and the largest extent; 0 where a position sees nothing at all."""
    if reach.reason:
        return UNKNOWN, UNKNOWN
    intervals = (reach.interval(y) for y in positions)
    extents = [0 if i is None else i[1] - i[0] + 1 for i in intervals]
    return min(extents), max(extents)


def _center(reach: Reach) -> Fraction:
    """The center of output 0 in input positions, a multiple of one half."""
    interval = reach.interval(0)
    if interval is None or reach.reason or not reach.placed:
        return UNKNOWN  # type: ignore[return-value]  # it absorbs arithmetic as any count does
    return Fraction(interval[0] + interval[1], 2)
