"""Bilinear upsampling as a transposed convolution (arXiv 1411.4038)."""

from __future__ import annotations

import torch
from torch import nn


class BilinearConvTranspose2d(nn.ConvTranspose2d):
    """Bilinear upsampling by a whole factor, with fixed weights."""

    def __init__(
        self,
        channels: int,
        factor: int,
        padding: int | None = None,
        grouped: bool = True,
    ) -> None:
        super().__init__(
            channels,
            channels,
            2 * factor - factor % 2,
            stride=factor,
            padding=factor // 2 if padding is None else padding,
            groups=channels if grouped else 1,
            bias=False,
        )
        self.weight.requires_grad_(False)

    def reset_parameters(self) -> None:
        """Gives the weight its tent."""
        size = self.kernel_size[0]
        middle = (size - 1) / 2
        tent = 1 - (torch.arange(size) - middle).abs() / self.stride[0]
        weight = torch.zeros(self.weight.shape)
        for channel in range(self.out_channels):
            weight[channel, channel if self.groups == 1 else 0] = torch.outer(
                tent, tent
            )
        with torch.no_grad():
            self.weight.copy_(weight)
