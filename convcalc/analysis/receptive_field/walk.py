"""One pass over the graph, in the order of the layers: what every tensor sees of the inputs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from convcalc.analysis.receptive_field.domains import HULLS, Kind, TooWide
from convcalc.analysis.receptive_field.reach import Reach, Reaches, join, propagate, start
from convcalc.model.geometry.axis_maps import IDENTITY, AxisMap, Nothing
from convcalc.model.graph.network import Layer, Network

# For each network input, by name: the reaches on each axis of that input.
ReachesByInput = Mapping[str, tuple[Reaches, ...]]

Lost = frozenset[int]  # numbers of axes on which all positions of a tensor see the same
NOWHERE: Lost = frozenset()
EVERYWHERE: Lost = frozenset(range(3))


class Walk:
    """Computes what each tensor sees, in one representation (:class:`Kind`).

    Equal axes of a layer are computed once. A tensor is dropped after its last reader, so that
    a long network needs no more memory than its widest point.
    """

    def __init__(self, network: Network, kind: Kind[Any] = HULLS) -> None:
        self.network = network
        self.kind = kind
        self.tensors: dict[int, ReachesByInput] = {
            number: {name: (start(kind),) * shape.rank}
            for number, (name, shape) in enumerate(network.inputs.items())
        }

    def layers(self, until: int | None = None) -> Iterator[tuple[Layer, ReachesByInput]]:
        """Yield each layer with what its output sees, up to and including index ``until``."""
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
        """The reaches after a layer, from one of its inputs; those of a vector pass unchanged."""
        if len(maps) != len(axes) or all(axis is IDENTITY for axis in maps):
            return axes
        done: dict[Any, Reach] = {}  # square networks have equal axes
        return tuple(
            reaches
            if axis is IDENTITY
            else tuple(self._propagate_axis(axis, reach, done) for reach in reaches)
            for axis, reaches in zip(maps, axes, strict=True)
        )

    def _propagate_axis(self, axis: AxisMap, reach: Reach, done: dict[Any, Reach]) -> Reach:
        """One reach after one axis of a layer; unknown, with a reason, if it is too wide."""
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
        """The reaches of a layer with several inputs, axis by axis; equal axes share one object."""
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
        """The reaches of a layer with several inputs on one axis."""
        if len(parts) == 1 and not gates:
            return parts[0]
        try:
            return join(parts, self.kind, gates)
        except TooWide as error:
            return (parts[0][0]._replace(reason=str(error)),)


# --- gates ---------------------------------------------------------------------------------------


def locating_inputs(lost: Sequence[Lost]) -> list[int]:
    """The numbers of the inputs of a join that determine where its output looks.

    ``lost`` holds the axes that each input has lost. An input that has lost its position on some
    axes only gates one that has kept it there. The output loses every axis that any of the
    inputs returned has lost: row sums and column sums together keep no position.
    """
    kinds = set(lost)  # at most 2^3, however many inputs there are
    least = {axes for axes in kinds if not any(other < axes for other in kinds)}
    return [i for i, axes in enumerate(lost) if axes in least]


def _lost_axes(axes: tuple[Reaches, ...]) -> Lost:
    """The numbers of the axes on which all positions see the same."""
    lost = [i for i, axis in enumerate(axes) if axis[0].fixed]
    return frozenset(lost) if lost else NOWHERE


def _fix(reaches: Reaches) -> Reaches:
    """The reaches of a tensor that has lost the axis."""
    return tuple(reach._replace(fixed=True) for reach in reaches)
