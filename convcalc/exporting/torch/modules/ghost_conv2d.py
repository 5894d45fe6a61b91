"""Ghost module (arXiv 1911.11907)."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class GhostConv2d(nn.Module):
    """A convolution makes some channels, cheap depthwise filters the others."""

    def __init__(
        self,
        channels: int,
        out: int,
        kernel_size: int = 1,
        dw_size: int = 3,
        ratio: int = 2,
        stride: int = 1,
        relu: bool = True,
    ) -> None:
        super().__init__()
        own = -(-out // ratio)
        self.out = out
        self.primary = self._stage(
            nn.Conv2d(
                channels, own, kernel_size, stride, padding=kernel_size // 2, bias=False
            ),
            relu,
        )
        self.cheap = self._stage(
            nn.Conv2d(
                own,
                own * (ratio - 1),
                dw_size,
                padding=dw_size // 2,
                groups=own,
                bias=False,
            ),
            relu,
        )

    @staticmethod
    def _stage(conv: nn.Conv2d, relu: bool) -> nn.Sequential:
        stage = nn.Sequential(conv, nn.BatchNorm2d(conv.out_channels))
        if relu:
            stage.append(nn.ReLU())
        return stage

    def forward(self, x: Tensor) -> Tensor:
        own = self.primary(x)
        return torch.cat([own, self.cheap(own)], dim=1)[:, : self.out]
