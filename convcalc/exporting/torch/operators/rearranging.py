"""Operators that move elements."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from convcalc.exporting.phrases import bracketed
from convcalc.exporting.torch.site import Made, Site
from convcalc.exporting.trace import Run


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
        raise site.refused("sometimes has a size and sometimes a scale")
    return Made(f"nn.Upsample({', '.join(words)})", channels=site.channels)


def _channel_slice(site: Site, _: Sequence[bool]) -> Made:
    start = site.text("start")
    stop = "" if site.is_always("stop", None) else site.text("stop")
    end = stop or site.channels
    width = end if start == "0" else f"{bracketed(end)} - {bracketed(start)}"
    return Made(call=f"{{0}}[:, {_range(site, start, stop)}]", channels=width)


def _range(site: Site, start: str, stop: str) -> str:
    """``start:stop`` as formatters have it: with blanks unless both are names or numbers."""
    first = "" if start == "0" else site.keep(start, "start")
    last = site.keep(stop, "stop") if stop else ""
    plain = all(not text or text.isalnum() for text in (first, last))
    return f"{first}:{last}" if plain else f"{first} : {last}".strip()


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


def _crop(site: Site, _: Sequence[bool]) -> Made:
    channels = site.channels
    if len(site.inputs) == 2:
        sizes = "{1}.shape[2:]"
        if site.is_always("offset", None):
            return Made(call=f"crop_to({{0}}, {sizes})", channels=channels, helpers=("crop_to",))
        offset = _per_axis(site, "offset")
        return Made(
            call=f"crop_to({{0}}, {sizes}, {offset})", channels=channels, helpers=("crop_to",)
        )
    if not site.is_always("margins", None) or site.rank != 1:
        raise site.refused("by margins, or to a size on several axes, is not written")
    keep, size = site.one("keep"), site.moving("size")
    if keep == "last":
        return Made(call=f"{{0}}[..., -{size}:]", channels=channels)
    if keep == "first":
        return Made(call=f"{{0}}[..., :{size}]", channels=channels)
    return Made(call=f"crop_to({{0}}, ({size},))", channels=channels, helpers=("crop_to",))


def _per_axis(site: Site, field: str) -> str:
    """A size for each axis, as a tuple."""
    text = site.moving(field)
    if text.startswith("("):
        return text
    return f"({', '.join([text] * site.rank)})" if site.rank > 1 else f"({text},)"


def _pad(site: Site, _: Sequence[bool]) -> Made:
    if not site.is_always("mode", "constant"):
        raise site.refused("in another mode is not written")
    if len(site.inputs) == 2:
        return Made(call="pad_to({0}, {1}.shape[2:])", channels=site.channels, helpers=("pad_to",))
    if site.is_always("padding", None):
        sizes = _per_axis(site, "size")
        return Made(call=f"pad_to({{0}}, {sizes})", channels=site.channels, helpers=("pad_to",))
    sides = site.number("sides", lambda run: _flat(vars(run.layer.operator)["padding"]))
    if sides.startswith("(") and sides.endswith(")"):
        module = f"nn.ConstantPad{site.rank}d({sides}, 0.0)"
    else:
        module = f"nn.ConstantPad{site.rank}d({sides}, 0.0)"
    return Made(module, channels=site.channels)


def _flat(padding: Any) -> tuple[int, ...]:
    """The sides of all axes as PyTorch lists them: the last axis first."""
    return tuple(n for pair in reversed(padding) for n in pair)


def _pad_channels(site: Site, _: Sequence[bool]) -> Made:
    if len(site.inputs) > 1 or site.is_always("channels", None):
        raise site.refused("by a number on each side is not written")
    if not (site.is_always("before", 0) and site.is_always("after", 0)):
        raise site.refused("by a number on each side is not written")
    text = site.text("channels")
    zeros = ", ".join(["0"] * (2 * site.rank + 1))
    call = f"F.pad({{0}}, ({zeros}, {site.keep(text)} - {{0}}.shape[1]))"
    return Made(call=call, channels=text)


def _reshape(site: Site, _: Sequence[bool]) -> Made:
    out = [layer.analysis.output for layer in site.layers]
    ins = site.shapes()
    channels = site.element("shape", 0, lambda run: run.layer.analysis.output.channels)
    flat = all(a.rank == 1 and a.channels == b.channels for a, b in zip(out, ins, strict=True))
    if flat:
        return Made(call="{0}.flatten(2)", channels=site.channels)
    sizes = [site.element("shape", k + 1, _size(k), moving=True) for k in range(out[0].rank)]
    listed = ", ".join([site.keep(channels), *sizes])
    return Made(call=f"{{0}}.reshape({{0}}.shape[0], {listed})", channels=channels)


def _size(axis: int) -> Callable[[Run], int]:
    return lambda run: run.layer.analysis.output.spatial[axis]


def _permute(site: Site, _: Sequence[bool]) -> Made:
    dims = site.one("dims")
    channels = site.number("channels", lambda run: run.layer.analysis.output.channels)
    return Made(call=f"{{0}}.permute(0, {', '.join(map(str, dims))})", channels=channels)


def _slice(site: Site, _: Sequence[bool]) -> Made:
    if not site.is_always("step", 1):
        raise site.refused("with steps is not written")
    names = {0: (), 1: ("length",), 2: ("height", "width"), 3: ("depth", "height", "width")}[
        site.rank
    ]
    axis = site.one("axis")
    before = "" if axis == "channels" else ":, " * (1 + names.index(axis))
    start, stop = site.text("start"), site.text("stop")
    channels = site.channels
    if axis == "channels":
        channels = site.number("channels", lambda run: run.layer.analysis.output.channels)
    part = _range(site, start, "" if stop == "None" else stop)
    return Made(call=f"{{0}}[:, {before}{part}]", channels=channels)


def _space_to_batch(site: Site, _: Sequence[bool]) -> Made:
    if site.rank != 2 or not site.is_always("padding", ((0, 0), (0, 0))):
        raise site.refused("of other maps than of two axes, or with padding, is not written")
    factor = site.keep(site.text("factor"))
    return Made(
        call=f"space_to_batch({{0}}, {factor})", channels=site.channels, helpers=("space_to_batch",)
    )


def _batch_to_space(site: Site, _: Sequence[bool]) -> Made:
    if site.rank != 2 or not site.is_always("margins", None):
        raise site.refused("of other maps than of two axes, or with margins, is not written")
    factor = site.keep(site.text("factor"))
    return Made(
        call=f"batch_to_space({{0}}, {factor})", channels=site.channels, helpers=("batch_to_space",)
    )


def _channel_select(site: Site, _: Sequence[bool]) -> Made:
    if not site.is_always("indices", None):
        raise site.refused("by stated indices is not written")
    count = site.text("channels")  # which ones is not stated: the first
    return Made(call=f"{{0}}[:, : {site.keep(count, 'kept')}]", channels=count)


TABLE = {
    "channel_select": _channel_select,
    "flatten": _flatten,
    "upsample": _upsample,
    "channel_slice": _channel_slice,
    "channel_shuffle": _shuffle,
    "pixel_shuffle": _pixel_shuffle,
    "pixel_unshuffle": _pixel_unshuffle,
    "crop": _crop,
    "pad": _pad,
    "pad_channels": _pad_channels,
    "reshape": _reshape,
    "permute": _permute,
    "slice": _slice,
    "space_to_batch": _space_to_batch,
    "batch_to_space": _batch_to_space,
}
