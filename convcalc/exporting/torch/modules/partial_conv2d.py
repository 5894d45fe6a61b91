"""Partial convolution (arXiv 2303.03667)."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class PartialConv2d(nn.Module):
    """A convolution of the first of n parts of the channels (FasterNet)."""

    def __init__(self, channels: int, kernel_size: int, n_div: int = 4) -> None:
        super().__init__()
        part = channels // n_div
        self.parts = [part, channels - part]
        self.conv = nn.Conv2d(
            part, part, kernel_size, padding=kernel_size // 2, bias=False
        )

    def forward(self, x: Tensor) -> Tensor:
        first, rest = torch.split(x, self.parts, dim=1)
        return torch.cat([self.conv(first), rest], dim=1)
