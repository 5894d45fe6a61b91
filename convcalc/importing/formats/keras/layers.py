"""Writes the layers of Keras as nodes. Names and defaults are those of Keras 3; those of Keras 2
that differ are known too.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from convcalc.importing.formats.keras.settings import LayerCall, Unfit

__all__ = ["LAYERS", "OPERATIONS", "Unfit"]

Rule = Callable[[LayerCall], str]


# --- activations -------------------------------------------------------------------------------

# Keras' name: the foreign operator and its attributes.
ACTIVATIONS: Mapping[str, tuple[str, Mapping[str, Any]]] = {
    "relu": ("Relu", {}),
    "relu6": ("Clip", {"min": 0, "max": 6}),
    "sigmoid": ("Sigmoid", {}),
    "tanh": ("Tanh", {}),
    "silu": ("Silu", {}),
    "swish": ("Silu", {}),
    "hard_sigmoid": ("HardSigmoid", {}),
    "hard_silu": ("HardSwish", {}),
    "hard_swish": ("HardSwish", {}),
    "gelu": ("Gelu", {}),
    "elu": ("Elu", {}),
    "selu": ("Selu", {}),
    "celu": ("Celu", {}),
    "softplus": ("Softplus", {}),
    "softsign": ("Softsign", {}),
    "mish": ("Mish", {}),
    "exponential": ("Exp", {}),
    "log_sigmoid": ("LogSigmoid", {}),
    "leaky_relu": ("LeakyRelu", {"alpha": 0.2}),
    "softmax": ("Softmax", {}),
    "log_softmax": ("LogSoftmax", {}),
}


def activated(call: LayerCall, tensor: str, value: Any) -> str:
    """A tensor after an activation as a setting says it."""
    if isinstance(value, dict):
        if value.get("class_name") in LAYERS and isinstance(value.get("config"), dict):
            inner = LayerCall(
                call.graph,
                call.call._replace(layer=value),
                value["config"],
                dict.fromkeys((read.ref for read in call.call.reads), tensor),
                call.path,
                f"{call.weights}/activation",
                call.scope,
                call.is_last,
                call.trainable,
            )
            inner.count = call.count
            made = LAYERS[str(value["class_name"])](inner)
            call.count = inner.count
            return made
        found = value.get("config")
        value = found if isinstance(found, str) else value.get("registered_name")
    if value is None or value == "linear":
        return tensor
    if not isinstance(value, str) or value not in ACTIVATIONS:
        raise Unfit(f"no rule for the activation {value!r:.60}")
    op, values = ACTIVATIONS[value]
    return call.node(op, [tensor], **values)


def activation(call: LayerCall) -> str:
    """Activation, by its name."""
    return activated(call, call.input, call.config.get("activation"))


def relu(call: LayerCall) -> str:
    """ReLU, perhaps with a bound above, a slope below zero, or another threshold."""
    slope, threshold = call.number("negative_slope", 0), call.number("threshold", 0)
    bound = call.config.get("max_value")
    if threshold or (slope and bound is not None):
        raise Unfit("a ReLU with a threshold, or with a slope and a bound")
    if slope:
        return call.node("LeakyRelu", [call.input], alpha=slope)
    if bound is None:
        return call.node("Relu", [call.input])
    return call.node("Clip", [call.input], min=0, max=call.number("max_value", 0))


def leaky_relu(call: LayerCall) -> str:
    """LeakyReLU; its slope is called alpha in Keras 2."""
    slope = call.number("negative_slope", call.number("alpha", 0.3))
    return call.node("LeakyRelu", [call.input], alpha=slope)


def elu(call: LayerCall) -> str:
    """ELU."""
    return call.node("Elu", [call.input], alpha=call.number("alpha", 1.0))


def prelu(call: LayerCall) -> str:
    """PReLU with a slope for each channel; else it has one for each element."""
    shared = call.config.get("shared_axes")
    axis = -1 if call.is_last else 1
    if not isinstance(shared, list) or not shared:
        raise Unfit("a slope for each element")
    found = sorted(each for each in shared if type(each) is int)
    rank = len(found)
    if found != list(range(1, rank + 1) if call.is_last else range(2, rank + 2)):
        raise Unfit(f"slopes shared along the axes {shared!r:.40}")
    return call.node(
        "Layer",
        [call.input],
        operator="prelu",
        fields={"per_channel": True},
        reads="axes" if rank == 0 else "image",
        axes=[axis],
        rank=rank,
        channels_last=call.is_last,
        weights=f"{call.weights}/prelu",
    )


def softmax(call: LayerCall) -> str:
    """Softmax over an axis."""
    axis = call.config.get("axis", -1)
    if isinstance(axis, list) and len(axis) == 1:
        (axis,) = axis
    if type(axis) is not int:
        raise Unfit("a softmax over several axes")
    return call.node("Softmax", [call.input], axis=axis)


# --- convolutions ------------------------------------------------------------------------------


def _window(call: LayerCall, rank: int) -> dict[str, Any]:
    fields: dict[str, Any] = {"kernel_size": call.axes("kernel_size", rank)}
    stride, dilation = call.axes("strides", rank), call.axes("dilation_rate", rank)
    if stride != [1] * rank:
        fields["stride"] = stride
    if dilation != [1] * rank:
        fields["dilation"] = dilation
    padding = _padding(call, fields["kernel_size"], dilation)
    if padding:
        fields["padding"] = padding
    return fields


def _padding(call: LayerCall, kernel: list[int], dilation: list[int]) -> Any:
    word = call.config.get("padding", "valid")
    if word == "causal" and len(kernel) == 1:
        return [[dilation[0] * (kernel[0] - 1), 0]]
    if word not in ("same", "valid"):
        raise Unfit(f"padding is {word!r:.40}")
    return "same" if word == "same" and set(kernel) != {1} else 0


def _bias(call: LayerCall) -> dict[str, Any]:
    return {} if call.flag("use_bias") else {"bias": False}


def conv(call: LayerCall, rank: int) -> str:
    """Conv1D, Conv2D, Conv3D."""
    fields = {"out_channels": call.whole("filters"), **_window(call, rank), **_bias(call)}
    if call.whole("groups", 1) != 1:
        fields["groups"] = call.whole("groups", 1)
    made = call.image("conv", rank, **fields)
    return activated(call, made, call.config.get("activation"))


def depthwise_conv(call: LayerCall, rank: int) -> str:
    """DepthwiseConv1D, DepthwiseConv2D."""
    fields = {**_window(call, rank), **_bias(call)}
    if call.whole("depth_multiplier", 1) != 1:
        fields["depth_multiplier"] = call.whole("depth_multiplier", 1)
    made = call.image("depthwise_conv", rank, **fields)
    return activated(call, made, call.config.get("activation"))


def separable_conv(call: LayerCall, rank: int) -> str:
    """SeparableConv1D, SeparableConv2D: two convolutions, of which the second has the bias."""
    fields = {**_window(call, rank), "bias": False}
    if call.whole("depth_multiplier", 1) != 1:
        fields["depth_multiplier"] = call.whole("depth_multiplier", 1)
    inner = call.image("depthwise_conv", rank, **fields)
    out = call.whole("filters")
    made = call.image("pointwise_conv", rank, inner, out_channels=out, **_bias(call))
    return activated(call, made, call.config.get("activation"))


def conv_transpose(call: LayerCall, rank: int) -> str:
    """Conv1DTranspose, Conv2DTranspose, Conv3DTranspose."""
    kernel, stride = call.axes("kernel_size", rank), call.axes("strides", rank)
    dilation = call.axes("dilation_rate", rank)
    word = call.config.get("padding", "valid")
    if word not in ("same", "valid"):
        raise Unfit(f"padding is {word!r:.40}")
    fields: dict[str, Any] = {"out_channels": call.whole("filters"), "kernel_size": kernel}
    fields |= {"stride": stride, "dilation": dilation, "padding": word, **_bias(call)}
    if call.config.get("output_padding") is not None:
        extents = [d * (k - 1) + 1 for k, d in zip(kernel, dilation, strict=True)]
        fields["padding"] = [e // 2 if word == "same" else 0 for e in extents]
        fields["output_padding"] = call.axes("output_padding", rank)
    made = call.image("conv_transpose", rank, **fields)
    return activated(call, made, call.config.get("activation"))


def dense(call: LayerCall) -> str:
    """Dense: a matrix over the last axis."""
    made = call.node(
        "Layer",
        [call.input],
        operator="linear",
        fields={"out_channels": call.whole("units"), **_bias(call)},
        reads="last",
        weights=call.weights,
    )
    return activated(call, made, call.config.get("activation"))


# --- norms -------------------------------------------------------------------------------------


def _axis(call: LayerCall, default: int = -1) -> list[int]:
    found = call.config.get("axis", default)
    found = found if isinstance(found, list) else [found]
    if not found or any(type(each) is not int for each in found):
        raise Unfit("axis is not an integer")
    return found


def batch_norm(call: LayerCall) -> str:
    """BatchNormalization, with a scale, a shift, or neither."""
    axis = _axis(call)
    if len(axis) != 1:
        raise Unfit("a norm over several axes")
    fields = {
        name: False for name, key in (("scale", "scale"), ("bias", "center")) if not call.flag(key)
    }
    return call.over("batch_norm", axis, **fields)


def layer_norm(call: LayerCall) -> str:
    """LayerNormalization."""
    fields: dict[str, Any] = {}
    if call.config.get("rms_scaling"):
        return call.over("rms_norm", _axis(call))
    if not call.flag("scale"):
        if call.flag("center"):
            raise Unfit("a shift without a scale")
        fields["affine"] = False
    elif not call.flag("center"):
        fields["bias"] = False
    return call.over("layer_norm", _axis(call), **fields)


def rms_norm(call: LayerCall) -> str:
    """RMSNormalization."""
    return call.over("rms_norm", _axis(call))


def group_norm(call: LayerCall) -> str:
    """GroupNormalization; with -1 groups each channel is one."""
    groups = call.whole("groups", 32)
    if call.flag("scale") != call.flag("center"):
        raise Unfit("a shift or a scale alone")
    fields: dict[str, Any] = {"affine": call.flag("scale")}
    if groups == -1:
        return call.over("instance_norm", _axis(call), **fields)
    return call.over("group_norm", _axis(call), groups=groups, **fields)


def normalization(call: LayerCall) -> str:
    """Normalization by a stored mean and variance, or by ones that are settings."""
    axis = call.config.get("axis", -1)
    axis = [axis] if type(axis) is int else axis
    if not isinstance(axis, list) or len(axis) != 1 or type(axis[0]) is not int:
        raise Unfit("a norm over several axes, or over none")
    if call.config.get("mean") is not None:
        shifted = _by_numbers(call, "sub", call.input)
        return _by_numbers(call, "div", shifted)
    return call.over("batch_norm", axis, affine=False)


def _by_numbers(call: LayerCall, op: str, tensor: str) -> str:
    """A function of each element and a number, which may be one for each channel."""
    return call.node(
        "Layer",
        [tensor],
        operator="elementwise",
        fields={"op": op, "value": 1.0, "note": "by one number per channel"},
        reads="elements",
    )


def rescaling(call: LayerCall) -> str:
    """Rescaling: a factor and a summand, which may be one for each channel."""
    found = call.input
    for op, key, neutral in (("Mul", "scale", 1), ("Add", "offset", 0)):
        value = call.config.get(key, neutral)
        if isinstance(value, list):
            found = _by_numbers(call, op.lower(), found)
        elif call.number(key, neutral) != neutral:
            found = call.node(op, [found, call.constant(call.number(key, neutral))])
    return found if call.count else call.node("Identity", [found])


def layer_scale(call: LayerCall) -> str:
    """LayerScale of keras.applications' ConvNeXt: a learned factor for each channel."""
    call.whole("projection_dim")
    return call.over("layer_scale", [-1])


