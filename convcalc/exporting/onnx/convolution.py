"""Convolutions, their windows, and linear maps at positions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import prod
from typing import Any

from convcalc.exporting.onnx.nodes import Unwritable, Value
from convcalc.exporting.onnx.part import Writing
from convcalc.exporting.onnx.rule import Rule
from convcalc.model.geometry.sizes import Padding, resolve_padding
from convcalc.model.ops.convolution._placement import places
from convcalc.model.quantities.unknown import known

MODES = {"reflect": "reflect", "replicate": "edge", "circular": "wrap"}
EPS = 1e-5


def windows(
    x: Value,
    kernel: Sequence[int],
    stride: Sequence[int],
    padding: Padding,
    dilation: Sequence[int],
) -> dict[str, Any]:
    """The attributes of a window that slides; padding is in numbers where they are known."""
    sizes = (tuple(kernel), tuple(stride), tuple(dilation))
    sides = resolve_padding(padding, x.dims[2:], *sizes)
    given: dict[str, Any] = {"kernel_shape": list(kernel), "strides": list(stride)}
    if any(d != 1 for d in dilation):
        given["dilations"] = list(dilation)
    if padding == "same" and not known(x.dims[2:]):
        given["auto_pad"] = "SAME_UPPER"
    elif any(map(any, sides)):
        given["pads"] = [*(before for before, _ in sides), *(after for _, after in sides)]
    return given


def slid(
    part: Writing,
    x: Value,
    weight: Value,
    bias: Value | None,
    operator: Any,
    groups: int,
    *,
    to: Sequence[int] | None = None,
) -> Value:
    """A convolution by the kernel, stride, padding and dilation of an operator."""
    dilation = getattr(operator, "dilation", (1,) * (len(x.dims) - 2))
    window = (operator.kernel_size, operator.stride, operator.padding, dilation)
    mode = getattr(operator, "padding_mode", "zeros")
    given = windows(x, *window)
    if mode != "zeros" and "pads" in given:
        pads = given.pop("pads")
        half = len(pads) // 2
        sides = list(zip(pads[:half], pads[half:], strict=True))
        x = part.pad(x, sides, MODES[mode])
    return part.node("Conv", x, weight, bias, to=to or part.made, **given, group=_groups(groups))


def _groups(groups: int) -> int | None:
    if not known((groups,)):
        raise Unwritable("the number of channels is not known", "set the sizes of the input")
    return groups if groups != 1 else None


def conv(part: Writing, operator: Any, x: Value) -> Value:
    """A convolution; the weight is normalised as the layer says."""
    if getattr(operator, "mask", "none") != "none":
        raise Unwritable("conv with a mask has no counterpart in ONNX", "a kernel without a mask")
    weight = normalised(part, operator, part.stored("weight"))
    groups = getattr(operator, "groups", x.dims[1])
    return slid(part, x, weight, bias_of(part), operator, groups)


def pointwise(part: Writing, operator: Any, x: Value) -> Value:
    """A convolution of one tap."""
    weight = normalised(part, operator, part.stored("weight"))
    ones = (1,) * (len(x.dims) - 2)
    given = windows(x, ones, operator.stride, tuple((0, 0) for _ in ones), ones)
    groups = _groups(operator.groups)
    return part.node("Conv", x, weight, bias_of(part), to=part.made, **given, group=groups)


def linear(part: Writing, operator: Any, x: Value) -> Value:
    """A matrix over the channels: Gemm for vectors, a convolution of one tap at positions."""
    rows, columns = part.analysis.weights["weight"]
    rank = len(x.dims) - 2
    if not rank:
        weight = normalised(part, operator, part.stored("weight"))
        return part.node("Gemm", x, weight, bias_of(part), to=part.made, transB=1)
    weight = normalised(part, operator, part.stored("weight", (rows, columns, *(1,) * rank)))
    kernel = [1] * rank
    return part.node("Conv", x, weight, bias_of(part), to=part.made, kernel_shape=kernel)


def bias_of(part: Writing) -> Value | None:
    """The bias, if there is one."""
    return part.stored("bias") if part.has("bias") else None


def conv_transpose(part: Writing, operator: Any, x: Value, *_: Value) -> Value:
    """A transposed convolution; what is cut off and added is in numbers."""
    if operator.realisation != "scatter":
        message = f"conv_transpose by {operator.realisation} has no counterpart in ONNX"
        raise Unwritable(message, "realisation: scatter")
    weight = normalised(part, operator, part.stored("weight"), height=1)
    return stamped(part, operator, x, weight, bias_of(part), operator.groups)


def stamped(
    part: Writing, operator: Any, x: Value, weight: Value, bias: Value | None, groups: int
) -> Value:
    """A transposed convolution by the fields of an operator."""
    found = places(
        x.shape,
        operator.kernel_size,
        operator.stride,
        operator.dilation,
        operator.padding,
        operator.output_padding,
        part.made[2:],
    )
    pads = [*(place.before for place in found), *(place.after for place in found)]
    more = [place.more for place in found]
    if not known((*pads, *more)):
        raise Unwritable("what it cuts off depends on a size that is not known", "set the input's")
    given: dict[str, Any] = {
        "kernel_shape": list(operator.kernel_size),
        "strides": list(operator.stride),
        "pads": pads if any(pads) else None,
        "output_padding": more if any(more) else None,
        "dilations": list(operator.dilation) if set(operator.dilation) != {1} else None,
    }
    return part.node("ConvTranspose", x, weight, bias, to=part.made, **given, group=_groups(groups))


def bilinear(part: Writing, operator: Any, x: Value) -> Value:
    """The transposed convolution of fixed weights that interpolates."""
    inner = operator.transposed(x.shape)
    return stamped(part, inner, x, part.stored("weight"), None, inner.groups)


def filtered(part: Writing, operator: Any, x: Value) -> Value:
    """A convolution of each channel by fixed taps."""
    fixed = operator if hasattr(operator, "filters") else operator._conv(x.shape)
    stored = part.stored("filter")
    channels = x.dims[1]
    if fixed.shared:
        each = part.reshape(stored, stored.dims[0], 1, *stored.dims[1:])
        count = part.ints(channels, *(1,) * (len(each.dims) - 1))
        stored = part.node("Tile", each, count, to=(channels * each.dims[0], *each.dims[1:]))
    return slid(part, x, stored, None, fixed, channels)


# --- weights that are normalised ------------------------------------------------------------------


def normalised(part: Writing, operator: Any, weight: Value, height: int = 0) -> Value:
    """The weight as it multiplies; ``height`` is its axis of outputs."""
    kind = getattr(operator, "weight_norm", "none")
    if kind == "none":
        return weight
    rest = tuple(range(1, len(weight.dims)))
    if kind in ("standard", "scaled"):
        centred = part.node("Sub", weight, part.reduce("ReduceMean", weight, *rest))
        squares = part.reduce("ReduceMean", part.node("Mul", centred, centred), *rest)
        root = part.node("Sqrt", part.with_number("Add", squares, EPS))
        made = part.node("Div", centred, root)
        return part.node("Mul", made, _gain(part, "gain", weight)) if kind == "scaled" else made
    if kind == "weight":
        unit = part.node("Div", weight, part.reduce("ReduceL2", weight, *rest))
        return part.node("Mul", unit, _gain(part, "weight_g", weight))
    return _spectral(part, weight, height)


def _gain(part: Writing, key: str, weight: Value) -> Value:
    return part.stored(key, (weight.dims[0], *(1,) * (len(weight.dims) - 1)))


def _spectral(part: Writing, weight: Value, height: int) -> Value:
    """The weight over its greatest singular value, u · W · v."""
    rows = weight.dims[height]
    order = (height, *(axis for axis in range(len(weight.dims)) if axis != height))
    turned = part.transpose(weight, *order)
    matrix = part.reshape(turned, rows, prod(turned.dims[1:]))
    scaled = part.node("Mul", matrix, part.stored("weight_v"))
    scaled = part.node("Mul", scaled, part.stored("weight_u", (rows, 1)))
    value = part.reduce("ReduceSum", scaled, 0, 1, keepdims=False)
    return part.node("Div", weight, value)


RULES: Mapping[str, Rule] = {
    "conv": conv,
    "depthwise_conv": conv,
    "pointwise_conv": pointwise,
    "linear": linear,
    "conv_transpose": conv_transpose,
    "bilinear_conv_transpose": bilinear,
    "fixed_conv": filtered,
    "blur_pool": filtered,
}
