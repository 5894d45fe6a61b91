"""Trace a receptive field layer by layer, from one output position back to the input."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

from convcalc.analysis.receptive_field.domains import Bits
from convcalc.analysis.receptive_field.measures import extent_of
from convcalc.analysis.receptive_field.preimage import preimage
from convcalc.analysis.receptive_field.reach import Reaches
from convcalc.analysis.receptive_field.walk import Walk
from convcalc.model.geometry.axis_maps import AxisMap, Partition, Resize, Slide, Stamp
from convcalc.model.geometry.sizes import extent
from convcalc.model.graph.network import Layer, Network


class Level(NamedTuple):
    """One tensor on the way back: the positions of it that are needed, and the layer that reads
    them for the level before, with the number of the input."""

    tensor: int
    seen: Bits
    layer: Layer | None = None
    axis: AxisMap | None = None


class Step(NamedTuple):
    """One layer on the way back: ``size`` positions of its output read ``needs`` of its input."""

    path: str
    operator: str
    size: int
    needs: int
    why: str


def levels(network: Network, tensor: int, axis: int, position: int) -> list[Level]:
    """The tensors along the path that reaches furthest, the output position first."""
    found = [Level(tensor, (position, 1))]
    for layer, number in _path_back(network, tensor, axis):
        maps = layer.analysis.axes[number]
        if len(maps) <= axis:
            break
        read = preimage(maps[axis], found[-1].seen)
        if read is None:
            break
        found.append(Level(layer.inputs[number], read, layer, maps[axis]))
    return found


def trace(found: Sequence[Level]) -> list[Step]:
    """The layers that read more positions, or fewer, than they make."""
    steps = []
    for before, level in pairwise(found):
        size, needs = extent_of(before.seen), extent_of(level.seen)
        if size != needs and level.layer is not None and level.axis is not None:
            why = _reason(level.axis, size, needs)
            steps.append(Step(level.layer.path, level.layer.name, size, needs, why))
    return steps


def _path_back(network: Network, tensor: int, axis: int) -> Iterator[tuple[Layer, int]]:
    """The layers from a tensor back to an input, each with the number of the input followed."""
    widest = _widest(network, network.index(tensor), axis)
    while layer := network.producer(tensor):
        number = widest.get(network.index(tensor), 0)
        yield layer, number
        tensor = layer.inputs[number]


def _widest(network: Network, until: int, axis: int) -> dict[int, int]:
    """For each layer with several inputs, the one through which it sees furthest."""
    walk = Walk(network)
    found: dict[int, int] = {}
    for index, (layer, by_input) in enumerate(walk.layers(until)):
        if len(layer.inputs) > 1 and by_input:
            parts = walk.parts(layer, next(iter(by_input)))
            found[index] = max(parts, key=lambda number: _furthest(parts[number], axis))
    return found


def _furthest(axes: tuple[Reaches, ...], axis: int) -> tuple[bool, int]:
    """How far a branch sees; a gate, which has no place of its own, comes last."""
    reaches = axes[axis] if axis < len(axes) else ()
    sizes = [hi - lo for reach in reaches for lo, hi in filter(None, reach.seen)]
    return not any(reach.fixed for reach in reaches), max(sizes, default=-1)


def _reason(axis: AxisMap, size: int, needs: int) -> str:
    """Explain, with the numbers, why ``size`` outputs read ``needs`` inputs."""
    if isinstance(axis, Slide):
        reach = extent(axis.kernel_size, axis.dilation)
        spread = f", dilation {axis.dilation}" if axis.dilation > 1 else ""
        stride = f", stride {axis.stride}" if axis.stride > 1 else ""
        sum_ = f"({size} - 1)·{axis.stride} + {reach} = {needs}"
        return f"kernel {axis.kernel_size}{stride}{spread}: {sum_}"
    if isinstance(axis, Stamp):
        return f"kernel {axis.kernel_size} stamped every {axis.stride}"
    if isinstance(axis, Resize):
        return f"{axis.mode} interpolation, {axis.step} inputs per output"
    if isinstance(axis, Partition):
        return f"{axis.size} positions in {axis.parts} parts"
    return "several reads together"