def scaled_residual(call: LayerCall) -> str:
    """CustomScaleLayer of keras.applications' InceptionResNetV2: x + y · scale."""
    if len(call.inputs) != 2:
        raise Unfit(f"it reads {len(call.inputs)} tensors")
    x, y = call.inputs
    scaled = call.node("Mul", [y, call.constant(call.number("scale", 1))])
    return call.node("Add", [x, scaled])


# --- pooling -----------------------------------------------------------------------------------


def pool(call: LayerCall, rank: int, operator: str) -> str:
    """MaxPooling, AveragePooling; padding does not enter a mean."""
    kernel = call.axes("pool_size", rank, 2)
    stride = call.axes("strides", rank, kernel)
    fields: dict[str, Any] = {"kernel_size": kernel}
    if stride != kernel:
        fields["stride"] = stride
    padding = _padding(call, kernel, [1] * rank)
    if padding:
        fields["padding"] = padding
        if operator == "avg_pool":
            fields["count_include_pad"] = False
    return call.image(operator, rank, **fields)


def global_pool(call: LayerCall, rank: int, operator: str) -> str:
    """GlobalMaxPooling, GlobalAveragePooling."""
    keeps = call.flag("keepdims", False)
    return call.image(operator, rank, drops=not keeps, keepdim=keeps)


