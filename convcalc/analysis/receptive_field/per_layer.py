"""The receptive field of every layer, one pass over the graph."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from typing import Any, NamedTuple, TypeVar

from convcalc.analysis.receptive_field.channels import Channels
from convcalc.analysis.receptive_field.domains import HULLS, SUPPORTS, Kind, V
from convcalc.analysis.receptive_field.histories import Histories
from convcalc.analysis.receptive_field.reach import LONGEST_PERIOD, PHASES, Reaches, seen_together
from convcalc.analysis.receptive_field.walk import Sight, Sights, Walk
from convcalc.analysis.report.report import ChannelClass, ReceptiveField
from convcalc.diagnostics.work import current
from convcalc.model.graph.network import Network
from convcalc.model.quantities.unknown import UNKNOWN, known

T = TypeVar("T")


def receptive_fields(
    network: Network, *, support: bool = False
) -> list[Mapping[str, ReceptiveField]]:
    """For each layer, its receptive field with respect to each input that it depends on.

    With ``support`` also which positions within the extent are really read, which takes longer.
    """
    walk = Walk(network)
    found = _Fields(walk.histories)
    fields = [
        found.of(tensor, walk.histories.spatial(tensor), seen)
        for tensor, (_, seen) in enumerate(walk.layers(), len(network.inputs))
    ]
    if len(_MADE) + len(_BY_SIGHT) > MOST_MADE:
        forget()
    return _add_coverage(network, walk.histories, fields) if support else fields


MOST_MADE = 1 << 14  # receptive fields that are kept for the next network
_MADE: dict[tuple[Sight, tuple[int, ...], tuple[int, ...]], ReceptiveField] = {}
_BY_SIGHT: dict[Any, tuple[Sight, ReceptiveField]] = {}  # by id, for which nothing is compared


def forget() -> None:
    """Forgets the receptive fields of networks before."""
    _MADE.clear()
    _BY_SIGHT.clear()


class _Fields:
    """Makes the receptive fields of tensors; those of equal channels and size once."""

    def __init__(self, histories: Histories) -> None:
        self.tensors = histories.tensors
        self.inputs = histories.network.inputs
        self.by_channels: dict[Any, Mapping[str, ReceptiveField]] = {}

    def of(
        self, tensor: int, spatial: tuple[int, ...], seen: Sequence[Sights]
    ) -> Mapping[str, ReceptiveField]:
        """The receptive fields of a tensor, by network input; ``seen`` is what its histories
        see."""
        channels = self.tensors[tensor]
        key = (id(channels), spatial)  # most layers pass on the channels that they get
        found = self.by_channels.get(key)
        if found is None:
            make = self._of_one if len(seen) == 1 else self._of_several
            found = self.by_channels[key] = make(channels, spatial, seen)
        return found

    def _of_one(
        self, channels: Channels, spatial: tuple[int, ...], seen: Sequence[Sights]
    ) -> Mapping[str, ReceptiveField]:
        return {
            name: self._of_sight(sight, spatial, self.inputs[name].spatial)
            for name, sight in seen[0].items()
            if sight.axes
        }

    def _of_several(
        self, channels: Channels, spatial: tuple[int, ...], seen: Sequence[Sights]
    ) -> Mapping[str, ReceptiveField]:
        found = {}
        for name in dict.fromkeys(name for each in seen for name in each):
            if not self.inputs[name].rank:
                continue
            fields = [
                self._of_sight(each[name], spatial, self.inputs[name].spatial)
                if name in each
                else None
                for each in seen
            ]
            some = {id(field): field for field in fields if field is not None}
            field = combine_fields(list(some.values()))
            if len({id(each) for each in fields}) > 1:
                field = field.replace(channels=_classes(channels, fields))
            found[name] = field
        return found

    def _of_sight(
        self, sight: Sight, spatial: tuple[int, ...], inputs: tuple[int, ...]
    ) -> ReceptiveField:
        _spend_on(sight.axes, spatial)
        near = (id(sight), spatial, inputs)
        seen_before = _BY_SIGHT.get(near)
        if seen_before is not None:
            return seen_before[1]
        key = (sight, spatial, inputs)
        found = _MADE.get(key)
        if found is None:
            found = _MADE[key] = _field(*key)
        _BY_SIGHT[near] = sight, found  # with the sight, so that its id stays taken
        return found


def _field(sight: Sight, spatial: tuple[int, ...], inputs: tuple[int, ...]) -> ReceptiveField:
    """The receptive field that the reaches of all axes give."""
    axes, wholes = sight.axes, sight.global_axes
    views = _per_axis(_view, axes, sizes_of(axes, spatial))
    parts = [reach for reaches in axes for reach in reaches]
    lost = [reaches[0].fixed for reaches in axes]
    if not sight.is_global:  # what is lost on some axes alone is seen there as a whole
        views = [
            view._replace(size=n, size_min=n) if gone and whole and not view.reason else view
            for view, gone, whole, n in zip(views, lost, wholes, inputs, strict=True)
        ]
    return ReceptiveField(
        tuple(view.size for view in views),
        tuple(view.size_min for view in views),
        tuple(view.jump for view in views),
        tuple(view.center for view in views),
        sight.is_global,
        any(reach.unbounded for reach in parts),
        next((view.reason for view in views if view.reason), ""),
        inputs,
        global_axes=wholes,
        is_partly_global=sight.is_partly_global,
    )


# --- channels of different history -----------------------------------------------------------


def combine_fields(fields: Sequence[ReceptiveField]) -> ReceptiveField:
    """The receptive field of a whole tensor, whose channels have these: on each axis the largest
    size, and the center of the channels that have it."""
    if len(fields) == 1:
        return fields[0]
    unknown = next((field for field in fields if field.reason), None)
    if unknown is not None:
        return unknown
    chosen = [
        max(fields, key=lambda field: (field.size[axis], field.size_min[axis]))
        for axis in range(len(fields[0].size))
    ]
    return fields[0].replace(
        size=tuple(field.size[axis] for axis, field in enumerate(chosen)),
        size_min=tuple(field.size_min[axis] for axis, field in enumerate(chosen)),
        jump=tuple(field.jump[axis] for axis, field in enumerate(chosen)),
        center=tuple(field.center[axis] for axis, field in enumerate(chosen)),
        is_global=any(field.is_global for field in fields),
        is_partly_global=any(field.is_partly_global for field in fields),
        unbounded=any(field.unbounded for field in fields),
        global_axes=tuple(
            any(each) for each in zip(*(field.global_axes for field in fields), strict=True)
        ),
    )


def _classes(
    channels: Channels, fields: Sequence[ReceptiveField | None]
) -> tuple[ChannelClass, ...]:
    """The channels of a tensor by what they see; ``fields`` are those of its histories."""
    places: dict[int, int] = {}
    place = [places.setdefault(id(field), len(places)) for field in fields]
    found: list[list[range]] = [[] for _ in places]
    start = 0
    for member, count in channels.runs or ():
        found[place[member]].append(range(start, start + count))
        start += count
    named = {place[member]: field for member, field in enumerate(fields)}
    return tuple(ChannelClass(_shorten(own), named[i]) for i, own in enumerate(found))


def ranges(numbers: Sequence[int]) -> tuple[range, ...]:
    """Channel numbers, in ascending order, as few ranges."""
    return _shorten([range(number, number + 1) for number in numbers])


def _shorten(runs: Sequence[range]) -> tuple[range, ...]:
    """The same channels as fewer ranges: neighbours, or single ones at equal distances."""
    found: list[range] = []
    for run in runs:
        last = found[-1] if found else range(0)
        if last and last.step == 1 and last.stop == run.start:
            found[-1] = range(last.start, run.stop)
        elif len(run) == 1 and len(last) == 1:
            found[-1] = range(last.start, run.stop, run.start - last.start)
        elif len(run) == 1 and len(last) > 1 and run.start == last[-1] + last.step:
            found[-1] = range(last.start, run.stop, last.step)
        else:
            found.append(run)
    return tuple(found)


def sizes_of(axes: tuple[Reaches, ...], spatial: tuple[int, ...]) -> tuple[int, ...]:
    """The output's size on each axis of the input; unknown where it has lost the axes."""
    return spatial if len(spatial) == len(axes) else (UNKNOWN,) * len(axes)


