"""Functions of each element."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from convcalc.exporting.expressions import literal
from convcalc.exporting.keras.operators.calls import Rule, X, bracket, call
from convcalc.exporting.keras.operators.joining import alike
from convcalc.exporting.keras.site import Site

ACTIVATIONS = {
    **{name: name for name in ("relu", "relu6", "sigmoid", "tanh", "silu", "selu", "softplus")},
    **{name: name for name in ("softsign", "softmax", "log_softmax", "mish", "glu", "celu", "elu")},
    "hardsigmoid": "hard_sigmoid",
    "hardswish": "hard_silu",
    "logsigmoid": "log_sigmoid",
}
PLAIN = {"elu": {"alpha": 1.0}, "celu": {"alpha": 1.0}, "softplus": {"beta": 1.0}}


def activation(site: Site) -> Sequence[str]:
    """An activation by its name."""
    name = site.item.type
    for field, value in PLAIN.get(name, {}).items():
        if not site.is_always(field, value):
            raise site.refused(f"with another {field} has no counterpart in Keras")
    if name == "relu":
        return [call("ReLU", [])]
    return [call("Activation", [f'"{ACTIVATIONS[name]}"'])]


def gelu(site: Site) -> Sequence[str]:
    """Gelu, exact or by the hyperbolic tangent."""
    if site.one("approximate") == "tanh":
        return [f"keras.activations.gelu({X}, approximate=True)"]
    return [call("Activation", ['"gelu"'])]


def leaky_relu(site: Site) -> Sequence[str]:
    """LeakyReLU."""
    return [call("LeakyReLU", [site.text("negative_slope")])]


def hardtanh(site: Site) -> Sequence[str]:
    """Between two bounds."""
    return [f"ops.clip({X}, {site.text('min_val')}, {site.text('max_val')})"]


def prelu(site: Site) -> Sequence[str]:
    """A slope for each channel, or one for all."""
    last = site.rank + 1
    axes = range(1, last if site.one("per_channel") else last + 1)
    return [call("PReLU", [f"shared_axes={literal(list(axes))}"] if axes else [])]


UNARY = {name: name for name in ("abs", "ceil", "cos", "erf", "exp", "floor", "log", "round")}
UNARY |= {name: name for name in ("sign", "sin", "sqrt", "square", "reciprocal", "rsqrt")}
UNARY["neg"] = "negative"
SIGNS = {"add": "+", "sub": "-", "mul": "*", "div": "/", "pow": "**"}


def elementwise(site: Site) -> Sequence[str]:
    """A function by its name."""
    op = site.one("op")
    if op in UNARY:
        return [f"ops.{UNARY[op]}({X})"]
    if len(site.inputs) > 1:
        a, b = alike(site)
        return [f"{a} {SIGNS[op]} {b}" if op in SIGNS else f"ops.{op}({a}, {b})"]
    value = site.text("value")
    if op in SIGNS:
        return [f"{X} {SIGNS[op]} {bracket(value)}"]
    return [f"ops.maximum({X}, {value})" if op == "clamp" else f"ops.{op}({X}, {value})"]


RULES: Mapping[str, Rule] = {
    **dict.fromkeys(ACTIVATIONS, activation),
    "gelu": gelu,
    "leaky_relu": leaky_relu,
    "hardtanh": hardtanh,
    "prelu": prelu,
    "elementwise": elementwise,
}
