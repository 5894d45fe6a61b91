"""Functions of one element, and softmax."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import prod
from typing import Any

from convcalc.importing.foreign import Node
from convcalc.importing.mapping.build import Build, Held, NoRule, Rule, axis_number
from convcalc.importing.views import View, size_of

NAMED = {
    "Relu": "relu",
    "Sigmoid": "sigmoid",
    "Tanh": "tanh",
    "Softplus": "softplus",
    "Selu": "selu",
    "Mish": "mish",
    "Softsign": "softsign",
    "HardSwish": "hardswish",
    "Silu": "silu",
    "Swish": "silu",
    "LogSigmoid": "logsigmoid",
    "Celu": "celu",
}
FUNCTIONS = {
    "Abs": "abs",
    "Ceil": "ceil",
    "Cos": "cos",
    "Erf": "erf",
    "Exp": "exp",
    "Floor": "floor",
    "Log": "log",
    "Neg": "neg",
    "Reciprocal": "reciprocal",
    "Round": "round",
    "Sign": "sign",
    "Sin": "sin",
    "Sqrt": "sqrt",
    "Rsqrt": "rsqrt",
    "Square": "square",
}
SLOPED = {"LeakyRelu": ("leaky_relu", "negative_slope", 0.01), "Elu": ("elu", "alpha", 1.0)}


def named(build: Build, node: Node) -> Sequence[Held]:
    """An activation of the same meaning."""
    return [build.same(build.view(node), NAMED[node.op])]


def function(build: Build, node: Node) -> Sequence[Held]:
    """A function of each element by its name."""
    return [build.same(build.view(node), "elementwise", op=FUNCTIONS[node.op])]


def sloped(build: Build, node: Node) -> Sequence[Held]:
    """An activation with a slope."""
    name, field, default = SLOPED[node.op]
    slope = node.value("alpha", default)
    fields = {} if abs(slope - default) < 1e-6 else {field: float(f"{slope:.6g}")}
    return [build.same(build.view(node), name, **fields)]


def gelu(build: Build, node: Node) -> Sequence[Held]:
    """Gelu, exact or by the hyperbolic tangent."""
    fields = {"approximate": "tanh"} if node.value("approximate", "none") == "tanh" else {}
    return [build.same(build.view(node), "gelu", **fields)]


def hard_sigmoid(build: Build, node: Node) -> Sequence[Held]:
    """HardSigmoid of PyTorch's slope, or of another one."""
    return [build.same(build.view(node), "hardsigmoid")]


def clip(build: Build, node: Node) -> Sequence[Held]:
    """Clip between two bounds, of which each may be left out."""
    low, high = (_bound(build, node, index, key) for index, key in ((1, "min"), (2, "max")))
    view = build.view(node)
    if low == 0 and high == 6:
        return [build.same(view, "relu6")]
    if low == 0 and (high is None or high > 1e30):
        return [build.same(view, "relu")]
    if low is None or high is None:
        bound = low if low is not None else high
        return [build.same(view, "elementwise", op="clamp", value=float(bound or 0))]
    return [build.same(view, "hardtanh", min_val=float(low), max_val=float(high))]


def _bound(build: Build, node: Node, index: int, key: str) -> float | None:
    if not node.input(index) and node.value(key) is None:
        return None
    numbers = build.numbers(node, index, key)
    return numbers[0] if numbers else None


def prelu(build: Build, node: Node) -> Sequence[Held]:
    """PRelu with a slope for each channel, or one for all."""
    slope = build.weight(node, 1)
    x = build.along(build.view(node), [1])
    count = prod(slope.dims)
    if count not in (1, size_of(x.stored[0])):
        raise NoRule(f"{count} slopes for {size_of(x.stored[0])} channels, not one each")
    fields = {} if count == 1 else {"per_channel": True}
    return [build.same(x, "prelu", **fields)]


def softmax(build: Build, node: Node) -> Sequence[Held]:
    """Softmax and LogSoftmax over an axis, in old versions over all from it on."""
    view = build.view(node)
    axis = axis_number(node.value("axis", -1), len(view.axes))
    axes = range(axis, len(view.axes)) if node.value("flattens") else [axis]
    name = "softmax" if node.op == "Softmax" else "log_softmax"
    atoms = tuple(atom for each in axes for atom in view.axes[each])
    return [build.same(_softmax_view(build, view, axes, atoms), name)]


def _softmax_view(build: Build, view: View, axes: Sequence[int], atoms: tuple[Any, ...]) -> View:
    """A view whose channels are what softmax runs over; parts of channels stay where they are."""
    if atoms and all(view.role(atom) == 0 for atom in atoms):
        return view
    return build.along(view, axes)


RULES: Mapping[str, Rule] = {
    **dict.fromkeys(NAMED, named),
    **dict.fromkeys(FUNCTIONS, function),
    **dict.fromkeys(SLOPED, sloped),
    "Gelu": gelu,
    "HardSigmoid": hard_sigmoid,
    "Clip": clip,
    "PRelu": prelu,
    "Softmax": softmax,
    "LogSoftmax": softmax,
}
