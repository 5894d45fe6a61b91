"""Pooling over windows, parts of axes, whole axes, and pooling undone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from convcalc.exporting.onnx.convolution import windows
from convcalc.exporting.onnx.nodes import INT, Nodes, Unwritable, Value
from convcalc.exporting.onnx.part import Writing
from convcalc.exporting.onnx.rule import Rule
from convcalc.model.geometry.sizes import axis_names
from convcalc.model.quantities.unknown import known


def max_pool(part: Writing, operator: Any, x: Value) -> Value:
    """The greatest value of each window."""
    stride = operator.stride or operator.kernel_size
    given = windows(x, operator.kernel_size, stride, operator.padding, operator.dilation)
    ceil = _ceil(part, operator, x, given)
    return part.node("MaxPool", x, to=part.made, **given, ceil_mode=ceil)


def _ceil(part: Writing, operator: Any, x: Value, given: Mapping[str, Any]) -> int | None:
    """1 if a window hangs over the end of an axis; ONNX would also start one behind it."""
    rank = len(x.dims) - 2
    pads = given.get("pads") or (0,) * 2 * rank
    dilations = given.get("dilations") or (1,) * rank
    whole = [
        (n + pads[i] + pads[rank + i] - d * (k - 1) - 1) // s + 1
        for i, (n, k, s, d) in enumerate(
            zip(x.dims[2:], given["kernel_shape"], given["strides"], dilations, strict=True)
        )
    ]
    hangs = any(not known((n, m)) or n != m for n, m in zip(whole, part.made[2:], strict=True))
    return 1 if operator.ceil_mode and hangs else None


def avg_pool(part: Writing, operator: Any, x: Value) -> Value:
    """The mean of each window; TensorFlow's padding never enters it."""
    stride, ones = operator.stride or operator.kernel_size, (1,) * (len(x.dims) - 2)
    given = windows(x, operator.kernel_size, stride, operator.padding, ones)
    is_counted = operator.count_include_pad and "pads" in given
    ceil = _ceil(part, operator, x, given)
    included = 1 if is_counted else None
    return part.node(
        "AveragePool", x, to=part.made, **given, ceil_mode=ceil, count_include_pad=included
    )


def lp_pool(part: Writing, operator: Any, x: Value) -> Value:
    """The p-norm of each window."""
    if operator.norm_type != int(operator.norm_type):
        raise Unwritable(f"lp_pool by a norm of {operator.norm_type:g}: ONNX has only whole ones")
    stride, rank = operator.stride or operator.kernel_size, len(x.dims) - 2
    given = windows(x, operator.kernel_size, stride, ((0, 0),) * rank, (1,) * rank)
    ceil = _ceil(part, operator, x, given)
    return part.node("LpPool", x, to=part.made, **given, p=int(operator.norm_type), ceil_mode=ceil)


# --- parts of an axis -----------------------------------------------------------------------------

_WINDOWS = {"ReduceMean": "AveragePool", "ReduceMax": "MaxPool"}


def in_parts(part: Writing, x: Value, sizes: tuple[int | None, ...], op: str) -> Value:
    """Mean or maximum of parts of each axis: one window where they are alike, else part by part."""
    own = x.dims[2:]
    wanted = tuple(n if m is None else m for n, m in zip(own, sizes, strict=True))
    if set(sizes) == {1}:
        pool = "GlobalAveragePool" if op == "ReduceMean" else "GlobalMaxPool"
        return part.node(pool, x, to=(*x.dims[:2], *wanted))
    left = [n is not m for n, m in zip(own, wanted, strict=True)]
    if any(moves and not known((n,)) for moves, n in zip(left, own, strict=True)):
        raise Unwritable("parts of an axis whose size is not known", "set the sizes of the input")
    if all(not moves or n % m == 0 for moves, n, m in zip(left, own, wanted, strict=True)):
        kernel = [n // m if moves else 1 for moves, n, m in zip(left, own, wanted, strict=True)]
        return part.node(
            _WINDOWS[op], x, to=(*x.dims[:2], *wanted), kernel_shape=kernel, strides=kernel
        )
    for axis, (n, m) in enumerate(zip(own, wanted, strict=True), 2):
        if n is not m and n != m:
            pieces = [
                part.reduce(op, part.slice(x, axis, y * n // m, -(-(y + 1) * n // m)), axis)
                for y in range(m)
            ]
            x = part.concat(pieces, axis)
    return x


def adaptive_avg_pool(part: Writing, operator: Any, x: Value) -> Value:
    """The mean of each part."""
    return in_parts(part, x, operator.output_size, "ReduceMean")


def adaptive_max_pool(part: Writing, operator: Any, x: Value) -> Value:
    """The greatest value of each part."""
    return in_parts(part, x, operator.output_size, "ReduceMax")


# --- whole axes -----------------------------------------------------------------------------------


def _global(op: str) -> Rule:
    def rule(part: Writing, operator: Any, x: Value) -> Value:
        made = part.node(op, x, to=(*x.dims[:2], *(1,) * (len(x.dims) - 2)))
        return made if operator.keepdim else part.node("Flatten", made, to=x.dims[:2])

    return rule


def reduce(part: Writing, operator: Any, x: Value) -> Value:
    """Mean, maximum, minimum or sum over one axis, or all positions."""
    rank = len(x.dims) - 2
    axes = range(2, rank + 2)
    if operator.axis != "positions":
        axes = range(at := 1 + axis_names(rank).index(operator.axis), at + 1)
    op = f"Reduce{operator.mode.capitalize()}"
    return part.reduce(op, x, *axes, keepdims=operator.keepdim)


def max_unpool(part: Writing, _: Any, x: Value, *pooled: Value) -> Value:
    """Values at the places where a max pooling found them, which that gives besides."""
    (found,) = pooled or (None,)
    pool = found.node if found is not None else None
    if pool is None or pool.op != "MaxPool":
        raise Unwritable(
            "max_unpool of no max_pool has no counterpart in ONNX", "indices: of a max_pool"
        )
    if len(pool.outputs) == 1:
        Nodes.output(pool, pool.outputs[0].dims, INT)
    given = {
        key: pool.attributes[key]
        for key in ("kernel_shape", "strides", "pads")
        if key in pool.attributes
    }
    size = part.ints(*part.made)
    return part.node("MaxUnpool", x, pool.outputs[1], size, to=part.made, **given)


RULES: Mapping[str, Rule] = {
    "max_pool": max_pool,
    "avg_pool": avg_pool,
    "lp_pool": lp_pool,
    "adaptive_avg_pool": adaptive_avg_pool,
    "adaptive_max_pool": adaptive_max_pool,
    "global_avg_pool": _global("GlobalAveragePool"),
    "global_max_pool": _global("GlobalMaxPool"),
    "reduce": reduce,
    "max_unpool": max_unpool,
}
