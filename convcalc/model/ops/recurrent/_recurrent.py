"""Shared by recurrent layers: the axis that they walk along, PyTorch's weights, and the products.

A layer of a recurrent network multiplies what comes in and its own state before by a matrix each,
with one block of rows per gate.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import ClassVar

from convcalc.model.geometry.axis_maps import IDENTITY, Axes, Whole
from convcalc.model.geometry.channel_maps import MIXED
from convcalc.model.geometry.sizes import axis_names
from convcalc.model.operators import fields
from convcalc.model.operators.checks import missing_axis
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
from convcalc.model.operators.work import sliding_macs, work
from convcalc.model.quantities.formula import formula
from convcalc.model.quantities.shape import Shape

Weights = Mapping[str, tuple[int, ...]]


def walked_axes(axis: str, x: Shape) -> Axes:
    """The axis maps of a layer that walks along one axis: all of it, beside its own position."""
    along = axis_names(x.rank).index(axis) - 1
    return tuple(Whole(IDENTITY) if each == along else IDENTITY for each in range(x.rank))


def steps_along(axis: str, x: Shape) -> int:
    """How many steps there are."""
    return x.spatial[axis_names(x.rank).index(axis) - 1]


def spatial_axis_problems(axis: str, x: Shape) -> Iterator[Problem]:
    """Yields a problem if a tensor cannot be walked along that axis."""
    if axis == "channels":
        message = "a recurrent layer walks along positions, not along channels"
        yield Problem("wrong-type", "axis", message, ", ".join(axis_names(x.rank)[1:]))
        return
    yield from missing_axis(axis, x)


@operator
class Recurrent(Operator):
    """A recurrent layer of ``gates`` gates per hidden number."""

    ranks = (1, 3)
    gates: ClassVar[int]
    operations: ClassVar[int]  # of one hidden number, beside products and biases

    hidden_size: int = fields.integer("numbers of the state, per direction", minimum=1)
    num_layers: int = fields.integer(
        "layers, each reading the output of the one before", 1, minimum=1
    )
    bidirectional: bool = fields.flag("whether a second one walks from the end to the start", False)
    bias: bool = fields.flag("whether both matrices have a learned bias", True)
    axis: str = fields.axis("length", "the spatial axis that is walked along")

    def check(self, inputs: Sequence[Shape]) -> Iterator[Problem]:
        """There is such an axis."""
        yield from spatial_axis_problems(self.axis, inputs[0])

    def analyse(self, inputs: Sequence[Shape]) -> Analysis:
        """Each position from all before it, and the state."""
        (x,) = inputs
        weights = dict(self._weights(x.channels))
        output = x.with_channels(both_directions(self._made, self._directions))
        states = Shape(x.batch, self.hidden_size, x.spatial).numel
        layers = layer_count(self.num_layers, self._directions)
        terms = [
            Term(name, WEIGHTS, sliding_macs(x.batch, x.spatial, sizes))
            for name, sizes in weights.items()
            if name.startswith("weight")
        ]
        added = work(layers, work(self.gates, states))
        if self.bias:
            terms.append(Term("bias", ELEMENTWISE, work(2, added)))
        terms.append(Term("gates", ELEMENTWISE, work(layers, work(self.operations, states))))
        return Analysis(
            output,
            (walked_axes(self.axis, x),),
            tuple(terms),
            weights,
            channels=(MIXED,),
            recurring=dict(self._recurring(x, terms)),
        )

    def _recurring(self, x: Shape, terms: Sequence[Term]) -> Iterator[tuple[str, Recurring]]:
        """The products with states, and with what a layer before made."""
        steps = steps_along(self.axis, x)
        for name, _, amount in terms:
            if name.startswith("weight_hh"):
                later = products_after_first(amount, steps)
                yield name, Recurring(later, products_of_first(amount, steps))
            elif name.startswith("weight_hr") or (
                name.startswith("weight_ih") and not name.startswith("weight_ih_l0")
            ):
                yield name, Recurring(amount)

    def kept(self, inputs: Sequence[Shape], output: Shape) -> Kept:
        """Gates and state of each position, layer and direction."""
        states = Shape(output.batch, self.hidden_size, output.spatial).numel
        return Kept((self.gates + 2) * self.num_layers * self._directions * states)

    @property
    def _directions(self) -> int:
        return 2 if self.bidirectional else 1

    @property
    def _made(self) -> int:
        """Numbers that one direction hands on."""
        return self.hidden_size

    def _weights(self, channels: int) -> Iterator[tuple[str, tuple[int, ...]]]:
        """PyTorch's names and sizes."""
        rows = gate_rows(self.gates, self.hidden_size)
        for layer in range(self.num_layers):
            reads = both_directions(self._made, self._directions) if layer else channels
            for suffix in ("", "_reverse")[: self._directions]:
                name = f"l{layer}{suffix}"
                yield f"weight_ih_{name}", (rows, reads)
                yield f"weight_hh_{name}", (rows, self._made)
                if self.bias:
                    yield f"bias_ih_{name}", (rows,)
                    yield f"bias_hh_{name}", (rows,)
                if self._made != self.hidden_size:
                    yield f"weight_hr_{name}", (self._made, self.hidden_size)


@formula
def gate_rows(gates: int, hidden_size: int) -> int:
    """Rows of a matrix: one block per gate."""
    return gates * hidden_size


@formula
def products_of_first(macs: int, steps: int) -> int:
    """Those of the first step, with the state before it."""
    return macs // steps


@formula
def products_after_first(macs: int, steps: int) -> int:
    """Those of all steps but the first, with the state of the step before."""
    return macs // steps * (steps - 1)


@formula
def both_directions(made: int, directions: int) -> int:
    """Output channels: those of each direction."""
    return made * directions


@formula
def layer_count(num_layers: int, directions: int) -> int:
    """Recurrences in all: one per layer and direction."""
    return num_layers * directions
