"""Convolutions and linear maps."""

from __future__ import annotations

from collections.abc import Sequence

from convcalc.exporting.torch.operators.padding import padded, padding_of
from convcalc.exporting.torch.site import Made, Site


def _plain(site: Site) -> None:
    for name, value in (("mask", "none"), ("weight_norm", "none"), ("realisation", "scatter")):
        if name in site.declared and not site.is_always(name, value):
            raise site.refused(f"with {name} has no module in PyTorch")


def _conv(site: Site, _: Sequence[bool]) -> Made:
    _plain(site)
    padding = padding_of(site)
    words = site.keywords(stride="stride")
    words += [f"padding={padding.keyword}"] if padding.keyword else []
    words += site.keywords(
        dilation="dilation", groups="groups", bias="bias", padding_mode="padding_mode"
    )
    out = site.text("out_channels")
    arguments = ", ".join([site.channels, out, site.text("kernel_size"), *words])
    module = padded(padding, f"nn.Conv{site.rank}d({arguments})")
    return Made(module, channels=out, helpers=padding.helpers)


def _depthwise(site: Site, _: Sequence[bool]) -> Made:
    _plain(site)
    padding = padding_of(site)
    words = site.keywords(stride="stride")
    words += [f"padding={padding.keyword}"] if padding.keyword else []
    words += site.keywords(dilation="dilation")
    words += [f"groups={site.channels}"]
    words += site.keywords(bias="bias", padding_mode="padding_mode")
    multiplier = site.text("depth_multiplier")
    out = site.channels if multiplier == "1" else f"{site.bracketed} * {multiplier}"
    arguments = ", ".join([site.channels, out, site.text("kernel_size"), *words])
    module = padded(padding, f"nn.Conv{site.rank}d({arguments})")
    return Made(module, channels=out, helpers=padding.helpers)


def _pointwise(site: Site, _: Sequence[bool]) -> Made:
    _plain(site)
    words = site.keywords(stride="stride", groups="groups", bias="bias")
    out = site.text("out_channels")
    arguments = ", ".join([site.channels, out, "1", *words])
    return Made(f"nn.Conv{site.rank}d({arguments})", channels=out)


def _transpose(site: Site, _: Sequence[bool]) -> Made:
    _plain(site)
    if not site.is_always("output_size", None) or len(site.inputs) > 1:
        raise site.refused("with a stated output size has no module in PyTorch")
    padding = padding_of(site)
    if padding.before:
        raise site.refused("crops its sides differently, which no module of PyTorch does")
    words = site.keywords(stride="stride")
    words += [f"padding={padding.keyword}"] if padding.keyword else []
    words += site.keywords(
        output_padding="output_padding", groups="groups", bias="bias", dilation="dilation"
    )
    out = site.text("out_channels")
    arguments = ", ".join([site.channels, out, site.text("kernel_size"), *words])
    return Made(f"nn.ConvTranspose{site.rank}d({arguments})", channels=out)


def _linear(site: Site, _: Sequence[bool]) -> Made:
    _plain(site)
    out = site.text("out_channels")
    words = site.keywords(bias="bias")
    arguments = ", ".join([site.channels, out, *words])
    if site.rank == 0:
        return Made(f"nn.Linear({arguments})", channels=out)
    return Made(f"ChannelLinear({arguments})", channels=out, helpers=("ChannelLinear",))


def _separable(site: Site, lists: Sequence[bool]) -> Made:
    if not site.is_always("depth_multiplier", 1) or site.rank != 2:
        raise site.refused("with several filters per channel is not written")
    padding = padding_of(site)
    words = site.keywords(stride="stride")
    words += [f"padding={padding.keyword}"] if padding.keyword else []
    words += site.keywords(dilation="dilation")
    words += [f"groups={site.channels}"] + site.keywords(bias="bias")
    first = padded(
        padding,
        f"nn.Conv2d({', '.join([site.channels, site.channels, site.text('kernel_size'), *words])})",
    )
    out = site.text("out_channels")
    second = f"nn.Conv2d({', '.join([site.channels, out, '1', *site.keywords(bias='bias')])})"
    return Made(f"nn.Sequential({first}, {second})", channels=out, helpers=padding.helpers)


def _partial(site: Site, _: Sequence[bool]) -> Made:
    arguments = ", ".join([site.channels, site.text("kernel_size"), f"n_div={site.text('n_div')}"])
    return Made(f"PartialConv2d({arguments})", channels=site.channels, helpers=("PartialConv2d",))


def _ghost(site: Site, _: Sequence[bool]) -> Made:
    out = site.text("out_channels")
    words = [
        out,
        site.text("kernel_size"),
        f"dw_size={site.text('dw_size')}",
        f"ratio={site.text('ratio')}",
    ]
    words += site.keywords(stride="stride")
    words += [f"relu={site.text('relu')}"]
    return Made(
        f"GhostConv2d({', '.join([site.channels, *words])})", channels=out, helpers=("GhostConv2d",)
    )


def _mix(site: Site, _: Sequence[bool]) -> Made:
    if not (
        site.is_always("depthwise", True)
        and site.is_always("padding", "half")
        and site.is_always("out_channels", None)
    ):
        raise site.refused("that mixes channels is not written")
    argument = site.given["kernel_size"]
    kernels = site.render(argument, ())
    words = site.keywords(stride="stride", dilation="dilation")
    words += [f"bias={site.text('bias')}"]
    module = f"MixConv2d({', '.join([site.channels, kernels, *words])})"
    return Made(module, channels=site.channels, helpers=("MixConv2d",))


def _bilinear_transpose(site: Site, _: Sequence[bool]) -> Made:
    factor = site.one("factor")
    if len(set(factor)) > 1:
        raise site.refused("with different factors is not written")
    padding = site.one("padding")
    words = [site.channels, str(factor[0])]
    if padding is not None:
        words.append(f"padding={padding[0][0]}")
    words.append(f"grouped={site.text('grouped')}")
    return Made(
        f"BilinearConvTranspose2d({', '.join(words)})",
        channels=site.channels,
        helpers=("BilinearConvTranspose2d",),
    )


def _learned_group(site: Site, _: Sequence[bool]) -> Made:
    if not site.is_always("phase", "converted"):
        raise site.refused("in training keeps a mask that PyTorch has no module for")
    raise site.refused("is not written")


TABLE = {
    "conv": _conv,
    "depthwise_conv": _depthwise,
    "pointwise_conv": _pointwise,
    "conv_transpose": _transpose,
    "linear": _linear,
    "separable_conv": _separable,
    "partial_conv": _partial,
    "ghost_conv": _ghost,
    "mix_conv": _mix,
    "bilinear_conv_transpose": _bilinear_transpose,
}
