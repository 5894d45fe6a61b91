"""Find joins of branches that are not aligned: their outputs look at different positions."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import NamedTuple

from convcalc.analysis.receptive_field.reach import Reach, Reaches
from convcalc.analysis.receptive_field.walk import Walk
from convcalc.model.graph.network import Layer, Network


class Drift(NamedTuple):
    """Branches whose centers are ``offset`` input positions apart where they meet; where their
    jumps differ, by ``per_output`` more with every output position."""

    path: str
    input: str
    axis: int
    offset: Fraction
    per_output: Fraction = Fraction(0)


def drifts(network: Network) -> Iterator[Drift]:
    """Every join of branches that are not aligned, in order of the layers.

    Centers are averaged over the phases of an output: after upsampling, each phase looks a
    little to one side, and all of them together straight ahead. On a time axis, which is the
    only one or the first of three, branches are aligned too if they end at the same position,
    as causal ones do.
    """
    meeting = [index for index, layer in enumerate(network.layers) if _branches_meet(layer)]
    if not meeting:
        return
    walk = Walk(network)
    for layer, seen in walk.layers(until=meeting[-1]):
        if not _branches_meet(layer):
            continue
        for name in dict.fromkeys(name for each in seen for name in each):
            parts = [sight.axes for sight in walk.parts(layer, layer.inputs, name).values()]
            for axis, inputs in enumerate(zip(*parts, strict=True)):
                if found := _misalignment(inputs, time=axis == 0 and len(parts[0]) != 2):
                    yield Drift(layer.path, name, axis, *found)


def _branches_meet(layer: Layer) -> bool:
    return len(layer.inputs) > 1 and type(layer.operator).meets


def _misalignment(inputs: tuple[Reaches, ...], *, time: bool) -> tuple[Fraction, Fraction] | None:
    """How far branches are apart, at the start and per output; None if they are not."""
    reaches = [reach for reaches in inputs for reach in reaches if _has_place(reach)]
    centers = [center for reach in reaches if (center := mean_center(reach)) is not None]
    if len(centers) < 2:
        return None
    offset, per_output = (
        max(centers) - min(centers),
        _range([Fraction(reach.jump) for reach in reaches]),
    )
    if time and not per_output and not _range([_mean_end(reach) for reach in reaches]):
        return None
    return (offset, per_output) if offset or per_output else None


def _range(values: list[Fraction]) -> Fraction:
    """The largest value minus the smallest."""
    return max(values) - min(values)


def _has_place(reach: Reach) -> bool:
    """Whether a reach depends on the position, and its positions are known."""
    return not reach.fixed and not reach.reason and reach.placed and any(reach.seen)


def mean_center(reach: Reach) -> Fraction | None:
    """The center of output 0, as all phases together have it; None if some read nothing."""
    if None in reach.seen:
        return None
    count = len(reach.seen)
    places = Fraction(sum(lo + hi for lo, hi in reach.seen), 2)
    return (places - reach.jump * (count * (count - 1) // 2)) / count


def _mean_end(reach: Reach) -> Fraction:
    """The last position that output 0 sees, averaged over the phases that read something."""
    ends = {y: seen[1] for y, seen in enumerate(reach.seen) if seen is not None}
    return Fraction(sum(ends.values()) - reach.jump * sum(ends)) / len(ends)
