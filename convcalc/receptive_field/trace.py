"""How a receptive field comes about: layer by layer from one output position to the input."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from convcalc.geometry import AxisMap, Partition, Resize, Slide, Stamp, extent
from convcalc.graph import Layer, Network
from convcalc.receptive_field.kinds import Bits
from convcalc.receptive_field.measures import extent_of
from convcalc.receptive_field.preimage import preimage
from convcalc.receptive_field.reach import Reaches
from convcalc.receptive_field.walk import Walk


class Step(NamedTuple):
    """One layer on the way back: ``size`` positions of its output read ``needs`` of its input."""

    path: str
    operator: str
    size: int
    needs: int
    why: str


def trace(network: Network, tensor: int, axis: int, position: int) -> list[Step]:
    """The steps along the path that reaches furthest, the last layer first.

    Layers that read each position from itself are left out.
    """
    seen: Bits | None = (position, 1)
    steps = []
    for layer, number in _way(network, tensor, axis):
        maps = layer.analysis.axes[number]
        if seen is None or len(maps) <= axis:
            continue
        read = preimage(maps[axis], seen)
        size, needs = extent_of(seen), 0 if read is None else extent_of(read)
        if needs != size:
            steps.append(
                Step(layer.path, layer.name, size, needs, _reason(maps[axis], size, needs))
            )
        seen = read
    return steps


def _way(network: Network, tensor: int, axis: int) -> Iterator[tuple[Layer, int]]:
    """The layers from a tensor back to an input, with the input of each that is followed."""
    first = len(network.inputs)
    widest = _widest(network, tensor - first, axis)
    while tensor >= first:
        layer = network.layers[tensor - first]
        number = widest.get(tensor - first, 0)
        yield layer, number
        tensor = layer.inputs[number]


def _widest(network: Network, until: int, axis: int) -> dict[int, int]:
    """For each layer with several inputs, the one through which it sees furthest."""
    walk = Walk(network)
    found: dict[int, int] = {}
    for index, (layer, sight) in enumerate(walk.layers(until)):
        if len(layer.inputs) > 1 and sight:
            parts = walk.parts(layer, next(iter(sight)))
            found[index] = max(parts, key=lambda number: _furthest(parts[number], axis))
    return found


def _furthest(axes: tuple[Reaches, ...], axis: int) -> tuple[bool, int]:
    """How far a branch sees; a gate, which has no place of its own, comes last."""
    reaches = axes[axis] if axis < len(axes) else ()
    sizes = [hi - lo for reach in reaches for lo, hi in filter(None, reach.seen)]
    return not any(reach.fixed for reach in reaches), max(sizes, default=-1)


def _reason(axis: AxisMap, size: int, needs: int) -> str:
    """Why so many outputs read so many inputs, with the numbers."""
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
