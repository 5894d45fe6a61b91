"""A batch norm of constants."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class FrozenBatchNorm(nn.Module):
    """A batch norm whose scale, shift and statistics are constant buffers."""

    def __init__(self, num_features: int, eps: float = 1e-5) -> None:
        super().__init__()
        self.eps = eps
        self.register_buffer("weight", torch.ones(num_features))
        self.register_buffer("bias", torch.zeros(num_features))
        self.register_buffer("running_mean", torch.zeros(num_features))
        self.register_buffer("running_var", torch.ones(num_features))

    def forward(self, x: Tensor) -> Tensor:
        weight, bias = self.get_buffer("weight"), self.get_buffer("bias")
        mean, var = self.get_buffer("running_mean"), self.get_buffer("running_var")
        scale = weight * (var + self.eps).rsqrt()
        shape = (1, -1, *[1] * (x.dim() - 2))
        return x * scale.reshape(shape) + (bias - mean * scale).reshape(shape)
