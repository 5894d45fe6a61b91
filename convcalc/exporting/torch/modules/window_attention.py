"""Attention within windows (arXiv 2103.14030, 2111.09883, 2204.01697)."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class WindowAttention(nn.Module):
    """Swin's attention within windows that may be shifted, or MaxViT's over a grid.

    ``position`` says what is added to the scores: a ``table`` of numbers by offset and
    head, or one that an ``mlp`` makes; ``cosine`` compares directions. The shape stays,
    (N, C, H, W); a map that the windows do not divide is padded behind.
    """

    def __init__(
        self,
        channels: int,
        window: int,
        heads: int,
        shift: int = 0,
        grid: bool = False,
        position: str = "table",
        hidden: int = 512,
        cosine: bool = False,
    ) -> None:
        super().__init__()
        self.window, self.heads, self.shift, self.grid = (window, heads, shift, grid)
        self.qkv = nn.Linear(channels, 3 * channels)
        self.proj = nn.Linear(channels, channels)
        self.table: nn.Parameter | None = None
        self.mlp: nn.Sequential | None = None
        self.logit_scale: nn.Parameter | None = None
        if position == "table":
            self.table = nn.Parameter(torch.zeros((2 * window - 1) ** 2, heads))
        elif position == "mlp":
            self.mlp = nn.Sequential(
                nn.Linear(2, hidden), nn.ReLU(), nn.Linear(hidden, heads, bias=False)
            )
        if cosine:
            self.logit_scale = nn.Parameter(torch.full((heads, 1, 1), math.log(10.0)))

    def forward(self, x: Tensor) -> Tensor:
        size = self.window
        height, width = x.shape[2:]
        x = F.pad(x, (0, -width % size, 0, -height % size)).permute(0, 2, 3, 1)
        shifts = [self.shift if n > size else 0 for n in x.shape[1:3]]
        if any(shifts):
            x = x.roll((-shifts[0], -shifts[1]), (1, 2))
        rows = torch.unflatten(self.qkv(self.cut(x)), -1, (3, self.heads, -1))
        query, key, value = rows.movedim(-3, 0).transpose(-2, -3)
        if self.logit_scale is not None:
            factor = self.logit_scale.clamp(max=math.log(100.0)).exp()
            query, key = (F.normalize(query, dim=-1) * factor, F.normalize(key, dim=-1))
        else:
            query = query / math.sqrt(query.shape[-1])
        scores = query @ key.transpose(-1, -2) + self.bias(x)
        if any(shifts):
            scores = scores + self.mask(x, shifts)[:, None]
        mixed = (scores.softmax(dim=-1) @ value).transpose(-2, -3).flatten(-2)
        x = self.join(self.proj(mixed), x.shape[1], x.shape[2])
        if any(shifts):
            x = x.roll((shifts[0], shifts[1]), (1, 2))
        return x[:, :height, :width].permute(0, 3, 1, 2)

    def cut(self, x: Tensor) -> Tensor:
        """(N, H, W, C) to (N, windows, positions, C)."""
        size = self.window
        rows, columns = (x.shape[1] // size, x.shape[2] // size)
        if self.grid:
            x = torch.unflatten(torch.unflatten(x, 2, (size, columns)), 1, (size, rows))
            return x.permute(0, 2, 4, 1, 3, 5).flatten(3, 4).flatten(1, 2)
        x = torch.unflatten(torch.unflatten(x, 2, (columns, size)), 1, (rows, size))
        return x.permute(0, 1, 3, 2, 4, 5).flatten(3, 4).flatten(1, 2)

    def join(self, x: Tensor, height: int, width: int) -> Tensor:
        """The way back."""
        size = self.window
        rows, columns = (height // size, width // size)
        x = torch.unflatten(torch.unflatten(x, 2, (size, size)), 1, (rows, columns))
        order = (0, 3, 1, 4, 2, 5) if self.grid else (0, 1, 3, 2, 4, 5)
        return x.permute(*order).flatten(3, 4).flatten(1, 2)

    def bias(self, x: Tensor) -> Tensor:
        """Return what is added to the scores: (heads, positions, positions)."""
        size = self.window
        if self.table is None and self.mlp is None:
            return x.new_zeros(1)
        place = torch.arange(size, device=x.device)
        down = place[:, None] - place[None] + size - 1
        index = down[:, None, :, None] * (2 * size - 1) + down[None, :, None, :]
        if self.mlp is not None:
            offset = torch.arange(1 - size, size, device=x.device, dtype=x.dtype)
            pairs = torch.stack(torch.meshgrid(offset, offset, indexing="ij"), dim=-1)
            table = 16 * self.mlp(pairs.flatten(0, 1)).sigmoid()
        else:
            table = self.table
        bias: Tensor = table[index.reshape(size * size, size * size)]
        return bias.permute(2, 0, 1)

    def mask(self, x: Tensor, shifts: list[int]) -> Tensor:
        """Keeps apart what a roll brought together: (windows, positions, positions)."""
        lines = []
        for n, shift in zip(x.shape[1:3], shifts, strict=True):
            place = torch.arange(n, device=x.device)
            behind = (place >= n - self.window).int() + (place >= n - shift).int()
            lines.append(behind if shift else place * 0)
        region = (lines[0][:, None] * 3 + lines[1])[None, :, :, None]
        found = self.cut(region).squeeze(-1).squeeze(0)
        apart = found[:, :, None] != found[:, None, :]
        return torch.zeros_like(apart, dtype=x.dtype).masked_fill(apart, -torch.inf)
