"""Functions of each element, and softmax."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from convcalc.exporting.onnx.nodes import Unwritable, Value
from convcalc.exporting.onnx.part import Writing
from convcalc.exporting.onnx.rule import Rule

NAMED = {
    "relu": "Relu",
    "sigmoid": "Sigmoid",
    "tanh": "Tanh",
    "selu": "Selu",
    "softsign": "Softsign",
    "mish": "Mish",
    "hardswish": "HardSwish",
    "identity": "Identity",
}
FUNCTIONS = {
    **{name: name.capitalize() for name in ("abs", "ceil", "cos", "erf", "exp", "floor", "log")},
    **{name: name.capitalize() for name in ("neg", "reciprocal", "round", "sign", "sin", "sqrt")},
}
OF_TWO = {"add": "Add", "div": "Div", "minimum": "Min", "mul": "Mul", "pow": "Pow", "sub": "Sub"}


def _named(op: str, **attributes: float) -> Rule:
    return lambda part, _, x: part.node(op, x, **attributes)


def _alpha(op: str, field: str = "alpha") -> Rule:
    return lambda part, operator, x: part.node(op, x, alpha=float(getattr(operator, field)))


def clipped(part: Writing, x: Value, low: float, high: float) -> Value:
    """Between two bounds."""
    return part.node("Clip", x, part.number(low), part.number(high))


def relu6(part: Writing, _: Any, x: Value) -> Value:
    """Between 0 and 6."""
    return clipped(part, x, 0, 6)


def hardtanh(part: Writing, operator: Any, x: Value) -> Value:
    """Between two bounds of its own."""
    return clipped(part, x, operator.min_val, operator.max_val)


def silu(part: Writing, _: Any, x: Value) -> Value:
    """x · sigmoid(x)."""
    return part.node("Mul", x, part.node("Sigmoid", x))


def gelu(part: Writing, operator: Any, x: Value) -> Value:
    """Exact, or by the hyperbolic tangent."""
    return part.node("Gelu", x, approximate=operator.approximate)


def softplus(part: Writing, operator: Any, x: Value) -> Value:
    """log(1 + exp(β·x)) / β."""
    if operator.beta == 1:
        return part.node("Softplus", x)
    made = part.node("Softplus", part.with_number("Mul", x, operator.beta))
    return part.with_number("Div", made, operator.beta)


def logsigmoid(part: Writing, _: Any, x: Value) -> Value:
    """log(sigmoid(x)) = -softplus(-x)."""
    return part.node("Neg", part.node("Softplus", part.node("Neg", x)))


def prelu(part: Writing, operator: Any, x: Value) -> Value:
    """A learned slope below 0."""
    slope = part.per_channel("weight", x) if operator.per_channel else part.stored("weight")
    return part.node("PRelu", x, slope)


def glu(part: Writing, _: Any, x: Value) -> Value:
    """One half of the channels times the sigmoid of the other."""
    half = x.dims[1] // 2
    one, gate = part.split(x, 1, half, half)
    return part.node("Mul", one, part.node("Sigmoid", gate))


def elementwise(part: Writing, operator: Any, x: Value, *others: Value) -> Value:
    """A function by its name."""
    op = operator.op
    if op == "square":
        return part.node("Mul", x, x)
    if op == "rsqrt":
        return part.node("Reciprocal", part.node("Sqrt", x))
    if op == "clamp":
        return part.node("Clip", x, part.number(operator.value))
    if op in FUNCTIONS:
        return part.node(FUNCTIONS[op], x)
    if op not in OF_TWO:
        raise Unwritable(f"elementwise {op} has no counterpart in ONNX")
    if operator.value is not None:
        return part.with_number(OF_TWO[op], x, operator.value)
    (other,) = others
    return broadcast(part, OF_TWO[op], x, other)


def broadcast(part: Writing, op: str, one: Value, other: Value) -> Value:
    """Two tensors, of which a vector of channels is a map of one position."""
    rank = max(len(one.dims), len(other.dims)) - 2
    return part.pair(op, part.to_rank(one, rank), part.to_rank(other, rank))


RULES: Mapping[str, Rule] = {
    **{name: _named(op) for name, op in NAMED.items()},
    "leaky_relu": _alpha("LeakyRelu", "negative_slope"),
    "elu": _alpha("Elu"),
    "celu": _alpha("Celu"),
    "hardsigmoid": _named("HardSigmoid", alpha=1 / 6, beta=0.5),
    "softmax": _named("Softmax", axis=1),
    "log_softmax": _named("LogSoftmax", axis=1),
    "relu6": relu6,
    "hardtanh": hardtanh,
    "silu": silu,
    "gelu": gelu,
    "softplus": softplus,
    "logsigmoid": logsigmoid,
    "prelu": prelu,
    "glu": glu,
    "elementwise": elementwise,
}