def _per_axis(make: Callable[[Any, int], T], axes: Sequence[Any], sizes: Sequence[int]) -> list[T]:
    """Return what is made of each axis and its size; once, if they are equal."""
    first, *others = zip(axes, sizes, strict=True)
    found = make(*first)
    return [found, *(found if each == first else make(*each) for each in others)]


class _View(NamedTuple):
    """The receptive field on one axis."""

    size: int
    size_min: int
    jump: Fraction
    center: Fraction
    reason: str = ""


_NOT_A_NUMBER: Fraction = UNKNOWN  # type: ignore[assignment]  # it absorbs arithmetic, as counts do


def _view(reaches: Reaches, size: int) -> _View:
    """The receptive field on one axis, over the ``size`` positions that occur."""
    jumps = {reach.jump for reach in reaches}
    jump = Fraction(jumps.pop()) if len(jumps) == 1 else _NOT_A_NUMBER
    count, reason = phase_count(reaches, size)
    if reason:
        return _View(UNKNOWN, UNKNOWN, _NOT_A_NUMBER, _NOT_A_NUMBER, reason)
    intervals = _seen_by(reaches, count, HULLS)
    extents = [0 if i is None else i[1] - i[0] + 1 for i in intervals]
    center, first = _NOT_A_NUMBER, intervals[0]
    if first is not None and all(reach.placed for reach in reaches):
        center = Fraction(first[0] + first[1], 2)
    return _View(max(extents), min(extents), jump, center)


