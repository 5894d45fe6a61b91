"""Coverage and look-ahead of a layer at its worst output position, for budgets."""

from __future__ import annotations

from fractions import Fraction
from itertools import product as combinations
from math import prod

from convcalc.analysis.receptive_field.axis_study import AxisStudy, StudyError
from convcalc.analysis.receptive_field.histories import histories_of
from convcalc.analysis.receptive_field.preimage import Unseen
from convcalc.analysis.receptive_field.read_back import read_histories
from convcalc.analysis.receptive_field.region import count, product, volume
from convcalc.analysis.receptive_field.study import Study, study
from convcalc.model.graph.network import Network

MOST_POSITIONS = 256  # outputs that differ and are compared, on all axes together


def coverage(network: Network, tensor: int, input: str = "") -> Fraction:  # noqa: A002
    """The share of the positions within the receptive field that are really read, on all axes
    together, for the output position where it is least.

    Raises Unseen where it cannot be known.
    """
    return min(_least_share(found) for found in _studies(network, tensor, input))


def _least_share(found: Study) -> Fraction:
    """The coverage of the output position that reads the least share."""
    phases = [axis.phases for axis in found.axes]
    if prod(phases) > MOST_POSITIONS:
        raise Unseen(f"more than {MOST_POSITIONS} outputs differ")
    places = combinations(*map(range, phases))
    shares = [share for place in places if (share := _share(found, place)) is not None]
    return min(shares, default=Fraction(1))  # what reads nothing has no holes


def _share(found: Study, place: tuple[int, ...]) -> Fraction | None:
    """The coverage of one output position; None if it reads nothing."""
    wanted = {found.history: product([(at, 1) for at in place])}
    region = read_histories(found.histories, wanted).get(found.input)
    if region is None:
        return None
    return Fraction(count(region, found.rank), volume(region, found.rank))


def look_ahead(network: Network, tensor: int, input: str = "") -> tuple[Fraction, ...]:  # noqa: A002
    """How many input positions after its own an output sees at most, per axis; 0 for a causal
    network.

    The own positions of output y are those from y times the jump to the next output's. Raises
    Unseen where it cannot be known.
    """
    ahead = [map(_axis_look_ahead, found.axes) for found in _studies(network, tensor, input)]
    return tuple(map(max, zip(*ahead, strict=True)))


def _axis_look_ahead(axis: AxisStudy) -> Fraction:
    """The look-ahead on one axis; Unseen where it cannot be known."""
    if axis.lost:
        raise Unseen(f"every position sees the whole {axis.name}")
    if not axis.placed:
        raise Unseen("the padding depends on the size of the input")
    if axis.ahead is None:
        raise Unseen("branches of different strides meet")
    return Fraction(max(0, axis.ahead))


def _studies(network: Network, tensor: int, name: str) -> list[Study]:
    """A study of each class of channels of a tensor that sees the input."""
    first = len(network.inputs)
    if tensor < first:
        raise Unseen("an input sees itself alone")
    path, channels = network.layers[tensor - first].path, histories_of(network).tensors[tensor]
    if channels.runs is None and len(channels) > 1:
        raise Unseen("its channels are not told apart")
    members = channels.members()
    wanted = [members.index(member) for member in sorted(set(members))] if members else [None]
    found = []
    for channel in wanted:
        try:
            found.append(study(network, path, name=name, channel=channel))
        except StudyError as error:
            if not found and channel == wanted[-1]:
                raise Unseen(error.message) from None
    return found
