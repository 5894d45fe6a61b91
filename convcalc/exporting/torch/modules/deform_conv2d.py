"""Deformable convolution (arXiv 1703.06211, 1811.11168)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from convcalc.exporting.torch.modules.sampled import sampled


class DeformConv2d(nn.Module):
    """A convolution whose taps are moved by offsets that another one makes.

    Version 2 also multiplies each tap by a factor.
    """

    def __init__(
        self,
        channels: int,
        out: int,
        kernel_size: int,
        stride: int = 1,
        padding: int = 0,
        dilation: int = 1,
        groups: int = 1,
        deform_groups: int = 1,
        bias: bool = True,
        modulated: bool = False,
    ) -> None:
        super().__init__()
        self.kernel_size, self.stride, self.padding = kernel_size, stride, padding
        self.dilation, self.groups, self.deform_groups = dilation, groups, deform_groups
        self.modulated = modulated
        conv = nn.Conv2d(channels, out, kernel_size, groups=groups, bias=bias)
        self.weight, self.bias = conv.weight, conv.bias
        maps = (3 if modulated else 2) * kernel_size**2 * deform_groups
        self.offset = nn.Conv2d(channels, maps, kernel_size, stride, padding, dilation)
        nn.init.zeros_(self.offset.weight)

    def forward(self, x: Tensor) -> Tensor:
        split, taps = self.deform_groups, self.kernel_size**2
        guide: Tensor = self.offset(x)
        height, width = guide.shape[2:]
        moves = guide[:, : 2 * taps * split].reshape(-1, taps, 2, height, width)
        tap = torch.arange(self.kernel_size, device=x.device) * self.dilation
        down = torch.arange(height, device=x.device) * self.stride - self.padding
        across = torch.arange(width, device=x.device) * self.stride - self.padding
        down = (tap.repeat_interleave(self.kernel_size)[:, None] + down)[:, :, None]
        across = (tap.repeat(self.kernel_size)[:, None] + across)[:, None]
        seen = sampled(
            x.reshape(-1, x.shape[1] // split, *x.shape[2:]),
            moves[:, :, 0] + down,
            moves[:, :, 1] + across,
        )
        if self.modulated:
            factors = guide[:, 2 * taps * split :].sigmoid()
            seen = seen * factors.reshape(-1, 1, taps, height, width)
        columns = seen.reshape(len(x), self.groups, -1, height * width)
        rows = self.weight.reshape(self.groups, -1, columns.shape[2])
        made = (rows @ columns).reshape(len(x), -1, height, width)
        return made if self.bias is None else made + self.bias.reshape(-1, 1, 1)
