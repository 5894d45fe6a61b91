"""Variants of the convolution that PyTorch lacks, written from their papers' formulas.

Each module really computes its output. Products other than matrices and convolutions, which
PyTorch's own counter does not see, are added to ``products``. The learned parameters are named
as convcalc names them; windows are made by ``Tensor.unfold``, so nothing here knows more of
sizes than PyTorch does.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil, prod
from typing import Any

import torch
from torch import nn
from torch.nn import functional

Tensor = torch.Tensor
Sizes = Sequence[int]
CONV: dict[int, Any] = {1: nn.Conv1d, 2: nn.Conv2d, 3: nn.Conv3d}
NORM: dict[int, Any] = {1: nn.BatchNorm1d, 2: nn.BatchNorm2d, 3: nn.BatchNorm3d}
POOL: dict[int, Any] = {1: nn.AvgPool1d, 2: nn.AvgPool2d, 3: nn.AvgPool3d}
CONVOLVE: dict[int, Any] = {1: functional.conv1d, 2: functional.conv2d, 3: functional.conv3d}


def padded(x: Tensor, pairs: Sequence[Sizes]) -> Tensor:
    """Zeros before and after each axis; F.pad starts from the last."""
    return functional.pad(x, [side for pair in reversed(list(pairs)) for side in pair])


def windows(x: Tensor, kernel: Sizes, stride: Sizes) -> Tensor:
    """(N, C, *sizes) -> (N, C, *outputs, *kernel)."""
    for axis, (k, s) in enumerate(zip(kernel, stride, strict=True)):
        x = x.unfold(2 + axis, k, s)
    return x


class Involution(nn.Module):
    """Kernels from the pooled input, one per group and position."""

    def __init__(self, channels: int, kernel: Sizes, stride: Sizes, ratio: int, share: int) -> None:
        super().__init__()
        rank = len(kernel)
        self.kernel, self.stride, self.share = kernel, stride, share
        self.pool = POOL[rank](tuple(stride), tuple(stride)) if max(stride) > 1 else nn.Identity()
        self.reduce = CONV[rank](channels, channels // ratio, 1, bias=False)
        self.norm = NORM[rank](channels // ratio)
        self.span = CONV[rank](channels // ratio, prod(kernel) * (channels // share), 1)
        self.products = 0

    def forward(self, x: Tensor) -> Tensor:
        made = self.span(torch.relu(self.norm(self.reduce(self.pool(x)))))
        spatial = made.shape[2:]
        around = [((k - 1) // 2, (k - 1) // 2) for k in self.kernel]
        seen = windows(padded(x, around), self.kernel, self.stride).flatten(2 + len(spatial))
        if seen.shape[2:-1] != spatial:  # sizes of 1 would be broadcast
            raise ValueError("windows and kernels differ in number")
        groups = x.shape[1] // self.share
        seen = seen.reshape(len(x), groups, self.share, *spatial, -1).movedim(-1, 3)
        kernels = made.reshape(len(x), groups, 1, prod(self.kernel), *spatial)
        product = seen * kernels
        self.products += product.numel()
        return product.sum(3).flatten(1, 2)


class Attention(nn.Module):
    """Every position attends to all of them."""

    def __init__(
        self, channels: int, heads: int, keys: int, values: int, outputs: int, bias: bool
    ) -> None:
        super().__init__()
        self.sizes, self.heads = [keys, keys, values], heads
        self.qkv = nn.Linear(channels, 2 * keys + values, bias=bias)
        self.out = nn.Linear(values, outputs, bias=bias)
        self.products = 0

    def forward(self, x: Tensor) -> Tensor:
        rows = self.qkv(x.flatten(2).transpose(1, 2)).split(self.sizes, 2)
        query, key, value = (part.unflatten(2, (self.heads, -1)).transpose(1, 2) for part in rows)
        weights = torch.softmax(query @ key.transpose(2, 3) / key.shape[-1] ** 0.5, -1)
        mixed = (weights @ value).transpose(1, 2).flatten(2)
        return self.out(mixed).transpose(1, 2).unflatten(2, x.shape[2:])


class LocalAttention(nn.Module):
    """Every position attends to its window."""

    def __init__(
        self, channels: int, kernel: Sizes, heads: int, outputs: int, relative: bool, bias: bool
    ) -> None:
        super().__init__()
        rank = len(kernel)
        if outputs % heads or (relative and outputs // heads % rank):
            raise ValueError("a head has no equal share of channels per axis")
        names = {1: ["length"], 2: ["height", "width"], 3: ["depth", "height", "width"]}[rank]
        self.kernel, self.heads = kernel, heads
        self.query, self.key, self.value = (
            CONV[rank](channels, outputs, 1, bias=bias) for _ in range(3)
        )
        shares = {
            n: nn.Parameter(torch.rand(outputs // rank, k))
            for n, k in zip(names, kernel, strict=True)
        }
        self.relative = nn.ParameterDict(shares if relative else {})
        self.products = 0

    def seen(self, x: Tensor) -> Tensor:
        """(N, heads, channels of a head, *sizes, *kernel)."""
        sides = [((k - 1) // 2, k - 1 - (k - 1) // 2) for k in self.kernel]
        found = windows(padded(x, sides), self.kernel, [1] * len(self.kernel))
        return found.unflatten(1, (self.heads, -1))

    def forward(self, x: Tensor) -> Tensor:
        rank = len(self.kernel)
        query = self.query(x).unflatten(1, (self.heads, -1))
        query = query[(..., *[None] * rank)]
        product = query * self.seen(self.key(x))
        self.products += product.numel()
        logits = product.sum(2)
        for axis, offsets in enumerate(self.relative.values()):
            share = query.shape[2] // rank
            part = query[:, :, axis * share : (axis + 1) * share]
            shape = [1, self.heads, share, *[1] * (2 * rank)]
            shape[3 + rank + axis] = -1
            product = part * offsets.reshape(shape)
            self.products += product.numel()
            logits = logits + product.sum(2)
        weights = torch.softmax(logits.flatten(2 + rank), -1).reshape(logits.shape)[:, :, None]
        product = weights * self.seen(self.value(x))
        self.products += product.numel()
        return product.flatten(3 + rank).sum(-1).flatten(1, 2)


class SqueezeExcite(nn.Module):
    """A gate per channel."""

    def __init__(self, channels: int, squeezed: int, rank: int, bias: bool) -> None:
        super().__init__()
        self.reduce = CONV[rank](channels, squeezed, 1, bias=bias)
        self.expand = CONV[rank](squeezed, channels, 1, bias=bias)
        self.products = 0

    def forward(self, x: Tensor) -> Tensor:
        pooled = x.mean(tuple(range(2, x.dim())), keepdim=True)
        return x * torch.sigmoid(self.expand(torch.relu(self.reduce(pooled))))


class CondConv(nn.Module):
    """A kernel per sample, mixed from experts; routed inside or from outside."""

    def __init__(
        self, channels: int, outputs: int, window: dict[str, Any], experts: int, routed: bool
    ) -> None:
        super().__init__()
        self.window = dict(window)
        kernel, groups, bias = (self.window.pop(key) for key in ("kernel_size", "groups", "bias"))
        if channels % groups or outputs % groups:
            raise ValueError("groups must divide the channels")
        self.groups, self.outputs = groups, outputs
        if not routed:
            self.route = nn.Linear(channels, experts)
        self.weight = nn.Parameter(torch.rand(experts, outputs, channels // groups, *kernel))
        self.bias = nn.Parameter(torch.rand(experts, outputs)) if bias else None
        self.products = 0

    def forward(self, x: Tensor, routing: Tensor | None = None) -> Tensor:
        if routing is None:
            routing = torch.sigmoid(self.route(x.flatten(2).mean(2)))
        kernels = (routing @ self.weight.flatten(1)).unflatten(1, self.weight.shape[1:])
        bias = (routing @ self.bias).flatten() if self.bias is not None else None
        done = CONVOLVE[x.dim() - 2](
            x.reshape(1, -1, *x.shape[2:]),
            kernels.flatten(0, 1),
            bias,
            groups=self.groups * len(x),
            **self.window,
        )
        return done.reshape(len(x), self.outputs, *done.shape[2:])


class OctaveConv(nn.Module):
    """Four paths between two resolutions; the low output is kept in ``low``."""

    def __init__(
        self,
        inputs: Sizes,
        outputs: Sizes,
        kernel: Sizes,
        stride: Sizes,
        groups: int,
        window: dict[str, Any],
        bias: bool,
    ) -> None:
        super().__init__()
        rank = len(kernel)
        self.stride, self.low = stride, None
        depthwise = groups > 1 and groups == sum(inputs)
        if depthwise and list(inputs) != list(outputs):
            raise ValueError("a depthwise convolution keeps its channels")
        for target, count in zip(("high", "low"), outputs, strict=True):
            for source, channels in zip(("high", "low"), inputs, strict=True):
                if not count or not channels or (depthwise and source != target):
                    continue
                biased = bias and (source == "high" or depthwise)
                part = channels if depthwise else groups
                conv = CONV[rank](channels, count, kernel, groups=part, bias=biased, **window)
                self.add_module(f"{source}_to_{target}", conv)
        self.products = 0

    def path(self, name: str, x: Tensor | None, factor: int) -> Tensor | None:
        if x is None or not hasattr(self, name):
            return None
        if factor:
            # Sizes round up; PyTorch's ceil_mode does so but for 3-D windows beyond the input.
            size = tuple(factor * s for s in self.stride)
            x = padded(x, [(0, -n % w) for n, w in zip(x.shape[2:], size, strict=True)])
            x = POOL[len(size)](size, size)(x)
        x = getattr(self, name)(x)
        if not factor:
            for axis, s in enumerate(self.stride):
                x = x.repeat_interleave(2 // s, 2 + axis)
        return x

    def forward(self, high: Tensor, low: Tensor | None = None) -> Tensor:
        if max(self.stride) > 2:
            raise ValueError("strides of 1 and 2 alone halve and keep")
        tops = [self.path("high_to_high", high, 1), self.path("low_to_high", low, 0)]
        bottoms = [self.path("high_to_low", high, 2), self.path("low_to_low", low, 1)]
        self.low = added(bottoms)
        return added(tops)


def added(parts: Sequence[Tensor | None]) -> Any:
    """The sum of those that exist, whose sizes must be equal."""
    found = [part for part in parts if part is not None]
    if any(part.shape != found[0].shape for part in found):
        raise ValueError("sizes differ")
    return sum(found[1:], found[0]) if found else None


class GhostConv(nn.Module):
    """Intrinsic channels and cheap filters of them."""

    def __init__(
        self,
        channels: int,
        outputs: int,
        kernel: Sizes,
        cheap: Sizes,
        ratio: int,
        stride: Sizes,
        relu: bool,
    ) -> None:
        super().__init__()
        rank, inner = len(kernel), ceil(outputs / ratio)
        ghosts = inner * (ratio - 1)
        half = [[k // 2 for k in sizes] for sizes in (kernel, cheap)]
        self.outputs, self.relu = outputs, relu
        self.primary = CONV[rank](channels, inner, kernel, stride, half[0], bias=False)
        self.cheap = CONV[rank](inner, ghosts, cheap, 1, half[1], groups=inner, bias=False)
        self.primary.norm, self.cheap.norm = NORM[rank](inner), NORM[rank](ghosts)
        self.products = 0

    def forward(self, x: Tensor) -> Tensor:
        parts = []
        for conv in (self.primary, self.cheap):
            x = conv.norm(conv(x))
            x = torch.relu(x) if self.relu else x
            parts.append(x)
        return torch.cat(parts, 1)[:, : self.outputs]


def partial_conv(channels: int, kernel: Sizes, divisor: int) -> nn.Module:
    """A convolution of the first channels."""
    rank, count = len(kernel), channels // divisor

    class Partial(CONV[rank]):  # type: ignore[misc]
        products = 0

        def forward(self, x: Tensor) -> Tensor:
            return torch.cat((super().forward(x[:, :count]), x[:, count:]), 1)

    if not count:
        raise ValueError("no channel is left")
    return Partial(count, count, kernel, padding=[k // 2 for k in kernel], bias=False)


def inpainting_conv(
    channels: int, outputs: int, window: dict[str, Any], multi_channel: bool
) -> nn.Module:
    """A convolution of what the mask leaves; ``sums`` counts the taps of the mask's sums."""
    rank = len(window["kernel_size"])

    class Inpainting(CONV[rank]):  # type: ignore[misc]
        products = sums = 0
        new: Tensor | None = None

        def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
            wanted = channels if multi_channel else 1
            if mask is not None and mask.shape != (len(x), wanted, *x.shape[2:]):
                raise ValueError("the mask does not fit")
            if mask is None:
                mask = torch.ones(len(x) if multi_channel else 1, wanted, *x.shape[2:])
            sizes = (outputs if multi_channel else 1, wanted, *self.kernel_size)
            at = (self.stride, self.padding, self.dilation)
            total = CONVOLVE[rank](mask, torch.ones(sizes), None, *at)
            self.sums += total.numel() * prod(sizes[1:])
            ratio = prod(sizes[1:]) / total.clamp(min=1e-8)
            self.new = total.clamp(0, 1)
            found = CONVOLVE[rank](x * mask, self.weight, None, *at, self.groups)
            done = found * ratio * self.new
            return done if self.bias is None else done + self.bias.reshape(-1, *[1] * rank)

    return Inpainting(channels, outputs, **window)


