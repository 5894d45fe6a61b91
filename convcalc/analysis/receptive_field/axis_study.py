"""Studies what one output position sees of one axis of an input, and how the positions differ."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import ceil, floor
from typing import NamedTuple

from convcalc.analysis.receptive_field.domains import SUPPORTS, Bits
from convcalc.analysis.receptive_field.measures import (
    center_of,
    coverage,
    extent_of,
    holes,
    overlap,
    spacing,
)
from convcalc.analysis.receptive_field.per_layer import phase_count
from convcalc.analysis.receptive_field.preimage import Unseen
from convcalc.analysis.receptive_field.reach import Reaches, seen_together
from convcalc.errors import Error
from convcalc.model.quantities.unknown import UNKNOWN, known


class StudyError(Error):
    """The tensor or position that was asked for has no receptive field; ``help`` says what has."""


class Halo(NamedTuple):
    """Input positions that a tile of outputs needs beyond its own, at worst over all phases.

    Output y owns the inputs from floor(y·jump) to the next output's. ``offset`` is where the
    outputs begin on the input: half of what a network without padding cuts off.
    """

    before: int
    after: int
    offset: int


@dataclass(frozen=True)
class AxisStudy:
    """The receptive field on one axis. Input positions count from 0; negative ones are padding.

    ``position`` is the output position studied, ``seen`` what it reads on an endless axis,
    ``neighbour`` what the next one reads. ``size`` and ``size_min`` are the largest and smallest
    extent over all output positions that differ, ``phases`` how many those are. ``coverage`` and
    ``coverage_max`` are the least and the greatest share of an extent that is read. ``envelope``
    is the extent of all phases laid over each other. ``lost``: the tensor has lost this axis, and
    all of its positions see the whole of it; the values given are those of an earlier position.
    ``placed`` is False where the padding depends on an input size that is not known: then extents
    and distances are right, but not where they lie.
    """

    name: str
    input_size: int
    output_size: int
    lost: bool
    placed: bool
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
        return center_of(self.seen) if self.seen and self.ends else None

    @property
    def ends(self) -> tuple[int, int] | None:
        """The first and the last position that ``position`` sees; None where that is not known,
        and on an axis that is lost."""
        if self.seen is None or self.lost or not self.placed:
            return None
        return self.seen[0], self.seen[0] + extent_of(self.seen) - 1

    @property
    def holes(self) -> tuple[int, ...]:
        """The positions within the extent that ``position`` does not read, as far as ``seen``
        says where they are."""
        return holes(self.seen) if self.seen else ()

    @property
    def read(self) -> int:
        """How many positions ``position`` reads."""
        return self.seen[1].bit_count() if self.seen else 0

    @property
    def unread(self) -> int:
        """How many positions within the extent ``position`` does not read."""
        return extent_of(self.seen) - self.read if self.seen else 0

    @property
    def spacing(self) -> int:
        """Above 1: only every so many input positions are read (gridding)."""
        return spacing(self.seen) if self.seen else 1

    @property
    def overlap(self) -> Fraction | None:
        """The share of the positions read by this output or the next one that both read."""
        return overlap(self.seen, self.neighbour) if self.seen and self.neighbour else None

    @property
    def ahead(self) -> int | None:
        """Input positions beyond the output's own that it looks at, at most; 0 or less on a
        causal axis."""
        return self.halo.after + self.halo.offset if self.halo else None

    @property
    def clipped(self) -> tuple[int, int] | None:
        """First and last position of the part of the extent within the input; None if none is."""
        if self.ends is None or not known(self.input_size):
            return None
        low, high = max(self.ends[0], 0), min(self.ends[1], self.input_size - 1)
        return (low, high) if low <= high else None

    @property
    def padding_share(self) -> Fraction | None:
        """The share of the extent that is padding."""
        if self.ends is None or not known(self.input_size):
            return None
        low, high = self.ends
        inside = self.clipped
        size = 0 if inside is None else inside[1] - inside[0] + 1
        return 1 - Fraction(size, high - low + 1)


def axis_study(
    name: str, reaches: Reaches, input_size: int, size: int, wanted: int | None
) -> AxisStudy:
    """Study one axis of ``size`` outputs at the ``wanted`` position, by default at one that sees
    furthest. ``reaches`` hold supports.

    Raises Unseen where what is read is not known, and StudyError for a position beyond the end.
    """
    lost = all(reach.fixed for reach in reaches)
    phases, reason = phase_count(reaches, size)
    if reason:
        raise Unseen(reason)
    seen = [seen_together(reaches, y, SUPPORTS) for y in range(phases)]
    extents = [0 if each is None else extent_of(each) for each in seen]
    if wanted is not None and known(size) and not 0 <= wanted < size:
        raise StudyError(f"there is no {name} {wanted}", f"from 0 to {size - 1}")
    position = _furthest(extents, size) if wanted is None else wanted
    at = 0 if lost else position
    shares = [coverage(each) for each in seen if each is not None]
    jumps = {reach.jump for reach in reaches}
    jump = Fraction(jumps.pop()) if len(jumps) == 1 else _NO_JUMP
    placed = all(reach.placed for reach in reaches)
    envelope, halo = _halo(seen, jump, input_size, size)
    return AxisStudy(
        name,
        input_size,
        size,
        lost,
        placed,
        jump,
        phases,
        max(extents),
        min(extents),
        position,
        seen_together(reaches, at, SUPPORTS),
        seen_together(reaches, at + 1, SUPPORTS),
        min(shares, default=Fraction(1)),
        max(shares, default=Fraction(1)),
        envelope,
        halo if placed and not lost else None,
    )


_NO_JUMP: Fraction = UNKNOWN  # type: ignore[assignment]  # branches drift apart


def _furthest(extents: Sequence[int], size: int) -> int:
    """Of the positions that see furthest, the one nearest to the middle of the output."""
    phases, most = len(extents), max(extents)
    found = [phase for phase, each in enumerate(extents) if each == most]
    if not known(size):
        return found[0]
    middle = size // 2
    near = [phase + (middle - phase) // phases * phases for phase in found]
    candidates = [y for start in near for y in (start, start + phases) if 0 <= y < size]
    return min(candidates, key=lambda y: (abs(y - middle), -y), default=found[0])


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
