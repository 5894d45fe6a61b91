"""Shared by recurrent layers whose state is a map: one convolution of input and state per gate."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import ClassVar

from convcalc.model.geometry.axis_maps import IDENTITY, AxisMap, Slide, Unreadable, Whole
from convcalc.model.geometry.channel_maps import MIXED
from convcalc.model.geometry.sizes import axis_names
from convcalc.model.operators import fields
from convcalc.model.operators.contract import (
    ELEMENTWISE,
    WEIGHTS,
    Analysis,
    Kept,
    Operator,
    Problem,
    Recurring,
    Term,
    operator,
)
from convcalc.model.operators.windows import arm
from convcalc.model.operators.work import sliding_macs, work
from convcalc.model.ops.recurrent._recurrent import (
    gate_rows,
    products_after_first,
    spatial_axis_problems,
    steps_along,
)
from convcalc.model.quantities.formula import formula
from convcalc.model.quantities.shape import Shape
from convcalc.model.quantities.unknown import known


@operator
class Convolving(Operator):
    """A recurrent layer of ``gates`` convolutions per step."""

    ranks = (2, 3)
    gates: ClassVar[int]
    operations: ClassVar[int]  # of one number of the state, beside products and biases
    convolutions: ClassVar[int] = 1  # in a row, in one step

    hidden_channels: int = fields.integer("channels of the state", minimum=1)
    kernel_size: tuple[int, ...] = fields.kernel_size(
        3, "taps per axis, all odd; that of the axis that is walked along has no meaning"
    )
    bias: bool = fields.bias()
    axis: str = fields.axis("depth", "the spatial axis that is walked along, time")

    def check(self, inputs: Sequence[Shape]) -> Iterator[Problem]:
        """There is such an axis, and the state keeps its size."""
        (x,) = inputs
        if problems := list(spatial_axis_problems(self.axis, x)):
            yield from problems
        elif even := [k for k in self._taps(x) if k % 2 == 0]:
            message = f"kernel_size {even[0]} is even, but the state must keep its size"
            yield Problem("unsupported-combination", "kernel_size", message, "an odd kernel_size")

    def analyse(self, inputs: Sequence[Shape]) -> Analysis:
        """Each step from its input and the state of the one before."""
        (x,) = inputs
        output = x.with_channels(self.hidden_channels)
        rows = gate_rows(self.gates, self.hidden_channels)
        weight = (rows, read_channels(x.channels, self.hidden_channels), *self._taps(x))
        terms = [Term("weight", WEIGHTS, sliding_macs(x.batch, x.spatial, weight))]
        weights: dict[str, tuple[int, ...]] = {"weight": weight}
        if self.bias:
            weights["bias"] = (rows,)
            terms.append(Term("bias", ELEMENTWISE, work(self.gates, output.numel)))
        terms.append(Term("gates", ELEMENTWISE, work(self.operations, output.numel)))
        return Analysis(
            output,
            (self._axes(x),),
            tuple(terms),
            weights,
            channels=(MIXED,),
            recurring={"weight": Recurring(self._of_states(x, terms[0].amount))},
        )

    def _of_states(self, x: Shape, macs: int) -> int:
        """The products of convolutions that read a state, beside the input: of all steps but the
        first."""
        return products_after_first(macs, steps_along(self.axis, x))

    def _along(self, x: Shape) -> int:
        return axis_names(x.rank).index(self.axis) - 1

    def _taps(self, x: Shape) -> tuple[int, ...]:
        """The kernel on the axes of the map."""
        return tuple(k for axis, k in enumerate(self.kernel_size) if axis != self._along(x))

    def _axes(self, x: Shape) -> tuple[AxisMap, ...]:
        """The whole time, and around each place what the last step sees through all before it."""
        along = self._along(x)
        steps = x.spatial[along]
        return tuple(
            Whole(IDENTITY) if axis == along else _widened(k, steps * self.convolutions)
            for axis, k in enumerate(self.kernel_size)
        )

    def kept(self, inputs: Sequence[Shape], output: Shape) -> Kept:
        """Gates and state of each step, and input and state together."""
        return Kept((self.gates + 2) * output.numel + inputs[0].numel + output.numel)


def _widened(kernel_size: int, steps: int) -> AxisMap:
    if kernel_size == 1:
        return IDENTITY
    if not known(steps):
        return Unreadable(
            "a recurrent convolution sees further with each of an unknown number of steps"
        )
    taps = widened(kernel_size, steps)
    return Slide(taps, 1, arm(taps))


@formula
def widened(kernel_size: int, steps: int) -> int:
    """Positions that the last of so many steps sees: one convolution more for each."""
    return steps * (kernel_size - 1) + 1


@formula
def read_channels(in_channels: int, hidden_channels: int) -> int:
    """Channels that the convolution reads: the input's and the state's."""
    return in_channels + hidden_channels
