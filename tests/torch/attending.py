"""Attention and products of positions in PyTorch's terms, on maps of channels x positions."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

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
