"""Samples to positions."""

from __future__ import annotations

import torch
from torch import Tensor


def batch_to_space(x: Tensor, factor: int) -> Tensor:
    """Undoes space_to_batch: (N·f², C, H, W) to (N, C, H·f, W·f)."""
    x = torch.unflatten(x, 0, (factor, factor, -1)).permute(2, 3, 4, 0, 5, 1)
    return x.flatten(4, 5).flatten(2, 3)
