"""Attention and operators whose weights depend on their input."""

from __future__ import annotations

from collections.abc import Sequence

from convcalc.exporting.phrases import bracketed
from convcalc.exporting.torch.operators.padding import padding_of
from convcalc.exporting.torch.site import Made, Site


def _squeeze_excite(site: Site, _: Sequence[bool]) -> Made:
    if site.is_always("squeeze_channels", None):
        squeeze = f"{site.bracketed} // {site.text('reduction')}"
        if {layer.shapes[0].channels % layer.operator.reduction for layer in site.layers} != {0}:  # type: ignore[attr-defined]
            squeeze = site.number(
                "squeeze", lambda run: run.layer.analysis.weights["reduce.weight"][0]
            )
    else:
        squeeze = site.text("squeeze_channels")
    words = [squeeze]
    activation, gate = site.one("activation"), site.one("gate")
    names = {
        "relu": "nn.ReLU()",
        "silu": "nn.SiLU()",
        "gelu": "nn.GELU()",
        "hardswish": "nn.Hardswish()",
    }
    if activation not in names or gate not in ("sigmoid", "hardsigmoid"):
        raise site.refused(f"with {activation} and {gate} is not written")
    if activation != "relu":
        words.append(f"activation={names[activation]}")
    if gate != "sigmoid":
        words.append("gate=nn.Hardsigmoid()")
    if site.text("bias") != "True":
        words.append(f"bias={site.text('bias')}")
    if site.rank != 2:
        words.append(f"rank={site.rank}")
    name = "SqueezeExcite"
    return Made(
        f"{name}({', '.join([site.channels, *words])})", channels=site.channels, helpers=(name,)
    )


def _attention(site: Site, _: Sequence[bool]) -> Made:
    words = [site.text("heads")]
    for field, keyword in (
        ("key_channels", "keys"),
        ("value_channels", "values"),
        ("out_channels", "out"),
    ):
        if not site.is_always(field, None):
            words.append(f"{keyword}={site.text(field)}")
    if site.text("bias") != "True":
        words.append(f"bias={site.text('bias')}")
    out = site.channels if site.is_always("out_channels", None) else site.text("out_channels")
    name = "Attention"
    return Made(f"{name}({', '.join([site.channels, *words])})", channels=out, helpers=(name,))


def _dot_product(site: Site, _: Sequence[bool]) -> Made:
    for field, value in (
        ("window", None),
        ("partition", "none"),
        ("position_bias", None),
        ("skip_masked", False),
    ):
        if not site.is_always(field, value):
            raise site.refused(f"with {field} is not written")
    words = [site.text("heads")]
    if not site.is_always("kv_heads", None):
        words.append(f"kv_heads={site.text('kv_heads')}")
    if not site.is_always("causal", False):
        words.append(f"causal={site.text('causal')}")
    name = "DotProductAttention"
    channels = site.inputs[2]
    if not site.is_always("kv_heads", None):
        kv_heads = site.text("kv_heads")
        part = channels if kv_heads == "1" else f"({bracketed(channels)} // {kv_heads})"
        channels = f"{bracketed(site.text('heads'))} * {bracketed(part)}"
    return Made(f"{name}({', '.join(words)})", channels=channels, helpers=(name,))


def _window(site: Site, _: Sequence[bool]) -> Made:
    for field in ("qkv_bias", "key_bias", "proj_bias"):
        if not site.is_always(field, True):
            raise site.refused(f"without {field} is not written")
    if site.rank != 2 or any(len(set(size)) > 1 for size in site.values("window_size")):
        raise site.refused("with a window of different sizes is not written")
    if site.one("relative_position") == "decomposed":
        raise site.refused("with decomposed positions is not written")
    words = [site.text("window_size"), site.text("heads")]
    if any(any(shift) for shift in site.values("shift_size")):
        words.append(f"shift={site.text('shift_size')}")
    if "grid" in site.values("partition"):
        is_grid = (
            "True" if site.is_always("partition", "grid") else f'{site.text("partition")} == "grid"'
        )
        words.append(f"grid={is_grid}")
    if not site.is_always("relative_position", "table"):
        words.append(f'position="{site.one("relative_position")}"')
        if site.one("relative_position") == "mlp" and site.text("mlp_channels") != "512":
            words.append(f"hidden={site.text('mlp_channels')}")
    if site.text("cosine") != "False":
        words.append(f"cosine={site.text('cosine')}")
    name = "WindowAttention"
    return Made(
        f"{name}({', '.join([site.channels, *words])})", channels=site.channels, helpers=(name,)
    )


def _involution(site: Site, _: Sequence[bool]) -> Made:
    if site.rank != 2 or any(
        len(set(k)) > 1 for f in ("kernel_size", "stride") for k in site.values(f)
    ):
        raise site.refused("on other maps than of two like axes is not written")
    words = [site.text("kernel_size")]
    for field, keyword, default in (
        ("stride", "stride", "1"),
        ("reduction_ratio", "reduction", "4"),
        ("group_channels", "group_channels", "16"),
    ):
        if (text := site.text(field)) != default:
            words.append(f"{keyword}={text}")
    name = "Involution2d"
    return Made(
        f"{name}({', '.join([site.channels, *words])})", channels=site.channels, helpers=(name,)
    )


def _large_kernel(site: Site, _: Sequence[bool]) -> Made:
    if site.rank != 2 or any(
        len(set(k)) > 1 for f in ("kernel_size", "dilation") for k in site.values(f)
    ):
        raise site.refused("on other maps than of two like axes is not written")
    name = "LargeKernelAttention2d"
    words = [site.channels, site.text("kernel_size"), site.text("dilation")]
    return Made(f"{name}({', '.join(words)})", channels=site.channels, helpers=(name,))


def _cond_conv(site: Site, _: Sequence[bool]) -> Made:
    if len(site.inputs) != 2 or not site.is_always("bias", False) or site.rank != 2:
        raise site.refused("with a routing of its own, or a bias, is not written")
    if any(len(set(k)) > 1 for f in ("kernel_size", "stride", "dilation") for k in site.values(f)):
        raise site.refused("of unlike axes is not written")
    if not site.is_always("dilation", (1, 1)):
        raise site.refused("that is dilated is not written")
    padding = padding_of(site)
    if padding.before:
        raise site.refused("pads its sides differently")
    words = [site.text("kernel_size"), site.text("experts"), *site.keywords(stride="stride")]
    words += [f"padding={padding.keyword}"] if padding.keyword else []
    words += site.keywords(groups="groups")
    out = site.text("out_channels")
    name = "CondConv2d"
    return Made(f"{name}({', '.join([site.channels, out, *words])})", channels=out, helpers=(name,))


TABLE = {
    "squeeze_excite": _squeeze_excite,
    "attention": _attention,
    "dot_product_attention": _dot_product,
    "window_attention": _window,
    "involution": _involution,
    "large_kernel_attention": _large_kernel,
    "cond_conv": _cond_conv,
}
