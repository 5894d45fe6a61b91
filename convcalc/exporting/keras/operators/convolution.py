"""Convolutions and linear maps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from convcalc.exporting.keras.operators.calls import Rule, bracket, call, padding, ranked
from convcalc.exporting.keras.site import Site
from convcalc.exporting.phrases import scalar
from convcalc.model.ops.convolution._placement import places
from convcalc.model.quantities.unknown import known


def no_strided_dilation(site: Site) -> None:
    for layer in site.layers:
        operator: Any = layer.operator
        if max(operator.stride) > 1 and max(operator.dilation) > 1:
            raise site.refused("has a stride and a dilation, which Keras does not have together")


def plain_weight(site: Site) -> None:
    for field, value in (("weight_norm", "none"), ("mask", "none"), ("padding_mode", "zeros")):
        if hasattr(site.layers[0].operator, field) and not site.is_always(field, value):
            raise site.refused(f"with {field} has no counterpart in Keras")


def conv(site: Site) -> Sequence[str]:
    """A convolution; padding that Keras has no word for stands before it."""
    plain_weight(site)
    no_strided_dilation(site)
    before, word = padding(site)
    names = {"stride": "strides", "dilation": "dilation_rate", "groups": "groups"}
    arguments = [site.text("out_channels"), site.text("kernel_size"), *site.keywords(**names)]
    if word:
        arguments.append(f'padding="{word}"')
    arguments += site.keywords(bias="use_bias")
    return [*before, call(ranked(site, "Conv"), arguments)]


def depthwise(site: Site) -> Sequence[str]:
    """A depthwise convolution; on three axes a convolution in groups."""
    plain_weight(site)
    no_strided_dilation(site)
    before, word = padding(site)
    own = [f'padding="{word}"'] if word else []
    equal = all(len(set(v)) == 1 for v in site.values("stride"))
    if site.rank == 3 or not equal:
        channels, many = f"{site.x}.shape[-1]", site.text("depth_multiplier")
        filters = channels if many == "1" else f"{channels} * {bracket(many)}"
        names = {"stride": "strides", "dilation": "dilation_rate"}
        arguments = [filters, site.text("kernel_size"), *site.keywords(**names)]
        arguments += [f"groups={channels}", *own, *site.keywords(bias="use_bias")]
        return [*before, call(ranked(site, "Conv"), arguments)]
    names = {
        "stride": "strides",
        "dilation": "dilation_rate",
        "depth_multiplier": "depth_multiplier",
    }
    arguments = [site.text("kernel_size"), *site.keywords(**names), *own]
    return [
        *before,
        call(ranked(site, "DepthwiseConv"), [*arguments, *site.keywords(bias="use_bias")]),
    ]


def pointwise(site: Site) -> Sequence[str]:
    """A convolution of one tap."""
    plain_weight(site)
    names = {"stride": "strides", "groups": "groups", "bias": "use_bias"}
    return [call(ranked(site, "Conv"), [site.text("out_channels"), "1", *site.keywords(**names)])]


def linear(site: Site) -> Sequence[str]:
    """A matrix over the last axis, the channels."""
    plain_weight(site)
    return [call("Dense", [site.text("out_channels"), *site.keywords(bias="use_bias")])]


def conv_transpose(site: Site) -> Sequence[str]:
    """A transposed convolution, and what PyTorch's padding cuts off."""
    plain_weight(site)
    if not site.is_always("realisation", "scatter") or not site.is_always("groups", 1):
        raise site.refused("in groups, or by another way, has no counterpart in Keras")
    cuts = set()
    for layer in site.layers:
        o: Any = layer.operator
        if set(o.dilation) != {1} or any(
            k < s for k, s in zip(o.kernel_size, o.stride, strict=True)
        ):
            raise site.refused(
                "with a dilation or a kernel smaller than its stride works differently in Keras"
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
    made = [call(ranked(site, "Conv") + "Transpose", arguments)]
    if any(map(any, cut)):
        text = scalar(cut)
        text = text[1:-1].rstrip(",") if site.rank == 1 and text.startswith("((") else text
        made.append(call(ranked(site, "Cropping"), [text]))
    return made


def separable(site: Site) -> Sequence[str]:
    """A depthwise and a pointwise convolution in a row."""
    bias = site.text("bias")
    no_strided_dilation(site)
    before, word = padding(site)
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
        call(ranked(site, "DepthwiseConv"), [*arguments, *use]),
        call(ranked(site, "Conv"), [site.text("out_channels"), "1", *use]),
    ]


RULES: Mapping[str, Rule] = {
    "conv": conv,
    "depthwise_conv": depthwise,
    "pointwise_conv": pointwise,
    "linear": linear,
    "conv_transpose": conv_transpose,
    "separable_conv": separable,
}
