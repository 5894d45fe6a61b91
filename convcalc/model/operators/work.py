"""Work formulas and analyses that many operators share."""

from __future__ import annotations

from math import prod
from typing import Any

from convcalc.model.geometry.axis_maps import IDENTITY
from convcalc.model.geometry.channel_maps import OWN
from convcalc.model.operators.contract import (
    ELEMENTWISE,
    Analysis,
    Term,
)
from convcalc.model.quantities.formula import formula
from convcalc.model.quantities.shape import Shape

OWNS = (OWN,)  # the channels of a layer of one input that keeps them apart


def pointwise_analysis(shape: Shape, *terms: Term, **more: Any) -> Analysis:
    """The analysis of an operator whose output positions each read the same input position.

    ``shape`` is that of the output. Each output channel reads the input channel of its number,
    unless ``channels`` says otherwise.
    """
    more.setdefault("channels", OWNS)
    return Analysis(shape, ((IDENTITY,) * shape.rank,), terms, **more)


@formula
def sliding_macs(batch: int, out_size: tuple[int, ...], weight: tuple[int, ...]) -> int:
    """MACs of a window that slides: every output position uses each weight once."""
    return batch * prod(out_size) * prod(weight)


@formula
def stamping_macs(batch: int, in_size: tuple[int, ...], weight: tuple[int, ...]) -> int:
    """MACs of a kernel that is stamped: every *input* position uses each weight once."""
    return batch * prod(in_size) * prod(weight)


@formula
def work(operations: int, elements: int) -> int:
    """So many operations for each element."""
    return operations * elements


@formula
def work_of_taps(elements: int, kernel_size: tuple[int, ...]) -> int:
    """One operation for each element and tap."""
    return elements * prod(kernel_size)


@formula
def interpolation(rank: int, samples: int) -> int:
    """Linear interpolation reads the two neighbours of each sample on every axis."""
    neighbours: int = 2**rank
    return neighbours * samples


@formula
def share(channels: int, groups: int) -> int:
    """The share that each of several equal groups has of the channels."""
    return channels // groups


def with_weight_norm(kind: str, analysis: Analysis, height: int = 0) -> Analysis:
    """The analysis of a layer whose weight is normalised in that way; see ``weight_norms``."""
    if kind == "none":
        return analysis
    from convcalc.model.operators.weight_norms import normalised  # few networks need it

    return normalised(kind, analysis, height)


def bias_terms(bias: bool, output: Shape) -> tuple[Term, ...]:
    """The work of a bias: one addition per output element, or nothing."""
    return (Term("bias", ELEMENTWISE, output.numel),) if bias else ()
