"""One pass over the network, in the order of the layers: what all channels see of the inputs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import accumulate
from typing import Any, NamedTuple

from convcalc.analysis.receptive_field.channel_reader import channel_map_of, channel_starts
from convcalc.analysis.receptive_field.channels import History, Source
from convcalc.analysis.receptive_field.domains import HULLS, SUPPORTS, Kind, TooWide
from convcalc.analysis.receptive_field.histories import Histories, histories_of
from convcalc.analysis.receptive_field.reach import (
    PHASES,
    Reach,
    Reaches,
    join,
    propagate,
    start,
)
from convcalc.analysis.receptive_field.remembered import Remembered
from convcalc.diagnostics.work import current
from convcalc.model.geometry.axis_maps import (
    IDENTITY,
    Axes,
    AxisMap,
    Chain,
    Deformed,
    Nothing,
    Slide,
    Union,
    Whole,
)
from convcalc.model.graph.network import Layer, Network

Lost = frozenset[int]  # numbers of axes on which all positions of a tensor see the same
NOWHERE: Lost = frozenset()
EVERYWHERE: Lost = frozenset(range(3))


_SHORT = 4096  # layers
_FEW = 8  # network inputs that one history sees
_NESTED = (Chain, Deformed, Union, Whole)  # maps made of others

# What is seen as hulls, after a layer and after a join, by ids of what was seen before; so what is
# seen at the start is one object.
_AFTER = Remembered[Reach](PHASES, lambda reach: 1 + reach.period)
_JOINED = Remembered[Reaches](PHASES, lambda reaches: sum(1 + each.period for each in reaches))
_START = start(HULLS)


def _phases(sight: Sight) -> int:
    return 1 + sum(1 + reach.period for reaches in sight.axes for reach in reaches)


_THROUGH = Remembered["Sight"](PHASES, _phases)  # what is seen through windows
_MEETING = Remembered["Sight"](PHASES, _phases)  # what several see together


class Sight(NamedTuple):
    """The part of one network input that some channels see: the reaches on each of its axes.

    ``wholes`` are the sets of axes of which they also see all positions at once, beside the local
    reach: a global pooling sees both axes of an image, the sums of rows and those of columns
    together see each axis, but never both. None of the sets is part of another. Those in ``parts``
    are seen in part: every n-th position, such as those of one phase.
    """

    axes: tuple[Reaches, ...]
    wholes: frozenset[Lost] = frozenset()
    parts: frozenset[Lost] = frozenset()

    @property
    def is_global(self) -> bool:
        """Whether the whole input is seen."""
        return any(len(axes) == len(self.axes) for axes in self.wholes)

    @property
    def is_partly_global(self) -> bool:
        """Whether the whole input is seen, but not every position of it."""
        every = (*self.wholes, *self.parts)
        return not self.is_global and any(len(axes) == len(self.axes) for axes in every)

    @property
    def global_axes(self) -> tuple[bool, ...]:
        """For each axis, whether all of it is seen."""
        seen = NOWHERE.union(*self.wholes)
        return tuple(axis in seen for axis in range(len(self.axes)))


Sights = Mapping[str, Sight]  # by network input


class Walk:
    """Computes what each history sees, in one representation (:class:`Kind`).

    Equal axes of a layer are computed once. What a history sees is dropped after its last reader,
    so that a long network needs no more memory than its widest point.
    """

    def __init__(
        self, network: Network, kind: Kind[Any] = HULLS, histories: Histories | None = None
    ) -> None:
        self.network = network
        self.kind = kind
        self.histories = histories or histories_of(network)
        self.seen: dict[int, Sights] = {}
        self._next = 0
        self._left_out: dict[tuple[int, str, tuple[int, ...]], bool] = {}

    def layers(self, until: int | None = None) -> Iterator[tuple[Layer, list[Sights]]]:
        """Yield each layer with what the histories of its output see, up to and including index
        ``until``."""
        first = len(self.network.inputs)
        # In a short network nothing needs to be dropped.
        dying = self._last_uses() if len(self.network.layers) > _SHORT else {}
        for index, layer in enumerate(self.network.layers):
            self._see_until(index)
            yield (
                layer,
                [self.seen[each] for each in self.histories.tensors[first + index].histories],
            )
            if index == until:
                return
            for history in dying.get(index, ()):
                self.seen.pop(history, None)

    def of(self, history: int) -> Sights:
        """Return what one history sees; those before it are dropped as soon as possible."""
        all_ = self.histories.histories
        last: dict[int, int] = {}
        needed = {history}
        for each in range(history, -1, -1):
            if each in needed:
                for source in all_[each].sources:
                    last.setdefault(source.history, each)
                    needed.add(source.history)
        found: dict[int, Sights] = {}
        self.seen = found
        dying: dict[int, list[int]] = {}
        for each, reader in last.items():
            dying.setdefault(reader, []).append(each)
        for each in sorted(needed):
            found[each] = self._see(all_[each])
            for gone in dying.get(each, ()):
                found.pop(gone, None)
        return found[history]

    def sources(self, until: int) -> Iterator[tuple[int, dict[int, Sight]]]:
        """For each history up to ``until`` what it sees of the first network input that it sees,
        by the number of the source through which it does."""
        for number, history in enumerate(self.histories.histories[: until + 1]):
            seen = self.seen[number] = self._see(history)
            if history.sources and seen:
                name = next(iter(seen))
                yield (
                    number,
                    {
                        place: self._propagate(source, self.seen[source.history][name], name)
                        for place, source in enumerate(history.sources)
                        if name in self.seen[source.history]
                    },
                )

    def together(self, seen: Sequence[Sights]) -> Sights:
        """Return what several histories of a tensor see together."""
        names = dict.fromkeys(name for each in seen for name in each)
        return {name: self._join([each[name] for each in seen if name in each]) for name in names}

    def parts(self, layer: Layer, tensors: Sequence[int], name: str) -> dict[int, Sight]:
        """Return what a layer sees of one network input, by the number of its own input that sees
        it.
        """
        found, starts = {}, channel_starts(layer)
        for number, tensor in enumerate(tensors):
            own = self.histories.tensors[tensor].histories
            sight = self.together([self.seen[each] for each in own]).get(name)
            axes = layer.analysis.axes[number]
            if sight is not None and not any(isinstance(axis, Nothing) for axis in axes):
                channel_map = channel_map_of(layer, number, starts[number])
                axes, spatial = self.histories.read_through(layer, number, axes, channel_map)
                source = Source(own[0], tensor, spatial, axes)
                found[number] = self._propagate(source, sight, name)
        return found

    # --- one history ---------------------------------------------------------------------------

    def _see_until(self, index: int) -> None:
        """See all histories that arise up to a layer."""
        histories = self.histories.histories
        while self._next < len(histories) and histories[self._next].layer <= index:
            self.seen[self._next] = self._see(histories[self._next])
            self._next += 1

    def _last_uses(self) -> dict[int, list[int]]:
        """By index of a layer, the histories that nobody reads after it."""
        seen_at = [*accumulate((each.layer for each in self.histories.histories), max)]
        last = dict(enumerate(seen_at))
        first = len(self.network.inputs)
        for index, layer in enumerate(self.network.layers):
            for tensor in (*layer.inputs, first + index):
                for history in self.histories.tensors[tensor].histories:
                    last[history] = index
        for at, each in zip(seen_at, self.histories.histories, strict=True):
            for source in each.sources:
                last[source.history] = max(last[source.history], at)
        dying: dict[int, list[int]] = {}
        for history, index in last.items():
            dying.setdefault(index, []).append(history)
        return dying

    def _see(self, history: History) -> Sights:
        if history.name:
            rank = self.network.inputs[history.name].rank
            seen = _START if self.kind is HULLS else start(self.kind)
            found: dict[str, Sight] = {history.name: Sight((seen,) * rank)}
        elif len(history.sources) == 1 and not history.woven:
            (source,) = history.sources
            found = {n: self._propagate(source, s, n) for n, s in self.seen[source.history].items()}
        else:
            found = self._see_several(history)
        if len(found) > _FEW:
            current().spend(len(found), "receptive fields on many inputs")
        if history.reason:
            return {name: _give_up(sight, history.reason) for name, sight in found.items()}
        return found

    def _see_several(self, history: History) -> dict[str, Sight]:
        found: dict[str, Sight] = {}
        by_name: dict[str, list[Source]] = {}
        for source in history.sources:
            for name in self.seen[source.history]:
                by_name.setdefault(name, []).append(source)
        for name, readers in by_name.items():
            sights = [
                self._propagate(each, self.seen[each.history][name], name) for each in readers
            ]
            found[name] = self._weave(readers, sights) if history.woven else self._join(sights)
        return found

    def _propagate(self, source: Source, sight: Sight, name: str) -> Sight:
        """Return what is seen through a layer of an input; what a vector sees passes unchanged."""
        maps = source.axes
        if self.kind is HULLS and maps and not source.gathers:
            for axis in maps:
                if type(axis) is not Slide:  # others may depend on the network
                    break
            else:
                key = (id(maps), id(sight))
                return _THROUGH.of(key, self._through, maps, sight, source, name)
        return self._through(maps, sight, source, name)

    def _through(self, maps: Axes | None, sight: Sight, source: Source, name: str) -> Sight:
        """Return what is seen through these maps."""
        axes = sight.axes
        if source.gathers:
            sight = self._widen(source, sight, frozenset(range(len(axes))), name)
        if maps is None or not axes:
            return sight
        if len(maps) != len(axes):  # of a vector, say
            is_placed = any(not reach.fixed for reaches in axes for reach in reaches)
            return _give_up(sight, OTHER_AXES) if is_placed and maps else sight
        reaches = self._propagate_axes(maps, axes)
        whole = _whole_axes(maps)
        wider = self._widen(source, sight, whole, name) if whole else sight
        if wider is sight and reaches == axes:
            return sight
        found = Sight(reaches, wider.wholes, wider.parts)
        return _THROUGH.same(found) if self.kind is HULLS else found

    def _widen(self, source: Source, sight: Sight, whole: Lost, name: str) -> Sight:
        """The same sight, of a layer that reads these axes as a whole."""
        sparse = [i for i in whole if all(reach.sparse for reach in sight.axes[i])]
        if sparse and self._leaves_out(source.history, name, sparse):
            parts = _add_axes(sight.wholes | sight.parts, whole)
            return sight._replace(parts=parts, wholes=frozenset())
        parts = _add_axes(sight.parts, whole) if sight.parts else sight.parts
        return sight._replace(parts=parts, wholes=_add_axes(sight.wholes, whole))

    def _leaves_out(self, history: int, name: str, axes: Sequence[int]) -> bool:
        """Whether all positions of some channels together leave out positions of an axis."""
        key = (history, name, tuple(axes))
        if key not in self._left_out:
            walk = Walk(self.network, SUPPORTS, self.histories)
            walk._left_out = self._left_out  # it asks the same of the histories before
            seen = walk.of(history)[name]
            found = any(not any(map(_reads_all, seen.axes[axis])) for axis in axes)
            self._left_out[key] = found
        return self._left_out[key]

    def _propagate_axes(self, maps: Axes, axes: tuple[Reaches, ...]) -> tuple[Reaches, ...]:
        """The reaches after each axis of a layer."""
        done: dict[Any, Reach] = {}  # square networks have equal axes
        found: list[Reaches] = []
        for axis, reaches in zip(maps, axes, strict=True):
            if axis is IDENTITY:
                found.append(reaches)
            elif len(reaches) == 1:
                found.append((self._propagate_axis(axis, reaches[0], done),))
            else:
                found.append(tuple([self._propagate_axis(axis, each, done) for each in reaches]))
        return tuple(found)

    def _propagate_axis(self, axis: AxisMap, reach: Reach, done: dict[Any, Reach]) -> Reach:
        """One reach after one axis of a layer; unknown, with a reason, if it is too wide."""
        key: Any = (type(axis), axis, id(reach))  # maps of different kinds may hold equal numbers
        found = done.get(key)
        if found is None:
            if self.kind is not HULLS:
                found = _after(axis, reach, self.kind)
            else:
                if isinstance(axis, _NESTED):  # in which such numbers may be
                    key = (id(axis), id(reach))
                found = _AFTER.of(key, _after, axis, reach, self.kind)
            done[key] = found
        return found

    # --- several sources -------------------------------------------------------------------------

    def _join(self, sights: Sequence[Sight]) -> Sight:
        """Return what several sights see together, axis by axis; equal axes share one object."""
        if len(sights) == 1:
            return sights[0]
        if not self.kind.repeats:
            sights = list({id(sight): sight for sight in sights}.values())
            if len(sights) == 1:
                return sights[0]
        if self.kind is not HULLS:
            return self._meeting(*sights)
        return _MEETING.of(tuple(map(id, sights)), self._meeting, *sights)

    def _meeting(self, *sights: Sight) -> Sight:
        """Return what several different sights see together."""
        lost = [_lost_axes(sight.axes) for sight in sights]
        counted = locating_inputs(lost)
        others = sorted(set(range(len(lost))).difference(counted))
        gone = NOWHERE.union(*(lost[i] for i in counted))
        done: dict[Any, Reaches] = {}
        result = []
        for axis, reaches in enumerate(zip(*(sight.axes for sight in sights), strict=True)):
            key = (axis in gone, *(id(reach) for each in reaches for reach in each))
            if key not in done:
                parts = [_fix(reaches[i]) if axis in gone else reaches[i] for i in counted]
                gates = [reaches[i] for i in others]
                done[key] = self._join_axis(parts, gates)
            result.append(done[key])
        return Sight(tuple(result), *_wholes_of(sights))

    def _join_axis(self, parts: Sequence[Reaches], gates: Sequence[Reaches]) -> Reaches:
        """The reaches of several sources on one axis."""
        if len(parts) == 1 and not gates:
            return parts[0]
        if self.kind is not HULLS:
            return _together(parts, gates, self.kind)
        key = (_ids(parts), _ids(gates))
        return _JOINED.of(key, _together, parts, gates, self.kind)

    def _weave(self, sources: Sequence[Source], sights: Sequence[Sight]) -> Sight:
        """Return what is seen where each position reads one of the sources in turn.

        On one axis a phase of positions must see the same, whatever the phase on the others.
        """
        result: list[Reaches] = []
        for axis in range(len(sights[0].axes)):
            by_phase: dict[Any, dict[Reaches, None]] = {}
            for source, sight in zip(sources, sights, strict=True):
                assert source.axes is not None
                by_phase.setdefault(source.axes[axis], {})[sight.axes[axis]] = None
            parts = [next(iter(each)) for each in by_phase.values()]
            fixed = {reach.fixed for each in parts for reach in each}
            if len(fixed) > 1 or any(len(each) > 1 for each in by_phase.values()):
                result.append((parts[0][0]._replace(reason=WOVEN_UNEVENLY),))
            else:
                result.append(self._join_axis(parts, ()))
        return Sight(tuple(result), *_wholes_of(sights))


def _after(axis: AxisMap, reach: Reach, kind: Kind[Any]) -> Reach:
    """A reach after one axis of a layer; unknown, with a reason, if it is too wide."""
    try:
        return propagate(axis, reach, kind)
    except TooWide as error:
        return reach._replace(reason=str(error))


def _together(parts: Sequence[Reaches], gates: Sequence[Reaches], kind: Kind[Any]) -> Reaches:
    """The reaches of several sources; unknown, with a reason, if they are too wide."""
    try:
        return join(parts, kind, gates)
    except TooWide as error:
        return (parts[0][0]._replace(reason=str(error)),)


def _ids(several: Sequence[Reaches]) -> tuple[tuple[int, ...], ...]:
    return tuple([tuple(map(id, reaches)) for reaches in several])


OTHER_AXES = "a layer has other axes than the input"
WOVEN_UNEVENLY = "what is seen on one axis differs with the position on another"


def _give_up(sight: Sight, reason: str) -> Sight:
    """An unknown receptive field, with the reason."""
    axes = tuple(
        tuple(reach if reach.reason else reach._replace(reason=reason) for reach in reaches)
        for reaches in sight.axes
    )
    return sight._replace(axes=axes)


# --- whole axes ----------------------------------------------------------------------------------


def _whole_axes(maps: Axes) -> Lost:
    """The axes that a layer reads as a whole."""
    whole = [i for i, axis in enumerate(maps) if type(axis) is not Slide and _reads_whole(axis)]
    return frozenset(whole) if whole else NOWHERE


def _reads_whole(axis: AxisMap) -> bool:
    if isinstance(axis, Whole):
        return True
    return isinstance(axis, Union) and any(_reads_whole(each) for each in axis.maps)


def _add_axes(wholes: frozenset[Lost], axes: Lost) -> frozenset[Lost]:
    """The sets of axes that are seen as a whole after a layer that reads these as a whole."""
    return _greatest(whole | axes for whole in (wholes or (NOWHERE,)))


def _wholes_of(sights: Sequence[Sight]) -> tuple[frozenset[Lost], frozenset[Lost]]:
    """The sets of axes of which several sights together see all positions, and those in part."""
    return (
        _greatest(whole for sight in sights for whole in sight.wholes),
        _greatest(part for sight in sights for part in sight.parts),
    )


def _reads_all(reach: Reach) -> bool:
    """Whether all positions of a reach of supports together leave out none of the input."""
    if reach.reason or reach.fixed:
        return True
    read, rounds = 0, reach.shift
    if not rounds:  # interpolated from a single position
        return False
    if sum(seen[1].bit_count() for seen in reach.seen if seen is not None) < rounds:
        return False  # too few positions, however they lie; a shift may be astronomic
    for seen in reach.seen:
        if seen is not None:
            first, bits = seen
            bits <<= first % rounds
            while bits:
                read |= bits & ((1 << rounds) - 1)
                bits >>= rounds
    return read == (1 << rounds) - 1


def _greatest(sets: Iterable[Lost]) -> frozenset[Lost]:
    """The sets that are not a part of another."""
    found = frozenset(sets)
    if len(found) < 2:
        return found
    return frozenset(each for each in found if not any(each < other for other in found))


# --- gates ---------------------------------------------------------------------------------------


def locating_inputs(lost: Sequence[Lost]) -> list[int]:
    """The numbers of the inputs of a join that determine where its output looks.

    ``lost`` holds the axes that each input has lost. An input that has lost its position on some
    axes only gates one that has kept it there. The output loses every axis that any of the
    inputs returned has lost: row sums and column sums together keep no position.
    """
    kinds = set(lost)  # at most 2^3, however many inputs there are
    least = {axes for axes in kinds if not any(other < axes for other in kinds)}
    return [i for i, axes in enumerate(lost) if axes in least]


def _lost_axes(axes: tuple[Reaches, ...]) -> Lost:
    """The numbers of the axes on which all positions see the same."""
    lost = [i for i, axis in enumerate(axes) if axis[0].fixed]
    return frozenset(lost) if lost else NOWHERE


def _fix(reaches: Reaches) -> Reaches:
    """The reaches of a tensor that has lost the axis."""
    return tuple(reach._replace(fixed=True) for reach in reaches)
