"""Positions to samples."""

from __future__ import annotations

from torch import Tensor


def space_to_batch(x: Tensor, factor: int) -> Tensor:
    """Every factor-th position as a sample of its own: (N·f², C, H / f, W / f)."""
    x = x.unflatten(3, (-1, factor)).unflatten(2, (-1, factor))
    return x.permute(3, 5, 0, 1, 2, 4).flatten(0, 2)
