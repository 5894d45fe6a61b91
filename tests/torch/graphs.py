"""Random networks for PyTorch and convcalc, and what convcalc says of them."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from itertools import product
from math import prod
from typing import Any

import torch
from regions import listed
from small import network_of

from convcalc.analysis.receptive_field.reach import Reaches
from convcalc.analysis.receptive_field.read_back import read_back
from convcalc.analysis.receptive_field.region import product as region_of
from convcalc.analysis.receptive_field.walk import Walk
from convcalc.diagnostics.diagnostic import NetworkError
from convcalc.model.geometry.axis_maps import AxisMap, Chain, Union
from convcalc.model.graph.network import Network

Tensor = torch.Tensor
Position = tuple[int, ...]

Items = list[dict[str, Any]]
CHANNELS = 2


def window(rng: random.Random, sizes: Position) -> Items:
    """A convolution of any sort; half of them keep the size."""
    k, s, d = ([rng.choice(of) for _ in sizes] for of in ((1, 2, 3, 4), (1, 1, 2, 3), (1, 1, 2, 3)))
    pads = [[rng.randint(0, 2), rng.randint(0, 2)] for _ in sizes]
    if rng.random() < 0.5:
        s = [1 for _ in sizes]
        reach = [(dilation * (taps - 1)) for taps, dilation in zip(k, d, strict=True)]
        befores = [rng.randint(0, whole) for whole in reach]
        pads = [[before, whole - before] for before, whole in zip(befores, reach, strict=True)]
    fields: dict[str, Any] = {"k": k, "s": s, "d": d, "p": pads}
    kinds = ["conv", "conv", "depthwise_conv", "separable_conv", "spatially_separable_conv"]
    kind = rng.choice(kinds[: 4 + (len(sizes) > 1)])
    if kind in ("conv", "depthwise_conv"):
        fields["padding_mode"] = rng.choice(("zeros", "reflect", "replicate", "circular"))
    if kind != "depthwise_conv":
        fields["out"] = CHANNELS
    return [{kind: fields}]


def pooling(rng: random.Random, sizes: Position) -> Items:
    """A pooling whose last window may hang over."""
    k = [rng.randint(1, min(n, 4)) for n in sizes]  # PyTorch refuses more in 3-D
    fields: dict[str, Any] = {
        "k": k,
        "s": [rng.randint(1, 3) for _ in sizes],
        "p": [rng.randint(0, n // 2) for n in k],
        "ceil_mode": rng.random() < 0.5,
    }
    if rng.random() < 0.4:
        return [{"max_pool": {**fields, "d": [rng.choice((1, 1, 2)) for _ in sizes]}}]
    return [{"avg_pool": {**fields, "count_include_pad": rng.random() < 0.5}}]


def adaptive(rng: random.Random, sizes: Position) -> Items:
    kind = rng.choice(("adaptive_avg_pool", "adaptive_max_pool"))
    return [{kind: {"output_size": [rng.randint(2, n + 2) for n in sizes]}}]


def stamp(rng: random.Random, sizes: Position) -> Items:
    """A transposed convolution; with k < s, or s and d not coprime, some outputs read nothing."""
    k, s, d = ([rng.choice(of) for _ in sizes] for of in ((1, 2, 3, 4), (1, 2, 2, 3), (1, 1, 2)))
    more = [rng.randint(0, max(pair) - 1) for pair in zip(s, d, strict=True)]
    pads = [rng.choice(([0, 0], [1, 1], [0, 1], [1, 0])) for _ in sizes]
    fields = {"out": CHANNELS, "k": k, "s": s, "d": d, "p": pads, "output_padding": more}
    return [{"conv_transpose": fields}]


def scale(rng: random.Random, n: int) -> float:
    """One that changes the size: if it does not, PyTorch's kernels differ, see below."""
    return rng.choice([s for s in (0.5, 1.5, 2, 3, 0.75, 1.25) if int(n * s) != n])


