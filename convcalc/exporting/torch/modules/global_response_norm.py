"""Global response normalisation (arXiv 2301.00808)."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class GlobalResponseNorm(nn.Module):
    """Channels scaled by their norm over all positions (ConvNeXt V2)."""

    def __init__(self, channels: int, eps: float = 1e-6) -> None:
        super().__init__()
        self.eps = eps
        self.weight = nn.Parameter(torch.zeros(channels))
        self.bias = nn.Parameter(torch.zeros(channels))

    def forward(self, x: Tensor) -> Tensor:
        axes = tuple(range(2, x.dim()))
        norm = x.square().sum(dim=axes, keepdim=True).sqrt()
        share = norm / (norm.mean(dim=1, keepdim=True) + self.eps)
        shape = (-1, *[1] * (x.dim() - 2))
        return x + self.bias.reshape(shape) + self.weight.reshape(shape) * (x * share)
