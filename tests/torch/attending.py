"""Attention and products of positions in PyTorch's terms, on maps of channels x positions."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from math import prod
from typing import Any

import torch
from torch import nn
from torch.nn import functional
from torch.nn.attention import SDPBackend, sdpa_kernel

Tensor = torch.Tensor
Sizes = Sequence[int]


class Matmul(nn.Module):
    """torch.matmul of the last two axes."""

    products = 0

    def __init__(self, transpose_a: bool, transpose_b: bool) -> None:
        super().__init__()
        self.turns = transpose_a, transpose_b

    def forward(self, *factors: Tensor) -> Tensor:
        if factors[0].dim() != factors[1].dim():
            raise ValueError("another number of axes")
        a, b = (x.mT if turn else x for x, turn in zip(factors, self.turns, strict=True))
        return a @ b


class DotProductAttention(nn.Module):
    """``scaled_dot_product_attention`` with its mask, by matrix products, which PyTorch's counter
    sees; those that a kernel skips are taken off."""

    def __init__(
        self, heads: int, kv_heads: int | None, causal: bool, window: Sizes | None, skips: bool
    ) -> None:
        super().__init__()
        self.heads, self.kv_heads = heads, kv_heads or heads
        self.causal, self.window, self.skips = causal, window, skips
        self.products = 0

    def mask(self, sizes: Sizes, others: Sizes) -> Tensor:
        """(N, M), true where a query sees a key."""
        if self.window is None:
            every = torch.ones(prod(sizes), prod(others), dtype=torch.bool)
            return every.tril() if self.causal else every
        if tuple(sizes) != tuple(others):
            raise ValueError("a window on maps of different sizes")
        if self.causal and len(sizes) > 1:
            raise ValueError("a causal window on several axes")
        seen = torch.ones(1, 1, dtype=torch.bool)
        for n, k in zip(sizes, self.window, strict=True):
            offset = torch.arange(n) - torch.arange(n)[:, None]
            before = k - 1 if self.causal else (k - 1) // 2
            near = (offset >= -before) & (offset <= k - 1 - before)
            seen = torch.kron(seen, near)
        return seen

    def forward(self, *maps: Tensor) -> Tensor:
        query, key, value = (
            x.flatten(2).unflatten(1, (heads, -1)).transpose(2, 3)
            for x, heads in zip(maps, (self.heads, self.kv_heads, self.kv_heads), strict=True)
        )
        if self.causal and maps[0].dim() != maps[1].dim():
            raise ValueError("a mask on maps of different axes")
        if self.causal and maps[0].dim() > 3 and maps[0].shape[2:] != maps[1].shape[2:]:
            raise ValueError("a mask on maps of different sizes")
        if maps[1].shape[2:] != maps[2].shape[2:]:
            raise ValueError("not a value for each key")
        mask = self.mask(maps[0].shape[2:], maps[1].shape[2:])
        with sdpa_kernel(SDPBackend.MATH):
            made = functional.scaled_dot_product_attention(
                query, key, value, mask, enable_gqa=self.kv_heads != self.heads
            )
        skipped = mask.numel() - int(mask.sum()) if self.skips else 0
        self.products -= len(query) * self.heads * skipped * (query.shape[-1] + value.shape[-1])
        return made.transpose(2, 3).flatten(1, 2).unflatten(2, maps[0].shape[2:])


NAMES = {1: ["length"], 2: ["height", "width"], 3: ["depth", "height", "width"]}


class WindowAttention(nn.Module):
    """Windows cut out of a padded and rolled map, each attending to itself behind its mask."""

    def __init__(
        self,
        channels: int,
        window: Sizes,
        heads: int,
        shift: Sizes,
        partition: str,
        position: str,
        hidden: int,
        cosine: bool,
        qkv_bias: bool,
        key_bias: bool,
        proj_bias: bool,
    ) -> None:
        super().__init__()
        if any(s >= k for s, k in zip(shift, window, strict=True)):
            raise ValueError("a shift by a window")
        if partition == "grid" and any(shift):
            raise ValueError("a grid is not shifted")
        self.window, self.heads, self.shift, self.grid = window, heads, shift, partition == "grid"
        self.position, self.cosine, self.channels = position, cosine, channels
        self.qkv = nn.Linear(channels, 3 * channels, bias=qkv_bias and key_bias)
        if qkv_bias and not key_bias:
            self.q_bias = nn.Parameter(torch.zeros(channels))
            self.v_bias = nn.Parameter(torch.zeros(channels))
        rank, offsets = len(window), prod(2 * k - 1 for k in window)
        if position == "table":
            self.relative_position_bias_table = nn.Parameter(torch.rand(offsets, heads))
        elif position == "mlp":
            self.relative = nn.ModuleDict(
                {
                    "hidden": nn.Linear(rank, hidden),
                    "output": nn.Linear(hidden, heads, bias=False),
                }
            )
        elif position == "decomposed":
            each = channels // heads
            vectors = {
                name: nn.Parameter(torch.rand(2 * k - 1, each))
                for name, k in zip(NAMES[rank], window, strict=True)
            }
            self.rel_pos = nn.ParameterDict(vectors)
        if cosine:
            self.logit_scale = nn.Parameter(torch.ones(heads, 1, 1))
        self.proj = nn.Linear(channels, channels, bias=proj_bias)
        self.products = 0

    def cut(self, x: Tensor) -> Tensor:
        """(B, *sizes, C) -> (B, windows, positions, C)."""
        rank, shape = len(self.window), [len(x)]
        for n, k in zip(x.shape[1:-1], self.window, strict=True):
            shape += [k, n // k] if self.grid else [n // k, k]
        x = x.reshape(*shape, x.shape[-1])
        outer = [2 + 2 * axis if self.grid else 1 + 2 * axis for axis in range(rank)]
        inner = [1 + 2 * axis if self.grid else 2 + 2 * axis for axis in range(rank)]
        self.order = [0, *outer, *inner, 2 * rank + 1]
        return x.permute(self.order).flatten(1, rank).flatten(2, 1 + rank)

    def join(self, x: Tensor, sizes: Sizes) -> Tensor:
        """The way back."""
        counts = [n // k for n, k in zip(sizes, self.window, strict=True)]
        x = x.reshape(len(x), *counts, *self.window, x.shape[-1])
        return x.permute([self.order.index(axis) for axis in range(x.dim())]).reshape(
            len(x), *sizes, x.shape[-1]
        )

    def regions(self, sizes: Sizes, shift: Sizes) -> Tensor:
        """(1, *sizes, 1), a number for what a roll must not bring together."""
        found = torch.zeros(1)
        for n, k, s in zip(sizes, self.window, shift, strict=True):
            line = torch.zeros(n)
            if s:
                line[n - k : n - s], line[n - s :] = 1, 2
            found = (found[:, None] * 3 + line).flatten()
        return found.reshape(1, *sizes, 1)

    def offset_numbers(self) -> list[Tensor]:
        """Per axis (positions, positions), which offset a key has from a query."""
        places = torch.cartesian_prod(*map(torch.arange, self.window)).reshape(-1, len(self.window))
        apart = places[:, None] - places[None]
        return [apart[..., axis] + k - 1 for axis, k in enumerate(self.window)]

    def bias(self, query: Tensor) -> Tensor:
        """What is added to the scores."""
        numbers = self.offset_numbers()
        if self.position == "decomposed":
            total = torch.zeros(())
            for number, (axis, vectors) in zip(
                numbers, enumerate(self.rel_pos.values()), strict=True
            ):
                along = [0] * len(self.window)
                line = []
                for key in range(self.window[axis]):
                    along[axis] = key
                    at = sum(place * prod(self.window[i + 1 :]) for i, place in enumerate(along))
                    line.append(vectors[number[:, at]])
                seen = torch.stack(line, 1)  # (positions, keys of the axis, channels of a head)
                products = query[..., None, :] * seen
                self.products += products.numel()
                key_of = torch.cartesian_prod(*map(torch.arange, self.window)).reshape(
                    -1, len(self.window)
                )[:, axis]
                total = total + products.sum(-1)[..., key_of]
            return total
        index = torch.zeros_like(numbers[0])
        for number, k in zip(numbers, self.window, strict=True):
            index = index * (2 * k - 1) + number
        if self.position == "table":
            table = self.relative_position_bias_table
        else:
            offsets = torch.cartesian_prod(
                *(torch.arange(1.0 - k, k) for k in self.window)
            ).reshape(-1, len(self.window))
            hidden = self.relative["hidden"](offsets.to(query.dtype)).relu()
            table = 16 * self.relative["output"](hidden).sigmoid()
        return table[index].permute(2, 0, 1)

    def forward(self, x: Tensor) -> Tensor:
        sizes = list(x.shape[2:])
        if self.grid and any(n % k for n, k in zip(sizes, self.window, strict=True)):
            raise ValueError("a grid must divide")
        behind = [-n % k for n, k in zip(sizes, self.window, strict=True)]
        x = functional.pad(x, [p for b in reversed(behind) for p in (0, b)]).movedim(1, -1)
        grown = list(x.shape[1:-1])
        shift = [s if n > k else 0 for n, k, s in zip(grown, self.window, self.shift, strict=True)]
        axes = list(range(1, 1 + len(sizes)))
        x = self.cut(x.roll([-s for s in shift], axes))
        region = self.cut(self.regions(grown, shift))
        apart = region != region.mT
        bias = None
        if hasattr(self, "q_bias"):
            bias = torch.cat([self.q_bias, torch.zeros_like(self.q_bias), self.v_bias])
        rows = self.qkv(x) if bias is None else self.qkv(x) + bias
        query, key, value = rows.unflatten(-1, (3, self.heads, -1)).movedim(-3, 0).transpose(-2, -3)
        if self.cosine:
            query, key = functional.normalize(query, dim=-1), functional.normalize(key, dim=-1)
        scores = query @ key.mT
        if self.cosine:
            scores = scores * self.logit_scale
        if self.position != "none":
            scores = scores + self.bias(query)
        scores = scores.masked_fill(apart[:, :, None], -torch.inf)
        mixed = self.proj((scores.softmax(-1) @ value).transpose(-2, -3).flatten(-2))
        x = self.join(mixed, grown).roll(shift, axes).movedim(-1, 1)
        return x[(..., *(slice(n) for n in sizes))]


class ChannelAttention(nn.Module):
    """Channels attend to channels, their normalised maps compared."""

    def __init__(
        self, channels: int, heads: int, kernel: Sizes | None, qkv_bias: bool, proj_bias: bool
    ) -> None:
        super().__init__()
        self.heads, self.kernel = heads, kernel
        self.qkv = nn.Linear(channels, 3 * channels, bias=qkv_bias)
        if kernel:
            conv: Any = {1: nn.Conv1d, 2: nn.Conv2d, 3: nn.Conv3d}[len(kernel)]
            if any(k % 2 == 0 for k in kernel):
                raise ValueError("an even kernel")
            more = {"padding": [k // 2 for k in kernel], "groups": 3 * channels, "bias": qkv_bias}
            self.qkv_dw = conv(3 * channels, 3 * channels, kernel, **more)
        self.temperature = nn.Parameter(torch.ones(heads, 1, 1))
        self.proj = nn.Linear(channels, channels, bias=proj_bias)
        self.products = 0

    def forward(self, x: Tensor) -> Tensor:
        rows = self.qkv(x.movedim(1, -1)).movedim(-1, 1)
        rows = self.qkv_dw(rows) if self.kernel else rows
        query, key, value = rows.flatten(2).unflatten(1, (3, self.heads, -1)).movedim(1, 0)
        query, key = functional.normalize(query, dim=-1), functional.normalize(key, dim=-1)
        matrix = (query @ key.mT * self.temperature).softmax(-1)
        mixed = (matrix @ value).flatten(1, 2).unflatten(2, x.shape[2:])
        return self.proj(mixed.movedim(1, -1)).movedim(-1, 1)


class Correlation(nn.Module):
    """The mean over the channels of products at every displacement, or of all pairs."""

    def __init__(self, most: Sizes | None, step: Sizes, stride: Sizes) -> None:
        super().__init__()
        if most is None and any(t > 1 for t in step):
            raise ValueError("no displacements")
        self.most, self.step, self.stride = most, step, stride
        self.products = 0

    def forward(self, first: Tensor, second: Tensor) -> Tensor:
        if first.dim() != second.dim() or first.shape[1] != second.shape[1]:
            raise ValueError("another number of axes or channels")
        if self.most is not None and first.shape != second.shape:
            raise ValueError("maps of different sizes")
        every = (..., *(slice(None, None, s) for s in self.stride))
        first = first[every]
        if self.most is None:
            pairs = second.flatten(2).mT @ first.flatten(2)
            return (pairs / first.shape[1]).unflatten(2, first.shape[2:])
        sides = [d for d in reversed(self.most) for _ in range(2)]
        wide, found = functional.pad(second, sides), []
        sizes = second.shape[2:]
        ways = (range(-(d // t) * t, d + 1, t) for d, t in zip(self.most, self.step, strict=True))
        for move in product(*ways):
            starts = [d + m for d, m in zip(self.most, move, strict=True)]
            near = [slice(at, at + n) for at, n in zip(starts, sizes, strict=True)]
            pairs = first * wide[(..., *near)][every]
            self.products += pairs.numel()
            found.append(pairs.mean(1))
        return torch.stack(found, 1)


class GridSample(nn.Module):
    """PyTorch's, with the coordinates in the channels."""

    products = 0

    def __init__(self, mode: str, align_corners: bool) -> None:
        super().__init__()
        self.mode = {"linear": "bilinear", "cubic": "bicubic"}.get(mode, mode)
        self.align_corners = align_corners

    def forward(self, x: Tensor, grid: Tensor) -> Tensor:
        flat = x.dim() == 3  # PyTorch has no sequences; a map of one row is one
        if flat:
            if grid.shape[1] != 1 or self.mode == "bicubic":
                raise ValueError("one coordinate, not cubic")
            x, grid = x[:, :, None], torch.cat([grid, torch.zeros_like(grid)], 1)[:, :, None]
        made = functional.grid_sample(
            x, grid.movedim(1, -1), self.mode, align_corners=self.align_corners
        )
        return made[:, :, 0] if flat else made


