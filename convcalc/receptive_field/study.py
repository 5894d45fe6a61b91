"""Everything about what one tensor of a network sees of one of its inputs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property
from math import ceil, floor, lcm
from typing import Any, NamedTuple, TypeVar

from convcalc.geometry import axis_name
from convcalc.graph import Network
from convcalc.receptive_field.backward import POINT, grounded, read_back
from convcalc.receptive_field.fields import differing, sizes_of
from convcalc.receptive_field.kinds import (
    HULLS,
    ROUNDED,
    SUPPORTS,
    TOTALS,
    WEIGHTS,
    Bits,
    Kind,
    Paths,
)
from convcalc.receptive_field.measures import (
    Spread,
    center_of,
    coverage,
    extent_of,
    holes,
    overlap,
    spacing,
    spread,
)
from convcalc.receptive_field.preimage import Unseen, every
from convcalc.receptive_field.preimage import positions as listed
from convcalc.receptive_field.reach import Reaches, seen_together
from convcalc.receptive_field.region import Region, count, product, shadows, volume
from convcalc.receptive_field.walk import Walk
from convcalc.shape import UNKNOWN, known

V = TypeVar("V")

WIDEST_COUNT = 640  # bits of one path count; beyond, paths are shares and rounded


class StudyError(Exception):
    """What was asked for has no receptive field; ``help`` says what has."""

    def __init__(self, message: str, advice: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.help = advice


class Halo(NamedTuple):
    """Input positions that a tile of outputs needs beyond its own, at worst over all phases.

    Output y owns the inputs from floor(y·jump) to the next output's. ``offset`` is where the
    outputs begin on the input: half of what a network without padding cuts off.
    """

    before: int
    after: int
    offset: int


class Paths1d(NamedTuple):
    """How many paths lead to each position of an extent: counts, or shares of all paths."""

    first: int
    counts: Sequence[int] | Sequence[float]
    exact: bool


@dataclass(frozen=True)
class AxisStudy:
    """One axis. Positions count input positions from 0; negative ones are padding.

    ``position`` is the output position that is looked at, ``seen`` what it reads on an endless
    axis. ``size`` and ``size_min`` are the extents over all output positions that differ,
    ``phases`` how many those are. ``coverage`` and ``coverage_max`` are the least and the
    greatest share of an extent that is read. ``envelope`` is the extent of all phases laid over
    each other. ``ahead`` is how far an output looks beyond its own input positions at most; 0
    or less on a causal axis.
    """

    name: str
    input_size: int
    output_size: int
    jump: Fraction
    phases: int
    size: int
    size_min: int
    position: int
    seen: Bits | None
    neighbour: Bits | None
    coverage: Fraction
    coverage_max: Fraction
    envelope: int
    halo: Halo | None

    @property
    def center(self) -> Fraction | None:
        """The middle of what ``position`` sees."""
        return center_of(self.seen) if self.seen else None

    @property
    def holes(self) -> tuple[int, ...]:
        """The input positions within the extent that ``position`` does not read."""
        return holes(self.seen) if self.seen else ()

    @property
    def spacing(self) -> int:
        """Above 1: only every so many input positions are read (gridding)."""
        return spacing(self.seen) if self.seen else 1

    @property
    def overlap(self) -> Fraction | None:
        """What ``position`` and the next one share of all that they read."""
        return overlap(self.seen, self.neighbour) if self.seen and self.neighbour else None

    @property
    def ahead(self) -> int | None:
        """Input positions beyond the output's own that it looks at, at most."""
        return self.halo.after + self.halo.offset if self.halo else None

    @property
    def clipped(self) -> tuple[int, int] | None:
        """First and last position of what is left of the extent within the input."""
        if self.seen is None or not known(self.input_size):
            return None
        low = max(self.seen[0], 0)
        high = min(self.seen[0] + extent_of(self.seen), self.input_size) - 1
        return (low, high) if low <= high else None

    @property
    def padding_share(self) -> Fraction | None:
        """The share of the extent that is padding."""
        if self.seen is None or not known(self.input_size):
            return None
        inside = self.clipped
        size = 0 if inside is None else inside[1] - inside[0] + 1
        return 1 - Fraction(size, extent_of(self.seen))


