"""Mixed depthwise convolution (arXiv 1907.09595)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn


class MixConv2d(nn.Module):
    """Groups of channels, each convolved depthwise with a kernel of its own size."""

    def __init__(
        self,
        channels: int,
        kernels: Sequence[int],
        stride: int = 1,
        dilation: int = 1,
        bias: bool = False,
    ) -> None:
        super().__init__()
        share = channels // len(kernels)
        self.splits = [channels - share * (len(kernels) - 1)] + [share] * (
            len(kernels) - 1
        )
        self.convs = nn.ModuleList(
            (
                nn.Conv2d(
                    split,
                    split,
                    kernel,
                    stride,
                    padding=(dilation * (kernel - 1) + 1) // 2,
                    dilation=dilation,
                    groups=split,
                    bias=bias,
                )
                for split, kernel in zip(self.splits, kernels, strict=True)
            )
        )

    def forward(self, x: Tensor) -> Tensor:
        parts = torch.split(x, self.splits, dim=1)
        done = [conv(part) for conv, part in zip(self.convs, parts, strict=True)]
        return torch.cat(done, dim=1)
