"""A layer norm over the channels of a map."""

from __future__ import annotations

from torch import Tensor, nn


class ChannelLayerNorm(nn.LayerNorm):
    """A layer norm over axis 1, at each position alone: (N, C, …) keeps its shape."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x.movedim(1, -1)).movedim(-1, 1)
