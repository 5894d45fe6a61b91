"""A fixed filter (arXiv 1912.04958)."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class Smoothing2d(nn.Module):
    """The same binomial taps for every channel, which are a buffer."""

    def __init__(self, kernel_size: int, stride: int = 1, padding: int = 0) -> None:
        super().__init__()
        self.stride, self.padding = stride, padding
        line = torch.ones(1)
        for _ in range(kernel_size - 1):
            line = F.pad(line, (0, 1)) + F.pad(line, (1, 0))
        taps = torch.outer(line, line)
        self.register_buffer("taps", (taps / taps.sum())[None])

    def forward(self, x: Tensor) -> Tensor:
        weight = self.get_buffer("taps").expand(x.shape[1], 1, -1, -1)
        return F.conv2d(
            x, weight, stride=self.stride, padding=self.padding, groups=x.shape[1]
        )
