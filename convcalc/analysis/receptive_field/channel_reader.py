"""Finds what one layer makes of the channels of the tensors that it reads."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import accumulate
from math import prod
from typing import Any, Protocol

from convcalc.analysis.receptive_field.channels import Channels, History, Run, Source, count_runs
from convcalc.diagnostics.work import current
from convcalc.model.geometry.axis_maps import IDENTITY, Axes, Scattered
from convcalc.model.geometry.channel_maps import (
    JOINED,
    MIXED,
    OWN,
    Band,
    Block,
    Blocks,
    ChannelMap,
    ChannelsToPixels,
    Hidden,
    ImagesToPixels,
    PixelsToChannels,
    PixelsToImages,
    Turned,
    blocks_of,
    place_at,
)
from convcalc.model.graph.network import Layer
from convcalc.model.quantities.unknown import known

CHANNELS = "channels that are told apart"  # what their work is called
MOST_CHANNELS = 1 << 16  # of a tensor whose channels are told apart one by one
MOST_HISTORIES = 128  # of one tensor
TOO_MANY = f"its channels have more than {MOST_HISTORIES} different histories"
NOT_TOLD_APART = f"more than {MOST_CHANNELS:,} channels are not told apart"
UNKNOWN_CHANNELS = "it is not known which channels are read"
PART_OF_POSITIONS = "it reads a part of the positions, which lie in the channels"

PHASES = (PixelsToChannels, ChannelsToPixels, PixelsToImages, ImagesToPixels)
WOVEN = (ChannelsToPixels, ImagesToPixels)
DEALT = (PixelsToChannels, PixelsToImages)
NEVER_EVEN = (*DEALT, Turned)


class Before(Protocol):
    """The histories of all layers before, and how to add some."""

    histories: list[History]
    tensors: list[Channels]

    def mixed(self, tensor: int, index: int = -1) -> int:
        """The history of what reads all channels of a tensor."""

    def read_through(
        self, layer: Layer, number: int, axes: Axes, channel_map: ChannelMap
    ) -> tuple[Axes, tuple[int, ...]]:
        """Return what a layer reads of one of its inputs on each axis of the image, and their
        sizes.
        """

    def add(self, history: History) -> int:
        """The number of a new history."""

    def give_up(self, history: int, reason: str) -> int:
        """The number of the same history, of which it is not known what it reads."""


def channel_map_of(layer: Layer, number: int, start: int = -1) -> ChannelMap:
    """How the channels of a layer's output read those of one of its inputs; ``start`` is where
    those of the input begin in a row of all inputs' channels, if that is known."""
    maps = layer.analysis.channels
    channel_map = maps[number] if number < len(maps) else MIXED
    if channel_map is not JOINED:
        return channel_map
    if start < 0:
        start = sum(shape.channels for shape in layer.shapes[:number])
    return place_at(start, layer.shapes[number].channels)


def channel_starts(layer: Layer) -> Sequence[int]:
    """Where the channels of each input begin in a row of all of them."""
    return list(accumulate((shape.channels for shape in layer.shapes), initial=0))


