"""Back over the graph from some positions of a tensor to the positions of the inputs they read.

Unlike the walk forward, which knows an endless axis alone, this one can stop at the borders:
padding is not read, and what stands in reflected or circular padding is found where it comes
from. It is exact on all axes together, also where branches of different shapes meet.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from convcalc.geometry import Axes, AxisMap, Nothing, Unreadable, Whole
from convcalc.graph import Layer, Network
from convcalc.receptive_field.kinds import Bits
from convcalc.receptive_field.preimage import Unseen, every, preimage
from convcalc.receptive_field.region import Region, mapped, product, united
from convcalc.shape import known

POINT: Region = "point"  # all there is of a tensor without spatial axes


def read_back(
    network: Network,
    wanted: Mapping[int, Region],
    *,
    bordered: bool = False,
    strict: bool = False,
) -> dict[str, Region]:
    """What positions of some tensors read of each input that has spatial axes.

    ``bordered`` stops at the ends of every tensor, whose sizes must be known. ``strict``
    follows global layers to the whole of what they see; otherwise, as in the receptive field,
    only paths that keep their place count, and a vector stands for the middle position. Raises
    Unseen where what is read cannot be known.
    """
    walk = _Back(network, bordered, strict)
    return walk.read(dict(wanted))


def grounded(network: Network, tensor: int) -> int:
    """The tensor itself, or the last one on the way to it that has not lost its place: what a
    vector stands for. An input of the network if there is none."""
    walk = _Back(network, bordered=False, strict=False)
    while tensor >= walk.first and walk.placeless[tensor]:
        layer = network.layers[tensor - walk.first]
        tensor = layer.inputs[(_read(layer) or [0])[0]]
    return tensor


class _Back:
    """One walk; which tensors have lost their place is found on the way forward."""

    def __init__(self, network: Network, bordered: bool, strict: bool) -> None:
        self.network = network
        self.bordered = bordered
        self.strict = strict
        self.first = len(network.inputs)
        self.placeless = [shape.rank == 0 for shape in network.inputs.values()]
        if not strict:
            for layer in network.layers:
                self.placeless.append(all(self._loses(layer, i) for i in _read(layer)))

    def _loses(self, layer: Layer, number: int) -> bool:
        """Whether a layer reads that input without regard to the position of the output."""
        lost = any(isinstance(axis, Whole) and axis.local is None for axis in _axes(layer, number))
        return lost or self.placeless[layer.inputs[number]]

    def read(self, wanted: dict[int, Region]) -> dict[str, Region]:
        """The walk, from the last layer to the first."""
        for index in range(max(wanted) - self.first, -1, -1):
            region = wanted.pop(self.first + index, None)
            if region is None:
                continue
            layer = self.network.layers[index]
            for number in self._followed(layer):
                source = layer.inputs[number]
                rank = self.network.shape(source).rank
                read = self._through(layer, number, region)
                if read is not None:
                    have = wanted.get(source)
                    wanted[source] = read if have is None else _more(have, read, rank)
        names = list(self.network.inputs)
        return {names[number]: region for number, region in wanted.items() if region is not POINT}

    def _followed(self, layer: Layer) -> list[int]:
        """The inputs that count: gates do not where another input keeps its place."""
        numbers = _read(layer)
        if self.strict:
            return numbers
        local = [number for number in numbers if not self._loses(layer, number)]
        return local or numbers

    def _through(self, layer: Layer, number: int, region: Region) -> Region | None:
        """What a region of a layer's output reads of one of its inputs."""
        axes, source = _axes(layer, number), self.network.shape(layer.inputs[number])
        if not source.rank:
            return POINT
        for axis in axes:
            if isinstance(axis, Unreadable):
                raise Unseen(axis.reason)
        if region is POINT:
            return product([self._rest(n) for n in source.spatial])
        sizes = source.spatial if self.bordered else (None,) * source.rank
        reads = [partial(self._axis, axis, size) for axis, size in zip(axes, sizes, strict=True)]
        return mapped(region, reads)

    def _axis(self, axis: AxisMap, size: int | None, wanted: Bits) -> Bits | None:
        if isinstance(axis, Whole) and (self.strict or axis.local is None):
            return self._rest(size)
        if size is not None and not known(size):
            raise Unseen("the size of an input is not known")
        return preimage(axis, wanted, size)

    def _rest(self, size: int | None) -> Bits:
        """What a layer that sees the whole axis stands for."""
        if self.strict:
            if size is None or not known(size):
                raise Unseen("the size of an input is not known")
            return every(size)
        return (0 if size is None or not known(size) else size // 2, 1)


def _axes(layer: Layer, number: int) -> Axes:
    return layer.analysis.axes[number]


def _read(layer: Layer) -> list[int]:
    """The numbers of the inputs whose values a layer uses."""
    return [
        number
        for number, axes in enumerate(layer.analysis.axes)
        if not any(isinstance(axis, Nothing) for axis in axes)
    ]


def _more(have: Region, read: Region, rank: int) -> Region:
    return have if have is POINT else united(have, read, rank)