def adaptive_pool(call: LayerCall, rank: int, operator: str) -> str:
    """AdaptiveAveragePooling, AdaptiveMaxPooling."""
    return call.image(operator, rank, output_size=call.axes("output_size", rank))


# --- sizes -------------------------------------------------------------------------------------


def _margins(call: LayerCall, key: str, rank: int) -> list[list[int]]:
    """Positions before and behind on each axis."""
    found = call.config.get(key)
    if rank == 1 and isinstance(found, list) and len(found) == 2 and type(found[0]) is int:
        found = [found]
    if isinstance(found, list) and len(found) == rank:
        pairs = [[each, each] if type(each) is int else each for each in found]
        if all(
            isinstance(pair, list) and len(pair) == 2 and all(type(n) is int for n in pair)
            for pair in pairs
        ):
            return pairs
    return [[each, each] for each in call.axes(key, rank)]


def zero_padding(call: LayerCall, rank: int) -> str:
    """ZeroPadding1D, ZeroPadding2D, ZeroPadding3D."""
    return call.image("pad", rank, padding=_margins(call, "padding", rank))


def cropping(call: LayerCall, rank: int) -> str:
    """Cropping1D, Cropping2D, Cropping3D."""
    return call.image("crop", rank, margins=_margins(call, "cropping", rank))


