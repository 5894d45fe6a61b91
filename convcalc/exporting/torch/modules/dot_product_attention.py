"""Attention of given queries, keys and values (arXiv 1706.03762)."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class DotProductAttention(nn.Module):
    """Every query looks at all keys, perhaps of another map: (N, C, …) each."""

    def __init__(
        self, heads: int, kv_heads: int | None = None, causal: bool = False
    ) -> None:
        super().__init__()
        self.heads = heads
        self.kv_heads = heads if kv_heads is None else kv_heads
        self.causal = causal

    def forward(self, query: Tensor, key: Tensor, value: Tensor) -> Tensor:
        mixed = F.scaled_dot_product_attention(
            self.split(query, self.heads),
            self.split(key, self.kv_heads),
            self.split(value, self.kv_heads),
            is_causal=self.causal,
            enable_gqa=self.kv_heads != self.heads,
        )
        made = mixed.transpose(2, 3).flatten(1, 2)
        return torch.unflatten(made, 2, query.shape[2:]) if query.dim() > 3 else made

    @staticmethod
    def split(x: Tensor, heads: int) -> Tensor:
        """(N, C, …) to (N, heads, positions, C / heads)."""
        return torch.unflatten(x.flatten(2), 1, (heads, -1)).transpose(2, 3)
