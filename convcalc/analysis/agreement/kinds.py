"""Kinds of layers under one name each, and the numbers that tell layers of a kind apart.

Numbers that follow from the input, such as the channels that a weight meets, are left out: they
differ because another layer does.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from math import prod
from typing import Any, NamedTuple

from convcalc.model.geometry.sizes import Sides, resolve_padding, slide_size
from convcalc.model.operators.contract import Analysis, Operator
from convcalc.model.operators.registry import fields_of, name_of
from convcalc.model.quantities.shape import Shape
from convcalc.model.quantities.unknown import known

CONV, ATTENTION, GLOBAL = "conv", "attention", "global_avg_pool"
EACH = "each channel"  # the groups of a depthwise convolution

Traits = Mapping[str, Any]


class At(NamedTuple):
    """An operator where it stands: ``x`` is its first input, ``reads`` how many it has."""

    operator: Any
    analysis: Analysis
    x: Shape
    reads: int

    @property
    def output(self) -> Shape:
        """The shape of its output."""
        return self.analysis.output


Rule = Callable[[At], "tuple[str, Traits] | None"]


def conv_traits(out: int, kernel: Sequence[int]) -> dict[str, Any]:
    return {"out_channels": out, **({"kernel_size": tuple(kernel)} if prod(kernel) != 1 else {})}


def _conv(at: At) -> tuple[str, Traits]:
    """Convolutions of all names; of a kernel of 1 only what differs from a linear layer."""
    operator = at.operator
    out = at.output
    kernel = getattr(operator, "kernel_size", None) or ()
    traits = conv_traits(out.channels, kernel)
    groups = getattr(operator, "groups", 1)
    weight = at.analysis.weights.get("weight", ())
    if name_of(operator) == "depthwise_conv":
        groups = at.x.channels
    if groups != 1 and weight[1:2] == (1,):
        del traits["out_channels"]
        traits["groups"] = EACH
        if weight[0] != groups:
            traits["depth_multiplier"] = weight[0] // groups
    elif groups != 1:
        traits["groups"] = groups
    traits |= _window(at, kernel)
    traits["bias"] = "bias" in at.analysis.weights
    norm = getattr(operator, "weight_norm", "none")
    mask = getattr(operator, "mask", "none")
    traits |= {key: word for key, word in (("mask", mask), ("weight_norm", norm)) if word != "none"}
    return CONV, traits


def _window(at: At, kernel: Sequence[int]) -> dict[str, Any]:
    """Stride, dilation and padding, where they are not those of a plain window."""
    operator = at.operator
    found: dict[str, Any] = {}
    default = kernel if at.output.rank and "pool" in name_of(operator) else (1,) * len(kernel)
    stride = getattr(operator, "stride", None) or default
    dilation = getattr(operator, "dilation", None) or (1,) * len(kernel)
    if any(size != 1 for size in stride):
        found["stride"] = tuple(stride)
    if any(d != 1 and k != 1 for d, k in zip(dilation, kernel, strict=True)):
        found["dilation"] = tuple(dilation)
    padding = getattr(operator, "padding", None)
    if padding is None or not kernel:
        return found
    sides = resolve_padding(padding, at.x.spatial, tuple(kernel), tuple(stride), tuple(dilation))
    if any(size != 0 for pair in sides for size in pair):
        found["padding"] = sides
        mode = getattr(operator, "padding_mode", "zeros")
        if mode != "zeros":
            found["padding_mode"] = mode
    return found


def _transposed(at: At) -> tuple[str, Traits]:
    _, traits = _conv(at)
    return "conv_transpose", traits


def _tent(at: At) -> tuple[str, Traits]:
    """Linear upsampling by a transposed convolution is that convolution, with a fixed weight."""
    operator = at.operator
    weight = at.analysis.stored["weight"]
    sides = operator.transposed(at.x).padding
    traits = conv_traits(at.output.channels, weight[2:])
    if operator.grouped:
        del traits["out_channels"]
        traits["groups"] = EACH
    if any(size != 1 for size in operator.factor):
        traits["stride"] = tuple(operator.factor)
    if any(map(any, sides)):
        traits["padding"] = sides
    return "conv_transpose", {**traits, "bias": False}


def _deformed(at: At) -> tuple[str, Traits]:
    """A deformable convolution of given offsets: where it samples says what computes them."""
    return CONV, conv_traits(at.output.channels, at.operator.kernel_size)


def _unpooled(at: At) -> tuple[str, Traits]:
    """Its window is that of the pooling whose places it is given."""
    return name_of(at.operator), {"output_size": at.output.spatial}


def _regions(at: At) -> tuple[str, Traits]:
    """Pooling of regions; the size of the boxes is known to nobody but who assumes one."""
    kind, traits = plain(at)
    return kind, {key: each for key, each in traits.items() if key != "roi_size"}


def _pool(at: At) -> tuple[str, Traits] | None:
    """A pooling window; a global one if it is as large as its input."""
    operator = at.operator
    kind = name_of(operator)
    kernel = operator.kernel_size
    window = _window(at, kernel)
    sides: Sides = window.get("padding", ((0, 0),) * len(kernel))
    if tuple(kernel) == at.x.spatial and not any(map(any, sides)) and kind != "lp_pool":
        return f"global_{kind}", {}
    if prod(kernel) == 1 and "stride" not in window:
        return None
    traits: dict[str, Any] = {"kernel_size": tuple(kernel), **window}
    if getattr(operator, "ceil_mode", False) and _is_greater(at, kernel, window, sides):
        traits["ceil_mode"] = True
    if not getattr(operator, "count_include_pad", True) and "padding" in window:
        traits["count_include_pad"] = False
    return kind, traits


def _is_greater(at: At, kernel: Sequence[int], window: Traits, sides: Sides) -> bool:
    """Whether rounding up makes more windows than rounding down."""
    ones = (1,) * len(kernel)
    stride, dilation = window.get("stride", ones), window.get("dilation", ones)
    floor = tuple(
        slide_size(n, d * (k - 1) + 1, s, before, after)
        for n, k, s, d, (before, after) in zip(
            at.x.spatial, kernel, stride, dilation, sides, strict=True
        )
    )
    return floor != at.output.spatial


def _adaptive(at: At) -> tuple[str, Traits] | None:
    """Pooling to a size; by a plain window where that divides the input's."""
    kind = name_of(at.operator).removeprefix("adaptive_")
    wanted = at.output.spatial
    if prod(wanted) == 1:
        return f"global_{kind}", {}
    if wanted == at.x.spatial:
        return None
    if known((*wanted, *at.x.spatial)) and not any(
        n % out for n, out in zip(at.x.spatial, wanted, strict=True)
    ):
        kernel = tuple(n // out for n, out in zip(at.x.spatial, wanted, strict=True))
        return kind, {"kernel_size": kernel, "stride": kernel}
    return f"adaptive_{kind}", {"output_size": wanted}


def _global(at: At) -> tuple[str, Traits]:
    return name_of(at.operator), {}


def _reduce(at: At) -> tuple[str, Traits] | None:
    operator = at.operator
    if operator.axis != "channels" and at.output.positions == 1:
        if operator.mode in ("mean", "max"):
            return {"mean": GLOBAL, "max": "global_max_pool"}[operator.mode], {}
        return f"reduce_{operator.mode}", {}
    return f"reduce_{operator.mode}", {"axis": operator.axis}


def _norm(at: At) -> tuple[str, Traits]:
    operator = at.operator
    kind = name_of(operator)
    has = {name: name in at.analysis.stored for name in ("weight", "bias")}
    traits: dict[str, Any] = {"affine": any(has.values())}
    if traits["affine"] and not has["weight"]:
        traits["scale"] = False
    if kind == "batch_norm":
        traits["tracked"] = operator.track_running_stats
    if kind == "group_norm":
        if operator.groups == at.x.channels:
            return "instance_norm", traits
        traits["groups"] = operator.groups
    return kind, traits


def _scale(at: At) -> tuple[str, Traits] | None:
    """A learned factor or summand; a single number changes no shape and is often folded."""
    (weight,) = (*at.analysis.stored.values(), (1,))[:1]
    name = {"layer_scale": "scale"}.get(name_of(at.operator), name_of(at.operator))
    return None if prod(weight) == 1 else (name, {})


def _opaque(at: At) -> tuple[str, Traits] | None:
    """A layer of stated numbers; with neither weights nor work it moves elements."""
    operator = at.operator
    if operator.params == 0 and operator.macs == 0:
        return None
    if operator.params == 0:  # work of computed factors, such as a kernel
        return name_of(operator), {"macs": operator.macs}
    return plain(at)


def _parameter(at: At) -> tuple[str, Traits]:
    return "parameter", {"elements": at.output.numel}


def _elementwise(at: At) -> tuple[str, Traits] | None:
    """A function of two tensors; one with a number is often folded into another layer."""
    operator = at.operator
    if at.reads == 1 and operator.op in ("add", "mul", "sub", "div"):
        return None
    return operator.op, {}


def _upsample(at: At) -> tuple[str, Traits] | None:
    operator = at.operator
    out = at.output.spatial
    if out == at.x.spatial:
        return None
    traits: dict[str, Any] = {"mode": operator.mode}
    if known((*out, *at.x.spatial)):
        scale = {Fraction(m, n) for m, n in zip(out, at.x.spatial, strict=True)}
        traits["scale"] = scale.pop() if len(scale) == 1 else tuple(out)
    if operator.mode not in ("nearest", "nearest_exact"):
        traits["align_corners"] = bool(operator.align_corners)
    return "upsample", traits


def _joined(at: At) -> tuple[str, Traits]:
    return name_of(at.operator), {}


def _attention(at: At) -> tuple[str, Traits]:
    return ATTENTION, heads(at.operator)


def heads(operator: Operator) -> Traits:
    """Its heads; with one of keys, heads of queries can also be written as more positions."""
    found = getattr(operator, "heads", None) if getattr(operator, "kv_heads", 0) != 1 else None
    return {} if found is None else {"heads": found}


def _correlation(at: At) -> tuple[str, Traits]:
    """Of all positions with all, it is the product of two matrices."""
    return plain(at) if at.operator.max_displacement else ("matmul", {})


def _softmax(at: At) -> tuple[str, Traits]:
    return name_of(at.operator), {}


def plain(at: At) -> tuple[str, Traits]:
    """All fields of an operator that no rule knows better."""
    operator = at.operator
    names = fields_of(type(operator))
    return name_of(operator), {name: getattr(operator, name) for name in names}


RULES: Mapping[str, Rule] = {
    **dict.fromkeys(
        ("conv", "depthwise_conv", "pointwise_conv", "linear", "submanifold_conv", "coord_conv"),
        _conv,
    ),
    "conv_transpose": _transposed,
    "bilinear_conv_transpose": _tent,
    "deform_conv": _deformed,
    "max_unpool": _unpooled,
    **dict.fromkeys(("roi_align", "roi_pool", "ps_roi_pool"), _regions),
    **dict.fromkeys(("max_pool", "avg_pool", "lp_pool"), _pool),
    **dict.fromkeys(("adaptive_avg_pool", "adaptive_max_pool"), _adaptive),
    **dict.fromkeys(("global_avg_pool", "global_max_pool"), _global),
    "reduce": _reduce,
    **dict.fromkeys(("batch_norm", "group_norm", "instance_norm", "layer_norm", "rms_norm"), _norm),
    **dict.fromkeys(("scale", "shift", "layer_scale"), _scale),
    "opaque": _opaque,
    "parameter": _parameter,
    "elementwise": _elementwise,
    "upsample": _upsample,
    **dict.fromkeys(("add", "mul", "maximum", "concat", "matmul"), _joined),
    "dot_product_attention": _attention,
    "softmax": _softmax,
    "correlation": _correlation,
}