class MixConv(nn.Module):
    """One kernel size per share of the channels, the rest to the first."""

    def __init__(
        self, channels: int, outputs: int, kernels: Sizes, depthwise: bool, window: dict[str, Any]
    ) -> None:
        super().__init__()
        if len(kernels) > min(channels, outputs):
            raise ValueError("a share is empty")
        rank = len(window["stride"])
        self.shares = [self.share(channels, len(kernels)), self.share(outputs, len(kernels))]
        for index, (k, share, count) in enumerate(zip(kernels, *self.shares, strict=True)):
            half = [d * (k - 1) // 2 + (d * (k - 1)) % 2 for d in window["dilation"]]
            name = f"k{k}_{index}" if list(kernels).count(k) > 1 else f"k{k}"
            groups = share if depthwise else 1
            conv = CONV[rank](share, count, k, padding=half, groups=groups, **window)
            self.add_module(name, conv)
        self.products = 0

    @staticmethod
    def share(channels: int, count: int) -> list[int]:
        counts = [channels // count] * count
        counts[0] += channels - sum(counts)
        return counts

    def forward(self, x: Tensor) -> Tensor:
        parts = x.split(self.shares[0], 1)
        return torch.cat([conv(part) for conv, part in zip(self.children(), parts, strict=True)], 1)


class LargeKernelAttention(nn.Module):
    """A depthwise kernel, a dilated one, a pointwise one, and a product."""

    def __init__(self, channels: int, kernel: Sizes, dilation: Sizes) -> None:
        super().__init__()
        conv = CONV[len(kernel)]
        small = [2 * d - 1 for d in dilation]
        large = [ceil(k / d) for k, d in zip(kernel, dilation, strict=True)]
        reach = [d * (k - 1) for k, d in zip(large, dilation, strict=True)]
        if any(r % 2 for r in reach):
            raise ValueError("no center")
        self.depthwise = conv(channels, channels, small, 1, [k // 2 for k in small], 1, channels)
        self.dilated = conv(
            channels, channels, large, 1, [r // 2 for r in reach], list(dilation), channels
        )
        self.pointwise = conv(channels, channels, 1)
        self.products = 0

    def forward(self, x: Tensor) -> Tensor:
        return x * self.pointwise(self.dilated(self.depthwise(x)))


def coord_conv(channels: int, outputs: int, window: dict[str, Any], radius: bool) -> nn.Module:
    """A convolution that also gets each position's coordinates, -1 to 1."""
    rank = len(window["kernel_size"])

    class Coord(CONV[rank]):  # type: ignore[misc]
        products = 0

        def forward(self, x: Tensor) -> Tensor:
            axes = [torch.linspace(-1, 1, n) for n in x.shape[2:]]
            places = list(torch.meshgrid(*axes, indexing="ij"))
            if radius:
                places.append(sum(place**2 for place in places).sqrt())
            more = torch.stack(places).expand(len(x), -1, *x.shape[2:])
            return super().forward(torch.cat((x, more), 1))

    return Coord(channels + rank + radius, outputs, **window)


class GatedConv(nn.Module):
    """Features and their gate."""

    def __init__(self, channels: int, outputs: int, window: dict[str, Any]) -> None:
        super().__init__()
        conv = CONV[len(window["kernel_size"])]
        self.feature, self.gate = (
            conv(channels, outputs, **window),
            conv(channels, outputs, **window),
        )
        self.products = 0

    def forward(self, x: Tensor) -> Tensor:
        return functional.elu(self.feature(x)) * torch.sigmoid(self.gate(x))


class LocallyConnected(nn.Module):
    """A kernel per output position; made for one size of the input."""

    def __init__(
        self, channels: int, outputs: int, sizes: Sizes, window: dict[str, Any], bias: bool
    ) -> None:
        super().__init__()
        self.kernel, self.stride = window["kernel_size"], window["stride"]
        self.padding = [(p, p) for p in window["padding"]]
        seen = self.seen(torch.zeros(1, channels, *sizes))
        self.spatial = seen.shape[2 : 2 + len(sizes)]
        self.weight = nn.Parameter(torch.rand(*self.spatial, outputs, channels, *self.kernel))
        self.bias = nn.Parameter(torch.rand(*self.spatial, outputs)) if bias else None
        self.products = 0

    def seen(self, x: Tensor) -> Tensor:
        return windows(padded(x, self.padding), self.kernel, self.stride)

    def forward(self, x: Tensor) -> Tensor:
        rank = len(self.spatial)
        seen = self.seen(x).movedim(1, 1 + rank).unsqueeze(1 + rank)  # (N, *out, 1, C, *kernel)
        product = seen * self.weight
        self.products += product.numel()
        done = product.flatten(2 + rank).sum(-1)
        done = done if self.bias is None else done + self.bias
        return done.movedim(-1, 1)


class LearnedGroupConv(nn.Module):
    """Norm, ReLU, and a convolution with a mask, or of the selected inputs."""

    def __init__(
        self,
        channels: int,
        outputs: int,
        window: dict[str, Any],
        groups: int,
        factor: int,
        training: bool,
    ) -> None:
        super().__init__()
        rank = len(window["kernel_size"])
        if channels % groups or channels % factor or outputs % groups:
            raise ValueError("groups and factor must divide the channels")
        self.groups, self.masked = groups, training
        kept = channels if training else channels * groups // factor
        self.norm = NORM[rank](kept)
        self.conv = CONV[rank](
            kept, outputs, groups=1 if training else groups, bias=False, **window
        )
        if training:
            self.register_buffer("mask", torch.ones(self.conv.weight.shape))
        else:
            self.register_buffer("index", torch.arange(kept) % channels)
        self.products = 0

    def forward(self, x: Tensor) -> Tensor:
        if self.masked:
            conv, weight = self.conv, self.conv.weight * self.mask
            x = torch.relu(self.norm(x))
            return CONVOLVE[x.dim() - 2](x, weight, None, conv.stride, conv.padding)
        x = self.conv(torch.relu(self.norm(x.index_select(1, self.index))))
        return x.unflatten(1, (self.groups, -1)).transpose(1, 2).flatten(1, 2)


def taps_of_sites(active: Tensor, kernel: Sizes) -> int:
    """How often an active site lies under a tap of the window of an active site."""
    sites = {tuple(site) for site in active.nonzero().tolist()}
    near = [range(-(k // 2), k // 2 + 1) for k in kernel]
    return sum(
        all(b - a in reach for a, b, reach in zip(one, other, near, strict=True))
        for one in sites
        for other in sites
    )
