"""Involution (arXiv 2103.06255)."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn


class Involution2d(nn.Module):
    """Kernels of each position, made of the input, shared by groups of channels."""

    def __init__(
        self,
        channels: int,
        kernel_size: int,
        stride: int = 1,
        reduction: int = 4,
        group_channels: int = 16,
    ) -> None:
        super().__init__()
        self.kernel_size, self.stride = kernel_size, stride
        self.groups = channels // group_channels
        self.pool = nn.AvgPool2d(stride) if stride > 1 else nn.Identity()
        self.reduce = nn.Conv2d(channels, channels // reduction, 1, bias=False)
        self.norm = nn.BatchNorm2d(channels // reduction)
        self.span = nn.Conv2d(channels // reduction, kernel_size**2 * self.groups, 1)

    def forward(self, x: Tensor) -> Tensor:
        kernels = self.span(F.relu(self.norm(self.reduce(self.pool(x)))))
        height, width = kernels.shape[2:]
        seen = F.unfold(
            x, self.kernel_size, padding=(self.kernel_size - 1) // 2, stride=self.stride
        )
        taps = self.kernel_size**2
        seen = seen.reshape(len(x), self.groups, -1, taps, height * width)
        kernels = kernels.reshape(len(x), self.groups, taps, height * width)
        mixed: Tensor = (
            seen.permute(0, 1, 4, 2, 3) @ kernels.permute(0, 1, 3, 2)[..., None]
        )
        return mixed[..., 0].transpose(2, 3).reshape(len(x), -1, height, width)
