"""Conditionally parameterised convolution (arXiv 1904.04971)."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class CondConv2d(nn.Module):
    """Each sample mixes its kernel from those of experts, by a vector of weights."""

    def __init__(
        self,
        channels: int,
        out: int,
        kernel_size: int,
        experts: int,
        stride: int = 1,
        padding: int = 0,
        groups: int = 1,
    ) -> None:
        super().__init__()
        self.stride, self.padding, self.groups = (stride, padding, groups)
        self.weight = nn.Parameter(
            torch.empty(experts, out, channels // groups, kernel_size, kernel_size)
        )
        for kernel in self.weight:
            nn.init.kaiming_uniform_(kernel, a=5**0.5)

    def forward(self, x: Tensor, routing: Tensor) -> Tensor:
        kernels = torch.unflatten(
            routing @ self.weight.flatten(1), 1, self.weight.shape[1:]
        )
        made = F.conv2d(
            x.flatten(0, 1)[None],
            kernels.flatten(0, 1),
            stride=self.stride,
            padding=self.padding,
            groups=self.groups * len(x),
        )
        return torch.unflatten(made, 1, (len(x), -1))[0]
