"""Which channels of one tensor the channels of a later one see: whether groups ever mix.

For each channel a set of the channels of the first tensor, as bits. A layer that mixes unites
them, groups and depthwise filters unite those of a group, and a shuffle moves them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import reduce
from operator import or_
from typing import NamedTuple

from convcalc.analysis.receptive_field.channel_reader import CHANNELS, MOST_CHANNELS, channel_map_of
from convcalc.diagnostics.work import current
from convcalc.model.geometry.axis_maps import Nothing, Scattered, Whole
from convcalc.model.geometry.channel_maps import (
    JOINED,
    MIXED,
    OWN,
    Band,
    Blocks,
    ChannelMap,
    Hidden,
    ImagesToPixels,
    PixelsToImages,
    blocks_of,
)
from convcalc.model.graph.network import Layer, Network
from convcalc.model.operators.contract import WEIGHTS
from convcalc.model.quantities.unknown import known

# For each channel of a tensor, the channels of the first one that it sees; one set for all of them
# where they see the same.
Sets = Sequence[int]


class Seen(NamedTuple):
    """The channels of an earlier tensor that the channels of a tensor see.

    ``grouped`` are the indices of the layers with groups on the way, first and last, or ``()``.
    ``placed`` is False behind a global pooling or a flatten: what mixes there mixes no positions,
    and ``sets`` are those of the tensor before.
    """

    sets: Sets
    grouped: tuple[int, ...] = ()
    placed: bool = True


class Apart(NamedTuple):
    """Groups that do not mix: the tensor of whose ``channels`` one channel sees at most ``most``,
    and the indices of the first and the last layer that keep them apart."""

    tensor: int
    channels: int
    most: int
    first: int
    last: int


def channels_seen(network: Network, of: int, tensor: int) -> Sets | None:
    """For each channel of a tensor, the channels of tensor ``of`` that it sees, as bits; None where
    they are too many, or not known, and where none sees any."""
    sets, count = _each(network, of), network.shape(tensor).channels
    if tensor == of or sets is None:
        return sets
    found = (_follow(network, of, sets, through_all=True) or {}).get(tensor)
    if found is None or not known(count) or count > MOST_CHANNELS:
        return None
    return list(found.sets) * count if len(found.sets) == 1 else found.sets


def first_stack(network: Network, tensor: int) -> int | None:
    """The tensor before the first layer with groups on the way to a tensor; None if there is
    none."""
    needed = {tensor}
    for index in range(network.index(tensor), -1, -1):
        if network.tensor(index) in needed:
            needed.update(network.layers[index].inputs)
    for number, layer in network.numbered():
        if number in needed and is_grouped(layer):
            return layer.inputs[0]
    return None


def unmixed(network: Network) -> Iterator[Apart]:
    """Each stack of two layers with groups or more whose groups no layer mixes up to an output.

    A classifier does not count: behind a global pooling or a flatten there are no positions whose
    features could be mixed.
    """
    covered: set[int] = set()  # tensors on which a stack that was looked at is still apart
    for layer in network.layers:
        if not is_grouped(layer) or layer.inputs[0] in covered:
            continue
        of = layer.inputs[0]
        sets = _each(network, of)
        if sets is None:
            continue
        found = _follow(network, of, sets)
        if found is None:
            continue
        covered |= found.keys()
        ends = [found[n] for n in network.outputs.values() if n in found]
        stacks = [seen for seen in ends if len(set(seen.grouped)) > 1]
        if stacks:
            most = max(each.bit_count() for seen in stacks for each in seen.sets)
            first, last = stacks[0].grouped
            yield Apart(of, len(sets), most, first, last)


def is_grouped(layer: Layer) -> bool:
    """Whether a layer with weights keeps groups of its input's channels apart, of more than one
    channel each: a depthwise filter has nothing to mix."""
    maps, terms = layer.analysis.channels, layer.analysis.terms
    if len(layer.inputs) != 1 or not maps or not isinstance(maps[0], Blocks):
        return False
    if not any(term.kind == WEIGHTS for term in terms):
        return False
    return all(1 < block.groups < len(block.inputs) for block in maps[0].parts)


def _each(network: Network, tensor: int) -> Sets | None:
    """Each channel of a tensor sees itself; None where they are too many, or not known."""
    count = network.shape(tensor).channels
    return [1 << c for c in range(count)] if known(count) and count <= MOST_CHANNELS >> 4 else None


def _follow(
    network: Network, of: int, sets: Sets, *, through_all: bool = False
) -> Mapping[int, Seen] | None:
    """Return what tensors see of the channels of one of them, up to the last position; with
    ``through_all`` also behind that, otherwise None as soon as a channel sees all."""
    found, every = {of: Seen(sets)}, (1 << len(sets)) - 1
    first, spend = network.index(of) + 1, current().spend
    rest = network.layers[first:]
    last = {tensor: index for index, layer in enumerate(rest, first) for tensor in layer.inputs}
    outputs = set(network.outputs.values())
    spend(len(rest), CHANNELS)
    for index, layer in enumerate(rest, first):
        spend(len(layer.inputs), CHANNELS)
        reads = {
            number: found[tensor]
            for number, tensor in enumerate(layer.inputs)
            if tensor in found
            and not any(isinstance(a, Nothing) for a in layer.analysis.axes[number])
        }
        parts = _joined(layer, reads) or [
            _read(layer, number, seen, through_all=through_all) for number, seen in reads.items()
        ]
        if parts and known(layer.analysis.output.channels):
            seen = found[network.tensor(index)] = _unite(
                layer, index, parts, through_all=through_all
            )
            spend(len(seen.sets) * (1 + len(sets) // 512) // 16, CHANNELS)
            if not through_all and every in seen.sets:
                return None
        for tensor in layer.inputs:  # the last reader needs no sets any more
            if tensor in found and last[tensor] == index and tensor not in outputs:
                found[tensor] = found[tensor]._replace(sets=())
    return found


def _joined(layer: Layer, reads: Mapping[int, Seen]) -> Sequence[Seen]:
    """Return what a layer sees that puts the channels of many inputs in a row, of all those
    together; nothing for other layers, and where an input has no place.
    """
    if len(reads) < 2 or layer.analysis.channels[:1] != (JOINED,):
        return ()
    if not all(seen.placed for seen in reads.values()):
        return ()
    made: list[int] = []
    for number, shape in enumerate(layer.shapes):
        sets = reads[number].sets if number in reads else [0]
        made += [*sets] * shape.channels if len(sets) == 1 else sets
    return [Seen(made, tuple(each for seen in reads.values() for each in seen.grouped))]


def _read(layer: Layer, number: int, seen: Seen, *, through_all: bool) -> Seen:
    """Return what a layer sees through one of its inputs."""
    axes = layer.analysis.axes[number]
    single = all(n == 1 for n in layer.analysis.output.spatial)
    loses = single and bool(axes) and all(map(_loses_place, axes))
    if not through_all and (loses or not seen.placed):
        return seen._replace(placed=False)
    if loses and isinstance(axes[0], Scattered):
        return seen._replace(sets=_flat(layer, number, seen.sets), placed=False)
    channel_map = channel_map_of(layer, number)
    count = layer.analysis.output.channels
    return seen._replace(sets=_through(channel_map, seen.sets, count))


def _loses_place(axis: object) -> bool:
    return isinstance(axis, Scattered) or (isinstance(axis, Whole) and axis.local is None)


def _flat(layer: Layer, number: int, sets: Sets) -> Sets:
    """The sets of a vector of all positions; all together, if those are too many."""
    count, positions = layer.analysis.output.channels, layer.shapes[number].positions
    if not known(count) or count > MOST_CHANNELS:
        return [_all(sets)]
    return [each for each in sets for _ in range(positions)]


def _through(channel_map: ChannelMap, sets: Sets, outputs: int) -> Sets:
    """The sets of a layer's output."""
    if channel_map is MIXED or isinstance(channel_map, Hidden):
        return [_all(sets)]
    if channel_map is OWN or isinstance(channel_map, PixelsToImages | ImagesToPixels):
        return sets
    if isinstance(channel_map, Band):
        before, after = channel_map.before, channel_map.after
        return [_all(sets[max(c - before, 0) : c + after + 1]) for c in range(len(sets))]
    if len(sets) == 1:
        return _where_read(channel_map, sets[0], outputs)
    made = [0] * outputs
    for block in blocks_of(channel_map, len(sets), outputs):
        reads = sets[block.inputs.start : block.inputs.stop : block.inputs.step]
        each, makes = len(block.inputs) // block.groups, len(block.outputs) // block.groups
        for group in range(block.groups):
            seen = reduce(or_, reads[group * each : (group + 1) * each], 0)
            for output in block.outputs[group * makes : (group + 1) * makes]:
                made[output] |= seen
    return made


