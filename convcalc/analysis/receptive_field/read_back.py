"""Back over the graph from some positions of a tensor to the positions of the inputs they read.

The forward walk treats every axis as endless; this one can stop at the borders: zero padding
is not read, and reflected or circular padding is traced to the positions it copies. It is exact
on all axes together, also where branches of different shapes meet.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from functools import partial
from typing import NamedTuple

from convcalc.analysis.receptive_field.channels import History, Source
from convcalc.analysis.receptive_field.domains import Bits
from convcalc.analysis.receptive_field.histories import Histories, histories_of
from convcalc.analysis.receptive_field.preimage import Unseen, all_positions, preimage
from convcalc.analysis.receptive_field.region import Region, map_region, product, unite_regions
from convcalc.analysis.receptive_field.walk import EVERYWHERE, NOWHERE, Lost, locating_inputs
from convcalc.model.geometry.axis_maps import AxisMap, Scattered, Unreadable, Whole
from convcalc.model.graph.network import Network
from convcalc.model.quantities.unknown import known

POINT: Region = "point"  # all there is of a tensor without spatial axes


def read_back(
    network: Network, wanted: Mapping[int, Region], *, bordered: bool = False, strict: bool = False
) -> dict[str, Region]:
    """The regions of the network inputs, by name, that the ``wanted`` regions of tensors read, in
    all of their channels; see :func:`read_histories`."""
    histories = histories_of(network)
    found = {
        history: region
        for tensor, region in wanted.items()
        for history in histories.tensors[tensor].histories
    }
    if len(found) < sum(len(histories.tensors[tensor]) for tensor in wanted):
        found = _unite_wanted(histories, wanted)
    return read_histories(histories, found, bordered=bordered, strict=strict)


def _unite_wanted(histories: Histories, wanted: Mapping[int, Region]) -> dict[int, Region]:
    """The regions of each history, where several tensors share some."""
    found: dict[int, Region] = {}
    for tensor, region in wanted.items():
        rank = len(histories.spatial(tensor))
        for history in histories.tensors[tensor].histories:
            have = found.get(history)
            found[history] = region if have is None else _unite(have, region, rank)
    return found


def read_histories(
    histories: Histories,
    wanted: Mapping[int, Region],
    *,
    bordered: bool = False,
    strict: bool = False,
) -> dict[str, Region]:
    """The regions of the network inputs, by name, that the ``wanted`` regions of histories read.

    ``bordered`` stops at the ends of every tensor, whose sizes must be known. ``strict``
    follows global layers to the whole of what they see; otherwise, as in the receptive field,
    only paths that keep their position count, and a vector stands for the middle position. Raises
    Unseen where what is read cannot be known.
    """
    return _Back(histories, bordered, strict).read(dict(wanted))


class Placed(NamedTuple):
    """Some channels of a tensor: its number, and their history."""

    tensor: int
    history: int


def last_placed(histories: Histories, asked: Placed, name: str = "") -> Placed | None:
    """The last channels on the way to those asked for whose positions differ.

    Those are the channels themselves, or, for a vector, the last ones before the spatial position
    was lost. They must see the network input ``name``, or any with spatial axes if that is empty.
    Returns that input if only the input itself has positions, None if there is none.
    """
    network = histories.network
    walk = _Back(histories, bordered=False, strict=False)
    wanted = {name} if name else {each for each, x in network.inputs.items() if x.rank}
    depends = _depends_on(histories, wanted)
    left, met, found = [asked], set[Placed](), None
    while left:
        now = left.pop()
        if now in met or not depends[now.history]:
            continue
        met.add(now)
        sources = histories.histories[now.history].sources
        if not sources:
            found = now
        elif walk.lost[now.history] is not EVERYWHERE:
            return now
        elif (all_before := _all_before(histories, sources)) is not None:
            left.append(all_before)
            walk.find_lost()
            depends = _depends_on(histories, wanted)
        else:
            left += [Placed(each.tensor, each.history) for each in reversed(sources)]
    return found


def _all_before(histories: Histories, sources: Sequence[Source]) -> Placed | None:
    """All channels of the tensor before, if that is what several sources read, one each."""
    if len(sources) < 2:
        return None
    before = [histories.histories[source.history].sources for source in sources]
    if any(len(each) != 1 for each in before):
        return None
    tensors = {each[0].tensor for each in before}
    read = {each[0].history for each in before}
    if len(tensors) > 1:
        return None
    (tensor,) = tensors
    if read != set(histories.tensors[tensor].histories):
        return None
    return Placed(tensor, histories.mixed(tensor, histories.network.index(tensor)))


def last_spatial_tensor(network: Network, tensor: int, name: str = "") -> int | None:
    """The number of the last tensor on the way to ``tensor`` whose positions differ, through any of
    its channels; see :func:`last_placed`."""
    histories = histories_of(network)
    found = last_placed(histories, Placed(tensor, histories.mixed(tensor)), name)
    return None if found is None else found.tensor


def seen_inputs(network: Network, tensor: int) -> list[str]:
    """The network's inputs with spatial axes that a tensor depends on."""
    histories = histories_of(network)
    named = [name for name, x in network.inputs.items() if x.rank]
    bits = {name: 1 << place for place, name in enumerate(named)}
    depends: list[int] = []  # for each history, the inputs that it depends on, as bits
    for history in histories.histories:
        seen = bits.get(history.name, 0)
        for source in history.sources:
            seen |= depends[source.history]
        depends.append(seen)
    every = 0
    for own in histories.tensors[tensor].histories:
        every |= depends[own]
    return [name for name in named if every & bits[name]]


