"""The operator of InternImage (arXiv 2211.05778)."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from convcalc.exporting.torch.modules.sampled import sampled


class DeformConvV3(nn.Module):
    """Groups of channels, summed over taps that the input moves and weighs (DCNv3)."""

    def __init__(
        self,
        channels: int,
        groups: int,
        kernel_size: int = 3,
        dw_size: int = 3,
        spread: float = 1.0,
        center: bool = False,
    ) -> None:
        super().__init__()
        self.groups, self.kernel_size, self.spread = (groups, kernel_size, spread)
        self.dw = nn.Conv2d(
            channels, channels, dw_size, padding=dw_size // 2, groups=channels
        )
        self.norm = nn.LayerNorm(channels)
        self.offset = nn.Linear(channels, groups * kernel_size**2 * 2)
        self.mask = nn.Linear(channels, groups * kernel_size**2)
        self.input_proj = nn.Linear(channels, channels)
        self.output_proj = nn.Linear(channels, channels)
        self.center = nn.Linear(channels, groups) if center else None

    def forward(self, x: Tensor) -> Tensor:
        count, channels, height, width = x.shape
        groups, taps = (self.groups, self.kernel_size**2)
        value: Tensor = self.input_proj(x.movedim(1, -1))
        guide: Tensor = self.dw(x).movedim(1, -1)
        hidden = F.gelu(self.norm(guide))
        moves = torch.unflatten(self.offset(hidden), -1, (groups, taps, 2))
        moves = moves.permute(0, 3, 4, 5, 1, 2).flatten(0, 1)
        weights = torch.unflatten(self.mask(hidden), -1, (groups, taps)).softmax(dim=-1)
        tap = torch.arange(self.kernel_size, device=x.device) - self.kernel_size // 2
        down = tap.repeat_interleave(self.kernel_size)[:, None, None]
        across = tap.repeat(self.kernel_size)[:, None, None]
        rows = torch.arange(height, device=x.device)[:, None]
        seen = sampled(
            value.movedim(-1, 1).reshape(count * groups, -1, height, width),
            rows + (moves[:, :, 0] + down) * self.spread,
            torch.arange(width, device=x.device)
            + (moves[:, :, 1] + across) * self.spread,
        )
        seen = torch.unflatten(seen, 0, (count, groups)).permute(0, 4, 5, 1, 2, 3)
        made = (seen @ weights[..., None]).flatten(3)
        if self.center is not None:
            gate = (
                self.center(guide)
                .sigmoid()
                .repeat_interleave(channels // groups, dim=-1)
            )
            made = made * (1 - gate) + value * gate
        result: Tensor = self.output_proj(made)
        return result.movedim(-1, 1)