def _where_read(channel_map: ChannelMap, seen: int, outputs: int) -> Sets:
    """The sets of a layer's output, where all channels of the input see the same."""
    if not isinstance(channel_map, Blocks):
        return [seen]
    if any(len(block.outputs) == outputs for block in channel_map.parts):
        return [seen]
    made = [0] * outputs
    for block in channel_map.parts:
        for output in block.outputs:
            made[output] = seen
    return made


def _all(sets: Sets) -> int:
    return reduce(or_, sets, 0)


def _unite(layer: Layer, index: int, parts: Sequence[Seen], *, through_all: bool) -> Seen:
    """Return what a layer sees through all of its inputs; a gate, without a place, mixes them,
    unless the channels are followed ``through_all``.
    """
    placed = [seen for seen in parts if seen.placed or through_all]
    grouped = tuple(each for seen in parts for each in seen.grouped)
    if placed and is_grouped(layer):
        grouped = (*grouped, index)
    ends = (min(grouped), max(grouped)) if grouped else ()
    longest = max(parts, key=lambda seen: len(seen.sets)).sets
    if placed and len(placed) < len(parts):
        return Seen([_all([_all(seen.sets) for seen in parts])], ends)
    if not placed:
        return Seen(longest, ends, placed=False)
    if len(parts) == 1:
        return Seen(longest, ends)
    made = [0] * len(longest)
    for seen in parts:
        sets = seen.sets if len(seen.sets) == len(made) else [_all(seen.sets)] * len(made)
        made = [a | b for a, b in zip(made, sets, strict=True)]
    return Seen(made, ends)