def _depends_on(histories: Histories, names: Set[str]) -> list[bool]:
    """For each history, whether it depends on one of these network inputs."""
    depends: list[bool] = []
    for history in histories.histories:
        reads = any(depends[source.history] for source in history.sources)
        depends.append(reads or history.name in names)
    return depends


class _Back:
    """One walk back; a pass forward first finds the channels that have lost their position.

    ``lost`` holds, by history, the axes on which all positions see the same, as behind a pooling
    of a whole axis, or EVERYWHERE.
    """

    def __init__(self, histories: Histories, bordered: bool, strict: bool) -> None:
        self.network = histories.network
        self.moved = histories.moved
        self.histories = histories.histories
        self.bordered = bordered
        self.strict = strict
        self.lost: list[Lost] = []
        if not strict:
            self.find_lost()

    def find_lost(self) -> None:
        """Finds what is lost, also of histories that have been added."""
        for history in self.histories[len(self.lost) :]:
            self.lost.append(self._lost_axes(history))

    def _lost_axes(self, history: History) -> Lost:
        """The axes that a history has lost, through any source that is followed."""
        if history.name:
            return NOWHERE if self.network.inputs[history.name].rank else EVERYWHERE
        lost = [self._lost_through(source) for source in self._followed(history)]
        axes = NOWHERE.union(*lost)
        all_of_them = bool(axes) and len(axes) >= self._rank(history)
        return EVERYWHERE if all_of_them or not lost else axes

    def _lost_through(self, source: Source) -> Lost:
        """The axes on which a source is read without regard to the position of what reads it."""
        before, axes = self.lost[source.history], source.axes
        if before is EVERYWHERE or axes is None:
            return before
        whole = {i for i, axis in enumerate(axes) if _loses(axis)}
        found = before | whole
        return EVERYWHERE if len(found) == len(axes) else found

    def _rank(self, history: History) -> int:
        """The number of axes of the tensor that a history is part of."""
        if history.name:
            return self.network.inputs[history.name].rank
        if all(source.axes is None for source in history.sources):
            return max((len(source.spatial) for source in history.sources), default=0)
        layout = self.moved.get(self.network.tensor(history.layer))
        output = self.network.layers[history.layer].analysis.output
        return output.rank if layout is None else len(layout.sizes)

    def read(self, wanted: dict[int, Region]) -> dict[str, Region]:
        """Walk from the last history to the first; the regions read, by network input."""
        found: dict[str, Region] = {}
        for number in range(max(wanted), -1, -1):
            region = wanted.pop(number, None)
            if region is None:
                continue
            history = self.histories[number]
            if history.reason:
                raise Unseen(history.reason)
            if history.name:
                if region is not POINT:
                    found[history.name] = region
                continue
            rank = self._rank(history)
            for source in self._followed(history):
                read = self._read_through(source, region, rank)
                if read is not None:
                    have = wanted.get(source.history)
                    rank_of_it = len(source.spatial)
                    wanted[source.history] = (
                        read if have is None else _unite(have, read, rank_of_it)
                    )
        return found

    def _followed(self, history: History) -> Sequence[Source]:
        """The sources that are followed; not gates, where another one keeps its position."""
        sources = history.sources
        if self.strict or len(sources) < 2 or history.woven:
            return sources
        lost = [self._lost_through(source) for source in sources]
        return [sources[i] for i in locating_inputs(lost)]

    def _read_through(self, source: Source, region: Region, rank: int) -> Region | None:
        """Return what a region reads of a source."""
        axes, spatial = source.axes, source.spatial
        if not spatial:
            return POINT
        for axis in axes or ():
            if isinstance(axis, Unreadable):
                raise Unseen(axis.reason)
        if rank != len(spatial) or region is POINT:  # no axis of one is an axis of the other
            region = product([(0, 1)] * len(spatial))
        if axes is None:
            return region
        sizes = spatial if self.bordered else (None,) * len(spatial)
        reads = [partial(self._axis, axis, size) for axis, size in zip(axes, sizes, strict=True)]
        return map_region(region, reads)

    def _axis(self, axis: AxisMap, size: int | None, wanted: Bits) -> Bits | None:
        if _loses(axis) or (self.strict and isinstance(axis, Whole)):
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


def _loses(axis: AxisMap) -> bool:
    """Whether an output's position plays no part in what it reads."""
    return isinstance(axis, Scattered) or (isinstance(axis, Whole) and not axis.local)


def _unite(have: Region, read: Region, rank: int) -> Region:
    return have if have is POINT else unite_regions(have, read, rank)
