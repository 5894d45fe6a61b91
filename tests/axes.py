"""Small axes, exhaustively."""

from __future__ import annotations

from itertools import product

from convcalc.model.geometry.axis_maps import AxisMap
from convcalc.model.operators.contract import Analysis, Operator
from convcalc.model.quantities.shape import Shape

SIZES = range(1, 9)


KERNELS = range(1, 6)


STRIDES = range(1, 5)


PADDINGS = [(before, after) for before in range(4) for after in range(4)]


DILATIONS = range(1, 4)


WINDOWS = list(product(SIZES, KERNELS, STRIDES, PADDINGS, DILATIONS))


def errors(operator: Operator, *inputs: Shape) -> list[str]:
    """The names of the errors that an operator finds in its inputs."""
    return [p.name for p in operator.check(inputs) if p.is_error]


def amounts(analysis: Analysis) -> dict[str, int]:
    """The work by name."""
    return {term.name: term.amount for term in analysis.terms}


def listed(axis: AxisMap, outputs: int) -> list[list[int]]:
    """What each output reads, as lists; the hulls must say the same."""
    taps = [list(axis.taps(y)) for y in range(outputs)]
    hulls = [(read[0], read[-1]) if read else None for read in taps]
    assert [axis.hull(y) for y in range(outputs)] == hulls
    return taps


def moves_on(axis: AxisMap) -> bool:
    """Whether the taps of a map repeat after its period, moved on by its shift."""
    return all(
        list(axis.taps(y + axis.period)) == [t + axis.shift for t in axis.taps(y)]
        for y in range(-2, 2 * axis.period + 2)
    )
