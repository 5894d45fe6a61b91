"""Shared by all activations: the shape stays, and every output element is computed once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from convcalc.model.geometry.channel_maps import MIXED
from convcalc.model.operators.contract import ELEMENTWISE, Analysis, Operator, Term, operator
from convcalc.model.operators.work import OWNS, pointwise_analysis, work
from convcalc.model.quantities.shape import Shape


@operator
class Activation(Operator):
    """A function of each element alone; ``per_element`` is what one of them counts."""

    per_element: ClassVar[int] = 1
    mixes: ClassVar[bool] = False  # whether an output element depends on the other channels
    in_place = True

    def analyse(self, inputs: Sequence[Shape]) -> Analysis:
        """One elementwise operation per output element, however long the function is."""
        (x,) = inputs
        channels = (MIXED,) if self.mixes else OWNS
        return pointwise_analysis(x, activation_term(x, self.per_element), channels=channels)


def activation_term(output: Shape, per_element: int = 1) -> Term:
    """The work of an activation."""
    return Term("activation", ELEMENTWISE, work(per_element, output.numel))