def resizing(rng: random.Random, sizes: Position) -> Items:
    """Every mode of interpolation, to a size or by a scale, larger and smaller."""
    mode = rng.choice(("nearest", "nearest_exact", "linear", "linear", "cubic"))
    if mode == "cubic" and len(sizes) != 2:
        mode = "linear"
    fields: dict[str, Any] = {"mode": mode}
    if mode in ("linear", "cubic"):
        fields["align_corners"] = rng.random() < 0.5
    if rng.random() < 0.6:
        fields["size"] = [rng.choice((n, 2 * n, n + 1, max(1, n - 2), n // 2 + 1)) for n in sizes]
    else:
        fields["scale"] = [scale(rng, n) for n in sizes]
    return [{"upsample": fields}]


def moving(rng: random.Random, sizes: Position) -> Items:
    """Padding, cropping, and shuffles of an image with the channels mixed around them."""
    pairs = [[rng.randint(0, 2), rng.randint(0, 2)] for _ in sizes]
    choice = rng.random()
    if choice < 0.3:
        mode = rng.choice(("constant", "reflect", "replicate", "circular"))
        if rng.random() < 0.3:
            return [
                {"pad": {"size": [max(1, n + rng.randint(-2, 4)) for n in sizes], "mode": mode}}
            ]
        return [{"pad": {"p": pairs, "mode": mode}}]
    if choice < 0.6 or len(sizes) != 2:
        return [{"crop": {"margins": pairs}}]
    if choice < 0.8:
        return [{"pointwise_conv": {"out": 4 * CHANNELS}}, {"pixel_shuffle": {"factor": 2}}]
    return [{"pixel_unshuffle": {"factor": 2}}, {"pointwise_conv": {"out": CHANNELS}}]


def large_kernel(rng: random.Random, sizes: Position) -> Items:
    """Three convolutions in one layer, each padded: a chain with borders in between."""
    k, d = rng.choice(((3, 1), (3, 2), (5, 2), (7, 2), (7, 3)))
    return [{"large_kernel_attention": {"k": [k for _ in sizes], "d": d}}]


def copying(rng: random.Random, sizes: Position) -> Items:
    mode = rng.choice(("nearest", "nearest_exact"))
    return [{"upsample": {"mode": mode, "scale": [scale(rng, n) for n in sizes]}}]


def seeing_all(rng: random.Random, sizes: Position) -> Items:
    """A layer that knows something of the whole of every axis, alone or in a branch."""
    if prod(sizes) < 4:  # of one or two positions a norm leaves 0, or only the signs
        return [{"identity": {}}]
    pool = {"global_avg_pool": {"keepdim": True}}
    gate = [pool, {"pointwise_conv": {"out": CHANNELS}}, "sigmoid"]
    one: Items = rng.choice(
        (
            [{"instance_norm": {}}],
            [{"group_norm": {"groups": rng.choice((1, 2))}}],
            [{"squeeze_excite": {"squeeze_channels": 1}}],
            [{"attention": {"heads": 1}}],
            [{"branches": [[], gate], "join": "mul"}],
            [{"a.Aspp": {"out": CHANNELS, "rates": [1, 2, 3]}}],
            [
                {"pointwise_conv": {"out": 4}},
                {"p.PyramidPooling": {}},
                {"pointwise_conv": {"out": CHANNELS}},
            ],
        )
    )
    return one


BLOCKS = {"a": "blocks/aspp.convcalc.yaml", "p": "blocks/pyramid_pooling.convcalc.yaml"}
LOCAL = (
    *(window, window, window, pooling, stamp, resizing, resizing),
    *(moving, moving, adaptive, large_kernel),
)
MAXIMA = (window, pooling, pooling, stamp, adaptive, copying)
COUNTED = (window, window, pooling, stamp, copying, moving)
GLOBAL = (*LOCAL, *[seeing_all] * 5)
JOINS = ("add", "mul", "concat")


def join(
    rng: random.Random, shapes: Mapping[str, Position], kinds: Sequence[str]
) -> tuple[Items, Position] | None:
    """Two tensors of one size together, and that size; None if there are no two."""
    pairs = [(a, b) for a in shapes for b in shapes if a != b and shapes[a] == shapes[b]]
    if not pairs or not kinds:
        return None
    pair, kind = list(rng.choice(pairs)), rng.choice(kinds)
    last = [{"pointwise_conv": {"out": CHANNELS}}] if kind == "concat" else []
    return [{kind: pair}, *last], shapes[pair[0]]


def random_network(
    rng: random.Random,
    start: Position,
    makers: Sequence[Any] = LOCAL,
    joins: Sequence[str] = JOINS,
    most: int = 150,
) -> Network:
    """Two to six steps of a few layers, joined where sizes agree, of at most so many positions."""
    items: Items = []
    shapes = {"input": start}
    wanted = rng.randint(2, 6)
    while len(shapes) <= wanted:
        name = f"t{len(shapes)}"
        joined = join(rng, shapes, joins) if rng.random() < 0.5 else None
        if joined:
            more, sizes = joined
        else:
            source = rng.choice([*shapes, *list(shapes)[-1:] * 3])
            more = rng.choice(makers)(rng, shapes[source])
            try:
                alone = network_of(more, [CHANNELS, *shapes[source]], **blocks(more))
            except NetworkError:  # a window does not fit; what is refused is compared elsewhere
                continue
            sizes = alone.layers[-1].analysis.output.spatial
            more[0]["from"] = source
        if prod(sizes) <= most:
            more[-1]["id"] = name
            items, shapes[name] = [*items, *more], sizes
    return network_of(items, [CHANNELS, *start], **blocks(items))


def blocks(items: Items) -> dict[str, Any]:
    """The imports that items need."""
    used = {key.partition(".")[0] for item in items for key in item}
    imports = {name: path for name, path in BLOCKS.items() if name in used}
    return {"imports": imports} if imports else {}


def starts(rng: random.Random, rank: int) -> Position:
    return tuple(rng.randint(4, (30, 9, 5)[rank - 1]) for _ in range(rank))


# --- convcalc's side -----------------------------------------------------------------------------


def places_of(network: Network, number: int) -> list[Position]:
    return list(product(*map(range, network.shape(number).spatial)))


def read(network: Network, number: int, place: Position, **how: bool) -> set[Position]:
    """The input positions that one position of a tensor reads."""
    region = read_back(network, {number: region_of([(y, 1) for y in place])}, **how).get("input")
    return listed(region, network.shape(0).rank)


def last_sight(network: Network, kind: Any) -> tuple[Reaches, ...]:
    """What the last tensor sees of the input, by axis."""
    walk = Walk(network, kind)
    *_, (_, seen) = walk.layers()
    return walk.together(seen)["input"].axes


def inside(axis: AxisMap, y: int, size: int) -> bool:
    """Whether an output reads nothing beyond the ends of an axis."""
    if isinstance(axis, Chain):
        between = axis.outer.taps(y)
        return all(0 <= m < axis.between and inside(axis.inner, m, size) for m in between)
    if isinstance(axis, Union):
        return all(inside(each, y, size) for each in axis.maps)
    return all(0 <= tap < size for tap in axis.taps(y))


def interior(network: Network, axis: int) -> set[int]:
    """The positions of the last tensor behind which nothing on one axis is ever padding."""
    kept = [set(range(network.shape(0).spatial[axis]))]
    for index, layer in enumerate(network.layers, 1):
        positions = set(range(network.shape(index).spatial[axis]))
        for axes, source in zip(layer.analysis.axes, layer.inputs, strict=True):
            size = network.shape(source).spatial[axis]
            positions = {
                y
                for y in positions
                if inside(axes[axis], y, size) and kept[source].issuperset(axes[axis].taps(y))
            }
        kept.append(positions)
    return kept[-1]


def described(network: Network, *more: Any) -> Any:
    """What a failure shows."""
    return [(layer.operator, layer.inputs, layer.shapes) for layer in network.layers], more
