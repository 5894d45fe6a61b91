"""Normalisation, and learned numbers that are multiplied or added."""

from __future__ import annotations

from collections.abc import Mapping
from math import prod
from typing import Any

from convcalc.exporting.onnx.nodes import Unwritable, Value
from convcalc.exporting.onnx.part import Writing
from convcalc.exporting.onnx.rule import Rule
from convcalc.model.quantities.unknown import known

EPS = 1e-6


def _channels(x: Value) -> int:
    if not known((x.dims[1],)):
        raise Unwritable("the number of channels is not known", "set the sizes of the input")
    return x.dims[1]


def _scale(part: Writing, x: Value, key: str = "weight") -> Value:
    """The learned scale, or ones."""
    return part.stored(key) if part.has(key) else part.filled((_channels(x),), 1.0)


def _shift(part: Writing, x: Value, key: str = "bias") -> Value:
    """The learned shift, or zeros."""
    return part.stored(key) if part.has(key) else part.filled((_channels(x),))


def batch_norm(part: Writing, _: Any, x: Value) -> Value:
    """Each channel by its running statistics; without them by those of the batch."""
    if part.has("running_mean"):
        statistics = part.stored("running_mean"), part.stored("running_var")
        return part.node("BatchNormalization", x, _scale(part, x), _shift(part, x), *statistics)
    axes = [0, *range(2, len(x.dims))]
    made = part.node("MeanVarianceNormalization", x, axes=axes)
    for op, key in (("Mul", "weight"), ("Add", "bias")):
        if part.has(key):
            made = part.node(op, made, part.per_channel(key, x))
    return made


def instance_norm(part: Writing, operator: Any, x: Value) -> Value:
    """Each channel of each sample by its own statistics, or by stored ones."""
    if operator.track_running_stats:
        return batch_norm(part, operator, x)
    return part.node("InstanceNormalization", x, _scale(part, x), _shift(part, x))


def group_norm(part: Writing, operator: Any, x: Value) -> Value:
    """Groups of channels by their own statistics: an instance norm of each group.

    GroupNormalization is a function in ONNX, through which sizes are not inferred.
    """
    groups, rest = operator.groups, prod(x.dims[1:])
    apart = part.reshape(x, x.dims[0], groups, rest // groups)
    norm = part.node(
        "InstanceNormalization", apart, part.filled((groups,), 1.0), part.filled((groups,))
    )
    made = part.reshape(norm, *x.dims)
    for op, key in (("Mul", "weight"), ("Add", "bias")):
        if part.has(key):
            made = part.node(op, made, part.per_channel(key, x))
    return made


def layer_norm(part: Writing, operator: Any, x: Value) -> Value:
    """Each position over its channels, or each sample over everything."""
    if operator.spatial:
        sizes = x.dims[1:]
        if not known(sizes):
            raise Unwritable("it normalises over sizes that are not known", "set the input's")
        scale = part.stored("weight") if part.has("weight") else part.filled(sizes, 1.0)
        shift = part.stored("bias") if part.has("bias") else None
        return part.node("LayerNormalization", x, scale, shift, axis=1)
    shift = part.stored("bias") if part.has("bias") else None
    last = part.channels_last(x)
    made = part.node("LayerNormalization", last, _scale(part, x), shift, axis=-1)
    return part.channels_first(made)


def rms_norm(part: Writing, _: Any, x: Value) -> Value:
    """Each position over the root of the mean square of its channels."""
    squares = part.reduce("ReduceMean", part.node("Mul", x, x), 1)
    root = part.node("Sqrt", part.with_number("Add", squares, EPS))
    made = part.node("Div", x, root)
    return part.node("Mul", made, part.per_channel("weight", x)) if part.has("weight") else made


def global_response_norm(part: Writing, _: Any, x: Value) -> Value:
    """weight · x · n + bias + x, n the norm of a channel over the mean of all channels' norms."""
    norms = part.reduce("ReduceL2", x, *range(2, len(x.dims)))
    mean = part.with_number("Add", part.reduce("ReduceMean", norms, 1), EPS)
    scaled = part.node("Mul", x, part.node("Div", norms, mean))
    made = part.node("Mul", scaled, part.per_channel("weight", x))
    return part.node("Add", part.node("Add", made, part.per_channel("bias", x)), x)


def local_response_norm(part: Writing, operator: Any, x: Value) -> Value:
    """Each channel by its neighbours."""
    given = {"alpha": operator.alpha, "beta": operator.beta, "bias": operator.k}
    floats: dict[str, Any] = {key: float(value) for key, value in given.items()}
    return part.node("LRN", x, size=operator.size, **floats)


def _learned(op: str, key: str = "weight") -> Rule:
    def rule(part: Writing, operator: Any, x: Value) -> Value:
        if getattr(operator, "per", "channel") == "tensor":
            return part.node(op, x, part.stored(key))
        return part.node(op, x, part.per_channel(key, x))

    return rule


RULES: Mapping[str, Rule] = {
    "batch_norm": batch_norm,
    "instance_norm": instance_norm,
    "group_norm": group_norm,
    "layer_norm": layer_norm,
    "rms_norm": rms_norm,
    "global_response_norm": global_response_norm,
    "local_response_norm": local_response_norm,
    "scale": _learned("Mul"),
    "layer_scale": _learned("Mul"),
    "shift": _learned("Add", "bias"),
}
