"""A layer that convcalc lacks, with its numbers as the file states them.

    output           channels and sizes of the output, null where unknown; same: those of the first
                     input
    params           learned parameters, all of them; unknown if not given
    macs             multiply-accumulates for ONE sample; unknown if not given
    receptive_field  input positions that one output reads, per axis; global if all; unknown if not
                     given

Sizes that are numbers stay as they are whatever comes in, so that a network with them holds for
one size of its input; at another one, CC021 warns. ``same`` and null follow the input.

Nothing is computed: the numbers are shown as declared. The MACs are multiplied by the batch.
What is not stated is unknown, and so are the totals that contain it: without MACs the elementwise
work too. It takes any number of inputs; the receptive field holds for each.

A stated receptive field is taken as a window centred on its output. Its stride follows from
the sizes where one divides the other; otherwise what it reads stays unknown.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from convcalc.model.geometry.axis_maps import AxisMap, Resize, Slide, Unreadable, Whole, compose
from convcalc.model.operators import fields
from convcalc.model.operators.contract import (
    ELEMENTWISE,
    WEIGHTS,
    Analysis,
    Kept,
    Operator,
    Term,
    operator,
)
from convcalc.model.quantities.formula import formula
from convcalc.model.quantities.shape import Shape
from convcalc.model.quantities.unknown import UNKNOWN, known


@operator
class Opaque(Operator):
    """The declared layer; see the module's docstring."""

    arity = (1, None)
    declared = True

    output: tuple[int, ...] | str = fields.field(
        "shape",
        "shape of the output without the batch, null where unknown, or same as the first input",
        choices=("same",),
    )
    params: int | None = fields.field("count", "number of learned parameters", None, minimum=0)
    macs: int | None = fields.field("count", "MACs for one sample", None, minimum=0)
    receptive_field: str | tuple[int, ...] = fields.field(
        "extent",
        "input positions that one output reads, per axis, unknown, or global if all",
        "unknown",
        minimum=1,
    )

    def analyse(self, inputs: Sequence[Shape]) -> Analysis:
        """The stated numbers."""
        batch = inputs[0].batch
        channels, *spatial = inputs[0].dims[1:] if isinstance(self.output, str) else self.output
        output = Shape(batch, channels, tuple(spatial))
        return Analysis(
            output,
            tuple(self._axes(x, output) for x in inputs),
            self._terms(batch),
            {"declared": (_count(self.params),)},
        )

    def _terms(self, batch: int) -> tuple[Term, ...]:
        """The stated MACs; without them, nothing is known of other work either."""
        declared = Term("declared", WEIGHTS, declared_macs(batch, _count(self.macs)))
        return (declared,) if self.macs is not None else (declared, _OTHER_WORK)

    def _axes(self, x: Shape, output: Shape) -> tuple[AxisMap, ...]:
        stated = self.receptive_field
        if stated == "global":
            return (Whole(),) * x.rank
        if isinstance(stated, str) or len(stated) != x.rank:
            reason = "the receptive field of an opaque layer was not stated"
            return (Unreadable(reason),) * x.rank
        if not output.rank:  # one output, in the middle of all axes
            return tuple(window(n, 1, k) for n, k in zip(x.spatial, stated, strict=True))
        if output.rank != x.rank:
            return (Unreadable("an opaque layer changes the number of axes"),) * x.rank
        return tuple(map(window, x.spatial, output.spatial, stated))

    def kept(self, inputs: Sequence[Shape], output: Shape) -> Kept:
        """Unknown: the file does not say what it keeps."""
        return Kept(UNKNOWN)


_OTHER_WORK = Term("other work", ELEMENTWISE, UNKNOWN)


def _count(stated: int | None) -> int:
    """The stated count; UNKNOWN, never zero, if none was stated."""
    return UNKNOWN if stated is None else stated


def window(n: int, m: int, k: int) -> AxisMap:
    """The map of m outputs, each of which reads k of n positions around its place."""
    if m == 1 < n <= k:
        return Whole()
    if n % m == 0:
        stride = n // m
        return Slide(k, stride, ((m - 1) * stride + k - n + 1) // 2)
    if m % n == 0:
        return compose(Resize("nearest", Fraction(n, m)), Slide(k, 1, k // 2), n)
    reason = f"an opaque layer makes {m} positions of {n}; its stride is not known"
    return Unreadable(reason if known((n, m)) else "the sizes of an opaque layer are unknown")


@formula
def declared_macs(batch: int, macs: int) -> int:
    """The MACs stated for one sample."""
    return batch * macs
