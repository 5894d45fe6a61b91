"""Functions of one element, arithmetic, and what passes its input on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from convcalc.importing.formats.pt2.call import Call, Rule, Untranslated
from convcalc.importing.formats.pt2.schema import Ref

SAME = {
    "relu": "Relu",
    "sigmoid": "Sigmoid",
    "tanh": "Tanh",
    "softplus": "Softplus",
    "selu": "Selu",
    "mish": "Mish",
    "softsign": "Softsign",
    "hardswish": "HardSwish",
    "silu": "Silu",
    "log_sigmoid": "LogSigmoid",
    "abs": "Abs",
    "ceil": "Ceil",
    "cos": "Cos",
    "erf": "Erf",
    "exp": "Exp",
    "floor": "Floor",
    "log": "Log",
    "neg": "Neg",
    "reciprocal": "Reciprocal",
    "round": "Round",
    "sign": "Sign",
    "sin": "Sin",
    "sqrt": "Sqrt",
    "rsqrt": "Rsqrt",
    "square": "Square",
    "logical_not": "Not",
    "bitwise_not": "Not",
}
PASSING = (
    "alias",
    "clone",
    "contiguous",
    "detach",
    "detach_copy",
    "lift",
    "lift_fresh",
    "lift_fresh_copy",
    "positive",
    "resolve_conj",
    "resolve_neg",
    "to",
    "type_as",
    "_to_copy",
)
SILENT = (  # of which nothing is read
    "_assert_async",
    "_assert_scalar",
    "_assert_tensor_metadata",
    "sym_constrain_range",
    "sym_constrain_range_for_size",
)
TWO = {
    "add": "Add",
    "sub": "Sub",
    "subtract": "Sub",
    "mul": "Mul",
    "multiply": "Mul",
    "div": "Div",
    "divide": "Div",
    "true_divide": "Div",
    "maximum": "Max",
    "minimum": "Min",
    "atan2": "Atan2",
    "remainder": "Mod",
    "eq": "Equal",
    "ge": "GreaterOrEqual",
    "gt": "Greater",
    "le": "LessOrEqual",
    "lt": "Less",
    "logical_and": "And",
    "logical_or": "Or",
    "bitwise_and": "And",
    "bitwise_or": "Or",
}
SYMBOLIC = {"add": "Add", "sub": "Sub", "mul": "Mul", "floordiv": "Div", "mod": "Mod"}


def same(call: Call) -> None:
    """A function of the same meaning."""
    if call.op == "softplus" and (call.get("beta", 1) != 1):
        raise Untranslated("softplus with a beta")
    if call.op == "round" and call.get("decimals", 0):
        raise Untranslated("a round to decimals")
    call.make(SAME[call.op], call.tensor())


def passing(call: Call) -> None:
    """Pass the input on."""
    call.make("Identity", call.tensor("input" if call.get("self") is None else "self"))


def copied(call: Call) -> None:
    """``self.copy_(src)``: afterwards it is what was copied."""
    call.make("Identity", call.tensor("src"))


def dropout(call: Call) -> None:
    """Dropout of any kind, which does nothing in eval mode."""
    x = call.tensor("input" if call.get("self") is None else "self")
    call.make("Dropout", x, ratio=float(call.get("p", 0)))


def silent(call: Call) -> None:
    """Make nothing: the operator only checks something."""


def two(call: Call) -> None:
    """Arithmetic of two tensors, or of a tensor and a number."""
    inputs = [call.tensor("self"), call.tensor("other")]
    alpha = call.get("alpha", 1)
    if alpha != 1:
        inputs[1] = call.add("Mul", inputs[1], call.number(float(alpha)))
    mode = call.get("rounding_mode")
    if mode is None:
        call.make(TWO[call.op], *inputs)
        return
    quotient = call.add(TWO[call.op], *inputs)
    call.make("Floor", quotient)


def reversed_sub(call: Call) -> None:
    """``other - self``."""
    if call.get("alpha", 1) != 1:
        raise Untranslated("rsub with an alpha")
    call.make("Sub", call.tensor("other"), call.tensor("self"))


def not_equal(call: Call) -> None:
    """``self != other``."""
    call.make("Not", call.add("Equal", call.tensor("self"), call.tensor("other")))


def power(call: Call) -> None:
    """A power of a tensor or of a number."""
    exponent = call.tensor("exponent")
    number = call.constants[exponent].number if exponent in call.constants else None
    if number == 2:
        call.make("Mul", call.tensor("self"), call.tensor("self"))
    else:
        call.make("Pow", call.tensor("self"), exponent)


def add_product(call: Call) -> None:
    """addcmul and addcdiv: ``self + value · tensor1 · tensor2``, or divided by it."""
    op = "Mul" if call.op == "addcmul" else "Div"
    found = call.add(op, call.tensor("tensor1"), call.tensor("tensor2"))
    if call.get("value", 1) != 1:
        found = call.add("Mul", found, call.number(float(call.get("value"))))
    call.make("Add", call.tensor("self"), found)


def clip(call: Call) -> None:
    """A clamp between two bounds, of which each may be left out."""
    low = call.first("min", "min_val")
    high = call.first("max", "max_val")
    if call.op == "hardtanh":
        low, high = call.get("min_val", -1), call.get("max_val", 1)
    if call.op == "relu6":
        low, high = 0, 6
    bounds = ("" if bound is None else _bound(call, bound) for bound in (low, high))
    call.make("Clip", call.tensor(), *bounds)


def _bound(call: Call, bound: Any) -> str:
    return str(bound) if isinstance(bound, Ref) else call.number(float(bound))


def hard_sigmoid(call: Call) -> None:
    """Hardsigmoid."""
    call.make("HardSigmoid", call.tensor(), alpha=1 / 6, beta=0.5)


def gelu(call: Call) -> None:
    """Gelu, exact or by the hyperbolic tangent."""
    call.make("Gelu", call.tensor(), approximate=call.get("approximate", "none"))


def sloped(call: Call) -> None:
    """leaky_relu, elu, celu."""
    if call.op == "leaky_relu":
        call.make("LeakyRelu", call.tensor(), alpha=float(call.get("negative_slope", 0.01)))
        return
    if call.get("scale", 1) != 1 or call.get("input_scale", 1) != 1:
        if call.op == "elu" and abs(call.get("scale", 1) - 1.0507) < 1e-3:
            call.make("Selu", call.tensor())
            return
        raise Untranslated("elu with a scale")
    op = "Elu" if call.op == "elu" else "Celu"
    call.make(op, call.tensor(), alpha=float(call.get("alpha", 1.0)))


def prelu(call: Call) -> None:
    """Prelu with learned slopes."""
    call.make("PRelu", call.tensor(), call.tensor("weight"))


def softmax(call: Call) -> None:
    """Softmax and log_softmax over one axis."""
    op = "LogSoftmax" if "log" in call.op else "Softmax"
    call.make(op, call.tensor(), axis=call.integer("dim", -1))


def glu(call: Call) -> None:
    """Glu: half of an axis times the sigmoid of the other half."""
    x = call.tensor()
    axis = call.axis("dim", call.rank(x), -1)
    size = call.sizes(x)[axis]
    if size is None:
        raise Untranslated("its sizes are not fixed")
    half = size // 2
    first, second = (
        call.add("Slice", x, starts=(start,), ends=(start + half,), axes=(axis,), steps=(1,))
        for start in (0, half)
    )
    call.make("Mul", first, call.add("Sigmoid", second))


def where(call: Call) -> None:
    """A choice between two tensors."""
    call.make("Where", call.tensor("condition"), call.tensor("self"), call.tensor("other"))


def masked_fill(call: Call) -> None:
    """A number where a mask is set."""
    call.make("Where", call.tensor("mask"), call.tensor("value"), call.tensor("self"))


def symbolic(call: Call) -> None:
    """Arithmetic of sizes."""
    names = [call.tensor(key) for key in call.arguments]
    call.make(SYMBOLIC[call.op.removeprefix("operator.")], *names)


def size(call: Call) -> None:
    """The size of an axis, of a program whose sizes are not all fixed."""
    x = call.tensor("self" if call.get("self") is not None else "a")
    axis = call.axis("dim", call.rank(x))
    found = call.add("Shape", x, start=axis, end=axis + 1)
    call.make("Squeeze", found, axes=(0,))


RULES: Mapping[str, Rule] = {
    **dict.fromkeys(SAME, same),
    **dict.fromkeys(PASSING, passing),
    **dict.fromkeys(SILENT, silent),
    **dict.fromkeys(TWO, two),
    **dict.fromkeys((f"operator.{name}" for name in SYMBOLIC), symbolic),
    "copy": copied,
    "rsub": reversed_sub,
    **dict.fromkeys(("dropout", "alpha_dropout", "feature_dropout"), dropout),
    "feature_alpha_dropout": dropout,
    "ne": not_equal,
    "pow": power,
    "addcmul": add_product,
    "addcdiv": add_product,
    "clamp": clip,
    "clip": clip,
    "clamp_min": clip,
    "clamp_max": clip,
    "hardtanh": clip,
    "relu6": clip,
    "hardsigmoid": hard_sigmoid,
    "gelu": gelu,
    "leaky_relu": sloped,
    "elu": sloped,
    "celu": sloped,
    "prelu": prelu,
    "softmax": softmax,
    "_softmax": softmax,
    "log_softmax": softmax,
    "_log_softmax": softmax,
    "glu": glu,
    "where": where,
    "masked_fill": masked_fill,
    "sym_size": size,
}