def _spend_on(axes: tuple[Reaches, ...], spatial: tuple[int, ...]) -> None:
    """Spends the work of all positions that are looked at where reaches drift apart."""
    for reaches in axes:
        if len(reaches) > 1:
            sizes = [n for n in sizes_of(axes, spatial) if known(n) and n <= LONGEST_PERIOD]
            current().spend(sum(sizes) * len(reaches), PHASES)


def _seen_by(reaches: Reaches, count: int, kind: Kind[V]) -> Sequence[V | None]:
    """Return what each of the first ``count`` positions sees."""
    if len(reaches) == 1 and count <= reaches[0].period:
        return reaches[0].seen[:count]
    return [seen_together(reaches, y, kind) for y in range(count)]


def phase_count(reaches: Reaches, size: int) -> tuple[int, str]:
    """How many output positions, from the first, cover all that differ; or why it is unknown."""
    if len(reaches) == 1:
        (reach,) = reaches
        are_all = reach.fixed or not known(size) or reach.period < size
        return reach.period if are_all else size, reach.reason
    reason = next((reach.reason for reach in reaches if reach.reason), "")
    if not reason and (not known(size) or size > LONGEST_PERIOD):
        reason = "branches of different strides meet, so that it changes with the position"
    return size, reason


# --- what is really read -----------------------------------------------------------------------


def _add_coverage(
    network: Network, histories: Histories, fields: list[Mapping[str, ReceptiveField]]
) -> list[Mapping[str, ReceptiveField]]:
    """The receptive fields with their coverage and holes added."""
    done: dict[int, Mapping[str, ReceptiveField]] = {}
    result: list[Mapping[str, ReceptiveField]] = []
    walk = Walk(network, SUPPORTS, histories)
    tensors = range(len(network.inputs), len(network.inputs) + len(network.layers))
    for tensor, found, (_, seen) in zip(tensors, fields, walk.layers(), strict=True):
        now = done.get(id(found))  # most layers pass on what they get
        if now is None:
            spatial = histories.spatial(tensor)
            now = done[id(found)] = {
                name: _set_coverage(field, _coverages(name, seen, spatial))
                for name, field in found.items()
            }
        result.append(now)
    return result


def _coverages(
    name: str, seen: Sequence[Sights], spatial: tuple[int, ...]
) -> list[tuple[Fraction, int] | None]:
    """Return what is read of each axis of an input, of all channels together."""
    sights = {id(each[name]): each[name] for each in seen if name in each}
    axes = tuple(sight.axes for sight in sights.values())
    for each in axes:
        _spend_on(each, spatial)
    return _per_axis(_axis_coverage, [*zip(*axes, strict=True)], sizes_of(axes[0], spatial))


def _set_coverage(field: ReceptiveField, axes: list[tuple[Fraction, int] | None]) -> ReceptiveField:
    return field.replace(
        coverage=tuple(_NOT_A_NUMBER if axis is None else axis[0] for axis in axes),
        holes=tuple(UNKNOWN if axis is None else axis[1] for axis in axes),
    )


def _axis_coverage(channels: Sequence[Reaches], size: int) -> tuple[Fraction, int] | None:
    """The least share of an extent that is read, and the most positions in it that are not, of all
    phases and channels."""
    least, most = Fraction(1), 0
    for reaches in channels:
        count, reason = phase_count(reaches, size)
        if reason:
            return None
        seen = _seen_by(reaches, count, SUPPORTS)
        pairs = [(bits.bit_count(), bits.bit_length()) for _, bits in filter(None, seen)]
        least = min(least, min((Fraction(*pair) for pair in pairs), default=least))
        most = max(most, max((extent - read for read, extent in pairs), default=0))
    return least, most
