"""Attention and operators whose weights depend on their input."""

from __future__ import annotations

from collections.abc import Sequence

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


TABLE = {"squeeze_excite": _squeeze_excite}
