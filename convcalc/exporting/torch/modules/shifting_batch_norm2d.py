"""A batch norm that learns no factors."""

from __future__ import annotations

import torch
from torch import nn


class ShiftingBatchNorm2d(nn.BatchNorm2d):
    """A batch norm with a learned shift and no scale (Keras: ``scale=False``)."""

    def __init__(self, num_features: int) -> None:
        super().__init__(num_features, affine=False)
        self.bias = nn.Parameter(torch.zeros(num_features))
