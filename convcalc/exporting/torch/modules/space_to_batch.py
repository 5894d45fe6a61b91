"""Positions to samples."""

from __future__ import annotations

import torch
from torch import Tensor


def space_to_batch(x: Tensor, factor: int) -> Tensor:
    """Every factor-th position as a sample of its own: (N·f², C, H / f, W / f)."""
    x = torch.unflatten(torch.unflatten(x, 3, (-1, factor)), 2, (-1, factor))
    return x.permute(3, 5, 0, 1, 2, 4).flatten(0, 2)
