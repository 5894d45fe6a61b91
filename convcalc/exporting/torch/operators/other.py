"""Operators that compute nothing, and learned tensors."""

from __future__ import annotations

from collections.abc import Sequence

from convcalc.exporting.torch.site import Made, Site


def _identity(site: Site, _: Sequence[bool]) -> Made:
    return Made(call="{0}", channels=site.channels)


def _dropout(site: Site, _: Sequence[bool]) -> Made:
    rate = site.text("rate")
    if site.is_always("rate", 0.0) or all(v == 0 for v in site.values("rate")):
        return Made(call="{0}", channels=site.channels)
    return Made(f"nn.Dropout({rate})", channels=site.channels)


def _parameter(site: Site, _: Sequence[bool]) -> Made:
    if not site.is_always("fixed", False):
        raise site.refused("that is fixed is not written")
    shape = site.text("shape")
    channels = site.element("shape", 0, lambda run: run.layer.analysis.output.channels)
    held = f"nn.Parameter(torch.zeros({shape}))"
    if site.inputs:
        ones = ", ".join(["-1"] * len(site.operators[0].shape))  # type: ignore[attr-defined]
        return Made(held=held, call=f"{{held}}.expand({{0}}.shape[0], {ones})", channels=channels)
    return Made(held=held, call="{held}[None]", channels=channels)


TABLE = {"identity": _identity, "dropout": _dropout, "parameter": _parameter}
