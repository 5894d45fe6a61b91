"""One pass over the graph, in the order of the layers: what every tensor sees of the inputs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from convcalc.analysis.receptive_field.domains import HULLS, Kind, TooWide
from convcalc.analysis.receptive_field.reach import Reach, Reaches, join, propagate, start
from convcalc.model.geometry.axis_maps import SAME, AxisMap, Nothing
from convcalc.model.graph.network import Layer, Network

ReachesByInput = Mapping[
    str, tuple[Reaches, ...]
]  # by network input: the reaches per axis of that input

Lost = frozenset[int]  # numbers of axes on which all positions of a tensor see the same
NOWHERE: Lost = frozenset()
EVERYWHERE: Lost = frozenset(range(3))


class Walk:
    """What the tensors see, of one kind; equal axes of a layer are computed once.

    A tensor is forgotten when its last reader has been passed, so that a long network takes
    no more memory than its widest place.
    """

    def __init__(self, network: Network, kind: Kind[Any] = HULLS) -> None:
        self.network = network
        self.kind = kind
        self.tensors: dict[int, ReachesByInput] = {
            number: {name: (start(kind),) * shape.rank}
            for number, (name, shape) in enumerate(network.inputs.items())
        }

    def layers(self, until: int | None = None) -> Iterator[tuple[Layer, ReachesByInput]]:
        """Every layer with what its output sees; the layers up to index ``until``."""
        network, first = self.network, len(self.network.inputs)
        layers = network.layers if until is None else network.layers[: until + 1]
        last = {n: index for index, layer in enumerate(layers) for n in layer.inputs}
        for index, layer in enumerate(layers):
            by_input = self.tensors[first + index] = self._output_reaches(layer)
            yield layer, by_input
            for number in {*layer.inputs, first + index}:
                if last.get(number, index) == index:
                    self.tensors.pop(number, None)

    def parts(self, layer: Layer, name: str) -> dict[int, tuple[Reaches, ...]]:
        """What a layer sees of one network input, by the number of its own input that sees it."""
        sources = (self.tensors[number] for number in layer.inputs)
        return {
            number: self._propagate(axes, source[name])
            for number, (axes, source) in enumerate(zip(layer.analysis.axes, sources, strict=True))
            if name in source and not any(isinstance(axis, Nothing) for axis in axes)
        }

    def _output_reaches(self, layer: Layer) -> ReachesByInput:
        """The reaches of a layer's output into each network input."""
        if len(layer.inputs) == 1:
            (axes,), source = layer.analysis.axes, self.tensors[layer.inputs[0]]
            return {name: self._propagate(axes, reaches) for name, reaches in source.items()}
        result: dict[str, tuple[Reaches, ...]] = {}
        names = dict.fromkeys(name for number in layer.inputs for name in self.tensors[number])
        for name in names:
            if parts := self.parts(layer, name):
                result[name] = self._join(list(parts.values()))
        return result

    def _propagate(
        self, maps: tuple[AxisMap, ...], axes: tuple[Reaches, ...]
    ) -> tuple[Reaches, ...]:
        """The reaches behind one input of a layer; a vector's are passed on as they are."""
        if len(maps) != len(axes) or all(axis is SAME for axis in maps):
            return axes
        done: dict[Any, Reach] = {}  # square networks have equal axes
        return tuple(
            reaches
            if axis is SAME
            else tuple(self._propagate_axis(axis, reach, done) for reach in reaches)
            for axis, reaches in zip(maps, axes, strict=True)
        )

    def _propagate_axis(self, axis: AxisMap, reach: Reach, done: dict[Any, Reach]) -> Reach:
        """One reach behind one axis of a layer."""
        key = (type(axis), axis, id(reach))  # maps of different kinds may hold equal numbers
        found = done.get(key)
        if found is None:
            try:
                found = propagate(axis, reach, self.kind)
            except TooWide as error:
                found = reach._replace(reason=str(error))
            done[key] = found
        return found

    def _join(self, inputs: Sequence[tuple[Reaches, ...]]) -> tuple[Reaches, ...]:
        """The reaches of a join, axis by axis; axes that come from the same ones stay the same."""
        lost = [_lost_axes(axes) for axes in inputs]
        counted = locating_inputs(lost)
        others = sorted(set(range(len(lost))).difference(counted))
        gone = NOWHERE.union(*(lost[i] for i in counted))
        done: dict[Any, Reaches] = {}
        result = []
        for axis, reaches in enumerate(zip(*inputs, strict=True)):
            key = (axis in gone, *(id(reach) for each in reaches for reach in each))
            if key not in done:
                parts = [_fix(reaches[i]) if axis in gone else reaches[i] for i in counted]
                gates = [reaches[i] for i in others]
                done[key] = self._join_axis(parts, gates)
            result.append(done[key])
        return tuple(result)

    def _join_axis(self, parts: Sequence[Reaches], gates: Sequence[Reaches]) -> Reaches:
        """The reaches of one axis of a join."""
        if len(parts) == 1 and not gates:
            return parts[0]
        try:
            return join(parts, self.kind, gates)
        except TooWide as error:
            return (parts[0][0]._replace(reason=str(error)),)


# --- gates ---------------------------------------------------------------------------------------


def locating_inputs(lost: Sequence[Lost]) -> list[int]:
    """Which inputs of a join say where its output looks, by the axes that each has lost.

    What has lost its place on some axes is a gate beside what has kept it there. The output has
    lost every axis that one of those that count has lost: row sums and column sums together know
    no position.
    """
    kinds = set(lost)  # at most 2^3, however many inputs there are
    least = {axes for axes in kinds if not any(other < axes for other in kinds)}
    return [i for i, axes in enumerate(lost) if axes in least]


def _lost_axes(axes: tuple[Reaches, ...]) -> Lost:
    lost = [i for i, axis in enumerate(axes) if axis[0].fixed]
    return frozenset(lost) if lost else NOWHERE


def _fix(reaches: Reaches) -> Reaches:
    return tuple(reach._replace(fixed=True) for reach in reaches)
