"""Large kernel attention (arXiv 2202.09741)."""

from __future__ import annotations

from torch import Tensor, nn


class LargeKernelAttention2d(nn.Module):
    """A large depthwise kernel in two steps, the second dilated, as a factor."""

    def __init__(self, channels: int, kernel_size: int = 21, dilation: int = 3) -> None:
        super().__init__()
        small, large = 2 * dilation - 1, -(-kernel_size // dilation)
        self.depthwise = nn.Conv2d(
            channels, channels, small, padding=small // 2, groups=channels
        )
        self.dilated = nn.Conv2d(
            channels,
            channels,
            large,
            padding=dilation * (large - 1) // 2,
            dilation=dilation,
            groups=channels,
        )
        self.pointwise = nn.Conv2d(channels, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        factors: Tensor = self.pointwise(self.dilated(self.depthwise(x)))
        return x * factors