class ChannelReader:
    """Finds what one layer makes of the channels of the tensors that it reads."""

    def __init__(self, all_: Before, index: int, layer: Layer, numbers: list[int]) -> None:
        self.all = all_
        self.index = index
        self.layer = layer
        self.numbers = numbers
        self.inputs = [all_.tensors[tensor] for tensor in layer.inputs]
        self.out_channels = layer.analysis.output.channels
        self.starts: Sequence[int] = ()  # of inputs that are joined, once they are asked for

    def map(self, number: int) -> ChannelMap:
        """How the output's channels read those of an input."""
        maps = self.layer.analysis.channels
        if number >= len(maps) or maps[number] is not JOINED:
            return channel_map_of(self.layer, number)
        if not self.starts:
            self.starts = channel_starts(self.layer)
        return channel_map_of(self.layer, number, self.starts[number])

    def is_even(self, number: int) -> bool:
        """Whether all channels of the output read the same of an input."""
        channel_map = self.map(number)
        if channel_map is MIXED and self.inputs[number].images == 1:
            return True
        if len(self.inputs[number]) > 1 or isinstance(channel_map, NEVER_EVEN):
            return False
        if not isinstance(channel_map, Blocks):
            return True
        return all(len(block.outputs) == self.out_channels for block in channel_map.parts)

    # --- the ways to read --------------------------------------------------------------------

    def one(self) -> Channels:
        """One history for all channels."""
        sources = tuple(each for number in self.numbers for each in self._only_sources(number))
        found = Channels((self.history(sources, self._lack_of_any()),), None, self._images())
        if any(self._is_given_up(number) for number in self.numbers):
            found.mixed = self._mixed()
        return found

    def _only_sources(self, number: int) -> list[Source]:
        """Return what all channels read of an input: its only history, or all of them; once for
        each block that has axes of its own, whose union is not a product of the axes.
        """
        channel_map = self.map(number)
        if channel_map is MIXED:
            mixed = self.all.mixed(self.layer.inputs[number], self.index)
            return [self.source(number, mixed, mixes=True)]
        (history, *_), mixes = self.inputs[number].histories, not self._keeps(number)
        if not isinstance(channel_map, Blocks):
            return [self.source(number, history, mixes)]
        axes = dict.fromkeys(
            (block.axes, block.groups < len(block.inputs)) for block in channel_map.parts
        )
        return [self.source(number, history, gathers, each) for each, gathers in axes]

    def _is_given_up(self, number: int) -> bool:
        """Whether it is known of an input what all channels see, but not what each does."""
        channels = self.inputs[number]
        return self.map(number) is not MIXED and channels.mixed not in (-1, channels.histories[0])

    def each(self, number: int) -> Channels:
        """A history for each of the input's."""
        channels = self.inputs[number]
        found = tuple(
            self.history((self.source(number, each, mixes=False),)) for each in channels.histories
        )
        if found == channels.histories and not self._flattens():
            return channels
        return Channels(found, self._flat_runs(channels), channels.images)

    def joined(self) -> Channels | None:
        """The channels of all inputs in a row; None where the batch holds images."""
        seen = sum(len(self.inputs[number]) for number in self.numbers)
        current().spend(len(self.numbers) + seen // 2, CHANNELS)
        histories: dict[int, int] = {}
        runs: list[Run] = []
        told = True
        for number in self.numbers:
            channels, shape = self.inputs[number], self.layer.shapes[number]
            if channels.images > 1:
                return None
            places = [histories.setdefault(each, len(histories)) for each in channels.histories]
            if len(places) > 1 and not channels.runs:
                told = False
            elif channels.runs is None:
                runs.append((places[0], shape.channels))
            else:
                runs += [(places[place], count) for place, count in channels.runs]
        found = Channels(tuple(histories), runs if told and len(histories) > 1 else None)
        if len(histories) > 8:  # joined from what was joined before, or long chains take for ever
            found.mixed = self._mixed()
        return self._limit(found)

    def told_apart(self) -> Channels:
        """The channels of the output one by one, those that read the same with one history."""
        images = self._images()
        if reason := self._obstacle(images):
            mixed = self._mixed()
            history = self.all.give_up(mixed, reason)
            return Channels((history,), None, images, mixed)
        reads = sum(self.layer.shapes[number].channels for number in self.numbers)
        current().spend((self.out_channels * len(self.numbers) + reads) * images // 2, CHANNELS)
        read: list[Any] = [()] * (self.out_channels * images)
        for number in self.numbers:
            self._add_labels(read, number, images)
        places, members = _numbered(read)
        if len(places) > MOST_HISTORIES:
            mixed = self._mixed()
            history = self.all.give_up(mixed, TOO_MANY)
            return Channels((history,), None, images, mixed)
        made = [self._history_of(labels) for labels in places]
        order: dict[int, int] = {}
        renumbered = [order.setdefault(each, len(order)) for each in made]
        if renumbered != list(range(len(made))):
            members = [renumbered[m] for m in members]
        found = Channels(tuple(order), count_runs(members) if len(order) > 1 else None, images)
        dealt = isinstance(self.map(self.numbers[0]), DEALT)
        if dealt and len(order) > 1 and len(self.inputs[self.numbers[0]]) == 1:
            found.mixed = self._mixed()  # the layer's own axes say it at once
        return found

    def _limit(self, channels: Channels) -> Channels:
        if len(channels) <= MOST_HISTORIES:
            return channels
        mixed = channels.mixed
        history = self.all.give_up(mixed, TOO_MANY)
        return Channels((history,), None, channels.images, mixed)

    # --- parts of it -------------------------------------------------------------------------

    def source(self, number: int, history: int, mixes: bool, axes: Axes | None = None) -> Source:
        """Return what the layer reads of a history of one of its inputs."""
        tensor = self.layer.inputs[number]
        gathers = mixes and self.all.histories[history].scattered > 0
        axes = self.layer.analysis.axes[number] if axes is None else axes
        axes, spatial = self.all.read_through(self.layer, number, axes, self.map(number))
        if all(axis is IDENTITY for axis in axes):
            return Source(history, tensor, spatial, None, gathers)
        return Source(history, tensor, spatial, axes, gathers)

    def history(self, sources: tuple[Source, ...], reason: str = "") -> int:
        """The history that reads these sources; that of a single one that is passed on."""
        if len(sources) == 1 and sources[0].axes is None and not sources[0].gathers and not reason:
            return sources[0].history
        return self.all.add(
            History(self.index, sources, scattered=self._scattered(sources), reason=reason)
        )

    def _scattered(self, sources: Sequence[Source]) -> int:
        """The number of positions that lie in the channels of what reads these sources."""
        found = 0
        for source in sources:
            if any(isinstance(axis, Scattered) for axis in source.axes or ()):
                positions = prod(source.spatial)
                found = max(found, positions if known(positions) else MOST_CHANNELS)
            if not source.gathers:
                found = max(found, self.all.histories[source.history].scattered)
        return found

    def _mixed(self) -> int:
        """The history of what reads all channels of the output."""
        sources = tuple(
            self.source(
                number,
                self.all.mixed(self.layer.inputs[number], self.index),
                mixes=not self._keeps(number),
            )
            for number in self.numbers
        )
        return self.history(sources, self._lack_of_any())

    def _lack_of_any(self) -> str:
        """The first reason why it is not known what is read of an input; empty if it is."""
        return next((why for number in self.numbers if (why := self._lack(number))), "")

    def _keeps(self, number: int) -> bool:
        """Whether an output channel reads single channels of an input."""
        channel_map = self.map(number)
        if channel_map is MIXED or isinstance(channel_map, Band):
            return False
        if isinstance(channel_map, Blocks):
            return all(block.groups == len(block.inputs) for block in channel_map.parts)
        return True

    def _lack(self, number: int) -> str:
        """Why it is not known what is read of an input whose positions lie in its channels."""
        channels, channel_map = self.inputs[number], self.map(number)
        positions = max(self.all.histories[each].scattered for each in channels.histories)
        if not positions or channel_map is MIXED or channel_map is OWN:
            return ""
        if not isinstance(channel_map, Blocks):
            return PART_OF_POSITIONS
        count = self.layer.shapes[number].channels
        for block in channel_map.parts:
            each = len(block.inputs) // block.groups
            whole = each % positions == 0 or block.groups == len(block.inputs)
            if not known((count, positions)) or not whole or block.inputs.step != 1:
                return PART_OF_POSITIONS
            if block.inputs.start % positions or len(block.inputs) % positions:
                return PART_OF_POSITIONS
        return ""

    def _images(self) -> int:
        """How many images of one sample the batch of the output holds."""
        images = max(self.inputs[number].images for number in self.numbers)
        channel_map = self.map(self.numbers[0])
        if isinstance(channel_map, PixelsToImages):
            return images * channel_map.phases
        if isinstance(channel_map, ImagesToPixels):
            return max(images // channel_map.phases, 1)
        return images

    def _obstacle(self, images: int) -> str:
        """Why the channels cannot be told apart one by one; empty if they can."""
        counts = [self.layer.shapes[number].channels for number in self.numbers]
        if not known((self.out_channels, *counts)):
            return UNKNOWN_CHANNELS
        if max(self.out_channels, *counts) * images > MOST_CHANNELS:
            return NOT_TOLD_APART
        return next((why for number in self.numbers if (why := self._input_obstacle(number))), "")

    def _input_obstacle(self, number: int) -> str:
        channels, channel_map = self.inputs[number], self.map(number)
        if isinstance(channel_map, Hidden):
            return channel_map.reason
        if isinstance(channel_map, PHASES) and channel_map.phases > MOST_HISTORIES:
            return TOO_MANY
        if len(channels) > 1 and channels.runs is None and channel_map is not MIXED:
            return NOT_TOLD_APART
        return self._lack(number)

    def _flattens(self) -> bool:
        axes = self.layer.analysis.axes[self.numbers[0]]
        return bool(axes) and isinstance(axes[0], Scattered)

    def _flat_runs(self, channels: Channels) -> Sequence[Run] | None:
        """The runs of the channels that a layer makes one by one; of each position, where it puts
        those into the channels."""
        if not self._flattens() or channels.runs is None:
            return channels.runs
        positions = self.layer.shapes[self.numbers[0]].positions
        if not known(positions):
            return None
        return [(place, count * positions) for place, count in channels.runs]

    # --- labels: an input, the axes, and which of its histories are read ----------------------

    def _add_labels(self, read: list[Any], number: int, images: int) -> None:
        """Add to each output channel what it reads of an input."""
        channels, channel_map = self.inputs[number], self.map(number)
        count = self.layer.shapes[number].channels
        members = channels.members() or [0] * (count * channels.images)
        if isinstance(channel_map, PixelsToImages | ImagesToPixels):
            phases = channel_map.phases
            if isinstance(channel_map, ImagesToPixels) and channels.images < phases:
                members = list(members) * phases
            self._add_blocks(read, number, channel_map.blocks(len(members)), members)
            return
        each = len(read) // images
        for image in range(images):
            start = image % channels.images * count
            part = read[image * each : (image + 1) * each]
            self._add_image(part, number, members[start : start + count])
            read[image * each : (image + 1) * each] = part

    def _add_image(self, read: list[Any], number: int, members: Sequence[int]) -> None:
        channel_map = self.map(number)
        if isinstance(channel_map, Band):
            for place, seen in enumerate(_windows(members, channel_map)):
                read[place] = (*read[place], (number, None, seen, True))
            return
        self._add_blocks(read, number, blocks_of(channel_map, len(members), len(read)), members)

    def _add_blocks(
        self, read: list[Any], number: int, blocks: Sequence[Block], members: Sequence[int]
    ) -> None:
        for block in blocks:
            outs = slice(block.outputs.start, block.outputs.stop, block.outputs.step)
            reads = members[block.inputs.start : block.inputs.stop : block.inputs.step]
            read[outs] = _extended(read[outs], _labels(number, block, reads))

    def _history_of(self, labels: Any) -> int:
        """The history of the output channels with these labels."""
        sources: dict[Any, Source] = {}
        for number, axes, seen, mixes in labels:
            for member in seen:
                history = self.inputs[number].histories[member]
                source = self.source(number, history, mixes, axes)
                sources[number, history, source.axes, source.gathers] = source
        found = tuple(sources.values())
        if isinstance(self.map(self.numbers[0]), WOVEN):
            return self.all.add(History(self.index, found, woven=True))
        return self.history(found)


# Neighbours mostly read the same, as one object: only where that ends is anything compared.


def _labels(number: int, block: Block, members: Sequence[int]) -> list[Any]:
    """For each output channel of a block: the input, the axes, the histories that it reads."""
    groups = block.groups
    outputs, inputs = len(block.outputs) // groups, len(block.inputs) // groups
    if inputs == 1:
        single = {member: (number, block.axes, (member,), False) for member in set(members)}
        if outputs == 1:
            return [single[member] for member in members]
        return [single[member] for member in members for _ in range(outputs)]
    found: list[Any] = []
    for group in range(groups):
        seen = tuple(sorted(set(members[group * inputs : (group + 1) * inputs])))
        found += [(number, block.axes, seen, True)] * outputs
    return found


def _extended(read: Sequence[Any], labels: Sequence[Any]) -> list[Any]:
    """Return what each channel reads, with one label more."""
    found: list[Any] = []
    last = last_label = longer = None
    for before, label in zip(read, labels, strict=True):
        if before is not last or label is not last_label:
            last, last_label, longer = before, label, (*before, label)
        found.append(longer)
    return found


def _numbered(read: Sequence[Any]) -> tuple[dict[Any, int], list[int]]:
    """A number for everything that a channel reads, and that of each channel."""
    places: dict[Any, int] = {}
    members: list[int] = []
    last, place = None, 0
    for labels in read:
        if labels is not last:
            last, place = labels, places.setdefault(labels, len(places))
        members.append(place)
    return places, members


def _windows(members: Sequence[int], band: Band) -> Iterator[tuple[int, ...]]:
    """For each channel, the histories that its window reads."""
    inside: dict[int, int] = {}
    count = len(members)
    for place in range(-band.before - band.after, count):
        comes, goes, middle = place + band.before + band.after, place - 1, place + band.before
        if 0 <= comes < count:
            inside[members[comes]] = inside.get(members[comes], 0) + 1
        if 0 <= goes < count:
            inside[members[goes]] -= 1
        if 0 <= middle < count:
            yield tuple(sorted(m for m, times in inside.items() if times))
