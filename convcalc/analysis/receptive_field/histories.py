"""Finds what the channels of every tensor are computed from.

Channels of a tensor that read the same things in the same way share a *history*. A concatenation
keeps the histories of its inputs apart, a slice keeps some of them, groups and depthwise filters
keep those of a group; a layer that mixes the channels makes one of them all. So the histories of a
network are a finer graph than its layers: in most networks there is one for each layer that reads
more than one position, and none for the others.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from convcalc.analysis.receptive_field.channel_reader import (
    CHANNELS,
    ChannelReader,
    channel_map_of,
)
from convcalc.analysis.receptive_field.channels import Channels, History, Source
from convcalc.analysis.receptive_field.remembered import MOST, Remembered
from convcalc.model.geometry.axis_maps import IDENTITY, Axes, Nothing, Scattered
from convcalc.model.geometry.channel_maps import (
    JOINED,
    MIXED,
    OWN,
    ChannelMap,
)
from convcalc.model.graph.network import Layer, Network

if TYPE_CHECKING:  # few networks move axes
    from convcalc.analysis.receptive_field.layouts import Layout


class Histories:
    """The histories of a network, in an order in which each comes after those that it reads;
    ``tensors`` holds the :class:`Channels` of each tensor, by number; ``moved`` the layouts of
    those whose axes are not those of the image. Sources are stated on the axes of the image."""

    def __init__(self, network: Network) -> None:
        self.network = network
        self.histories: list[History] = []
        self.tensors: list[Channels] = []
        self.moved: dict[int, Layout] = {}
        self._sighted: list[bool] = []  # by history, whether it sees any input of the network
        for name in network.inputs:
            self.tensors.append(Channels((self.add(History(-1, name=name)),)))
        for index, layer in enumerate(network.layers):
            channels = self._read(index, layer)
            if self.moved or layer.analysis.arranged is not None:
                channels = self._arrange(index, layer, channels)
            self.tensors.append(channels)

    def mixed(self, tensor: int, index: int = -1) -> int:
        """The history of what reads all channels of a tensor; ``index`` is that of the layer."""
        channels = self.tensors[tensor]
        if channels.mixed < 0:
            channels.mixed = self._join(index, tensor, channels.histories)
        return channels.mixed

    def layout(self, tensor: int) -> Layout:
        """Where the axes of the image are in a tensor."""
        from convcalc.analysis.receptive_field.layouts import usual

        return self.moved.get(tensor) or usual(self.network.shape(tensor))

    def spatial(self, tensor: int) -> tuple[int, ...]:
        """The positions of a tensor on each axis of the image."""
        found = self.moved.get(tensor)
        return self.network.shape(tensor).spatial if found is None else found.sizes

    def read_through(
        self, layer: Layer, number: int, axes: Axes, channel_map: ChannelMap
    ) -> tuple[Axes, tuple[int, ...]]:
        """Return what a layer reads of one of its inputs on each axis of the image, and their
        sizes.
        """
        tensor = layer.inputs[number]
        if tensor not in self.moved and layer.analysis.arranged is None:
            return axes, layer.shapes[number].spatial
        from convcalc.analysis.receptive_field.layouts import read_on_image

        layout = self.layout(tensor)
        x = layer.shapes[number]
        return read_on_image(layout, axes, channel_map, layer.analysis, x), layout.sizes

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
            or layer.inputs[0] in self.moved
            or analysis.arranged is not None
        ):
            return None
        for axis in axes:
            if isinstance(axis, Nothing | Scattered):
                return None
        if all(axis is IDENTITY for axis in axes):
            return channels
        source = Source(history, layer.inputs[0], layer.shapes[0].spatial, axes)
        return Channels((self.add(History(index, (source,))),))

    def _arrange(self, index: int, layer: Layer, channels: Channels) -> Channels:
        """Notes the layout of a layer's output; gives up where those of its inputs differ."""
        from convcalc.analysis.receptive_field.layouts import (
            DIFFERENT,
            IN_TURN,
            SPREAD,
            is_joined,
            layout_after,
        )

        inputs = [
            (number, self.layout(tensor))
            for number, tensor in enumerate(layer.inputs)
            if not any(isinstance(axis, Nothing) for axis in layer.analysis.axes[number])
        ]
        placed = [each for each in inputs if each[1].has_positions and self._sees(each[0], layer)]
        if not inputs:
            return channels
        number, layout = (placed or inputs)[0]
        found = layout_after(layout, layer.analysis, channel_map_of(layer, number))
        if found is not None:
            self.moved[self.network.tensor(index)] = found
        reason = DIFFERENT if len({each.dims for _, each in placed}) > 1 else ""
        if layer.analysis.arranged and len({layer.analysis.axes[n] for n, _ in placed}) > 1:
            reason = IN_TURN
        if is_joined(layer.analysis) and any(each.dims[0] for _, each in placed):
            reason = SPREAD
        if not reason:
            return channels
        histories = tuple(self.give_up(each, reason) for each in channels.histories)
        return Channels(histories, channels.runs, channels.images)

    def _sees(self, number: int, layer: Layer) -> bool:
        """Whether an input of a layer sees any input of the network."""
        return any(self._sighted[each] for each in self.tensors[layer.inputs[number]].histories)

    def add(self, history: History) -> int:
        self.histories.append(history)
        sees = any(self._sighted[source.history] for source in history.sources)
        self._sighted.append(sees or bool(history.name))
        return len(self.histories) - 1

    def give_up(self, history: int, reason: str) -> int:
        """The same history, of which it is not known what it reads."""
        old = self.histories[history]
        return self.add(History(old.layer, old.sources, old.name, old.scattered, old.woven, reason))

    def _join(self, index: int, tensor: int, histories: Sequence[int]) -> int:
        """The history of what reads several histories of a tensor where they are."""
        spatial = self.spatial(tensor)
        sources = tuple(Source(each, tensor, spatial) for each in histories)
        scattered = max(self.histories[each].scattered for each in histories)
        return self.add(History(index, sources, scattered=scattered))


# Whoever asks for the receptive fields of a network mostly asks for more of them.
_LATEST = Remembered[Histories](CHANNELS, lambda _: MOST)


def histories_of(network: Network) -> Histories:
    """The histories of a network; those of the latest ones are kept."""
    return _LATEST.of(id(network), Histories, network)
