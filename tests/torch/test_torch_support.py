"""Exact supports against the pattern of non-zero gradients, at every output position.

PyTorch computes the network from the fields of its layers, in double precision and with positive
weights, so that nothing cancels (cubic interpolation has negative ones; there the weights are
random). Position m of the output is read off sample m of a batch of equal inputs, so that one
backward pass gives the gradients of all positions.

Stand-ins: a maximum passes its gradient to one tap only, so max pooling is a weighted sum over the
same windows, and has a test of its own; nearest interpolation is an indexing by the positions that
PyTorch reads. A published network is computed with one channel per tensor (``thin``), since
receptive fields do not tell channels apart.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import product
from math import prod
from typing import Any, NamedTuple

import pytest
import torch
from small import network_of
from test_exact_support import listed, members
from torch.nn import functional

from convcalc.analysis.receptive_field.domains import SUPPORTS, TOTALS, Paths
from convcalc.analysis.receptive_field.reach import Reaches, seen_together
from convcalc.analysis.receptive_field.read_back import grounded, read_back
from convcalc.analysis.receptive_field.region import product as region_of
from convcalc.analysis.receptive_field.study import unread
from convcalc.analysis.receptive_field.walk import Walk
from convcalc.analysis.receptive_field.weights import Weights
from convcalc.diagnostics.diagnostic import NetworkError
from convcalc.language.reading import read_network
from convcalc.language.sources.resolve import resolve
from convcalc.model.geometry.axis_maps import AxisMap, Chain, Union
from convcalc.model.graph.network import Layer, Network

Tensor = torch.Tensor
Position = tuple[int, ...]

# --- PyTorch's side: a layer from its fields -----------------------------------------------------

CONV = (None, functional.conv1d, functional.conv2d, functional.conv3d)  # by rank
STAMP = (
    None,
    functional.conv_transpose1d,
    functional.conv_transpose2d,
    functional.conv_transpose3d,
)
AVERAGE: Any = (None, functional.avg_pool1d, functional.avg_pool2d, functional.avg_pool3d)
MAXIMUM: Any = (None, functional.max_pool1d, functional.max_pool2d, functional.max_pool3d)
PARTS: Any = (
    None,
    functional.adaptive_avg_pool1d,
    functional.adaptive_avg_pool2d,
    functional.adaptive_avg_pool3d,
)
LARGEST: Any = (None, functional.adaptive_max_pool1d, functional.adaptive_max_pool2d)


class Way(NamedTuple):
    """How a network is computed.

    ``thin``: one channel per tensor. ``ones``: every weight is 1 and nothing is averaged, so that a
    gradient counts paths; ``means``: then every layer is divided by the number of its taps.
    ``local``: what a layer knows of the whole axis is held constant, so that only paths that keep
    their place are left. ``maxima``: no stand-in for them, and no bias.
    """

    thin: bool = False
    ones: bool = False
    means: bool = False
    local: bool = False
    maxima: bool = False


Pads = Sequence[tuple[int, int]]


class Compute:
    """The operators by name, for one layer; the weights are the same at every call.

    A bias keeps an output that reads nothing from being zero, which would hide a factor.
    """

    def __init__(self, way: Way, seed: int) -> None:
        self.way = way
        self.generator = torch.Generator().manual_seed(seed)
        self.offset = 0.0 if way.ones or way.maxima else 0.1

    def weights(self, *shape: int) -> Tensor:
        """Positive; the first axis is the output's, and the sum for each output about 1."""
        if self.way.ones:
            return torch.ones(shape, dtype=torch.double)
        drawn = torch.rand(shape, generator=self.generator, dtype=torch.double)
        return (drawn + 0.5) / prod(shape[1:])

    # --- convolutions ----------------------------------------------------------------------------

    def slid(self, x: Tensor, outputs: int, k: Sequence[int], pads: Pads, **more: Any) -> Tensor:
        groups = more.pop("groups", 1)
        x = padded(x, pads, more.pop("mode", "zeros"))
        weight = self.weights(outputs, x.shape[1] // groups, *k)
        return CONV[len(k)](x, weight, groups=groups, **more) + self.offset

    def filtered(self, x: Tensor, k: Sequence[int], pads: Pads, **more: Any) -> Tensor:
        return self.slid(x, x.shape[1], k, pads, groups=x.shape[1], **more)

    def mixed(self, x: Tensor, outputs: int) -> Tensor:
        rank = x.dim() - 2
        return self.slid(x, outputs, (1,) * rank, ((0, 0),) * rank)

    def width(self, op: Any) -> int:
        return 1 if self.way.thin else op.out_channels

    def conv(self, op: Any, x: Tensor) -> Tensor:
        more = {"stride": op.stride, "dilation": op.dilation, "mode": op.padding_mode}
        return self.slid(x, self.width(op), op.kernel_size, pads_of(op, x), **more)

    def depthwise_conv(self, op: Any, x: Tensor) -> Tensor:
        more = {"stride": op.stride, "dilation": op.dilation, "mode": op.padding_mode}
        return self.filtered(x, op.kernel_size, pads_of(op, x), **more)

    def pointwise_conv(self, op: Any, x: Tensor) -> Tensor:
        return self.mixed(x[(..., *(slice(None, None, s) for s in op.stride))], self.width(op))

    def separable_conv(self, op: Any, x: Tensor) -> Tensor:
        more = {"stride": op.stride, "dilation": op.dilation}
        return self.mixed(self.filtered(x, op.kernel_size, pads_of(op, x), **more), self.width(op))

    def spatially_separable_conv(self, op: Any, x: Tensor) -> Tensor:
        rank, pads = x.dim() - 2, pads_of(op, x)
        for axis in range(rank):
            k, s, d, p = ([empty] * rank for empty in (1, 1, 1, (0, 0)))
            k[axis], s[axis], d[axis] = op.kernel_size[axis], op.stride[axis], op.dilation[axis]
            p[axis] = pads[axis]
            x = self.slid(x, self.width(op), k, p, stride=s, dilation=d)
        return x

    def large_kernel_attention(self, op: Any, x: Tensor) -> Tensor:
        dense = [2 * d - 1 for d in op.dilation]
        gate = self.filtered(x, dense, [(k // 2, k // 2) for k in dense])
        taps = [-(-k // d) for k, d in zip(op.kernel_size, op.dilation, strict=True)]
        pads = [(d * (k - 1) // 2,) * 2 for k, d in zip(taps, op.dilation, strict=True)]
        gate = self.filtered(gate, taps, pads, dilation=op.dilation)
        return self.mul(op, x, self.mixed(gate, x.shape[1]))

    def mix_conv(self, op: Any, x: Tensor) -> Tensor:
        """Thin: every output may come from any of the kernels."""
        sizes = [(k,) * (x.dim() - 2) for k in op.kernel_size]
        parts = (self.slid(x, 1, k, [(n // 2,) * 2 for n in k], stride=op.stride) for k in sizes)
        return self.add(op, *parts)

    def conv_transpose(self, op: Any, x: Tensor) -> Tensor:
        weight = self.weights(self.width(op), x.shape[1], *op.kernel_size).transpose(0, 1)
        more = {"stride": op.stride, "dilation": op.dilation, "output_padding": op.output_padding}
        sides = op.padding
        if even(sides):
            padding = [before for before, _ in sides]
            return STAMP[len(sides)](x, weight, padding=padding, **more) + self.offset
        return cut(STAMP[len(sides)](x, weight, **more), sides) + self.offset

    def bilinear_conv_transpose(self, op: Any, x: Tensor) -> Tensor:
        k = [2 * f - f % 2 for f in op.factor]
        centred = [(f // 2, f // 2) for f in op.factor]
        padding = [before for before, _ in op.padding or centred]
        return STAMP[len(k)](x, self.weights(1, 1, *k), stride=op.factor, padding=padding)

    # --- poolings --------------------------------------------------------------------------------

    def max_pool(self, op: Any, x: Tensor) -> Tensor:
        """A weighted sum over the same windows, also over those that hang over the end."""
        rank, pads, stride = x.dim() - 2, pads_of(op, x), op.stride or op.kernel_size
        if not even(pads):
            x, pads = padded(x, pads), [(0, 0)] * rank
        sides = [before for before, _ in pads]
        maxima = MAXIMUM[rank](x, op.kernel_size, stride, sides, op.dilation, op.ceil_mode)
        if self.way.maxima:
            return maxima
        lasts = [
            (m - 1) * s + d * (k - 1) - p  # the last position that a window reads
            for m, k, s, d, p in zip(
                maxima.shape[2:], op.kernel_size, stride, op.dilation, sides, strict=True
            )
        ]
        more = zip(sides, lasts, x.shape[2:], strict=True)
        pads = [(before, max(last + 1 - n, 0)) for before, last, n in more]
        return self.filtered(x, op.kernel_size, pads, stride=stride, dilation=op.dilation)

    def avg_pool(self, op: Any, x: Tensor) -> Tensor:
        rank, pads = x.dim() - 2, pads_of(op, x)
        if not even(pads):
            x, pads = padded(x, pads), [(0, 0)] * rank
        window = (op.kernel_size, op.stride or op.kernel_size, [before for before, _ in pads])
        if not self.way.ones:
            return AVERAGE[rank](x, *window, op.ceil_mode, op.count_include_pad)
        if rank > 1:
            return AVERAGE[rank](x, *window, op.ceil_mode, divisor_override=1)
        kernel, stride, sides = ((one, *each) for one, each in zip((1, 1, 0), window, strict=True))
        row = AVERAGE[2](x[:, :, None], kernel, stride, sides, op.ceil_mode, divisor_override=1)
        return row[:, :, 0]

    def adaptive_avg_pool(self, op: Any, x: Tensor) -> Tensor:
        pooled = PARTS[x.dim() - 2](x, op.output_size)
        whole = any(m == 1 < n for n, m in zip(x.shape[2:], pooled.shape[2:], strict=True))
        return self.constant(pooled) if whole else pooled

    def adaptive_max_pool(self, op: Any, x: Tensor) -> Tensor:
        return (LARGEST if self.way.maxima else PARTS)[x.dim() - 2](x, op.output_size)

    # --- what sees the whole axis ----------------------------------------------------------------

    def constant(self, x: Tensor) -> Tensor:
        return x.detach() if self.way.local else x

    def global_avg_pool(self, op: Any, x: Tensor) -> Tensor:
        return self.constant(x.mean(tuple(range(2, x.dim())), keepdim=True))

    def squeeze_excite(self, op: Any, x: Tensor) -> Tensor:
        """Softplus instead of the relu, which may be off."""
        inner = functional.softplus(self.mixed(self.global_avg_pool(op, x), 1))
        return x * torch.sigmoid(self.mixed(inner, x.shape[1]))

    def instance_norm(self, op: Any, x: Tensor) -> Tensor:
        """By its formula, since the statistics may have to be held constant; of a curved function
        of the input, or what is added to all positions alike would cancel."""
        x, axes = x + x.square() / 8, tuple(range(2, x.dim()))
        mean = self.constant(x.mean(axes, keepdim=True))
        variance = self.constant(x.var(axes, keepdim=True, unbiased=False))
        return (x - mean) / (variance + 1e-5).sqrt()

    def group_norm(self, op: Any, x: Tensor) -> Tensor:
        grouped = x.reshape(x.shape[0], op.groups, -1, *x.shape[2:])
        return self.instance_norm(op, grouped).reshape(x.shape)

    def attention(self, op: Any, x: Tensor) -> Tensor:
        query, key, value = (self.mixed(x, x.shape[1]).flatten(2) for _ in range(3))
        scores = torch.softmax(query.transpose(1, 2) @ key, -1)
        seen = query * key * value if self.way.local else value @ scores.transpose(1, 2)
        return self.mixed(seen.reshape(x.shape), x.shape[1])

    # --- moves and joins -------------------------------------------------------------------------

    def upsample(self, op: Any, x: Tensor, reference: Tensor | None = None) -> Tensor:
        scale = op.scale and tuple(map(float, op.scale))
        size = op.size if reference is None else tuple(reference.shape[2:])
        if op.mode.startswith("nearest"):
            return nearest(x, size, scale, op.mode.replace("_", "-"))
        mode = "bicubic" if op.mode == "cubic" else ("linear", "bilinear", "trilinear")[x.dim() - 3]
        return functional.interpolate(x, size, scale, mode, align_corners=op.align_corners)

    def pixel_shuffle(self, op: Any, x: Tensor) -> Tensor:
        if self.way.thin:
            return nearest(x, None, tuple(map(float, op.factor)), "nearest")
        return functional.pixel_shuffle(x, op.factor[0])

    def pixel_unshuffle(self, op: Any, x: Tensor) -> Tensor:
        return functional.pixel_unshuffle(x, op.factor[0])

    def pad(self, op: Any, x: Tensor) -> Tensor:
        return padded(x, op.padding, op.mode)

    def crop(self, op: Any, x: Tensor, reference: Tensor | None = None) -> Tensor:
        if op.margins is not None:
            return cut(x, op.margins)
        sizes = op.size if reference is None else reference.shape[2:]
        befores = op.offset or [(n - m) // 2 for n, m in zip(x.shape[2:], sizes, strict=True)]
        return x[(..., *(slice(b, b + m) for b, m in zip(befores, sizes, strict=True)))]

    def add(self, op: Any, *xs: Tensor) -> Tensor:
        return torch.stack(torch.broadcast_tensors(*xs)).sum(0)

    def concat(self, op: Any, *xs: Tensor) -> Tensor:
        """Thin: what follows mixes the channels anyway."""
        return self.add(op, *xs) if self.way.thin else torch.cat(xs, 1)

    def mul(self, op: Any, *xs: Tensor) -> Tensor:
        """Thin: fifty products in a row leave the range of a double; a sum reads the same."""
        return self.add(op, *xs) if self.way.thin else xs[0] * xs[1]

    def maximum(self, op: Any, *xs: Tensor) -> Tensor:
        return torch.stack(xs).amax(0)

    def identity(self, op: Any, x: Tensor) -> Tensor:
        """Also what acts on each position by itself."""
        return x

    batch_norm = channel_shuffle = channel_slice = dropout = gelu = hardswish = identity
    layer_norm = layer_scale = leaky_relu = relu = relu6 = sigmoid = silu = tanh = identity


def pads_of(op: Any, x: Tensor) -> Pads:
    """What the padding of a layer with windows says, per axis before and after."""
    if not isinstance(op.padding, str):
        return op.padding
    spans = [d * (k - 1) + 1 for k, d in zip(op.kernel_size, op.dilation, strict=True)]
    if op.padding == "same":  # ceil(n / s) windows
        sizes = zip(x.shape[2:], op.stride, spans, strict=True)
        whole = [max((-(-n // s) - 1) * s + span - n, 0) for n, s, span in sizes]
        return [(total // 2, total - total // 2) for total in whole]
    half = [(span // 2, span // 2) for span in spans]
    return {
        "valid": [(0, 0)] * len(spans),
        "half": half,
        "causal": [(spans[0] - 1, 0), *half[1:]],
    }[op.padding]


def even(pads: Pads) -> bool:
    return all(before == after for before, after in pads)


def padded(x: Tensor, pads: Pads, mode: str = "zeros") -> Tensor:
    """A constant is not 0, which would hide what it is multiplied with."""
    flat = [side for pair in reversed(pads) for side in pair]
    if not any(flat):
        return x
    if mode in ("zeros", "constant"):
        return functional.pad(x, flat, value=0.5 if mode == "constant" else 0.0)
    return functional.pad(x, flat, mode=mode)


def cut(x: Tensor, margins: Pads) -> Tensor:
    ends = zip(margins, x.shape[2:], strict=True)
    return x[(..., *(slice(before, n - after) for (before, after), n in ends))]


def nearest(x: Tensor, size: Any, scale: Any, mode: str) -> Tensor:
    """By the positions that PyTorch reads: its gradient goes elsewhere where single precision
    rounds, from 60 to 58 positions by nearest-exact to 14 instead of 15 for output 14."""
    for axis, n in enumerate(x.shape[2:]):
        one = torch.arange(n, dtype=torch.double)[None, None]
        more = {"size": size[axis]} if scale is None else {"scale_factor": scale[axis]}
        positions = functional.interpolate(one, mode=mode, **more).flatten().long()
        x = x.index_select(axis + 2, positions)
    return x


def name_of(layer: Layer) -> str:
    """What the layer's operator is called in a file."""
    return type(layer.operator).__module__.rpartition(".")[2]


def computed(network: Network, x: Tensor, until: int, way: Way, seed: int = 0) -> list[Tensor]:
    """The tensors of a network with one input, up to number ``until``."""
    tensors = [x]
    for index, layer in enumerate(network.layers[:until], 1):
        inputs = [tensors[number] for number in layer.inputs]
        y = getattr(Compute(way, seed + index), name_of(layer))(layer.operator, *inputs)
        if way.means:
            ones = [torch.ones_like(each) for each in inputs]
            taps = getattr(Compute(way, 0), name_of(layer))(layer.operator, *ones)
            y = y / taps.clamp(min=1)
        assert tuple(y.shape[2:]) == network.shape(index).spatial, (layer.path, layer.operator)
        tensors.append(y)
    return tensors


MOST_ELEMENTS = 1 << 21  # of one tensor of a batch


def gradients(
    network: Network, number: int, places: Sequence[Position], way: Way, seed: int = 0
) -> Tensor:
    """What the outputs at some places depend on: (places, *input sizes), summed over channels."""
    shape = network.shape(0)
    channels = 1 if way.thin else shape.channels
    generator = torch.Generator().manual_seed(seed)
    one = torch.rand((1, channels, *shape.spatial), generator=generator, dtype=torch.double) + 0.5
    largest = max(network.shape(n).positions for n in range(number + 1)) * channels
    step = max(1, MOST_ELEMENTS // largest)
    found = []
    for start in range(0, len(places), step):
        some = places[start : start + step]
        x = one.repeat(len(some), *[1] * (one.dim() - 1)).requires_grad_()
        output = computed(network, x, number, way, seed)[number]
        axes = [torch.tensor(axis) for axis in zip(*some, strict=True)]
        chosen = output[(torch.arange(len(some)), slice(None), *axes)].sum()
        (gradient,) = torch.autograd.grad(chosen, x, allow_unused=True)
        found.append(torch.zeros_like(x) if gradient is None else gradient)
    return torch.cat(found).abs().sum(1)


def patterns(gradient: Tensor, rounded: float = 1e-13) -> list[set[Position]]:
    """The places with a gradient, per row.

    A coordinate that is rounded gives weights near 1e-16 to neighbours that are not read; nothing
    may lie between those and the gradients proper. Deep networks have gradients that small: where
    no coordinate is rounded, everything above 0 is one.
    """
    largest = gradient.flatten(1).max(1).values.reshape(-1, *[1] * (gradient.dim() - 1))
    nonzero = gradient > rounded * largest
    assert not (nonzero & (gradient < 1e4 * rounded * largest)).any(), "zero or not?"
    rows: list[set[Position]] = [set() for _ in gradient]
    for row, *place in nonzero.nonzero().tolist():
        rows[row].add(tuple(place))
    return rows


# --- random graphs -------------------------------------------------------------------------------

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
    *_, (_, sight) = Walk(network, kind).layers()
    return sight["input"]


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


# --- supports ------------------------------------------------------------------------------------


def described(network: Network, *more: Any) -> Any:
    """What a failure shows."""
    return [(layer.operator, layer.inputs, layer.shapes) for layer in network.layers], more


def agreeing(network: Network, way: Way, seed: int, **how: bool) -> list[set[Position]]:
    """What each position of the last tensor reads, by PyTorch and by convcalc alike."""
    number, places = len(network.layers), places_of(network, len(network.layers))
    found = patterns(gradients(network, number, places, way, seed))
    for place, expected in zip(places, found, strict=True):
        got = read(network, number, place, bordered=True, **how)
        assert got == expected, described(network, place)
    return found


@pytest.mark.parametrize("rank", [1, 2, 3])
def test_every_output_depends_on_the_positions_that_it_is_said_to_read(rank: int) -> None:
    rng = random.Random(rank)
    compared = 0
    used = set[str]()
    while compared < 5000:
        network = random_network(rng, starts(rng, rank))
        compared += len(agreeing(network, Way(), compared))
        used.update(name_of(layer) for layer in network.layers)
    assert used >= (USED | FLAT if rank == 2 else USED)


USED = {
    *("adaptive_avg_pool", "adaptive_max_pool", "add", "avg_pool", "concat", "conv"),
    *("conv_transpose", "crop", "depthwise_conv", "large_kernel_attention", "max_pool", "mul"),
    *("pad", "pointwise_conv", "separable_conv", "upsample"),
}
FLAT = {"pixel_shuffle", "pixel_unshuffle", "spatially_separable_conv"}  # not on one axis


@pytest.mark.parametrize("rank", [1, 2, 3])
def test_where_no_padding_is_read_the_endless_axis_says_the_same(rank: int) -> None:
    """Both the walk forward, axis by axis, and the walk back on all axes together."""
    rng = random.Random(rank)
    compared = hollow = 0
    while compared < 1000:
        network = random_network(rng, starts(rng, rank))
        places = list(product(*(sorted(interior(network, axis)) for axis in range(rank))))
        if not places:
            continue
        found = patterns(gradients(network, len(network.layers), places, Way(), seed=compared))
        sight = last_sight(network, SUPPORTS)
        for place, expected in zip(places, found, strict=True):
            assert read(network, len(network.layers), place) == expected, described(network, place)
            for axis, (y, reaches) in enumerate(zip(place, sight, strict=True)):
                if any(reach.reason for reach in reaches):
                    continue
                shadow = {x[axis] for x in expected}
                seen = members(seen_together(reaches, y, SUPPORTS))
                # A path that reads nothing on one axis still counts on the others.
                if rank > 1 and seen > shadow:
                    assert "conv_transpose" in map(name_of, network.layers)
                    hollow += 1
                else:
                    assert seen == shadow, described(network, place)
        compared += len(places)
    assert hollow < compared / 4


@pytest.mark.parametrize("rank", [1, 2, 3])
def test_what_is_unread_has_no_gradient_of_all_outputs_together(rank: int) -> None:
    rng = random.Random(rank)
    some = 0
    for seed in range(120):
        network = random_network(rng, starts(rng, rank))
        sizes = network.shape(0).spatial
        x = torch.rand(1, CHANNELS, *sizes, dtype=torch.double).add(0.5).requires_grad_()
        tensors = computed(network, x, len(network.layers), Way(), seed)
        total = sum(tensors[number].sum() for number in network.outputs.values())
        (gradient,) = torch.autograd.grad(total, x)
        ((*reached,),) = patterns(gradient.abs().sum(1))
        left = unread(network, "input")
        assert left is not None
        assert left.total - left.number == len(reached), described(network)
        for axis, lines in enumerate(left.lines):
            assert set(lines) == set(range(sizes[axis])) - {x[axis] for x in reached}
        some += left.number > 0
    assert some > 20


@pytest.mark.parametrize("rank", [1, 2, 3])
def test_layers_that_see_the_whole_axis_are_followed_or_held_constant(rank: int) -> None:
    """``strict`` is all that PyTorch's output depends on; without it, what is left when gates and
    statistics are constants."""
    rng = random.Random(rank)
    strict = local = everything = 0
    while strict < 1500 or local < 500:
        network = random_network(rng, starts(rng, rank), GLOBAL)
        found = agreeing(network, Way(), strict, strict=True)
        everything += sum(len(each) == network.shape(0).positions for each in found)
        strict += len(found)
        if grounded(network, len(network.layers)) == len(network.layers):
            local += len(agreeing(network, Way(local=True), strict))
    assert everything > 500


@pytest.mark.parametrize("rank", [1, 2])
def test_true_maxima_pass_on_a_single_position_that_stands_out(rank: int) -> None:
    """No gradients: where the input is 0 but for one position, outputs above 0 read that one."""
    rng = random.Random(rank)
    compared = 0
    while compared < 2000:
        start = starts(rng, rank)
        network = random_network(rng, start, MAXIMA, ("add", "concat", "maximum"))
        number, places = len(network.layers), places_of(network, len(network.layers))
        one = torch.eye(prod(start), dtype=torch.double).reshape(-1, 1, *start)
        output = computed(network, one, number, Way(thin=True, maxima=True), compared)[number]
        influence = output[:, 0].flatten(1).T.reshape(-1, *start)  # by output, then by input
        for place, expected in zip(places, patterns(influence), strict=True):
            got = read(network, number, place, bordered=True)
            assert got == expected, described(network, place)
        compared += len(places)


# --- how many paths ------------------------------------------------------------------------------

COUNTING = Way(thin=True, ones=True)
PATHS = Paths(64)


def row_of(first: int, counts: Sequence[Any], size: int) -> list[Any]:
    """Numbers by position of the whole input, zeros around them."""
    return [counts[x - first] if 0 <= x - first < len(counts) else 0 for x in range(size)]


def paths_of(reaches: Reaches, y: int, size: int) -> list[int]:
    """The path counts of one position, on one axis."""
    seen = seen_together(reaches, y, PATHS)
    return [0] * size if seen is None else row_of(seen[0], PATHS.counts(seen), size)


def test_a_gradient_of_ones_is_the_number_of_paths() -> None:
    """Chains and sums of branches; exact, since doubles are below 2^53."""
    rng = random.Random(1)
    compared = joined = 0
    while compared < 5000:
        start = (rng.randint(20, 60),)
        network = random_network(rng, start, COUNTED, ("add", "concat"))
        kept = sorted(interior(network, 0))
        (reaches,), (totals,) = last_sight(network, PATHS), last_sight(network, TOTALS)
        if not kept or any(reach.reason for reach in reaches):
            continue
        found = gradients(network, len(network.layers), [(y,) for y in kept], COUNTING)
        for y, row in zip(kept, found.tolist(), strict=True):
            assert paths_of(reaches, y, len(row)) == row, described(network, y)
            assert (seen_together(totals, y, TOTALS) or 0) == sum(row)
        compared += len(kept)
        joined += any(name_of(layer) in ("add", "concat") for layer in network.layers)
    assert joined > 30


@pytest.mark.parametrize("seed", range(4))
def test_the_counts_of_many_layers_are_exact(seed: int) -> None:
    """Many layers, residual blocks among them: billions of paths to one position."""
    rng = random.Random(seed)
    layers: Items = []
    for index in range(24):
        k, d = rng.choice((2, 3, 4)), rng.choice((1, 2, 3))
        body = {"conv": {"out": 1, "k": k, "d": d, "p": "same"}}
        layers.append({"residual": [body]} if index % 3 == 0 else body)
    network = network_of(layers, [1, 301])
    assert 150 in interior(network, 0)
    (row,) = gradients(network, len(network.layers), [(150,)], COUNTING).tolist()
    (reaches,) = last_sight(network, PATHS)
    assert paths_of(reaches, 150, 301) == row
    assert 1e9 < max(row) < sum(row) < 2**53


@pytest.mark.parametrize("rank", [2, 3])
def test_the_counts_of_a_chain_are_the_products_of_its_axes(rank: int) -> None:
    rng = random.Random(rank)
    compared = 0
    while compared < 600:
        start = tuple(rng.randint(6, (20, 10)[rank - 2]) for _ in range(rank))
        network = random_network(rng, start, COUNTED, (), most=400)
        places = list(product(*(sorted(interior(network, axis)) for axis in range(rank))))
        places = rng.sample(places, min(len(places), 20))
        if not places:
            continue
        found = gradients(network, len(network.layers), places, COUNTING)
        sight = last_sight(network, PATHS)
        for place, numbers in zip(places, found, strict=True):
            each = list(map(paths_of, sight, place, start))
            expected = torch.tensor([prod(of) for of in product(*each)], dtype=torch.double)
            assert torch.equal(numbers.flatten(), expected), described(network, place)
        compared += len(places)


def test_a_gradient_of_means_is_the_share_of_each_position() -> None:
    rng = random.Random(1)
    compared = 0
    makers = [maker for maker in COUNTED if maker is not stamp]  # that weighs phases unevenly
    while compared < 2000:
        network = random_network(rng, (rng.randint(20, 60),), makers, ("add",))
        kept = sorted(interior(network, 0))
        weights = Weights()
        sights = [sight["input"][0] for _, sight in Walk(network, weights).layers()]
        if not kept or any(len(reaches) > 1 or reaches[0].reason for reaches in sights):
            continue
        way = COUNTING._replace(means=True)
        found = gradients(network, len(network.layers), [(y,) for y in kept], way)
        for y, row in zip(kept, found.tolist(), strict=True):
            seen = seen_together(sights[-1], y, weights)
            assert seen is not None
            assert row_of(*seen, len(row)) == pytest.approx(row, rel=1e-12, abs=1e-14)
        compared += len(kept)


# --- published networks --------------------------------------------------------------------------

SHIPPED: Mapping[str, Mapping[str, Any]] = {
    "resnet50": {"inputs": [3, 97, 97]},
    "densenet121": {"inputs": [3, 65, 65]},
    "googlenet": {"inputs": [3, 97, 97]},
    "inception_v3": {"inputs": [3, 107, 107]},
    "mobilenet_v2": {"inputs": [3, 65, 97]},
    "efficientnet_b0": {"inputs": [3, 65, 65]},
    "mixnet_s": {"inputs": [3, 65, 65]},
    "xception": {"inputs": [3, 97, 97]},
    "shufflenet_v2_x1_0": {"inputs": [3, 65, 65]},
    "convnext_tiny": {"inputs": [3, 96, 64]},
    "van_b0": {"inputs": [3, 64, 96]},
    "drn_c_26": {"inputs": [3, 65, 65]},
    "deeplabv3_resnet50_noaux": {"inputs": [3, 65, 65]},
    "resnet_duc_hdc": {"inputs": [3, 64, 64]},
    "fcn8s": {"inputs": [3, 64, 64]},
    "patchgan": {"inputs": [6, 96, 96]},
    "context_module": {"inputs": [21, 70, 70]},
    "unet": {"params": {"size": 64, "base": 8}},
    "wavenet_1024": {"inputs": [256, 1100]},
    "tcn": {},
}


@pytest.mark.parametrize("name", list(SHIPPED))
def test_published_networks_read_what_their_gradients_say(name: str) -> None:
    """At some positions of four tensors from input to output, paths that keep their place."""
    network = read_network(resolve(name), **SHIPPED[name])
    assert not [problem for problem in network.problems if problem.severity == "error"]
    rng = random.Random(name)
    placed = [n for n in range(1, len(network.layers) + 1) if network.shape(n).rank]
    placed = [n for n in placed if grounded(network, n) == n]
    way = Way(thin=True, local=True)
    for number in [placed[len(placed) * part // 4 - 1] for part in (1, 2, 3, 4)]:
        places = places_of(network, number)
        places = rng.sample(places, min(len(places), 8))
        found = patterns(gradients(network, number, places, way), rounded=0)
        for place, expected in zip(places, found, strict=True):
            assert read(network, number, place, bordered=True) == expected, (number, place)


def test_the_original_unet_at_every_phase() -> None:
    """No padding at all: 188 positions per axis at 4 of 16 phases, 204 at the others."""
    network = read_network(resolve("unet_original"), params={"size": 204, "base": 8})
    number = len(network.layers)
    places = [(phase, 5 * phase % 16) for phase in range(16)]
    found = patterns(gradients(network, number, places, Way(thin=True)), rounded=0)
    extents = []
    for place, expected in zip(places, found, strict=True):
        assert read(network, number, place) == expected, place
        assert read(network, number, place, bordered=True) == expected, place
        rows = {row for row, _ in expected}
        extents.append(max(rows) - min(rows) + 1)
    assert Counter(extents) == {188: 4, 204: 12}


# --- where convcalc and PyTorch differ -----------------------------------------------------------


def test_the_gate_of_a_large_kernel_is_multiplied_with_the_input_itself() -> None:
    """With an even number of dilated taps none of them lies on the position itself: of a single
    position only padding is left for the gate."""
    for k, d in ((3, 2), (7, 2)):
        network = network_of([{"large_kernel_attention": {"k": k, "d": d}}], [CHANNELS, 1])
        assert patterns(gradients(network, 1, [(0,)], Way())) == [{(0,)}]
        assert read(network, 1, (0,), bordered=True) == {(0,)}


def test_pytorch_does_not_agree_with_itself_on_a_scale_that_keeps_the_size() -> None:
    """Three positions times 1.25 are three: convcalc copies them. So does PyTorch by linear
    interpolation, and by nearest on two axes, but not on one, and never by cubic."""
    x = torch.arange(3, dtype=torch.double)[None, None]
    flat = functional.interpolate(x, scale_factor=1.25, mode="nearest")
    assert flat.flatten().tolist() == [0, 0, 1]
    assert torch.equal(functional.interpolate(x, scale_factor=1.25, mode="linear"), x)
    x = x[..., None].expand(1, 1, 3, 3)
    assert torch.equal(functional.interpolate(x, scale_factor=1.25, mode="nearest"), x)
    assert not torch.allclose(functional.interpolate(x, scale_factor=1.25, mode="bicubic"), x)
