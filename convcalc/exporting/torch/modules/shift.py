"""A learned term."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class Shift(nn.Module):
    """A learned term for each channel, or one for all."""

    def __init__(self, count: int) -> None:
        super().__init__()
        self.bias = nn.Parameter(torch.zeros(count))

    def forward(self, x: Tensor) -> Tensor:
        return x + self.bias.reshape(-1, *[1] * (x.dim() - 2))
