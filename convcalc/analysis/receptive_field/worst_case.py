"""Coverage and look-ahead of a layer at its worst output position, for budgets."""

from __future__ import annotations

from fractions import Fraction
from itertools import product as combinations
from math import prod

from convcalc.analysis.receptive_field.axis_study import AxisStudy, StudyError
from convcalc.analysis.receptive_field.preimage import Unseen
from convcalc.analysis.receptive_field.read_back import read_back
from convcalc.analysis.receptive_field.region import count, product, volume
from convcalc.analysis.receptive_field.study import Study, study
from convcalc.model.graph.network import Network

MOST_POSITIONS = 256  # outputs that differ and are compared, on all axes together


def coverage(network: Network, tensor: int, input: str = "") -> Fraction:  # noqa: A002
    """The share of the positions within the receptive field that are really read, on all axes
    together, for the output position where it is least.

    Raises Unseen where it cannot be known.
    """
    found = _study(network, tensor, input)
    phases = [axis.phases for axis in found.axes]
    if prod(phases) > MOST_POSITIONS:
        raise Unseen(f"more than {MOST_POSITIONS} outputs differ")
    places = combinations(*map(range, phases))
    shares = [share for place in places if (share := _share(found, place)) is not None]
    return min(shares, default=Fraction(1))  # what reads nothing has no holes


def _share(found: Study, place: tuple[int, ...]) -> Fraction | None:
    """The coverage of one output position; None if it reads nothing."""
    wanted = {found.tensor: product([(at, 1) for at in place])}
    region = read_back(found.network, wanted).get(found.input)
    if region is None:
        return None
    return Fraction(count(region, found.rank), volume(region, found.rank))


def look_ahead(network: Network, tensor: int, input: str = "") -> tuple[Fraction, ...]:  # noqa: A002
    """How many input positions after its own an output sees at most, per axis; 0 for a causal
    network.

    The own positions of output y are those from y times the jump to the next output's. Raises
    Unseen where it cannot be known.
    """
    return tuple(map(_axis_look_ahead, _study(network, tensor, input).axes))


def _axis_look_ahead(axis: AxisStudy) -> Fraction:
    """The look-ahead on one axis; Unseen where it cannot be known."""
    if axis.lost:
        raise Unseen(f"every position sees the whole {axis.name}")
    if not axis.placed:
        raise Unseen("the padding depends on the size of the input")
    if axis.ahead is None:
        raise Unseen("branches of different strides meet")
    return Fraction(max(0, axis.ahead))


def _study(network: Network, tensor: int, name: str) -> Study:
    first = len(network.inputs)
    if tensor < first:
        raise Unseen("an input sees itself alone")
    try:
        return study(network, network.layers[tensor - first].path, name=name)
    except StudyError as error:
        raise Unseen(error.message) from None