class Carafe(nn.Module):
    """Kernels from the input, each summed with the window it belongs to."""

    def __init__(
        self, channels: int, scale: Sizes, kernel: Sizes, encoder: Sizes, between: int, groups: int
    ) -> None:
        super().__init__()
        if channels % groups or any(k % 2 == 0 for k in (*kernel, *encoder)):
            raise ValueError("groups or an even kernel")
        self.scale, self.kernel, self.groups = scale, kernel, groups
        conv: Any = {1: nn.Conv1d, 2: nn.Conv2d, 3: nn.Conv3d}[len(scale)]
        self.compress = conv(channels, between, 1)
        padding = [k // 2 for k in encoder]
        made = prod(scale) * prod(kernel) * groups
        self.encode = conv(between, made, encoder, padding=padding)
        self.products = 0

    def forward(self, x: Tensor) -> Tensor:
        rank, sizes = len(self.scale), x.shape[2:]
        made = self.encode(self.compress(x))
        made = made.reshape(len(x), self.groups, -1, *self.scale, *sizes)
        made = made.softmax(2)  # (B, groups, taps, *scale, *sizes)
        sides = [k // 2 for k in reversed(self.kernel) for _ in range(2)]
        seen = functional.pad(x, sides)
        for axis, k in enumerate(self.kernel):
            seen = seen.unfold(2 + axis, k, 1)
        seen = seen.flatten(2 + rank).movedim(-1, 2).unflatten(1, (self.groups, -1))
        ones = (1,) * rank  # (B, groups, channels, taps, *ones, *sizes)
        seen = seen.reshape(*seen.shape[:4], *ones, *sizes)
        products = seen * made[:, :, None]
        self.products += products.numel()
        order = [each for axis in range(rank) for each in (2 + rank + axis, 2 + axis)]
        found = products.sum(3).flatten(1, 2).permute(0, 1, *order)
        return found.reshape(*x.shape[:2], *(n * s for n, s in zip(sizes, self.scale, strict=True)))


class MultiScaleDeformableAttention(nn.Module):
    """Points sampled by ``grid_sample`` on every map, and summed with their weights."""

    def __init__(self, channels: int, heads: int, points: int, levels: int, rank: int) -> None:
        super().__init__()
        if channels % heads:
            raise ValueError("heads do not divide the channels")
        self.heads, self.points, self.levels, self.rank = heads, points, levels, rank
        taps = heads * levels * points
        self.value_proj = nn.Linear(channels, channels)
        self.sampling_offsets = nn.Linear(channels, taps * rank)
        self.attention_weights = nn.Linear(channels, taps)
        self.output_proj = nn.Linear(channels, channels)
        self.products = self.samples = 0

    def forward(self, queries: Tensor, *maps: Tensor) -> Tensor:
        q = queries.flatten(2).mT
        made = [self.value_proj(x.flatten(2).mT).mT.reshape(x.shape) for x in maps]
        kinds = (self.heads, self.levels, self.points)
        offsets = self.sampling_offsets(q).unflatten(2, (*kinds, self.rank)).tanh()
        weights = self.attention_weights(q).unflatten(2, (self.heads, -1)).softmax(-1)
        weights = weights.unflatten(3, kinds[1:])
        total = torch.zeros(())
        for level, x in enumerate(made):
            values = x.unflatten(1, (self.heads, -1)).flatten(0, 1)
            grid = offsets[:, :, :, level].transpose(1, 2).flatten(0, 1)
            seen = sampled(values, grid)  # (B · heads, channels of a head, queries, points)
            self.samples += seen.numel() * 2**self.rank
            share = weights[:, :, :, level].transpose(1, 2).flatten(0, 1)[:, None]
            self.products += seen.numel()
            total = total + (seen * share).sum(-1)
        mixed = total.unflatten(0, (len(queries), self.heads)).flatten(1, 2)
        return self.output_proj(mixed.mT).mT.reshape(queries.shape)


def sampled(x: Tensor, grid: Tensor) -> Tensor:
    """x (B, C, *sizes) at grid (B, N, P, rank): (B, C, N, P)."""
    if x.dim() == 3:
        x, grid = x[:, :, None], torch.cat([grid, torch.zeros_like(grid)], -1)
    if x.dim() == 5:
        return functional.grid_sample(x, grid[:, None], align_corners=False)[:, :, 0]
    return functional.grid_sample(x, grid, align_corners=False)
