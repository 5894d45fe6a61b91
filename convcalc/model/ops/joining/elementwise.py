"""A function of each element, or of the elements of two tensors, by its name in PyTorch.

    y = op(x)              abs, ceil, cos, erf, exp, floor, log, neg, reciprocal, round, rsqrt,
                           sign, sin, sqrt, square
    y = op(x_1, x_2)       atan2, div, minimum, pow, sub
    y = op(x, value)       the same with a number in place of the second tensor; clamp at value

``add``, ``mul`` and ``maximum`` of tensors, and the activations, are operators of their own; with a
number (``{op: mul, value: 0.1}``, a residual scale) add and mul are here too. Two tensors are
broadcast as by ``add``. Counts one elementwise operation per output element, however long the
function is; no MACs, no parameters.

Common mistake: clamp has two bounds in PyTorch; each is a comparison, and counted here only once.

Source: PyTorch ``torch.sub``, ``torch.div``, … and their broadcasting; ONNX operators of the same
names (Sub, Div, Pow, Exp, Sqrt, Abs, Clip, Sin).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import ClassVar

from convcalc.model.operators import fields
from convcalc.model.operators.contract import (
    ELEMENTWISE,
    FACTORS,
    INPUTS,
    NOTHING,
    OUTPUT,
    Analysis,
    Problem,
    Term,
    operator,
)
from convcalc.model.operators.work import pointwise_analysis
from convcalc.model.ops.joining._broadcast import Broadcast
from convcalc.model.quantities.shape import Shape

# What each needs again for its backward pass.
UNARY = {
    "abs": INPUTS,
    "ceil": NOTHING,
    "cos": INPUTS,
    "erf": INPUTS,
    "exp": OUTPUT,
    "floor": NOTHING,
    "log": INPUTS,
    "neg": NOTHING,
    "reciprocal": OUTPUT,
    "round": NOTHING,
    "rsqrt": OUTPUT,
    "sign": NOTHING,
    "sin": INPUTS,
    "sqrt": OUTPUT,
    "square": INPUTS,
}
BINARY = {"atan2": INPUTS, "div": FACTORS, "minimum": INPUTS, "pow": INPUTS, "sub": NOTHING}
WITH_VALUE = {"add": NOTHING, "clamp": INPUTS, "mul": NOTHING}  # of two tensors others
_SCALED = ("div", "sub")  # by a number, of which the gradient needs nothing


@operator
class Elementwise(Broadcast):
    """The function; see the module's docstring."""

    arity = (1, 2)
    in_place = True
    term: ClassVar[str] = "elementwise"

    op: str = fields.word(tuple(sorted({**UNARY, **BINARY, **WITH_VALUE})), "name of the function")
    value: float | None = fields.number("number in place of the second tensor", None)

    @property
    def keeps(self) -> str:  # type: ignore[override]
        """Tensors that the backward pass of this function needs."""
        if self.value is not None and self.op in _SCALED:
            return NOTHING
        return {**UNARY, **BINARY, **WITH_VALUE}[self.op]

    def check(self, inputs: Sequence[Shape]) -> Iterator[Problem]:
        """As many operands as the function has, and sizes that fit."""
        operands = len(inputs) + (self.value is not None)
        wanted = 1 if self.op in UNARY else 2
        if operands != wanted:
            has = f"{len(inputs)} input{'s' * (len(inputs) > 1)}"
            has += " and a value" if self.value is not None else ""
            message = f"{self.op} takes {wanted} operand{'s' * (wanted > 1)}, but has {has}"
            advice = "a second input or a value" if operands < wanted else "leave one out"
            too_many = "value" if self.value is not None and operands > wanted else "op"
            yield Problem("unsupported-combination", too_many, message, advice)
        elif len(inputs) > 1 and self.op in WITH_VALUE:
            message = f"{self.op} of two tensors is not an elementwise operator"
            advice = "clamp with a value" if self.op == "clamp" else f"the operator '{self.op}'"
            yield Problem("unsupported-combination", "op", message, advice)
        else:
            yield from super().check(inputs)

    def analyse(self, inputs: Sequence[Shape]) -> Analysis:
        """One operation per output element."""
        if len(inputs) > 1:
            return super().analyse(inputs)
        return pointwise_analysis(inputs[0], Term(self.term, ELEMENTWISE, inputs[0].numel))
