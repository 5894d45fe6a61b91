"""Where branches meet whose outputs do not look at the same place."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import NamedTuple

from convcalc.graph import Network
from convcalc.receptive_field.kinds import HULLS
from convcalc.receptive_field.reach import Reach, Reaches
from convcalc.receptive_field.walk import Walk


class Drift(NamedTuple):
    """Branches that meet off center: by ``offset`` input positions, or, where their jumps
    differ, by ``per_output`` more with every output position."""

    path: str
    input: str
    axis: int
    offset: Fraction
    per_output: Fraction = Fraction(0)


def drifts(network: Network) -> Iterator[Drift]:
    """Every join of branches that are not aligned, in order of the layers.

    Centers are averaged over the phases of an output: after upsampling, each phase looks a
    little to one side, and all of them together straight ahead.
    """
    walk = Walk(network)
    for layer, sight in walk.layers():
        if len(layer.inputs) < 2:
            continue
        for name in sight:
            parts = walk.parts(layer, name).values()
            for axis, inputs in enumerate(zip(*parts, strict=True)):
                if found := _apart(inputs):
                    yield Drift(layer.path, name, axis, *found)


def _apart(inputs: tuple[Reaches, ...]) -> tuple[Fraction, Fraction] | None:
    """How far branches are apart, at the start and per output; None if they are not."""
    reaches = [reach for reaches in inputs for reach in reaches if _has_place(reach)]
    places = [(mean_center(reach), reach.jump) for reach in reaches]
    centers = [center for center, _ in places if center is not None]
    jumps = [jump for center, jump in places if center is not None]
    if len(centers) < 2:
        return None
    offset, per_output = max(centers) - min(centers), max(jumps) - min(jumps)
    return (offset, per_output) if offset or per_output else None


def _has_place(reach: Reach) -> bool:
    """Whether the positions of a reach are known and its own."""
    return not reach.fixed and not reach.reason and reach.placed


def mean_center(reach: Reach) -> Fraction | None:
    """The center of output 0, as all phases together have it; None if some read nothing."""
    seen = [reach.at(y, HULLS) for y in range(reach.period)]
    places = [
        Fraction(lo + hi, 2) - y * reach.jump for y, (lo, hi) in enumerate(filter(None, seen))
    ]
    return sum(places, Fraction(0)) / len(places) if None not in seen else None
