"""Normalisations, and learned factors and terms."""

from __future__ import annotations

from collections.abc import Sequence

from convcalc.exporting.torch.site import Made, Site


def _batch(site: Site, _: Sequence[bool]) -> Made:
    rank = max(site.rank, 1)
    frozen = site.values("frozen")
    if frozen == [True]:
        return Made(
            f"FrozenBatchNorm({site.channels})",
            channels=site.channels,
            helpers=("FrozenBatchNorm",),
        )
    if True in frozen:
        flag = site.text("frozen")
        module = (
            f"FrozenBatchNorm({site.channels}) if {flag} else nn.BatchNorm{rank}d({site.channels})"
        )
        return Made(module, channels=site.channels, helpers=("FrozenBatchNorm",))
    if not (site.is_always("scale", True) and site.is_always("bias", True)):
        return (
            Made(
                f"ShiftingBatchNorm{rank}d({site.channels})",
                channels=site.channels,
                helpers=(f"ShiftingBatchNorm{rank}d",),
            )
            if site.is_always("scale", False) and site.is_always("bias", True)
            else _refuse(site)
        )
    words = [] if site.text("affine") == "True" else [f"affine={site.text('affine')}"]
    if site.text("track_running_stats") != "True":
        words.append(f"track_running_stats={site.text('track_running_stats')}")
    return Made(
        f"nn.BatchNorm{rank}d({', '.join([site.channels, *words])})", channels=site.channels
    )


def _refuse(site: Site) -> Made:
    raise site.refused("sometimes without a scale or a bias is not written")


def _layer(site: Site, _: Sequence[bool]) -> Made:
    if not site.is_always("spatial", False):
        raise site.refused("over positions too has no module in PyTorch")
    words = [f"{n}={site.text(n)}" for n in ("affine", "bias") if site.text(n) != "True"]
    arguments = ", ".join(
        [site.channels, *(w.replace("affine", "elementwise_affine") for w in words)]
    )
    if site.rank == 0:
        return Made(f"nn.LayerNorm({arguments})", channels=site.channels)
    return Made(
        f"ChannelLayerNorm({arguments})", channels=site.channels, helpers=("ChannelLayerNorm",)
    )


def _group(site: Site, _: Sequence[bool]) -> Made:
    words = [] if site.text("affine") == "True" else [f"affine={site.text('affine')}"]
    arguments = ", ".join([site.text("groups"), site.channels, *words])
    return Made(f"nn.GroupNorm({arguments})", channels=site.channels)


def _instance(site: Site, _: Sequence[bool]) -> Made:
    words = [
        f"{n}={site.text(n)}" for n in ("affine", "track_running_stats") if site.text(n) != "False"
    ]
    return Made(
        f"nn.InstanceNorm{site.rank}d({', '.join([site.channels, *words])})", channels=site.channels
    )


def _local_response(site: Site, _: Sequence[bool]) -> Made:
    words = [f"{n}={site.text(n)}" for n in ("alpha", "beta", "k")]
    return Made(
        f"nn.LocalResponseNorm({', '.join([site.text('size'), *words])})", channels=site.channels
    )


def _global_response(site: Site, _: Sequence[bool]) -> Made:
    return Made(
        f"GlobalResponseNorm({site.channels})",
        channels=site.channels,
        helpers=("GlobalResponseNorm",),
    )


def _rms(site: Site, _: Sequence[bool]) -> Made:
    if site.rank:
        raise site.refused("of a map is not written")
    words = [] if site.text("affine") == "True" else [f"elementwise_affine={site.text('affine')}"]
    return Made(f"nn.RMSNorm({', '.join([site.channels, *words])})", channels=site.channels)


def _layer_scale(site: Site, _: Sequence[bool]) -> Made:
    return Made(f"LayerScale({site.channels})", channels=site.channels, helpers=("LayerScale",))


def _scale(site: Site, _: Sequence[bool]) -> Made:
    count = "1" if site.one("per") == "tensor" else site.channels
    if site.one("per") not in ("tensor", "channel"):
        raise site.refused("for each position is not written")
    return Made(f"Scale({count})", channels=site.channels, helpers=("Scale",))


def _shift(site: Site, _: Sequence[bool]) -> Made:
    count = "1" if site.one("per") == "tensor" else site.channels
    if site.one("per") not in ("tensor", "channel"):
        raise site.refused("for each position is not written")
    return Made(f"Shift({count})", channels=site.channels, helpers=("Shift",))


TABLE = {
    "batch_norm": _batch,
    "layer_norm": _layer,
    "group_norm": _group,
    "instance_norm": _instance,
    "local_response_norm": _local_response,
    "global_response_norm": _global_response,
    "rms_norm": _rms,
    "layer_scale": _layer_scale,
    "scale": _scale,
    "shift": _shift,
}