MODES = {"nearest": "nearest", "bilinear": "linear", "bicubic": "cubic"}


def _mode(call: LayerCall, default: str) -> str:
    word = call.config.get("interpolation") or default
    if word not in MODES:
        raise Unfit(f"interpolation is {word!r:.40}")
    return MODES[str(word)]


def up_sampling(call: LayerCall, rank: int) -> str:
    """UpSampling1D, UpSampling2D, UpSampling3D."""
    scale = call.axes("size", rank, 2)
    return call.image("upsample", rank, scale=scale, mode=_mode(call, "nearest"))


def resizing(call: LayerCall) -> str:
    """Resizing to a height and a width."""
    if call.config.get("crop_to_aspect_ratio") or call.config.get("pad_to_aspect_ratio"):
        raise Unfit("it keeps the ratio of the sides")
    size = [call.whole("height"), call.whole("width")]
    return call.image("upsample", 2, size=size, mode=_mode(call, "bilinear"))


def flatten(call: LayerCall) -> str:
    """Flatten."""
    return call.node("Flatten", [call.input], axis=1)


def reshape(call: LayerCall) -> str:
    """Reshape of each sample."""
    shape = call.config.get("target_shape")
    if not isinstance(shape, list) or any(type(each) is not int for each in shape):
        raise Unfit("target_shape is not a list of integers")
    return call.node("Reshape", [call.input], shape=(0, *shape), channels_last=call.is_last)


def permute(call: LayerCall) -> str:
    """Permute: the axes of each sample in another order, counted from 1."""
    dims = call.config.get("dims")
    if not isinstance(dims, list) or any(type(each) is not int for each in dims):
        raise Unfit("dims is not a list of integers")
    return call.node("Transpose", [call.input], perm=(0, *dims))


def identity(call: LayerCall) -> str:
    """Pass the input on, as the layer does when the model is used."""
    return call.node("Identity", [call.input])


# --- several tensors ---------------------------------------------------------------------------


def merge(call: LayerCall, op: str) -> str:
    """Add, Multiply, Subtract, Maximum, Minimum of tensors."""
    if len(call.inputs) < 2:
        raise Unfit("it merges fewer than two tensors")
    return call.node(op, call.inputs)


def average(call: LayerCall) -> str:
    """Average of tensors: a sum, and a factor."""
    made = merge(call, "Add")
    return call.node("Mul", [made, call.constant(1 / len(call.inputs))])


def concatenate(call: LayerCall) -> str:
    """Concatenate along an axis, by default the last."""
    return call.node("Concat", call.inputs, axis=call.whole("axis", -1))


# --- operations on tensors ---------------------------------------------------------------------


def binary(call: LayerCall, op: str) -> str:
    """An operation of two tensors, or of one and a number."""
    return call.node(op, [call.argument(0), call.argument(1)])


def unary(call: LayerCall, op: str) -> str:
    """An operation of one tensor."""
    return call.node(op, [call.input])


