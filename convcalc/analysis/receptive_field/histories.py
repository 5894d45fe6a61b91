"""What the channels of every tensor are computed from.

Channels of a tensor that read the same things in the same way share a *history*. A concatenation
keeps the histories of its inputs apart, a slice keeps some of them, groups and depthwise filters
keep those of a group; a layer that mixes the channels makes one of them all. So the histories of a
network are a finer graph than its layers: in most networks there is one for each layer that reads
more than one position, and none for the others.
"""

from __future__ import annotations

from collections.abc import Sequence

from convcalc.analysis.receptive_field.channel_reader import ChannelReader
from convcalc.analysis.receptive_field.channels import Channels, History, Source
from convcalc.model.geometry.axis_maps import IDENTITY, Nothing, Scattered
from convcalc.model.geometry.channel_maps import (
    JOINED,
    MIXED,
    OWN,
)
from convcalc.model.graph.network import Layer, Network


class Histories:
    """The histories of a network, in an order in which each comes after those that it reads;
    ``tensors`` holds the :class:`Channels` of each tensor, by number."""

    def __init__(self, network: Network) -> None:
        self.network = network
        self.histories: list[History] = []
        self.tensors: list[Channels] = []
        for name in network.inputs:
            self.tensors.append(Channels((self.add(History(-1, name=name)),)))
        for index, layer in enumerate(network.layers):
            self.tensors.append(self._read(index, layer))

    def mixed(self, tensor: int, index: int = -1) -> int:
        """The history of what reads all channels of a tensor; ``index`` is that of the layer."""
        channels = self.tensors[tensor]
        if channels.mixed < 0:
            channels.mixed = self._join(index, tensor, channels.histories)
        return channels.mixed

    # --- one layer ---------------------------------------------------------------------------

    def _read(self, index: int, layer: Layer) -> Channels:
        """The channels of a layer's output."""
        if len(layer.inputs) == 1 and len(self.tensors[layer.inputs[0]].histories) == 1:
            found = self._read_one(index, layer)
            if found is not None:
                return found
        numbers = [
            number
            for number, axes in enumerate(layer.analysis.axes)
            if not any(isinstance(axis, Nothing) for axis in axes)
        ]
        if not numbers:
            return Channels((self.add(History(index)),))
        reader = ChannelReader(self, index, layer, numbers)
        if len(numbers) > 1 and layer.analysis.channels[:1] == (JOINED,):
            return reader.joined() or reader.told_apart()
        if all(reader.is_even(number) for number in numbers):
            return reader.one()
        if len(numbers) == 1 and reader.map(numbers[0]) is OWN:
            return reader.each(numbers[0])
        return reader.told_apart()

    def _read_one(self, index: int, layer: Layer) -> Channels | None:
        """The channels of a layer that reads one history, in the common case."""
        analysis, channels = layer.analysis, self.tensors[layer.inputs[0]]
        maps = analysis.channels[0] if analysis.channels else MIXED
        (history,) = channels.histories
        axes, scattered = analysis.axes[0], self.histories[history].scattered
        if (
            channels.mixed != history
            or scattered
            or channels.images > 1
            or (maps is not MIXED and maps is not OWN)
        ):
            return None
        for axis in axes:
            if isinstance(axis, Nothing | Scattered):
                return None
        if all(axis is IDENTITY for axis in axes):
            return channels
        source = Source(history, layer.inputs[0], layer.shapes[0].spatial, axes)
        return Channels((self.add(History(index, (source,))),))

    def add(self, history: History) -> int:
        self.histories.append(history)
        return len(self.histories) - 1

    def give_up(self, history: int, reason: str) -> int:
        """The same history, of which it is not known what it reads."""
        old = self.histories[history]
        return self.add(History(old.layer, old.sources, old.name, old.scattered, old.woven, reason))

    def _join(self, index: int, tensor: int, histories: Sequence[int]) -> int:
        """The history of what reads several histories of a tensor where they are."""
        spatial = self.network.shape(tensor).spatial
        sources = tuple(Source(each, tensor, spatial) for each in histories)
        scattered = max(self.histories[each].scattered for each in histories)
        return self.add(History(index, sources, scattered=scattered))
