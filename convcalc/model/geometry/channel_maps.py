"""How the channels of an output read the channels of one input.

Beside the axis maps, which say at which positions an output reads, these say in which channels. An
operator that says nothing mixes: every output channel reads every input channel. So does
:data:`MIXED`; all others keep channels of different history apart.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from itertools import product
from math import prod

from convcalc.model.geometry.axis_maps import Axes, Interleaved, Slide
from convcalc.model.quantities.record import Value
from convcalc.model.quantities.unknown import known


class Block(Value):
    """Some output channels and the input channels that they read, in equal ``groups``: the j-th
    group of outputs reads the j-th group of inputs.

    ``axes`` are the positions that they read, where that is not what the analysis says of all.
    """

    outputs: range
    inputs: range
    groups: int = 1
    axes: Axes | None = None


class Blocks(Value):
    """Several blocks; an output channel reads what each of those says that it is in."""

    parts: tuple[Block, ...]

    def blocks(self, channels: int) -> tuple[Block, ...]:
        """The blocks themselves."""
        return self.parts


class Own(Value):
    """Each output channel reads the input channel of its number."""


class Joined(Value):
    """The output channels are those of all inputs in a row, this one's among them."""


class Band(Value):
    """Each output channel reads the input channels from ``before`` below its number to ``after``
    above it."""

    before: int
    after: int


class Chosen(Value):
    """Output channel i reads input channel ``indices[i]``."""

    indices: tuple[int, ...]

    def blocks(self, channels: int) -> tuple[Block, ...]:
        """One block for each output channel."""
        return tuple(Block(range(i, i + 1), range(c, c + 1)) for i, c in enumerate(self.indices))


class Shuffled(Value):
    """The channels of ``groups`` groups take turns."""

    groups: int

    def blocks(self, channels: int) -> tuple[Block, ...]:
        """One block for each group."""
        each = channels // self.groups
        return tuple(
            Block(range(j, channels, self.groups), range(j * each, (j + 1) * each), each)
            for j in range(self.groups)
        )


class Hidden(Value):
    """It is not known which channels are read; ``reason`` says why."""

    reason: str


class Turned(Hidden):
    """Positions have become channels: each output channel reads positions of its own, which are not
    told apart. What all channels read together is what the analysis says."""


class Dealt(Value):
    """Positions are dealt out, or come together again, in phases of ``factor`` on each axis."""

    factor: tuple[int, ...]

    @property
    def phases(self) -> int:
        """The number of phases."""
        return prod(self.factor)


class PixelsToChannels(Dealt):
    """Output channel c·prod(factor) + phase reads input channel c at every factor-th position."""

    def blocks(self, channels: int) -> tuple[Block, ...]:
        """One block for each phase, of so many input channels."""
        return tuple(
            Block(
                range(phase, channels * self.phases, self.phases), range(channels), channels, axes
            )
            for phase, axes in enumerate(_every(self.factor, (0,) * len(self.factor)))
        )


class ChannelsToPixels(Dealt):
    """Output channel c reads at each position one of the input channels from c·prod(factor) on."""

    def blocks(self, channels: int) -> tuple[Block, ...]:
        """One block for each phase, of so many input channels."""
        rest = channels // self.phases
        return tuple(
            Block(range(rest), range(phase, channels, self.phases), rest, axes)
            for phase, axes in enumerate(_woven(self.factor, (0,) * len(self.factor)))
        )


class PixelsToImages(Dealt):
    """Image ``phase`` of the output holds every factor-th position, ``before`` padded."""

    before: tuple[int, ...]

    def blocks(self, channels: int) -> tuple[Block, ...]:
        """One block for each image; the channels of all images in a row."""
        return tuple(
            Block(range(i * channels, (i + 1) * channels), range(channels), channels, axes)
            for i, axes in enumerate(_every(self.factor, self.before))
        )


class ImagesToPixels(Dealt):
    """The positions of the output come from the images in turn, ``before`` of them cut off."""

    before: tuple[int, ...]

    def blocks(self, channels: int) -> tuple[Block, ...]:
        """One block for each image; the channels of all images in a row."""
        rest = channels // self.phases
        return tuple(
            Block(range(rest), range(i * rest, (i + 1) * rest), rest, axes)
            for i, axes in enumerate(_woven(self.factor, self.before))
        )


Listed = Blocks | Chosen | Shuffled
Phases = PixelsToChannels | ChannelsToPixels | PixelsToImages | ImagesToPixels
ChannelMap = Own | Joined | Band | Hidden | Listed | Phases | None

OWN = Own()
JOINED = Joined()
MIXED = None


def _every(factor: Sequence[int], before: Sequence[int]) -> list[Axes]:
    """For each phase, the axes on which every factor-th position is read."""
    return [
        tuple(Slide(1, f, p - at) for f, p, at in zip(factor, before, phase, strict=True))
        for phase in product(*map(range, factor))
    ]


def _woven(factor: Sequence[int], before: Sequence[int]) -> list[Axes]:
    """For each phase, the axes of which every factor-th output reads the next position."""
    return [
        tuple(Interleaved(f, at, p) for f, p, at in zip(factor, before, phase, strict=True))
        for phase in product(*map(range, factor))
    ]


def grouped(groups: int, inputs: int, outputs: int) -> ChannelMap:
    """The map of a layer whose groups of channels do not mix."""
    if groups == 1:
        return MIXED
    if groups == inputs == outputs:
        return OWN
    return Blocks((Block(range(outputs), range(inputs), groups),))


def select(start: int, stop: int) -> ChannelMap:
    """The map of a slice of the channels."""
    if not known((start, stop)):
        return Hidden("the number of channels is not known")
    count = stop - start
    return Blocks((Block(range(count), range(start, stop), count),))


@lru_cache(1 << 10)  # of joins that grow, each has the places of those before
def place_at(start: int, channels: int) -> ChannelMap:
    """The map of an input whose channels are those of the output from ``start`` on."""
    if not known((start, channels)):
        return Hidden("the number of channels is not known")
    return Blocks((Block(range(start, start + channels), range(channels), channels),))


def blocks_of(channel_map: ChannelMap, inputs: int, outputs: int) -> Sequence[Block]:
    """A channel map of so many channels as blocks; not a Band, nor one that is Hidden."""
    if channel_map is MIXED:
        return (Block(range(outputs), range(inputs)),)
    if isinstance(channel_map, Own):
        return (Block(range(outputs), range(inputs), inputs),)
    assert not isinstance(channel_map, Band | Joined | Hidden)
    return channel_map.blocks(inputs)
