"""Squeeze-and-excitation (arXiv 1709.01507)."""

from __future__ import annotations

from torch import Tensor, nn


class SqueezeExcite(nn.Module):
    """Channels weighed by what two linear maps make of their means."""

    def __init__(
        self,
        channels: int,
        squeeze: int,
        activation: nn.Module | None = None,
        gate: nn.Module | None = None,
        bias: bool = True,
        rank: int = 2,
    ) -> None:
        super().__init__()
        conv = (nn.Conv1d, nn.Conv2d, nn.Conv3d)[rank - 1]
        self.reduce = conv(channels, squeeze, 1, bias=bias)
        self.activation = nn.ReLU() if activation is None else activation
        self.expand = conv(squeeze, channels, 1, bias=bias)
        self.gate = nn.Sigmoid() if gate is None else gate

    def forward(self, x: Tensor) -> Tensor:
        means = x.mean(dim=tuple(range(2, x.dim())), keepdim=True)
        weights: Tensor = self.gate(self.expand(self.activation(self.reduce(means))))
        return x * weights
