"""Networks as PyTorch computes them from the fields of their layers, and where gradients arrive.

In double precision; ``Way`` says with which weights.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any, NamedTuple

import torch
from torch.nn import functional

from convcalc.model.graph.network import Layer, Network

Tensor = torch.Tensor
Position = tuple[int, ...]

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

    def linear(self, op: Any, x: Tensor) -> Tensor:
        return self.mixed(x, self.width(op))

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

    def pad(self, op: Any, x: Tensor, reference: Tensor | None = None) -> Tensor:
        if op.padding is not None:
            return padded(x, op.padding, op.mode)
        sizes = op.size if reference is None else reference.shape[2:]
        differences = [m - n for n, m in zip(x.shape[2:], sizes, strict=True)]
        return padded(x, [(more // 2, more - more // 2) for more in differences], op.mode)

    def crop(self, op: Any, x: Tensor, reference: Tensor | None = None) -> Tensor:
        if op.margins is not None:
            return cut(x, op.margins)
        sizes = op.size if reference is None else reference.shape[2:]
        part = {"center": 0.5, "first": 0, "last": 1}[op.keep]
        more = [int((n - m) * part) for n, m in zip(x.shape[2:], sizes, strict=True)]
        befores = op.offset or more
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
