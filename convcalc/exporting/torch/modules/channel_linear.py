"""A linear map of the channels of a map or of a sequence."""

from __future__ import annotations

from torch import Tensor, nn


class ChannelLinear(nn.Linear):
    """A linear map over axis 1, the same at all positions: (N, C, …) to (N, out, …)."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x.movedim(1, -1)).movedim(-1, 1)
