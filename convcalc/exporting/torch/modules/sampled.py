"""Bilinear samples at given positions."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor


def sampled(x: Tensor, down: Tensor, across: Tensor) -> Tensor:
    """Read x (N, C, H, W) at positions (N, taps, h, w): (N, C, taps, h, w).

    Positions count from the first element; outside of the map is zero.
    """
    height, width = x.shape[2:]
    grid = torch.stack(
        [(2 * across + 1) / width - 1, (2 * down + 1) / height - 1], dim=-1
    )
    made = F.grid_sample(x, grid.flatten(2, 3), align_corners=False)
    return torch.unflatten(made, 3, down.shape[2:])
