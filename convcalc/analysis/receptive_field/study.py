"""Everything about what one tensor of a network sees of one of its inputs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property
from math import prod, sqrt
from typing import Any, NamedTuple, TypeVar

from convcalc.analysis.receptive_field.axis_study import AxisStudy, StudyError, axis_study
from convcalc.analysis.receptive_field.channel_mixing import channels_seen, first_stack
from convcalc.analysis.receptive_field.channels import Channels
from convcalc.analysis.receptive_field.domains import SUPPORTS, TOTALS, Kind, Paths
from convcalc.analysis.receptive_field.histories import Histories, histories_of
from convcalc.analysis.receptive_field.measures import Spread, spread
from convcalc.analysis.receptive_field.per_layer import ranges, sizes_of
from convcalc.analysis.receptive_field.preimage import Unseen
from convcalc.analysis.receptive_field.reach import Reaches, seen_together
from convcalc.analysis.receptive_field.read_back import (
    Placed,
    last_placed,
    read_histories,
    seen_inputs,
)
from convcalc.analysis.receptive_field.region import Region, count, product, volume
from convcalc.analysis.receptive_field.trace import Level, levels
from convcalc.analysis.receptive_field.unread import Unread, unread
from convcalc.analysis.receptive_field.walk import Sight, Walk
from convcalc.analysis.receptive_field.weights import MOMENTS, Additions, Rounded, Weights
from convcalc.diagnostics.work import limited
from convcalc.model.geometry.sizes import axis_name
from convcalc.model.graph.network import Network
from convcalc.model.graph.paths import no_such_input, paths_of
from convcalc.model.quantities.presented import Saved, Shown, short
from convcalc.model.quantities.unknown import known

V = TypeVar("V")

MANY_HISTORIES = 1024  # whose shares may take too long, which is found out first
WIDEST_COUNT = 640  # bits of one path count; beyond, paths are shares and rounded


class Placeless(StudyError):
    """The tensor has no spatial position: everything in it sees the same."""


class ChannelsSeen(NamedTuple):
    """Of the ``channels`` of a tensor, how many a channel sees: the least, and the most."""

    of: str
    channels: int
    least: int
    most: int


class Paths1d(NamedTuple):
    """How many paths lead to each position of an extent: counts, or shares of all paths."""

    first: int
    counts: Sequence[int] | Sequence[float]
    exact: bool


@dataclass(frozen=True)
class Study(Shown, Saved):
    """The view of one tensor onto one input. Costly parts are computed on first use.

    ``path`` is the layer asked for; ``place`` the one whose positions are studied: a layer
    that has lost its axes is replaced by the last one before it that had them. ``asked`` and
    ``tensor`` are the numbers of their tensors. ``channels`` are the channels of ``path`` that are
    studied, empty for all of them; ``classes`` how many classes of channels of it differ. ``sight``
    is what ``path`` sees, as a hull, and beside the local path.
    """

    network: Network
    input: str
    path: str
    place: str
    tensor: int
    asked: int
    sight: Sight = field(repr=False)
    unbounded: bool
    axes: tuple[AxisStudy, ...]
    histories: Histories = field(repr=False)
    history: int
    channels: tuple[range, ...] = ()
    classes: int = 1
    channels_of: str = ""
    _reaches: dict[Any, tuple[Reaches, ...]] = field(default_factory=dict, repr=False)

    def __repr__(self) -> str:
        size = "×".join(str(axis.size) for axis in self.axes)
        where = f"{short(self.path)} at position {', '.join(map(str, self.positions))}"
        return f"<Study of {where}: sees {size} of input {short(self.input)}>"

    @property
    def is_global(self) -> bool:
        """Whether ``path`` also depends on the whole input."""
        return self.sight.is_global

    @property
    def rank(self) -> int:
        """Number of axes of the input."""
        return len(self.axes)

    @property
    def positions(self) -> tuple[int, ...]:
        """The output position studied, one number per axis."""
        return tuple(axis.position for axis in self.axes)

    @cached_property
    def channels_seen(self) -> ChannelsSeen | None:
        """How many channels of ``channels_of`` the channels of ``path`` see; by default of the
        tensor before the first layer with groups. None where there is none, or too many."""
        network = self.network
        of = tensor_of(network, self.channels_of) if self.channels_of else None
        start = first_stack(network, self.asked) if of is None else of
        sets = None if start is None else channels_seen(network, start, self.asked)
        if start is None or sets is None:
            return None
        counts = [each.bit_count() for each in sets]
        count = network.shape(start).channels
        return ChannelsSeen(_path(network, start), count, min(counts), max(counts))

    @cached_property
    def region(self) -> Region | None:
        """Every input position that the output position reads, on an endless input."""
        return self._read(bordered=False)

    @cached_property
    def coverage(self) -> Fraction | None:
        """The share of the box that is read, on all axes together."""
        if self.region is None:
            return None
        return Fraction(count(self.region, self.rank), volume(self.region, self.rank))

    @cached_property
    def inside(self) -> int | None:
        """How many real input positions the output position reads; None if that is unknown."""
        try:
            region = self._read(bordered=True)
        except Unseen:
            return None
        return 0 if region is None else count(region, self.rank)

    def _read(self, *, bordered: bool) -> Region | None:
        wanted = product([(axis.position, 1) for axis in self.axes])
        found = read_histories(self.histories, {self.history: wanted}, bordered=bordered)
        return found.get(self.input)

    def levels(self, axis: int) -> Iterator[Level]:
        """The tensors along the path that reaches furthest on an axis, the output first."""
        start = Placed(self.tensor, self.history)
        return levels(self.histories, start, axis, self.axes[axis].position)

    @cached_property
    def unread(self) -> Unread | None:
        """The input positions that no output of the network reads; None if that is unknown."""
        return unread(self.network, self.input)

    def paths(self, axis: int) -> Paths1d:
        """How many paths lead to each position of an axis."""
        totals = self._seen(TOTALS, axis)
        width = -(-(totals or 1).bit_length() // 8) * 8
        if width > WIDEST_COUNT:
            ways = self._seen(Rounded(), axis)
            return Paths1d(ways.first, ways.shares, False) if ways else Paths1d(0, (), False)
        kind = Paths(width)
        seen = self._seen(kind, axis)
        return Paths1d(seen[0], kind.counts(seen), True) if seen else Paths1d(0, (), True)

    def spread(self, axis: int) -> Spread | None:
        """The effective receptive field if all taps and all branches weigh the same: an
        estimate, which training changes. Where the shares of all positions would take too long,
        the deviation alone."""
        try:
            if len(self.histories.histories) > MANY_HISTORIES:
                self._seen(Additions(), axis)
            seen = self._seen(Weights(), axis)
        except Unseen:
            moments = self._seen(MOMENTS, axis)
            return Spread(sqrt(moments.variance), None) if moments else None
        return spread(seen[1]) if seen else None

    def _seen(self, kind: Kind[V], axis: int) -> V | None:
        """Return what the output position sees on one axis, in that representation."""
        key = (type(kind), getattr(kind, "width", 0))
        if key not in self._reaches:
            walk = Walk(self.network, kind, self.histories)
            self._reaches[key] = walk.of(self.history)[self.input].axes
        reaches = self._reaches[key][axis]
        if reason := next((reach.reason for reach in reaches if reach.reason), ""):
            raise Unseen(reason)
        position = 0 if self.axes[axis].lost else self.axes[axis].position
        return seen_together(reaches, position, kind)


# --- making one --------------------------------------------------------------------------------


@limited
def study(
    network: Network,
    path: str = "",
    position: Sequence[int] = (),
    name: str = "",
    *,
    channel: int | None = None,
    union: bool = False,
    channels_of: str = "",
) -> Study:
    """Study what a layer or block sees of a network input; by default the first output, and the
    first input that it depends on.

    ``position`` is an output position, one number per axis; by default the one nearest to the
    middle of those that see furthest. Where channels see different things, the study is that of
    ``channel``, counted from 0; with ``union``, of all channels together; by default, of those
    that see furthest. ``channels_of`` is the layer or input whose channels are counted that those
    of ``path`` see. Raises PathError for a path or an input that is not there, StudyError for a
    position or a channel that is not there, Placeless where all positions see the same, and
    Unseen where what is read cannot be known.
    """
    if name and name not in network.inputs:
        raise no_such_input(name, network.inputs)
    asked = tensor_of(network, path)
    if channels_of:
        tensor_of(network, channels_of)
    histories = histories_of(network)
    own = histories.tensors[asked]
    name = name or next(iter(seen_inputs(network, asked)), "")
    seen = _sights(histories, asked, name)
    history = _chosen(histories, asked, seen, channel, union)
    placed = _spatial_place(histories, Placed(asked, history), name)
    by_input = Walk(network, SUPPORTS, histories).of(placed.history)
    reaches = by_input[name].axes
    parts = [reach for each in reaches for reach in each]
    if all(reach.fixed for reach in parts):
        raise Placeless(f"'{_path(network, asked)}' sees the whole of '{name}' at every position")
    spatial = histories.spatial(placed.tensor)
    if position and len(position) != len(spatial):
        message = f"position {','.join(map(str, position))} is for {len(position)} axes"
        raise StudyError(message, f"'{_path(network, placed.tensor)}' has {len(spatial)}")
    sizes, outputs = network.inputs[name].spatial, sizes_of(reaches, spatial)
    same = [member for member, each in enumerate(seen) if each == seen[_place(own, history)]]
    classes = len(set(seen))
    return Study(
        network,
        name,
        _path(network, asked),
        _path(network, placed.tensor),
        placed.tensor,
        asked,
        Walk(network, histories=histories).of(history)[name],
        any(reach.unbounded for reach in parts),
        tuple(
            axis_study(axis_name(index, len(sizes)), *axis, position[index] if position else None)
            for index, axis in enumerate(zip(reaches, sizes, outputs, strict=True))
        ),
        histories,
        placed.history,
        () if union or classes == 1 else _channel_ranges(own, same),
        classes,
        channels_of,
    )


def _sights(histories: Histories, tensor: int, name: str) -> list[Sight | None]:
    """Return what each history of a tensor sees of an input, by its hull."""
    own = histories.tensors[tensor].histories
    if len(own) == 1:
        return [None]
    walk = Walk(histories.network, histories=histories)
    return [walk.of(history).get(name) for history in own]


def _place(channels: Channels, history: int) -> int:
    """The place of a history among those of a tensor; the first where it is of all of them."""
    return channels.histories.index(history) if history in channels.histories else 0


def _channel_ranges(channels: Channels, members: Sequence[int]) -> tuple[range, ...]:
    """The channels that have one of these histories."""
    return ranges([c for c, member in enumerate(channels.members()) if member in members])


def _chosen(
    histories: Histories,
    tensor: int,
    seen: Sequence[Sight | None],
    channel: int | None,
    union: bool,
) -> int:
    """The history to study; StudyError for a channel that is not there or not told apart."""
    own, network = histories.tensors[tensor], histories.network
    count = network.shape(tensor).channels
    if channel is not None:
        if known(count) and not 0 <= channel < count * own.images:
            raise StudyError(
                f"there is no channel {channel}", f"from 0 to {count * own.images - 1}"
            )
        history = own.of(channel)
        if history is None:
            raise Unseen(f"the {count:,} channels of '{_path(network, tensor)}' are not told apart")
        return history
    if len(own) == 1:
        return own.histories[0]
    if union:
        return histories.mixed(tensor, network.index(tensor))
    extents = [_extent(each) for each in seen]
    return own.histories[extents.index(max(extents))]


def _extent(sight: Sight | None) -> int:
    """How far some channels see: their extents on all axes, multiplied."""
    if sight is None:
        return -1
    return prod(
        max((hi - lo + 1 for reach in axis for lo, hi in filter(None, reach.seen)), default=0)
        for axis in sight.axes
    )


def _spatial_place(histories: Histories, asked: Placed, name: str) -> Placed:
    """The channels to study: the last with positions on the way to those ``asked`` for.

    Raises Placeless if only the input itself has positions, StudyError if ``asked`` does not
    depend on the input ``name``.
    """
    network, first = histories.network, len(histories.network.inputs)
    path = _path(network, asked.tensor)
    if asked.tensor < first:
        raise Placeless(f"'{path}' is an input of the network and sees itself")
    seen = seen_inputs(network, asked.tensor)
    if name and name not in seen:
        what = f"it sees {', '.join(seen)}" if seen else ""
        raise StudyError(f"'{path}' does not see '{name}'", what)
    placed = last_placed(histories, asked, name)
    if placed is None:
        raise Placeless(f"'{path}' sees no input that has spatial axes")
    if placed.tensor < first:
        raise Placeless(f"'{path}' sees the whole of '{_path(network, placed.tensor)}' at once")
    return placed


def tensor_of(network: Network, path: str) -> int:
    """The number of the tensor at a path, or of an output of that name; without a path, the first
    output that is not an input of the network. Raises PathError if there is none, StudyError for a
    network without layers."""
    if path:
        paths = paths_of(network)
        if path in network.outputs and paths.find(path) is None:
            return network.outputs[path]
        return paths.tensor(path)
    first = len(network.inputs)
    if network.outputs:
        made = (tensor for tensor in network.outputs.values() if tensor >= first)
        return next(made, next(iter(network.outputs.values())))
    if not network.layers:
        raise StudyError("the network has no layers")
    return first + len(network.layers) - 1


def _path(network: Network, tensor: int) -> str:
    first = len(network.inputs)
    return network.layers[tensor - first].path if tensor >= first else network.name_of(tensor)
