"""Norms, and learned numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from convcalc.exporting.expressions import literal
from convcalc.exporting.keras.operators.calls import Rule, X, bracket, call
from convcalc.exporting.keras.site import Site


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
        arguments.append(f"trainable=not {bracket(site.text('frozen'))}")
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


RULES: Mapping[str, Rule] = {
    "batch_norm": batch_norm,
    "layer_norm": layer_norm,
    "group_norm": group_norm,
    "instance_norm": instance_norm,
    "rms_norm": rms_norm,
    "scale": _learned("Scale"),
    "layer_scale": _learned("Scale"),
    "shift": _learned("Shift"),
    "global_response_norm": _learned("GlobalResponseNorm"),
}
