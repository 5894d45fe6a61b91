"""Operators that read regions of a map, which are a further input of the network."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil
from typing import Any

from convcalc.exporting.torch.site import Made, Site


def _roi_align(site: Site, _: Sequence[bool]) -> Made:
    if site.rank != 2 or not site.is_always("aligned", False):
        raise site.refused("on other maps than of two axes, or aligned, is not written")
    if any(len(set(size)) > 1 for size in site.values("output_size")):
        raise site.refused("to unlike axes is not written")
    words = [site.text("output_size"), site.text("spatial_scale")]
    samples = site.number("samples", lambda run: _samples(run.layer.operator))
    words += [] if samples == "2" else [f"samples={samples}"]
    name = "RoiAlign"
    module = f"{name}({', '.join(words)})"
    return Made(module, channels=site.channels, helpers=(name,), further="boxes")


def _samples(operator: Any) -> int:
    """Samples per bin and axis: those stated, or as many as a bin has positions."""
    if operator.sampling_ratio:
        return int(operator.sampling_ratio)
    size: float = operator.roi_size[0] * operator.spatial_scale / operator.output_size[0]
    return ceil(size)


TABLE = {"roi_align": _roi_align}
