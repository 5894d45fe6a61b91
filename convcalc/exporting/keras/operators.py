"""What each operator is in Keras: an expression of its inputs, channels last."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from convcalc.exporting.expressions import literal
from convcalc.exporting.keras.site import Site, scalar
from convcalc.model.geometry.sizes import axis_names, resolve_padding
from convcalc.model.ops.convolution._placement import places
from convcalc.model.ops.rearranging.crop import MARGINS
from convcalc.model.quantities.unknown import known

Rule = Callable[[Site], Sequence[str]]  # expressions: each but the last makes what the next reads
X = "{x}"  # in an expression: what the one before made


def call(layer: str, arguments: Sequence[str], x: str = X) -> str:
    """A layer that is called at once."""
    return f"layers.{layer}({', '.join(arguments)})({x})"


def _ranked(site: Site, name: str) -> str:
    """A layer's name with the number of axes."""
    if site.rank not in (1, 2, 3):
        raise site.refused("has no counterpart in Keras on so many axes")
    return f"{name}{site.rank}D"


# --- windows --------------------------------------------------------------------------------------


def _is_half(site: Site) -> bool:
    """Whether the padding of an odd kernel keeps the size at stride 1 throughout."""
    for layer, shape in zip(site.layers, site.shapes(), strict=True):
        operator: Any = layer.operator
        stride = operator.stride or operator.kernel_size
        dilation = getattr(operator, "dilation", (1,) * shape.rank)
        if set(stride) != {1} or any(
            d * (k - 1) % 2 for k, d in zip(operator.kernel_size, dilation, strict=True)
        ):
            return False
        sides = resolve_padding(
            operator.padding, shape.spatial, operator.kernel_size, stride, dilation
        )
        wanted = [d * (k - 1) // 2 for k, d in zip(operator.kernel_size, dilation, strict=True)]
        if [tuple(side) for side in sides] != [(n, n) for n in wanted]:
            return False
    return True


def _padding(site: Site) -> tuple[list[str], str]:
    """The layers that pad before, and the word for Keras' own padding."""
    if site.is_always("padding", "same"):
        return [], "same"
    if site.values("padding") in (["valid"], [((0, 0),) * site.rank]):
        return [], ""
    if _is_half(site):
        return [], "same"
    if "same" in site.values("padding"):
        raise site.refused("pads by numbers in one place and by a word in another")
    if site.is_always("padding", "causal") and site.rank == 1 and site.item.type == "conv":
        return [], "causal"
    return [call(_ranked(site, "ZeroPadding"), [_sides(site)])], ""


def _sides(site: Site) -> str:
    """The padding around: its expression where it is numbers, else what it comes to."""
    argument = site.given.get("padding")
    words = [value for value in site.values("padding") if isinstance(value, str)]
    if argument is not None and not words:
        text = site.text("padding")
        pairs = {pair for value in site.values("padding") for pair in value}
        if site.rank == 1 and text.startswith("("):
            return text[1:-1].rstrip(",")
        if all(a == b for a, b in pairs) or text.startswith("(("):
            return text
    found = {
        resolve_padding(
            o.padding,
            s.spatial,
            o.kernel_size,
            o.stride or o.kernel_size,
            getattr(o, "dilation", (1,) * s.rank),
        )
        for o, s in zip(_operators(site), site.shapes(), strict=True)
    }
    if len(found) == 1:
        text = scalar(found.pop())
        return text[1:-1].rstrip(",") if site.rank == 1 and text.startswith("((") else text
    if site.is_always("padding", "half") and "kernel_size" in site.given:
        k, d = site.text("kernel_size"), site.text("dilation") if "dilation" in site.given else "1"
        return f"{_bracket(k)} // 2" if d == "1" else f"{_bracket(d)} * ({k} - 1) // 2"
    raise site.refused("pads differently from place to place")


def _operators(site: Site) -> list[Any]:
    return [layer.operator for layer in site.layers]


def _bracket(text: str) -> str:
    return text if text.isidentifier() or text.isdigit() else f"({text})"


def _no_strided_dilation(site: Site) -> None:
    for layer in site.layers:
        operator: Any = layer.operator
        if max(operator.stride) > 1 and max(operator.dilation) > 1:
            raise site.refused("has a stride and a dilation, which Keras does not have together")


def _plain_weight(site: Site) -> None:
    for field, value in (("weight_norm", "none"), ("mask", "none"), ("padding_mode", "zeros")):
        if hasattr(site.layers[0].operator, field) and not site.is_always(field, value):
            raise site.refused(f"with {field} has no counterpart in Keras")


def conv(site: Site) -> Sequence[str]:
    """A convolution; padding that Keras has no word for stands before it."""
    _plain_weight(site)
    _no_strided_dilation(site)
    before, word = _padding(site)
    names = {"stride": "strides", "dilation": "dilation_rate", "groups": "groups"}
    arguments = [site.text("out_channels"), site.text("kernel_size"), *site.keywords(**names)]
    if word:
        arguments.append(f'padding="{word}"')
    arguments += site.keywords(bias="use_bias")
    return [*before, call(_ranked(site, "Conv"), arguments)]


def depthwise(site: Site) -> Sequence[str]:
    """A depthwise convolution; on three axes a convolution in groups."""
    _plain_weight(site)
    _no_strided_dilation(site)
    before, word = _padding(site)
    padding = [f'padding="{word}"'] if word else []
    equal = all(len(set(v)) == 1 for v in site.values("stride"))
    if site.rank == 3 or not equal:
        channels, many = f"{site.x}.shape[-1]", site.text("depth_multiplier")
        filters = channels if many == "1" else f"{channels} * {_bracket(many)}"
        names = {"stride": "strides", "dilation": "dilation_rate"}
        arguments = [filters, site.text("kernel_size"), *site.keywords(**names)]
        arguments += [f"groups={channels}", *padding, *site.keywords(bias="use_bias")]
        return [*before, call(_ranked(site, "Conv"), arguments)]
    names = {
        "stride": "strides",
        "dilation": "dilation_rate",
        "depth_multiplier": "depth_multiplier",
    }
    arguments = [site.text("kernel_size"), *site.keywords(**names), *padding]
    return [
        *before,
        call(_ranked(site, "DepthwiseConv"), [*arguments, *site.keywords(bias="use_bias")]),
    ]


def pointwise(site: Site) -> Sequence[str]:
    """A convolution of one tap."""
    _plain_weight(site)
    names = {"stride": "strides", "groups": "groups", "bias": "use_bias"}
    return [call(_ranked(site, "Conv"), [site.text("out_channels"), "1", *site.keywords(**names)])]


def linear(site: Site) -> Sequence[str]:
    """A matrix over the last axis, the channels."""
    _plain_weight(site)
    return [call("Dense", [site.text("out_channels"), *site.keywords(bias="use_bias")])]


def conv_transpose(site: Site) -> Sequence[str]:
    """A transposed convolution, and what PyTorch's padding cuts off."""
    _plain_weight(site)
    if not site.is_always("realisation", "scatter") or not site.is_always("groups", 1):
        raise site.refused("in groups, or by another way, has no counterpart in Keras")
    cuts = set()
    for layer in site.layers:
        o: Any = layer.operator
        if set(o.dilation) != {1} or any(
            k < s for k, s in zip(o.kernel_size, o.stride, strict=True)
        ):
            raise site.refused(
                "with a dilation or a kernel smaller than its stride is Keras' otherwise"
            )
        found = places(
            layer.shapes[0],
            o.kernel_size,
            o.stride,
            o.dilation,
            o.padding,
            o.output_padding,
            layer.analysis.output.spatial,
        )
        cuts.add(tuple((p.before, p.after - p.more) for p in found))
    if (
        len(cuts) != 1
        or not known(tuple(cuts))
        or min(n for cut in cuts for pair in cut for n in pair) < 0
    ):
        raise site.refused("cuts off differently from place to place, or adds behind")
    (cut,) = cuts
    arguments = [
        site.text("out_channels"),
        site.text("kernel_size"),
        *site.keywords(stride="strides", bias="use_bias"),
    ]
    made = [call(_ranked(site, "Conv") + "Transpose", arguments)]
    if any(map(any, cut)):
        text = scalar(cut)
        text = text[1:-1].rstrip(",") if site.rank == 1 and text.startswith("((") else text
        made.append(call(_ranked(site, "Cropping"), [text]))
    return made


def separable(site: Site) -> Sequence[str]:
    """A depthwise and a pointwise convolution in a row."""
    bias = site.text("bias")
    _no_strided_dilation(site)
    before, word = _padding(site)
    names = {
        "stride": "strides",
        "dilation": "dilation_rate",
        "depth_multiplier": "depth_multiplier",
    }
    arguments = [site.text("kernel_size"), *site.keywords(**names)]
    arguments += [f'padding="{word}"'] if word else []
    use = [] if bias == "True" else [f"use_bias={bias}"]
    return [
        *before,
        call(_ranked(site, "DepthwiseConv"), [*arguments, *use]),
        call(_ranked(site, "Conv"), [site.text("out_channels"), "1", *use]),
    ]


# --- pooling --------------------------------------------------------------------------------------


def _window(site: Site) -> list[str]:
    arguments = [site.text("kernel_size")]
    if not site.is_always("stride", None) and site.text("stride") != site.text("kernel_size"):
        arguments.append(f"strides={site.text('stride')}")
    return arguments


def max_pool(site: Site) -> Sequence[str]:
    """Max pooling; padding is never the maximum."""
    if site.is_always("padding", "same"):
        return [call(_ranked(site, "MaxPooling"), [*_window(site), 'padding="same"'])]
    if "dilation" in site.given and any(set(v) != {1} for v in site.values("dilation")):
        raise site.refused("with a dilation has no counterpart in Keras")
    if not any(site.values("ceil_mode")) and _is_half(site):
        return [call(_ranked(site, "MaxPooling"), [*_window(site), 'padding="same"'])]
    is_plain = site.values("padding") in ([((0, 0),) * site.rank], ["valid"])
    if is_plain and not any(site.values("ceil_mode")):
        return [call(_ranked(site, "MaxPooling"), _window(site))]
    stride = site.text("kernel_size") if site.is_always("stride", None) else site.text("stride")
    arguments = [X, site.text("kernel_size"), stride]
    arguments += [] if is_plain else [_sides(site)]
    if any(site.values("ceil_mode")):
        arguments.append(f"ceil_mode={site.text('ceil_mode')}")
    return [f"{site.use('max_pool')}({', '.join(arguments)})"]


def _pool_sides(site: Site) -> Any:
    """The padding of a pooling, with what windows that hang over the end need."""
    found = set()
    for layer in site.layers:
        o: Any = layer.operator
        x, made = layer.shapes[0], layer.analysis.output
        stride = o.stride or o.kernel_size
        sides = resolve_padding(o.padding, x.spatial, o.kernel_size, stride, (1,) * x.rank)
        if o.ceil_mode:
            if not known((*x.spatial, *made.spatial)):
                raise site.refused("with ceil_mode needs sizes that are known")
            ends = [
                (m - 1) * s + k - n - before
                for n, m, k, s, (before, _) in zip(
                    x.spatial, made.spatial, o.kernel_size, stride, sides, strict=True
                )
            ]
            sides = tuple(
                (before, max(end, after)) for (before, after), end in zip(sides, ends, strict=True)
            )
        found.add(tuple(map(tuple, sides)))
    if len(found) != 1:
        raise site.refused("pads differently from place to place")
    return found.pop()


def avg_pool(site: Site) -> Sequence[str]:
    """Average pooling; zeros in the padding enter the mean unless it is Keras' own."""
    word = site.is_always("padding", "same")
    sides = () if word else _pool_sides(site)
    own = [
        call(
            _ranked(site, "AveragePooling"), [*_window(site), *(['padding="same"'] if word else [])]
        )
    ]
    if word or not any(map(any, sides)):
        return own
    if not site.one("count_include_pad"):
        if _is_half(site):
            return [call(_ranked(site, "AveragePooling"), [*_window(site), 'padding="same"'])]
        raise site.refused("without the padding in its mean has no counterpart in Keras")
    if any(site.values("ceil_mode")):
        raise site.refused("with ceil_mode and padding has no counterpart in Keras")
    text = scalar(sides)
    text = text[1:-1].rstrip(",") if site.rank == 1 and text.startswith("((") else text
    return [call(_ranked(site, "ZeroPadding"), [text]), *own]


def _global(name: str) -> Rule:
    return lambda site: [call(_ranked(site, name), site.keywords(keepdim="keepdims"))]


def _adaptive(name: str) -> Rule:
    def rule(site: Site) -> Sequence[str]:
        if any(None in value for value in site.values("output_size")):
            raise site.refused("that keeps the size of an axis has no counterpart in Keras")
        return [call(_ranked(site, name), [site.text("output_size")])]

    return rule


def reduce(site: Site) -> Sequence[str]:
    """Mean, maximum, minimum or sum."""
    axis, rank = site.one("axis"), site.rank
    if axis == "positions":
        axes = literal(tuple(range(1, rank + 1)))
    else:
        at = axis_names(rank).index(axis)
        axes = str(at if at else -1)
    keep = ", keepdims=True" if site.one("keepdim") else ""
    return [f"ops.{site.one('mode')}({X}, axis={axes}{keep})"]


# --- norms ----------------------------------------------------------------------------------------


def batch_norm(site: Site) -> Sequence[str]:
    """Batch norm; its statistics are two of Keras' weights that are not trained."""
    if not site.is_always("track_running_stats", True):
        raise site.refused("without running statistics has no counterpart in Keras")
    affine = site.one("affine")
    arguments = []
    for field, keyword in (("scale", "scale"), ("bias", "center")):
        if not affine:
            arguments.append(f"{keyword}=False")
        elif not site.is_always(field, True):
            arguments.append(f"{keyword}={site.text(field)}")
    if not site.is_always("frozen", False):
        arguments.append(f"trainable=not {_bracket(site.text('frozen'))}")
    return [call("BatchNormalization", arguments)]


def _affine(site: Site, *, bias: bool = True) -> list[str]:
    if site.one("affine"):
        return [] if bias else ["center=False"]
    return ["center=False", "scale=False"]


def layer_norm(site: Site) -> Sequence[str]:
    """Layer norm over the channels, which stand last, or over everything."""
    arguments = ["epsilon=1e-6"]
    if site.one("spatial"):
        arguments.append(f"axis={literal(list(range(1, site.rank + 2)))}")
    return [call("LayerNormalization", [*arguments, *_affine(site, bias=site.one("bias"))])]


def group_norm(site: Site) -> Sequence[str]:
    """Group norm."""
    return [call("GroupNormalization", [site.text("groups"), *_affine(site)])]


def instance_norm(site: Site) -> Sequence[str]:
    """Instance norm: as many groups as channels."""
    if not site.is_always("track_running_stats", False):
        raise site.refused("with running statistics has no counterpart in Keras")
    return [call("GroupNormalization", ["-1", *_affine(site)])]


def rms_norm(site: Site) -> Sequence[str]:
    """RMS norm."""
    if not site.one("affine"):
        raise site.refused("without a scale has no counterpart in Keras")
    return [call("RMSNormalization", [])]


def _learned(name: str) -> Rule:
    def rule(site: Site) -> Sequence[str]:
        per = hasattr(site.layers[0].operator, "per") and site.one("per") == "tensor"
        return [f"{site.use(name)}({'per_channel=False' if per else ''})({X})"]

    return rule


# --- functions of elements ------------------------------------------------------------------------

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
        return [f"{X} {SIGNS[op]} {_bracket(value)}"]
    return [f"ops.maximum({X}, {value})" if op == "clamp" else f"ops.{op}({X}, {value})"]


# --- several inputs -------------------------------------------------------------------------------


def alike(site: Site) -> list[str]:
    """The inputs, a vector of channels as a map of one position where others are maps."""
    ranks = [{layer.shapes[k].rank for layer in site.layers} for k in range(len(site.inputs))]
    if any(len(each) != 1 for each in ranks):
        raise site.refused("reads maps of different ranks")
    own = [each.pop() for each in ranks]
    most = max(own)
    return [
        text if rank == most else f"layers.Reshape(({'1, ' * most}{text}.shape[-1]))({text})"
        for text, rank in zip(site.inputs, own, strict=True)
    ]


def joined(name: str, inputs: Sequence[str]) -> str:
    """Tensors joined by one of Keras' functions."""
    return f"layers.{name}([{', '.join(inputs)}])"


def _joining(name: str) -> Rule:
    return lambda site: [joined(name, alike(site))]


def concat(site: Site) -> Sequence[str]:
    """Along the channels, which stand last, or another axis."""
    axis = axis_names(site.rank).index(site.one("axis"))
    text = f"[{', '.join(site.inputs)}]"
    if len(site.inputs) == 1 and site.inputs[0].startswith("*"):
        text = site.inputs[0][1:]
    return [f"layers.concatenate({text}{f', axis={axis}' if axis else ''})"]


def parameter(site: Site) -> Sequence[str]:
    """A learned tensor, for each sample of what stands before."""
    if any(not layer.inputs for layer in site.layers) and not site.inputs:
        raise site.refused("before any input has no counterpart in Keras")
    channels, *spatial = site.one("shape")
    sizes = literal((*spatial, channels))
    trainable = ", trainable=False" if site.one("fixed") else ""
    return [f"{site.use('Parameter')}({sizes}{trainable})({X})"]


# --- moves ----------------------------------------------------------------------------------------


def flatten(site: Site) -> Sequence[str]:
    """All of a sample on one axis: positions before channels."""
    return [call("Flatten", [])] if site.rank else [X]


def dropout(site: Site) -> Sequence[str]:
    """Dropout, of a rate."""
    return [call("Dropout", [site.text("rate")])]


def identity(_: Site) -> Sequence[str]:
    """Nothing."""
    return [X]


def channel_slice(site: Site) -> Sequence[str]:
    """Some of the channels."""
    start = "" if site.is_always("start", 0) else site.text("start")
    stop = "" if site.is_always("stop", None) else site.text("stop")
    return [f"{X}[..., {start}:{stop}]"]


def slice_(site: Site) -> Sequence[str]:
    """Every so many elements of an axis."""
    axis = axis_names(site.rank).index(site.one("axis"))
    start = "" if site.is_always("start", 0) else site.text("start")
    stop = "" if site.is_always("stop", None) else site.text("stop")
    step = "" if site.is_always("step", 1) else f":{site.text('step')}"
    before = "..., " if not axis else ":, " * axis
    return [f"{X}[{before}{start}:{stop}{step}]"]


def channel_select(site: Site) -> Sequence[str]:
    """Channels in a given order."""
    if not site.is_always("channels", None):
        raise site.refused("of channels that are not named has no counterpart in Keras")
    return [f"ops.take({X}, {site.text('indices')}, axis=-1)"]


def shuffle(site: Site) -> Sequence[str]:
    """Channels of groups interleaved."""
    return [f"{site.use('channel_shuffle')}({X}, {site.text('groups')})"]


def _pixels(name: str) -> Rule:
    def rule(site: Site) -> Sequence[str]:
        if site.rank != 2 or any(len(set(v)) != 1 for v in site.values("factor")):
            raise site.refused("of other than squares has no counterpart in Keras")
        return [f"{site.use(name)}({X}, {site.text('factor')})"]

    return rule


def pad(site: Site) -> Sequence[str]:
    """Positions around; the padding in numbers."""
    if len(site.inputs) > 1 or not site.is_always("size", None):
        raise site.refused("to a size has no counterpart in Keras")
    mode = {"reflect": "reflect", "replicate": "edge", "circular": "wrap"}.get(site.one("mode"))
    if mode is None:
        text = site.text("padding")
        if site.rank == 1 and text.startswith("("):
            text = text[1:-1].rstrip(",")
        return [call(_ranked(site, "ZeroPadding"), [text])]
    if mode != "reflect":
        raise site.refused(f"by {site.one('mode')} has no counterpart in Keras")
    sides = literal(((0, 0), *site.one("padding"), (0, 0)))
    return [f'ops.pad({X}, {sides}, mode="{mode}")']


def pad_channels(site: Site) -> Sequence[str]:
    """Channels of zeros."""
    if len(site.inputs) > 1:
        more = f"(0, {site.inputs[1]}.shape[-1] - {site.x}.shape[-1])"
    elif site.is_always("channels", None):
        more = f"({site.text('before')}, {site.text('after')})"
    else:
        more = f"(0, {site.text('channels')} - {site.x}.shape[-1])"
    return [f"ops.pad({X}, ({'(0, 0), ' * (site.rank + 1)}{more}))"]


def crop(site: Site) -> Sequence[str]:
    """Positions cut off, in numbers."""
    found = set()
    for layer in site.layers:
        o: Any = layer.operator
        x, made = layer.shapes[0].spatial, layer.analysis.output.spatial
        befores = (
            [b for b, _ in o.margins]
            if isinstance(o.margins, tuple)
            else o.offset or list(map(MARGINS[o.keep], x, made))
        )
        cut = tuple((b, n - m - b) for n, m, b in zip(x, made, befores, strict=True))
        if not known(cut):
            raise site.refused("of a size that is not known has no counterpart in Keras")
        found.add(cut)
    if len(found) != 1:
        raise site.refused("cuts off differently from place to place")
    text = scalar(found.pop())
    text = text[1:-1].rstrip(",") if site.rank == 1 and text.startswith("((") else text
    return [call(_ranked(site, "Cropping"), [text])]


def permute(site: Site) -> Sequence[str]:
    """Axes in another order, of a tensor whose channels stand last."""
    dims = site.one("dims")
    dims = dims[1:] if dims[:1] == (0,) else dims
    last = len(dims)
    place = {1: last, **{axis: axis - 1 for axis in range(2, last + 1)}}
    order = [place[dim] for dim in (*dims[1:], dims[0])]
    return [call("Permute", [literal(tuple(order))])]


def reshape(site: Site) -> Sequence[str]:
    """Positions merged or split, channels as they are; another order has no counterpart."""
    rows = set()
    for layer in site.layers:
        made, x = layer.analysis.output, layer.shapes[0]
        if made.channels != x.channels or not known(made.dims):
            raise site.refused("of channels into positions has no counterpart channels last")
        rows.add(made.rank)
    if len(rows) != 1:
        raise site.refused("makes maps of different ranks")
    if rows == {1}:
        return [call("Reshape", [f"(-1, {site.x}.shape[-1])"])]
    sizes = {layer.analysis.output.dims[1:] for layer in site.layers}
    if len(sizes) != 1:
        raise site.refused("makes maps of different sizes")
    channels, *spatial = sizes.pop()
    return [call("Reshape", [literal((*spatial, channels))])]


def upsample(site: Site) -> Sequence[str]:
    """Interpolation to a size, or by whole numbers."""
    mode = {"nearest": "nearest", "linear": "bilinear", "cubic": "bicubic"}.get(site.one("mode"))
    if mode == "bilinear" and site.rank == 2 and site.is_always("align_corners", True):
        return [f"{site.use('resize_aligned')}({X}, {_target(site)})"]
    is_map = mode is not None and not site.one("align_corners") and site.rank == 2
    if not is_map and not (mode == "nearest" and site.rank in (1, 3)):
        raise site.refused(f"by {site.one('mode')}, aligned so, has no counterpart in Keras")
    scales = [value for value in site.values("scale") if value is not None]
    if scales and len(site.inputs) == 1 and site.is_always("size", None):
        if any(n.denominator != 1 for scale in scales for n in scale):
            raise site.refused("by a broken scale has no counterpart in Keras")
        if site.rank != 2:
            return [call(_ranked(site, "UpSampling"), [site.text("scale")])]
        word = [f'interpolation="{mode}"'] if mode != "nearest" else []
        return [call("UpSampling2D", [site.text("scale"), *word])]
    if site.rank != 2:
        raise site.refused("to a size has a counterpart in Keras on two axes alone")
    is_given = len(site.inputs) > 1
    size = f"{site.inputs[1]}.shape[1:3]" if is_given else literal(site.one("size"))
    return [f'ops.image.resize({X}, {size}, interpolation="{mode}")']


def _target(site: Site) -> str:
    """Height and width of what is made."""
    if len(site.inputs) > 1:
        return f"*{site.inputs[1]}.shape[1:3]"
    if not site.is_always("size", None):
        height, width = site.one("size")
        return f"{height}, {width}"
    scale = site.one("scale")
    if any(n.denominator != 1 for n in scale):
        raise site.refused("by a broken scale has no counterpart in Keras")
    return f"{site.x}.shape[1] * {scale[0]}, {site.x}.shape[2] * {scale[1]}"


# --- composites -----------------------------------------------------------------------------------


def squeeze_excite(site: Site) -> Sequence[str]:
    """A gate per channel."""
    if site.is_always("squeeze_channels", None):
        squeezed = f"{site.x}.shape[-1] // {_bracket(site.text('reduction'))}"
    else:
        squeezed = site.text("squeeze_channels")
    arguments = [X, squeezed]
    if not site.is_always("activation", "relu"):
        arguments.append(f"activation={site.text('activation')}")
    if not site.is_always("gate", "sigmoid"):
        words = {"sigmoid": "sigmoid", "hardsigmoid": "hard_sigmoid"}
        arguments.append(f'gate="{words[site.one("gate")]}"')
    arguments += site.keywords(bias="use_bias")
    return [f"{site.use('squeeze_excite')}({', '.join(arguments)})"]


def _call_helper(name: str, *fields: str, only: Mapping[str, Any] | None = None) -> Rule:
    """A helper of the same name, with some fields; ``only`` are those with one value allowed."""

    def rule(site: Site) -> Sequence[str]:
        if site.rank != 2:
            raise site.refused("has a counterpart on two axes alone")
        for field, value in (only or {}).items():
            if not site.is_always(field, value):
                raise site.refused(f"with another {field} has no counterpart in Keras")
        arguments = [X, *(site.text(field) for field in fields)]
        return [f"{site.use(name)}({', '.join(arguments)})"]

    return rule


def attention(site: Site) -> Sequence[str]:
    """Keras' attention of one tensor: the same maps, one for each of queries, keys and values."""
    layers_ = site.layers
    for layer in layers_:
        o: Any = layer.operator
        c = layer.shapes[0].channels
        sizes = {o.key_channels or c, o.value_channels or c, o.out_channels or c}
        if sizes != {c}:
            raise site.refused("of other channels than its input's is Keras' otherwise")
    heads = site.text("heads")
    width = f"{site.x}.shape[-1] // {_bracket(heads)}"
    arguments = [heads, width, *site.keywords(bias="use_bias")]
    if site.rank > 1:
        arguments.append(f"attention_axes={literal(tuple(range(1, site.rank + 1)))}")
    return [f"layers.MultiHeadAttention({', '.join(arguments)})({X}, {X})"]


def dot_product_attention(site: Site) -> Sequence[str]:
    """Attention of given tensors."""
    plain = {"causal": False, "window": None, "partition": "none", "position_bias": None}
    for field, value in plain.items():
        if not site.is_always(field, value):
            raise site.refused(f"with {field} has no counterpart in Keras")
    arguments = [*site.inputs, site.text("heads")]
    if not site.is_always("kv_heads", None):
        arguments.append(f"kv_heads={site.text('kv_heads')}")
    return [f"{site.use('dot_product_attention')}({', '.join(arguments)})"]


RULES: Mapping[str, Rule] = {
    "conv": conv,
    "depthwise_conv": depthwise,
    "pointwise_conv": pointwise,
    "linear": linear,
    "conv_transpose": conv_transpose,
    "separable_conv": separable,
    "max_pool": max_pool,
    "avg_pool": avg_pool,
    "global_avg_pool": _global("GlobalAveragePooling"),
    "global_max_pool": _global("GlobalMaxPooling"),
    "adaptive_avg_pool": _adaptive("AdaptiveAveragePooling"),
    "adaptive_max_pool": _adaptive("AdaptiveMaxPooling"),
    "reduce": reduce,
    "batch_norm": batch_norm,
    "layer_norm": layer_norm,
    "group_norm": group_norm,
    "instance_norm": instance_norm,
    "rms_norm": rms_norm,
    "scale": _learned("Scale"),
    "layer_scale": _learned("Scale"),
    "shift": _learned("Shift"),
    "global_response_norm": _learned("GlobalResponseNorm"),
    **dict.fromkeys(ACTIVATIONS, activation),
    "gelu": gelu,
    "leaky_relu": leaky_relu,
    "hardtanh": hardtanh,
    "prelu": prelu,
    "elementwise": elementwise,
    "add": _joining("add"),
    "mul": _joining("multiply"),
    "maximum": _joining("maximum"),
    "concat": concat,
    "parameter": parameter,
    "flatten": flatten,
    "dropout": dropout,
    "identity": identity,
    "channel_slice": channel_slice,
    "channel_select": channel_select,
    "slice": slice_,
    "channel_shuffle": shuffle,
    "pixel_shuffle": _pixels("pixel_shuffle"),
    "pixel_unshuffle": _pixels("pixel_unshuffle"),
    "pad": pad,
    "pad_channels": pad_channels,
    "crop": crop,
    "permute": permute,
    "reshape": reshape,
    "upsample": upsample,
    "squeeze_excite": squeeze_excite,
    "partial_conv": _call_helper("partial_conv", "kernel_size", "n_div"),
    "large_kernel_attention": _call_helper("large_kernel_attention", "kernel_size", "dilation"),
    "mix_conv": _call_helper(
        "mix_conv",
        "kernel_size",
        "stride",
        "bias",
        only={"depthwise": True, "out_channels": None, "padding": "half", "dilation": (1, 1)},
    ),
    "ghost_conv": _call_helper(
        "ghost_conv", "out_channels", "kernel_size", "dw_size", "ratio", "stride", "relu"
    ),
    "attention": attention,
    "dot_product_attention": dot_product_attention,
}


def made_of(site: Site) -> Sequence[str]:
    """The expressions of an operator; raises Refused if it has no counterpart."""
    rule = RULES.get(site.item.type)
    if rule is None:
        raise site.refused("has no counterpart in Keras")
    return rule(site)


def frozen(expressions: Sequence[str]) -> Sequence[str]:
    """The same layers, whose weights are not trained."""
    made = [
        re.sub(r"^layers\.(\w+)\((.*)\)\(\{x\}\)$", r"layers.\1(\2, trainable=False)({x})", e)
        for e in expressions
    ]
    return [each.replace("(, ", "(") for each in made]