def _by_rank(
    name: str, rule: Callable[..., str], ranks: str = "123", *more: Any
) -> dict[str, Rule]:
    return {
        name.replace("#", f"{rank}D"): partial(_ranked, rule, int(rank), more) for rank in ranks
    }


def _ranked(rule: Callable[..., str], rank: int, more: tuple[Any, ...], call: LayerCall) -> str:
    return rule(call, rank, *more)


def _with(rule: Callable[..., str], *more: Any) -> Rule:
    return lambda call: rule(call, *more)


_IDLE = (
    "Dropout",
    "SpatialDropout1D",
    "SpatialDropout2D",
    "SpatialDropout3D",
    "AlphaDropout",
    "GaussianDropout",
    "GaussianNoise",
    "ActivityRegularization",
    "Identity",
    "Masking",
    "StochasticDepth",
    "DropPath",
    "RandomFlip",
    "RandomRotation",
    "RandomZoom",
    "RandomTranslation",
    "RandomContrast",
    "RandomBrightness",
)

LAYERS: Mapping[str, Rule] = {
    **dict.fromkeys(_IDLE, identity),
    **_by_rank("Conv#", conv),
    **_by_rank("DepthwiseConv#", depthwise_conv, "12"),
    **_by_rank("SeparableConv#", separable_conv, "12"),
    **_by_rank("Conv#Transpose", conv_transpose),
    **_by_rank("MaxPooling#", pool, "123", "max_pool"),
    **_by_rank("AveragePooling#", pool, "123", "avg_pool"),
    **_by_rank("GlobalMaxPooling#", global_pool, "123", "global_max_pool"),
    **_by_rank("GlobalAveragePooling#", global_pool, "123", "global_avg_pool"),
    **_by_rank("AdaptiveAveragePooling#", adaptive_pool, "123", "adaptive_avg_pool"),
    **_by_rank("AdaptiveMaxPooling#", adaptive_pool, "123", "adaptive_max_pool"),
    **_by_rank("ZeroPadding#", zero_padding),
    **_by_rank("Cropping#", cropping),
    **_by_rank("UpSampling#", up_sampling),
    "Dense": dense,
    "BatchNormalization": batch_norm,
    "BatchNormalizationV1": batch_norm,
    "SyncBatchNormalization": batch_norm,
    "LayerNormalization": layer_norm,
    "RMSNormalization": rms_norm,
    "GroupNormalization": group_norm,
    "Normalization": normalization,
    "Rescaling": rescaling,
    "LayerScale": layer_scale,
    "CustomScaleLayer": scaled_residual,
    "Activation": activation,
    "ReLU": relu,
    "LeakyReLU": leaky_relu,
    "ELU": elu,
    "PReLU": prelu,
    "Softmax": softmax,
    "Resizing": resizing,
    "Flatten": flatten,
    "Reshape": reshape,
    "Permute": permute,
    "Add": _with(merge, "Add"),
    "Multiply": _with(merge, "Mul"),
    "Subtract": _with(merge, "Sub"),
    "Maximum": _with(merge, "Max"),
    "Minimum": _with(merge, "Min"),
    "Average": average,
    "Concatenate": concatenate,
}

# What keras.ops and the arithmetic of Keras' tensors become in a model.
OPERATIONS: Mapping[str, Rule] = {
    "Add": _with(binary, "Add"),
    "Subtract": _with(binary, "Sub"),
    "Multiply": _with(binary, "Mul"),
    "Divide": _with(binary, "Div"),
    "TrueDivide": _with(binary, "Div"),
    "Power": _with(binary, "Pow"),
    "Maximum": _with(binary, "Max"),
    "Minimum": _with(binary, "Min"),
    "Relu": _with(unary, "Relu"),
    "Relu6": lambda call: call.node("Clip", [call.input], min=0, max=6),
    "Sigmoid": _with(unary, "Sigmoid"),
    "Tanh": _with(unary, "Tanh"),
    "Silu": _with(unary, "Silu"),
    "HardSigmoid": _with(unary, "HardSigmoid"),
    "HardSilu": _with(unary, "HardSwish"),
    "Softplus": _with(unary, "Softplus"),
    "Exp": _with(unary, "Exp"),
    "Log": _with(unary, "Log"),
    "Sqrt": _with(unary, "Sqrt"),
    "Square": _with(unary, "Square"),
    "Absolute": _with(unary, "Abs"),
    "Negative": _with(unary, "Neg"),
}
