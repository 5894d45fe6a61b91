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


def _separable(site: Site, _: Sequence[bool]) -> Made:
    if not site.is_always("depth_multiplier", 1) or site.rank != 2:
        raise site.refused("with several filters per channel is not written")
    padding = padding_of(site)
    words = site.keywords(stride="stride")
    words += [f"padding={padding.keyword}"] if padding.keyword else []
    words += site.keywords(dilation="dilation")
    words += [f"groups={site.channels}", *site.keywords(bias="bias")]
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
    if not (site.is_always("kernel_size", (1, 1)) and site.is_always("stride", (1, 1))):
        raise site.refused("of other windows than 1x1 is not written")
    out, groups = site.text("out_channels"), site.text("groups")
    factor = groups if site.is_always("condense_factor", None) else site.text("condense_factor")
    words = [site.channels, out, groups, factor]
    if site.one("phase") != "converted":
        words.append("converted=False")
    name = "LearnedGroupConv2d"
    return Made(f"{name}({', '.join(words)})", channels=out, helpers=(name,))


def _square(site: Site, *fields: str) -> None:
    """Refuses windows that differ between axes, and maps of other ranks than 2."""
    if site.rank != 2:
        raise site.refused("of other maps than of two axes is not written")
    for field in fields:
        if any(value is not None and len(set(value)) > 1 for value in site.values(field)):
            raise site.refused("with windows that differ between axes is not written")


def _deform(site: Site, _: Sequence[bool]) -> Made:
    _square(site, "kernel_size", "stride", "dilation", "dw_kernel_size")
    if len(site.inputs) > 1 or not site.is_always("offset", "internal"):
        raise site.refused("with offsets from outside is not written")
    versions = site.values("version")
    if versions == [3]:
        return _deform_v3(site)
    if not set(versions) <= {1, 2}:
        raise site.refused("of version 4 is not written")
    padding = padding_of(site)
    if padding.before:
        raise site.refused("pads its sides differently")
    words = site.keywords(stride="stride")
    words += [f"padding={padding.keyword}"] if padding.keyword else []
    words += site.keywords(dilation="dilation")
    words += [] if site.is_always("groups", None) else site.keywords(groups="groups")
    if site.text("deform_groups") != "1":
        words.append(f"deform_groups={site.text('deform_groups')}")
    words += site.keywords(bias="bias")
    if versions != [1]:
        words.append(
            "modulated=True" if versions == [2] else f"modulated={site.text('version')} == 2"
        )
    out, name = site.text("out_channels"), "DeformConv2d"
    arguments = ", ".join([site.channels, out, site.text("kernel_size"), *words])
    return Made(f"{name}({arguments})", channels=out, helpers=(name,))


def _deform_v3(site: Site) -> Made:
    plain = (
        ("remove_center", False),
        ("output_bias", True),
        ("without_pointwise", False),
        ("dilation", (1, 1)),
    )
    if not all(site.is_always(field, value) for field, value in plain):
        raise site.refused("of version 3 is written with all of its parts and no others")
    words = [site.channels, site.text("groups")]
    if not site.is_always("kernel_size", None):
        words.append(f"kernel_size={site.text('kernel_size')}")
    if not site.is_always("dw_kernel_size", None):
        words.append(f"dw_size={site.text('dw_kernel_size')}")
    if site.text("offset_scale") not in ("1", "1.0"):
        words.append(f"spread={site.text('offset_scale')}")
    if not site.is_always("center_feature_scale", False):
        words.append(f"center={site.text('center_feature_scale')}")
    name = "DeformConvV3"
    return Made(f"{name}({', '.join(words)})", channels=site.channels, helpers=(name,))


def _fixed(site: Site, _: Sequence[bool]) -> Made:
    _square(site, "kernel_size", "stride", "dilation")
    plain = (("filters", 1), ("shared", True), ("dilation", (1, 1)), ("padding_mode", "zeros"))
    if not all(site.is_always(field, value) for field, value in plain):
        raise site.refused("is written with one shared filter")
    padding = padding_of(site)
    if padding.before:
        raise site.refused("pads its sides differently")
    words = [site.text("kernel_size"), *site.keywords(stride="stride")]
    words += [f"padding={padding.keyword}"] if padding.keyword else []
    name = "Smoothing2d"
    return Made(f"{name}({', '.join(words)})", channels=site.channels, helpers=(name,))


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
    "learned_group_conv": _learned_group,
    "deform_conv": _deform,
    "fixed_conv": _fixed,
}
