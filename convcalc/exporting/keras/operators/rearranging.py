"""Moves and interpolation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from convcalc.exporting.expressions import literal
from convcalc.exporting.keras.operators.calls import Rule, X, call, ranked
from convcalc.exporting.keras.site import Site
from convcalc.exporting.phrases import scalar
from convcalc.model.geometry.sizes import axis_names
from convcalc.model.ops.rearranging.crop import MARGINS
from convcalc.model.quantities.unknown import known


def flatten(site: Site) -> Sequence[str]:
    """All of a sample on one axis: positions before channels."""
    return [call("Flatten", [])] if site.rank else [X]


def dropout(site: Site) -> Sequence[str]:
    """Dropout, of a rate."""
    return [call("Dropout", [site.text("rate")])]


def identity(_: Site) -> Sequence[str]:
    """The tensor itself, without a layer."""
    return [X]


def channel_slice(site: Site) -> Sequence[str]:
    """Some of the channels."""
    start = "" if site.is_always("start", 0) else site.text("start")
    stop = "" if site.is_always("stop", None) else site.text("stop")
    return [f"{X}[..., {start}:{stop}]"]


def slice_(site: Site) -> Sequence[str]:
    """Every so many elements of an axis."""
    axis = axis_names(site.rank).index(site.one("axis"))
    start = "" if site.is_always("start", 0) else site.text("start")
    stop = "" if site.is_always("stop", None) else site.text("stop")
    step = "" if site.is_always("step", 1) else f":{site.text('step')}"
    before = "..., " if not axis else ":, " * axis
    return [f"{X}[{before}{start}:{stop}{step}]"]


def channel_select(site: Site) -> Sequence[str]:
    """Channels in a given order."""
    if not site.is_always("channels", None):
        raise site.refused("of channels that are not named has no counterpart in Keras")
    return [f"ops.take({X}, {site.text('indices')}, axis=-1)"]


def shuffle(site: Site) -> Sequence[str]:
    """Channels of groups interleaved."""
    return [f"{site.use('channel_shuffle')}({X}, {site.text('groups')})"]


def _pixels(name: str) -> Rule:
    def rule(site: Site) -> Sequence[str]:
        if site.rank != 2 or any(len(set(v)) != 1 for v in site.values("factor")):
            raise site.refused("of other than squares has no counterpart in Keras")
        return [f"{site.use(name)}({X}, {site.text('factor')})"]

    return rule


def pad(site: Site) -> Sequence[str]:
    """Positions around; the padding in numbers."""
    if len(site.inputs) > 1 or not site.is_always("size", None):
        return _padded_to(site)
    mode = {"reflect": "reflect", "replicate": "edge", "circular": "wrap"}.get(site.one("mode"))
    if mode is None:
        text = site.text("padding")
        if site.rank == 1 and text.startswith("("):
            text = text[1:-1].rstrip(",")
        return [call(ranked(site, "ZeroPadding"), [text])]
    if mode != "reflect":
        raise site.refused(f"by {site.one('mode')} has no counterpart in Keras")
    sides = literal(((0, 0), *site.one("padding"), (0, 0)))
    return [f'ops.pad({X}, {sides}, mode="{mode}")']


def _padded_to(site: Site) -> Sequence[str]:
    """Positions around up to a size, where that takes equally many everywhere."""
    found = set()
    for layer in site.layers:
        pairs = zip(layer.shapes[0].spatial, layer.analysis.output.spatial, strict=True)
        found.add(tuple(((m - n) // 2, m - n - (m - n) // 2) for n, m in pairs))
    if len(found) != 1 or not known(tuple(found)) or site.rank == 1:
        raise site.refused("to a size pads differently from place to place")
    (sides,) = found
    if min(map(min, sides)) < 0 or not site.is_always("mode", "constant"):
        raise site.refused("to a smaller size, or by another mode, has no counterpart in Keras")
    return [call(ranked(site, "ZeroPadding"), [literal(sides)])] if any(map(any, sides)) else [X]


def pad_channels(site: Site) -> Sequence[str]:
    """Channels of zeros."""
    if len(site.inputs) > 1:
        more = f"(0, {site.inputs[1]}.shape[-1] - {site.x}.shape[-1])"
    elif site.is_always("channels", None):
        more = f"({site.text('before')}, {site.text('after')})"
    else:
        more = f"(0, {site.text('channels')} - {site.x}.shape[-1])"
    return [f"ops.pad({X}, ({'(0, 0), ' * (site.rank + 1)}{more}))"]


def crop(site: Site) -> Sequence[str]:
    """Positions cut off, in numbers."""
    found = set()
    for layer in site.layers:
        o: Any = layer.operator
        x, made = layer.shapes[0].spatial, layer.analysis.output.spatial
        befores = (
            [b for b, _ in o.margins]
            if isinstance(o.margins, tuple)
            else o.offset or list(map(MARGINS[o.keep], x, made))
        )
        cut = tuple((b, n - m - b) for n, m, b in zip(x, made, befores, strict=True))
        if not known(cut):
            raise site.refused("of a size that is not known has no counterpart in Keras")
        found.add(cut)
    if len(found) != 1:
        raise site.refused("cuts off differently from place to place")
    text = scalar(found.pop())
    text = text[1:-1].rstrip(",") if site.rank == 1 and text.startswith("((") else text
    return [call(ranked(site, "Cropping"), [text])]


def permute(site: Site) -> Sequence[str]:
    """Axes in another order, of a tensor whose channels stand last."""
    dims = site.one("dims")
    dims = dims[1:] if dims[:1] == (0,) else dims
    last = len(dims)
    place = {1: last, **{axis: axis - 1 for axis in range(2, last + 1)}}
    order = [place[dim] for dim in (*dims[1:], dims[0])]
    return [call("Permute", [literal(tuple(order))])]


def reshape(site: Site) -> Sequence[str]:
    """Positions merged or split, channels as they are; another order has no counterpart."""
    rows = set()
    for layer in site.layers:
        made, x = layer.analysis.output, layer.shapes[0]
        if made.channels != x.channels or not known(made.dims):
            raise site.refused("of channels into positions has no counterpart channels last")
        rows.add(made.rank)
    if len(rows) != 1:
        raise site.refused("makes maps of different ranks")
    if rows == {1}:
        return [call("Reshape", [f"(-1, {site.x}.shape[-1])"])]
    sizes = {layer.analysis.output.dims[1:] for layer in site.layers}
    if len(sizes) != 1:
        raise site.refused("makes maps of different sizes")
    channels, *spatial = sizes.pop()
    return [call("Reshape", [literal((*spatial, channels))])]


def upsample(site: Site) -> Sequence[str]:
    """Interpolation to a size, or by whole numbers."""
    mode = {"nearest": "nearest", "linear": "bilinear", "cubic": "bicubic"}.get(site.one("mode"))
    if mode == "bilinear" and site.rank == 2 and site.is_always("align_corners", True):
        return [f"{site.use('resize_aligned')}({X}, {_target(site)})"]
    is_map = mode is not None and not site.one("align_corners") and site.rank == 2
    if not is_map and not (mode == "nearest" and site.rank in (1, 3)):
        raise site.refused(f"by {site.one('mode')}, aligned so, has no counterpart in Keras")
    scales = [value for value in site.values("scale") if value is not None]
    if scales and len(site.inputs) == 1 and site.is_always("size", None):
        if any(n.denominator != 1 for scale in scales for n in scale):
            raise site.refused("by a broken scale has no counterpart in Keras")
        if site.rank != 2:
            return [call(ranked(site, "UpSampling"), [site.text("scale")])]
        word = [f'interpolation="{mode}"'] if mode != "nearest" else []
        return [call("UpSampling2D", [site.text("scale"), *word])]
    if site.rank != 2:
        raise site.refused("to a size has a counterpart in Keras only on two axes")
    is_given = len(site.inputs) > 1
    size = f"{site.inputs[1]}.shape[1:3]" if is_given else literal(site.one("size"))
    return [f'ops.image.resize({X}, {size}, interpolation="{mode}")']


def _target(site: Site) -> str:
    """Height and width of what is made."""
    if len(site.inputs) > 1:
        return f"*{site.inputs[1]}.shape[1:3]"
    if not site.is_always("size", None):
        height, width = site.one("size")
        return f"{height}, {width}"
    scale = site.one("scale")
    if any(n.denominator != 1 for n in scale):
        raise site.refused("by a broken scale has no counterpart in Keras")
    return f"{site.x}.shape[1] * {scale[0]}, {site.x}.shape[2] * {scale[1]}"


RULES: Mapping[str, Rule] = {
    "flatten": flatten,
    "dropout": dropout,
    "identity": identity,
    "channel_slice": channel_slice,
    "channel_select": channel_select,
    "slice": slice_,
    "channel_shuffle": shuffle,
    "pixel_shuffle": _pixels("pixel_shuffle"),
    "pixel_unshuffle": _pixels("pixel_unshuffle"),
    "pad": pad,
    "pad_channels": pad_channels,
    "crop": crop,
    "permute": permute,
    "reshape": reshape,
    "upsample": upsample,
}
