"""Shared by elementwise operators on several tensors: PyTorch's broadcasting, and the work."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import ClassVar

from convcalc.model.geometry.axis_maps import IDENTITY, Axes, Whole
from convcalc.model.geometry.channel_maps import MIXED, OWN
from convcalc.model.geometry.sizes import axis_name
from convcalc.model.operators.contract import (
    ELEMENTWISE,
    Analysis,
    Operator,
    Problem,
    Term,
    operator,
)
from convcalc.model.quantities.formula import formula
from convcalc.model.quantities.shape import Shape
from convcalc.model.quantities.unknown import known

HELP = "sizes must be equal or 1 on each axis; a vector of C channels stands for C×1×1"


@operator
class Broadcast(Operator):
    """Combines tensors element by element; ``term`` names the work."""

    arity: ClassVar[tuple[int, int | None]] = (2, None)
    term: ClassVar[str]

    def check(self, inputs: Sequence[Shape]) -> Iterator[Problem]:
        """Each operand must fit those before it."""
        result = inputs[0]
        for index, operand in enumerate(inputs[1:], 1):
            if differing := _describe_mismatch(result, operand):
                message = f"{self.term} of {result} and {operand}: they differ in {differing}"
                yield Problem("shape-mismatch", "", message, HELP, index)
            else:
                result = broadcast(result, operand)

    def analyse(self, inputs: Sequence[Shape]) -> Analysis:
        """One operation per output element and operand beyond the first."""
        output = inputs[0]
        for operand in inputs[1:]:
            output = broadcast(output, operand)
        work = Term(self.term, ELEMENTWISE, combinations(len(inputs), output.numel))
        axes = tuple(_axes(x, output) for x in inputs)
        maps = tuple(MIXED if x.channels == 1 else OWN for x in inputs)
        return Analysis(output, axes, (work,), channels=maps)


@formula
def combinations(operands: int, elements: int) -> int:
    """One operation per output element and operand beyond the first."""
    return (operands - 1) * elements


def broadcast(x: Shape, y: Shape) -> Shape:
    """The shape that two tensors broadcast to."""
    ones = (1,) * max(x.rank, y.rank)
    pairs = zip(x.spatial or ones, y.spatial or ones, strict=True)
    return Shape(
        max(x.batch, y.batch),
        broadcast_size(x.channels, y.channels),
        tuple(broadcast_size(n, m) for n, m in pairs),
    )


def broadcast_size(n: int, m: int) -> int:
    """The size that two compatible axes broadcast to: a known one above 1 decides."""
    if n == 1 or m == 1:
        return m if n == 1 else n
    return n if known(n) else m


def _describe_mismatch(x: Shape, y: Shape) -> str:
    """Why two shapes cannot be broadcast, for a message; empty if they can."""
    if x.batch != y.batch and min(x.batch, y.batch) > 1:
        return f"batch, {x.batch} and {y.batch}"
    if x.rank and y.rank and x.rank != y.rank:
        return f"their number of spatial axes, {x.rank} and {y.rank}"
    names = ["channels", *(axis_name(axis, x.rank) for axis in range(x.rank if y.rank else 0))]
    pairs = zip((x.channels, *x.spatial), (y.channels, *y.spatial), strict=False)
    return ", ".join(
        name
        for name, (n, m) in zip(names, pairs, strict=False)
        if n not in (m, 1) and m != 1 and known((n, m))
    )


def _axes(x: Shape, output: Shape) -> Axes:
    """The axis maps of an input: identity, or its single position where it is broadcast."""
    return tuple(
        IDENTITY if n == m or not known(n) else Whole()
        for n, m in zip(x.spatial, output.spatial[: x.rank], strict=True)
    )
