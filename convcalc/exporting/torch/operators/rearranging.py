"""What moves elements about."""

from __future__ import annotations

from collections.abc import Sequence

from convcalc.exporting.torch.site import Made, Site


def _flatten(site: Site, _: Sequence[bool]) -> Made:
    positions = site.number("positions", lambda run: run.layer.shapes[0].positions)
    channels = site.channels if positions == "1" else f"{site.bracketed} * {positions}"
    return Made("nn.Flatten()", channels=channels)


def _upsample(site: Site, _: Sequence[bool]) -> Made:
    mode = {"linear": ("linear", "bilinear", "trilinear")[site.rank - 1], "cubic": "bicubic"}
    word = mode.get(site.one("mode"), site.one("mode")).replace("nearest_exact", "nearest-exact")
    words = [] if word == "nearest" else [f'mode="{word}"']
    if site.one("align_corners"):
        words.append("align_corners=True")
    if len(site.inputs) == 2:
        size = "size={1}.shape[2:]"
        return Made(
            call=f"F.interpolate({', '.join(['{0}', size, *words])})", channels=site.channels
        )
    if site.is_always("size", None):
        words.insert(0, f"scale_factor={site.text('scale')}")
    elif site.is_always("scale", None):
        words.insert(0, f"size={site.text('size')}")
    else:
        raise site.refused("has a size at times, and at times a scale")
    return Made(f"nn.Upsample({', '.join(words)})", channels=site.channels)


def _channel_slice(site: Site, _: Sequence[bool]) -> Made:
    start = site.text("start")
    stop = "" if site.is_always("stop", None) else site.text("stop")
    end = stop or site.channels
    width = end if start == "0" else f"{site.bracket(end)} - {site.bracket(start)}"
    first = "" if start == "0" else site.keep(start)
    last = site.keep(stop) if stop else ""
    return Made(call=f"{{0}}[:, {first}:{last}]", channels=width)


def _shuffle(site: Site, _: Sequence[bool]) -> Made:
    return Made(f"nn.ChannelShuffle({site.text('groups')})", channels=site.channels)


def _pixel_shuffle(site: Site, _: Sequence[bool]) -> Made:
    factors = site.values("factor")
    if any(len(set(factor)) > 1 for factor in factors):
        raise site.refused("with different factors has no module in PyTorch")
    factor = site.text("factor")
    return Made(f"nn.PixelShuffle({factor})", channels=f"{site.bracketed} // ({factor} * {factor})")


def _pixel_unshuffle(site: Site, _: Sequence[bool]) -> Made:
    factors = site.values("factor")
    if any(len(set(factor)) > 1 for factor in factors):
        raise site.refused("with different factors has no module in PyTorch")
    factor = site.text("factor")
    return Made(f"nn.PixelUnshuffle({factor})", channels=f"{site.bracketed} * {factor} * {factor}")


def _crop(site: Site, lists: Sequence[bool]) -> Made:
    raise site.refused("is not written")


TABLE = {
    "flatten": _flatten,
    "upsample": _upsample,
    "channel_slice": _channel_slice,
    "channel_shuffle": _shuffle,
    "pixel_shuffle": _pixel_shuffle,
    "pixel_unshuffle": _pixel_unshuffle,
}
