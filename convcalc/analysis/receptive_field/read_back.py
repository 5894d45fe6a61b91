"""Back over the graph from some positions of a tensor to the positions of the inputs they read.

The forward walk treats every axis as endless; this one can stop at the borders: zero padding
is not read, and reflected or circular padding is traced to the positions it copies. It is exact
on all axes together, also where branches of different shapes meet.
"""

from __future__ import annotations

from collections.abc import Mapping, Set
from functools import partial

from convcalc.analysis.receptive_field.domains import Bits
from convcalc.analysis.receptive_field.preimage import Unseen, all_positions, preimage
from convcalc.analysis.receptive_field.region import Region, map_region, product, unite_regions
from convcalc.analysis.receptive_field.walk import EVERYWHERE, NOWHERE, Lost, locating_inputs
from convcalc.model.geometry.axis_maps import Axes, AxisMap, Nothing, Unreadable, Whole
from convcalc.model.graph.network import Layer, Network
from convcalc.model.quantities.unknown import known

POINT: Region = "point"  # all there is of a tensor without spatial axes


def read_back(
    network: Network,
    wanted: Mapping[int, Region],
    *,
    bordered: bool = False,
    strict: bool = False,
) -> dict[str, Region]:
    """The regions of the network inputs, by name, that the ``wanted`` regions of tensors read.

    ``bordered`` stops at the ends of every tensor, whose sizes must be known. ``strict``
    follows global layers to the whole of what they see; otherwise, as in the receptive field,
    only paths that keep their position count, and a vector stands for the middle position. Raises
    Unseen where what is read cannot be known.
    """
    walk = _Back(network, bordered, strict)
    return walk.read(dict(wanted))


def last_spatial_tensor(network: Network, tensor: int, name: str = "") -> int | None:
    """The number of the last tensor on the way to ``tensor`` whose positions differ.

    That is the tensor itself, or, for a vector, the last one before the spatial position was
    lost. It must see the network input ``name``, or any with spatial axes if that is empty.
    Returns that input if only the input itself has positions, None if there is none.
    """
    walk = _Back(network, bordered=False, strict=False)
    wanted = {name} if name else {each for each, x in network.inputs.items() if x.rank}
    depends = _depends_on(network, wanted)
    left, met, found = [tensor], set[int](), None
    while left:
        number = left.pop()
        if number in met or not depends[number]:
            continue
        met.add(number)
        layer = network.producer(number)
        if layer is None:
            found = number
        elif walk.lost[number] is not EVERYWHERE:
            return number
        else:
            left += [layer.inputs[i] for i in reversed(_read_inputs(layer))]
    return found


def seen_inputs(network: Network, tensor: int) -> list[str]:
    """The network's inputs with spatial axes that a tensor depends on."""
    named = [name for name, x in network.inputs.items() if x.rank]
    return [name for name in named if _depends_on(network, {name})[tensor]]


def _depends_on(network: Network, names: Set[str]) -> list[bool]:
    """For each tensor, by number, whether it depends on one of these network inputs."""
    depends = [name in names for name in network.inputs]
    for layer in network.layers:
        depends.append(any(depends[layer.inputs[i]] for i in _read_inputs(layer)))
    return depends


class _Back:
    """One walk back; a pass forward first finds the tensors that have lost their position.

    ``lost`` holds, by tensor, the axes on which all of its positions see the same, as behind a
    pooling of a whole axis, or EVERYWHERE.
    """

    def __init__(self, network: Network, bordered: bool, strict: bool) -> None:
        self.network = network
        self.bordered = bordered
        self.strict = strict
        self.lost = [NOWHERE if shape.rank else EVERYWHERE for shape in network.inputs.values()]
        if not strict:
            for layer in network.layers:
                self.lost.append(self._lost_axes(layer))

    def _lost_axes(self, layer: Layer) -> Lost:
        """The axes that a layer's output has lost, through any input that is followed."""
        lost = [self._lost_through(layer, number) for number in self._followed_inputs(layer)]
        axes = NOWHERE.union(*lost)
        all_of_them = bool(axes) and len(axes) >= layer.analysis.output.rank
        return EVERYWHERE if all_of_them or not lost else axes

    def _lost_through(self, layer: Layer, number: int) -> Lost:
        """The axes on which a layer reads that input without regard to its output's position."""
        before, axes = self.lost[layer.inputs[number]], _axes(layer, number)
        if before is EVERYWHERE:
            return before
        whole = {i for i, axis in enumerate(axes) if isinstance(axis, Whole) and not axis.local}
        found = before | whole
        return EVERYWHERE if len(found) == len(axes) else found

    def read(self, wanted: dict[int, Region]) -> dict[str, Region]:
        """Walk from the last layer to the first; the regions read, by network input."""
        for index in range(self.network.index(max(wanted)), -1, -1):
            region = wanted.pop(self.network.tensor(index), None)
            if region is None:
                continue
            layer = self.network.layers[index]
            for number in self._followed_inputs(layer):
                source = layer.inputs[number]
                rank = self.network.shape(source).rank
                read = self._read_through(layer, number, region)
                if read is not None:
                    have = wanted.get(source)
                    wanted[source] = read if have is None else _unite(have, read, rank)
        names = list(self.network.inputs)
        return {names[number]: region for number, region in wanted.items() if region is not POINT}

    def _followed_inputs(self, layer: Layer) -> list[int]:
        """The inputs that are followed; not gates, where another input keeps its position."""
        numbers = _read_inputs(layer)
        if self.strict or len(numbers) < 2:
            return numbers
        return [
            numbers[i]
            for i in locating_inputs([self._lost_through(layer, number) for number in numbers])
        ]

    def _read_through(self, layer: Layer, number: int, region: Region) -> Region | None:
        """What a region of a layer's output reads of one of its inputs."""
        axes, source = _axes(layer, number), self.network.shape(layer.inputs[number])
        if not source.rank:
            return POINT
        for axis in axes:
            if isinstance(axis, Unreadable):
                raise Unseen(axis.reason)
        if layer.analysis.output.rank != source.rank:  # no axis of one is an axis of the other
            region = product([(0, 1)] * source.rank)
        sizes = source.spatial if self.bordered else (None,) * source.rank
        reads = [partial(self._axis, axis, size) for axis, size in zip(axes, sizes, strict=True)]
        return map_region(region, reads)

    def _axis(self, axis: AxisMap, size: int | None, wanted: Bits) -> Bits | None:
        if isinstance(axis, Whole) and (self.strict or axis.local is None):
            return self._whole_axis(size)
        if size is not None and not known(size):
            raise Unseen("the size of an input is not known")
        return preimage(axis, wanted, size)

    def _whole_axis(self, size: int | None) -> Bits:
        """All positions of an axis if ``strict``; otherwise its middle, which stands for them."""
        if self.strict:
            if size is None or not known(size):
                raise Unseen("the size of an input is not known")
            return all_positions(size)
        return (0 if size is None or not known(size) else size // 2, 1)


def _axes(layer: Layer, number: int) -> Axes:
    return layer.analysis.axes[number]


def _read_inputs(layer: Layer) -> list[int]:
    """The numbers of the inputs whose values a layer uses."""
    return [
        number
        for number, axes in enumerate(layer.analysis.axes)
        if not any(isinstance(axis, Nothing) for axis in axes)
    ]


def _unite(have: Region, read: Region, rank: int) -> Region:
    return have if have is POINT else unite_regions(have, read, rank)
