"""Trace a receptive field layer by layer, from one output position back to the input."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import pairwise
from typing import NamedTuple

from convcalc.analysis.receptive_field.channels import Source
from convcalc.analysis.receptive_field.domains import Bits
from convcalc.analysis.receptive_field.histories import Histories
from convcalc.analysis.receptive_field.measures import extent_of
from convcalc.analysis.receptive_field.preimage import preimage
from convcalc.analysis.receptive_field.reach import Reaches
from convcalc.analysis.receptive_field.read_back import Placed
from convcalc.analysis.receptive_field.walk import Walk
from convcalc.model.geometry.axis_maps import (
    IDENTITY,
    Axes,
    AxisMap,
    Comb,
    Partition,
    Resize,
    Slide,
    Stamp,
    Tiles,
)
from convcalc.model.geometry.sizes import extent
from convcalc.model.graph.network import Layer


class Level(NamedTuple):
    """Some channels of one tensor on the way back: the positions of it that are needed, and the
    layer that reads them for the level before, with the axis through which it does."""

    tensor: int
    history: int
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


def levels(histories: Histories, start: Placed, axis: int, position: int) -> Iterator[Level]:
    """The tensors along the path that reaches furthest, the output position first. The positions
    of all of them at once would fill the memory in a network of many thousand layers."""
    level = Level(*start, (position, 1))
    yield level
    for layer, at, axes in _path_back(histories, start, axis):
        read = preimage(axes[axis], level.seen) if axis < len(axes) else None
        if read is None:
            return
        level = Level(*at, read, layer, axes[axis])
        yield level


def trace(found: Iterable[Level]) -> list[Step]:
    """The layers that read more positions, or fewer, than they make."""
    steps = []
    for before, level in pairwise(found):
        size, needs = extent_of(before.seen), extent_of(level.seen)
        if size != needs and level.layer is not None and level.axis is not None:
            why = _reason(level.axis, size, needs)
            steps.append(Step(level.layer.path, level.layer.name, size, needs, why))
    return steps


def _path_back(
    histories: Histories, start: Placed, axis: int
) -> Iterator[tuple[Layer, Placed, Axes]]:
    """The layers from some channels back to an input, each with the channels that are followed and
    the axes through which they are read."""
    network, tensors = histories.network, histories.tensors
    sources = _furthest_sources(histories, start.history, axis)
    tensor, history = start
    while layer := network.producer(tensor):
        passing = [t for t in layer.inputs if history in tensors[t].histories]
        here = histories.histories[history]
        if here.layer != network.index(tensor) and passing:  # the layer passes the channels on
            tensor = passing[0]
            yield layer, Placed(tensor, history), (IDENTITY,) * len(histories.spatial(tensor))
            continue
        source = sources.get(history)
        if source is None:
            return
        history = source.history
        if source.tensor == tensor:  # several histories of one tensor: the furthest of them
            continue
        tensor = source.tensor
        yield layer, Placed(tensor, history), source.axes or (IDENTITY,) * len(source.spatial)


def _furthest_sources(histories: Histories, until: int, axis: int) -> dict[int, Source]:
    """For each history, the source through which it sees furthest."""
    walk = Walk(histories.network, histories=histories)
    found: dict[int, Source] = {}
    for number, sights in walk.sources(until):
        every = histories.histories[number].sources
        found[number] = every[max(sights, key=lambda i: _furthest(sights[i].axes, axis))]
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
    return _window_reason(axis)


def _window_reason(axis: AxisMap) -> str:
    """The reason for the size of windows that do not slide."""
    if isinstance(axis, Tiles):
        return f"windows of {axis.size} side by side"
    if isinstance(axis, Comb):
        return f"every {axis.step} positions of {axis.size}"
    return "several reads together"
