"""Padding to a size."""

from __future__ import annotations

from collections.abc import Sequence

import torch.nn.functional as F
from torch import Tensor


def pad_to(x: Tensor, sizes: Sequence[int]) -> Tensor:
    """Zeros around a map to given sizes, the larger part of an odd rest behind."""
    sides: list[int] = []
    for size, own in zip(reversed(sizes), reversed(x.shape[2:]), strict=True):
        sides += [(size - own) // 2, size - own - (size - own) // 2]
    return F.pad(x, sides)
