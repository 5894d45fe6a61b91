"""RoI Align (arXiv 1703.06870)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from convcalc.exporting.torch.modules.sampled import sampled


class RoiAlign(nn.Module):
    """Means of bilinear samples in the bins of boxes.

    Boxes (N, K, 4) are left, top, right and bottom, K for each image, in units of which
    ``scale`` are a position of the map; the result is (N·K, C, size, size).
    """

    def __init__(self, size: int, scale: float, samples: int = 2) -> None:
        super().__init__()
        self.size, self.scale, self.samples = size, scale, samples

    def forward(self, x: Tensor, boxes: Tensor) -> Tensor:
        count = self.size * self.samples
        left, top, right, bottom = (boxes * self.scale).unbind(dim=2)
        step = (torch.arange(count, device=x.device) + 0.5) / count
        down = top[..., None] + (bottom - top)[..., None] * step
        across = left[..., None] + (right - left)[..., None] * step
        places = (*boxes.shape[:2], count, count)
        seen = sampled(
            x, down[..., None].expand(places), across[:, :, None].expand(places)
        )
        seen = seen.transpose(1, 2).flatten(0, 1)
        bins = seen.reshape(*seen.shape[:2], self.size, self.samples, self.size, -1)
        return bins.mean(dim=(3, 5))
