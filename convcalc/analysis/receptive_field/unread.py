"""Find the positions of an input that no output of the network reads."""

from __future__ import annotations

from typing import NamedTuple

from convcalc.analysis.receptive_field.histories import histories_of
from convcalc.analysis.receptive_field.preimage import Unseen, all_positions, positions
from convcalc.analysis.receptive_field.read_back import POINT, read_back
from convcalc.analysis.receptive_field.region import count, product, projections
from convcalc.model.graph.network import Network
from convcalc.model.quantities.unknown import known


class Unread(NamedTuple):
    """Input positions that no output reads: how many of the total, and on each axis the lines
    (rows, columns) of which no position is read."""

    number: int
    total: int
    lines: tuple[tuple[int, ...], ...]


def unread(network: Network, name: str) -> Unread | None:
    """The positions of an input that no output of the network reads; None if unknown."""
    shape = network.inputs[name]
    histories = histories_of(network)
    outputs = {number: histories.spatial(number) for number in network.outputs.values()}
    sizes = (*shape.spatial, *(n for each in outputs.values() for n in each))
    if not outputs or not known(sizes):
        return None
    wanted = {
        number: product([all_positions(n) for n in each]) if each else POINT
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
    lines = zip(shape.spatial, projections(region, shape.rank), strict=True)
    return Unread(
        shape.positions - read,
        shape.positions,
        tuple(tuple(sorted(set(range(n)) - set(positions(bits)))) for n, bits in lines),
    )
