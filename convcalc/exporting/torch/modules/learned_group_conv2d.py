"""Learned group convolution (arXiv 1711.09224)."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class LearnedGroupConv2d(nn.Module):
    """Norm, ReLU and a convolution that learns its groups (CondenseNet).

    Converted, an index puts the inputs that each group kept in order; in training, a
    mask is multiplied with the weight, which is whole.
    """

    def __init__(
        self, channels: int, out: int, groups: int, factor: int, converted: bool = True
    ) -> None:
        super().__init__()
        kept = channels * groups // factor if converted else channels
        self.groups, self.converted = (groups, converted)
        self.norm = nn.BatchNorm2d(kept)
        self.conv = nn.Conv2d(
            kept, out, 1, groups=groups if converted else 1, bias=False
        )
        held = (
            torch.arange(kept) % channels
            if converted
            else self.conv.weight.detach() * 0 + 1
        )
        self.register_buffer("index" if converted else "mask", held)

    def forward(self, x: Tensor) -> Tensor:
        if not self.converted:
            weight = self.conv.weight * self.get_buffer("mask")
            return F.conv2d(F.relu(self.norm(x)), weight)
        x = F.relu(self.norm(x.index_select(1, self.get_buffer("index"))))
        made: Tensor = self.conv(x)
        return torch.unflatten(made, 1, (self.groups, -1)).transpose(1, 2).flatten(1, 2)