@dataclass(frozen=True)
class Study:
    """What one tensor sees of one input. Costly parts are computed when they are asked for.

    ``path`` is the layer asked for; ``place`` the one whose positions are looked at: a layer
    that has lost its axes stands for the last one before it that had them.
    """

    network: Network
    input: str
    path: str
    place: str
    tensor: int
    is_global: bool
    unbounded: bool
    axes: tuple[AxisStudy, ...]
    _sights: dict[Any, tuple[Reaches, ...]] = field(default_factory=dict, repr=False)

    @property
    def rank(self) -> int:
        """Number of axes of the input."""
        return len(self.axes)

    @property
    def positions(self) -> tuple[int, ...]:
        """The output position that is looked at."""
        return tuple(axis.position for axis in self.axes)

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
        return read_back(self.network, {self.tensor: wanted}, bordered=bordered).get(self.input)

    @cached_property
    def unread(self) -> Unread | None:
        """The input positions that no output of the network reads; None if that is unknown."""
        return unread(self.network, self.input)

    def paths(self, axis: int) -> Paths1d:
        """How many paths lead to each position of an axis."""
        totals = self._seen(TOTALS, axis)
        width = -(-(totals or 1).bit_length() // 8) * 8
        if width > WIDEST_COUNT:
            ways = self._seen(ROUNDED, axis)
            return Paths1d(ways.first, ways.shares, False) if ways else Paths1d(0, (), False)
        kind = Paths(width)
        seen = self._seen(kind, axis)
        return Paths1d(seen[0], kind.counts(seen), True) if seen else Paths1d(0, (), True)

    def spread(self, axis: int) -> Spread | None:
        """The effective receptive field if all taps and all branches weigh the same: an
        estimate, which training changes."""
        seen = self._seen(WEIGHTS, axis)
        return spread(seen[1]) if seen else None

    def _seen(self, kind: Kind[V], axis: int) -> V | None:
        """What the output position sees on one axis, as that kind."""
        key = (type(kind), getattr(kind, "width", 0))
        if key not in self._sights:
            self._sights[key] = _sight(self.network, self.tensor, self.input, kind)
        reaches = self._sights[key][axis]
        if reason := next((reach.reason for reach in reaches if reach.reason), ""):
            raise Unseen(reason)
        return seen_together(reaches, self.axes[axis].position, kind)


class Unread(NamedTuple):
    """Input positions that nobody reads: how many, of how many, and on each axis those of
    which no part is read."""

    number: int
    total: int
    lines: tuple[tuple[int, ...], ...]


def unread(network: Network, name: str) -> Unread | None:
    """The positions of an input that no output of the network reads; None if unknown."""
    shape = network.inputs[name]
    outputs = {number: network.shape(number) for number in network.outputs.values()}
    sizes = (*shape.spatial, *(n for each in outputs.values() for n in each.spatial))
    if not outputs or not known(sizes):
        return None
    wanted = {
        number: product([every(n) for n in each.spatial]) if each.rank else POINT
        for number, each in outputs.items()
    }
    try:
        region = read_back(network, wanted, bordered=True, strict=True).get(name)
    except Unseen:
        return None
    if region is None:
        nothing = tuple(tuple(range(n)) for n in shape.spatial)
        return Unread(shape.positions, shape.positions, nothing)
    read = count(region, shape.rank)
    lines = zip(shape.spatial, shadows(region, shape.rank), strict=True)
    return Unread(
        shape.positions - read,
        shape.positions,
        tuple(tuple(sorted(set(range(n)) - set(listed(bits)))) for n, bits in lines),
    )


# --- making one --------------------------------------------------------------------------------


def study(network: Network, path: str = "", position: Sequence[int] = (), name: str = "") -> Study:
    """What a layer or block sees of an input; by default the first output, of the first input
    that it depends on.

    ``position`` is an output position, one number per axis; by default the middle one of those
    that see furthest. Raises StudyError for a path or a position that is not there.
    """
    asked = tensor_of(network, path)
    tensor = grounded(network, asked)
    first = len(network.inputs)
    if tensor < first:
        raise StudyError(f"'{_path(network, asked)}' sees its whole input from the start")
    hulls, name = _of_input(network, tensor, name)
    supports = _sight(network, tensor, name, SUPPORTS)
    spatial = network.shape(tensor).spatial
    if position and len(position) != len(hulls):
        message = f"position {','.join(map(str, position))} is for {len(position)} axes"
        raise StudyError(message, f"'{_path(network, tensor)}' has {len(hulls)}")
    axes = tuple(
        _axis(index, hull, support, network.inputs[name].spatial, size, position)
        for index, (hull, support, size) in enumerate(
            zip(hulls, supports, sizes_of(hulls, spatial), strict=True)
        )
    )
    parts = [reach for reaches in hulls for reach in reaches]
    return Study(
        network,
        name,
        _path(network, asked),
        _path(network, tensor),
        tensor,
        tensor != asked or any(reach.is_global for reach in parts),
        any(reach.unbounded for reach in parts),
        axes,
    )


def tensor_of(network: Network, path: str) -> int:
    """The number of the tensor that a layer or a block makes; without a path, the first output."""
    first = len(network.inputs)
    if not path and network.outputs:
        return next(iter(network.outputs.values()))
    for index in range(len(network.layers) - 1, -1, -1):
        layer = network.layers[index]
        if not path or layer.path == path or any(group.path == path for group in layer.groups):
            return first + index
    from convcalc.diagnostics import nearest

    paths = dict.fromkeys(
        each for layer in network.layers for each in (*(g.path for g in layer.groups), layer.path)
    )
    close = nearest(path, list(paths))
    raise StudyError(f"there is no layer '{path}'", f"use '{close}'" if close else "")


def _path(network: Network, tensor: int) -> str:
    first = len(network.inputs)
    return network.layers[tensor - first].path if tensor >= first else list(network.inputs)[tensor]


def _sight(network: Network, tensor: int, name: str, kind: Kind[Any]) -> tuple[Reaches, ...]:
    """The reaches of one tensor into one input."""
    until = tensor - len(network.inputs)
    *_, (_, sight) = Walk(network, kind).layers(until)
    return sight[name]


def _of_input(network: Network, tensor: int, name: str) -> tuple[tuple[Reaches, ...], str]:
    """The hulls of a tensor in an input, and which input that is."""
    until = tensor - len(network.inputs)
    *_, (layer, sight) = Walk(network, HULLS).layers(until)
    seen = {each: axes for each, axes in sight.items() if axes}
    if name and name not in seen:
        raise StudyError(f"'{layer.path}' does not see '{name}'", f"it sees {', '.join(seen)}")
    if not seen:
        raise StudyError(f"'{layer.path}' sees no input that has spatial axes")
    name = name or next(iter(seen))
    return seen[name], name


def _axis(
    index: int,
    hulls: Reaches,
    supports: Reaches,
    inputs: tuple[int, ...],
    size: int,
    wanted: Sequence[int],
) -> AxisStudy:
    """One axis, at the wanted position or at one that sees furthest."""
    name = axis_name(index, len(inputs))
    phases, reason = differing(hulls, size)
    more, also = differing(supports, size)
    if reason or also:
        raise Unseen(reason or also)
    phases = lcm(phases, more) if len(supports) == 1 else phases
    phases = min(phases, size) if known(size) else phases
    seen = [seen_together(supports, y, SUPPORTS) for y in range(phases)]
    extents = [0 if each is None else extent_of(each) for each in seen]
    if wanted:
        position = wanted[index]
        if known(size) and not 0 <= position < size:
            raise StudyError(f"there is no {name} {position}", f"from 0 to {size - 1}")
    else:
        position = _middle(extents.index(max(extents)), phases, size)
    shares = [coverage(each) for each in seen if each is not None]
    jumps = {reach.jump for reach in hulls}
    jump = jumps.pop() if len(jumps) == 1 else _NO_JUMP
    return AxisStudy(
        name,
        inputs[index],
        size,
        jump,
        phases,
        max(extents),
        min(extents),
        position,
        seen_together(supports, position, SUPPORTS),
        seen_together(supports, position + 1, SUPPORTS),
        min(shares, default=Fraction(1)),
        max(shares, default=Fraction(1)),
        *_halo(seen, jump, inputs[index], size),
    )


_NO_JUMP: Fraction = UNKNOWN  # type: ignore[assignment]  # branches drift apart


def _middle(phase: int, phases: int, size: int) -> int:
    """The position of that phase nearest to the middle of the output."""
    if not known(size):
        return phase
    position = phase + (size // 2 - phase) // phases * phases
    return position if 0 <= position < size else phase


def _halo(
    seen: Sequence[Bits | None], jump: Fraction, input_size: int, size: int
) -> tuple[int, Halo | None]:
    """The envelope of all phases, and what a tile needs beyond its own positions."""
    ends = [
        (y, each[0], each[0] + extent_of(each) - 1)
        for y, each in enumerate(seen)
        if each is not None
    ]
    if not ends or not known(jump):
        return UNKNOWN, None
    envelope = ceil(
        max(y * jump - lo for y, lo, _ in ends) + max(hi - y * jump for y, _, hi in ends)
    )
    before = max(floor(y * jump) - lo for y, lo, _ in ends)
    after = max(hi - (ceil((y + 1) * jump) - 1) for y, _, hi in ends)
    offset = 0
    if known((input_size, size)):
        offset = max(0, floor((input_size - size * jump) / 2))
    return envelope + 1, Halo(before + offset, after - offset, offset)
