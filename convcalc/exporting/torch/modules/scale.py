"""A learned factor."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class Scale(nn.Module):
    """A learned factor for each channel, or one for all."""

    def __init__(self, count: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(count))

    def forward(self, x: Tensor) -> Tensor:
        return x * self.weight.reshape(-1, *[1] * (x.dim() - 2))
