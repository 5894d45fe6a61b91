"""Multi-head self-attention (arXiv 1706.03762)."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class Attention(nn.Module):
    """Every position attends to all of them: (N, C, …) to (N, out, …)."""

    def __init__(
        self,
        channels: int,
        heads: int,
        keys: int | None = None,
        values: int | None = None,
        out: int | None = None,
        bias: bool = True,
    ) -> None:
        super().__init__()
        keys = channels if keys is None else keys
        values = channels if values is None else values
        self.heads = heads
        self.sizes = [keys, keys, values]
        self.qkv = nn.Linear(channels, 2 * keys + values, bias=bias)
        self.out = nn.Linear(values, channels if out is None else out, bias=bias)

    def forward(self, x: Tensor) -> Tensor:
        rows = torch.split(self.qkv(x.flatten(2).transpose(1, 2)), self.sizes, dim=2)
        query, key, value = (
            torch.unflatten(part, 2, (self.heads, -1)).transpose(1, 2) for part in rows
        )
        mixed = F.scaled_dot_product_attention(query, key, value)
        made: Tensor = self.out(mixed.transpose(1, 2).flatten(2))
        return torch.unflatten(made.transpose(1, 2), 2, x.shape[2:])
