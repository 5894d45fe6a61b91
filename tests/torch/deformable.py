"""Deformable convolutions and RoI poolings in PyTorch, written from the papers' equations.

They really sample, so that shapes and counts come from tensors: each module keeps in ``work``
the products that it multiplied besides matrices and convolutions, which PyTorch's own counter
sees. The learned parameters are named as convcalc names them.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from itertools import product
from math import ceil, prod
from typing import Any

import torch
from torch import nn
from torch.nn import functional

CONVOLUTIONS = {1: nn.Conv1d, 2: nn.Conv2d, 3: nn.Conv3d}


def interpolated(x: torch.Tensor, at: Sequence[torch.Tensor]) -> tuple[torch.Tensor, int]:
    """``x`` (N, C, *sizes) at one tensor of positions (N, *any) per axis, and the products made.

    Linear between neighbours, zero outside: the sum over the corners around each position.
    """
    total, products = torch.zeros(()), 0
    for corner in product((0, 1), repeat=len(at)):
        weight, index, inside = (
            torch.ones(()),
            torch.zeros((), dtype=torch.long),
            torch.tensor(True),
        )
        for axis, (size, side) in enumerate(zip(x.shape[2:], corner, strict=True)):
            low = at[axis].floor()
            weight = weight * (at[axis] - low if side else 1 - (at[axis] - low))
            place = low.long() + side
            inside = inside & (place >= 0) & (place < size)
            index = index * size + place.clamp(0, size - 1)
        flat = index.flatten(1)[:, None].expand(-1, x.shape[1], -1)
        values = x.flatten(2).gather(2, flat).reshape(*x.shape[:2], *index.shape[1:])
        total = total + values * (weight * inside)[:, None]
        products += values.numel()
    return total, products


def grid(
    sizes: Sequence[int], kernel: Sequence[int], stride: Any, padding: Any, dilation: Any
) -> list[torch.Tensor]:
    """Where each tap lies for each output, per axis: (K, *sizes)."""
    taps = list(product(*map(range, kernel)))
    places = []
    for axis, size in enumerate(sizes):
        starts = torch.arange(size) * stride[axis] - padding[axis]
        shape = [size if k == axis else 1 for k in range(len(sizes))]
        steps = torch.tensor([tap[axis] * dilation[axis] for tap in taps])
        steps = steps.reshape(-1, *[1] * len(sizes))
        places.append((starts.reshape(shape) + steps).expand(len(taps), *sizes).float())
    return places


class Deformable(nn.Module):
    """Versions 1 and 2. y(p) = sum over taps of w_k · x(p + p_k + offset_k) · mask_k."""

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel: Sequence[int],
        stride: Sequence[int],
        padding: Sequence[int],
        dilation: Sequence[int],
        groups: int = 1,
        deform_groups: int = 1,
        bias: bool = True,
        modulated: bool = False,
        external: bool = False,
    ) -> None:
        super().__init__()
        self.window = (kernel, stride, padding, dilation)
        self.groups, self.deform_groups, self.modulated = groups, deform_groups, modulated
        if in_channels % groups or out_channels % groups or in_channels % deform_groups:
            raise ValueError("groups do not divide")
        rank = len(kernel)
        self.weight = nn.Parameter(torch.randn(out_channels, in_channels // groups, *kernel))
        self.bias = nn.Parameter(torch.randn(out_channels)) if bias else None
        if not external:
            maps = (rank + modulated) * prod(kernel) * deform_groups
            self.offset = CONVOLUTIONS[rank](in_channels, maps, *self.window)
        self.work: dict[str, int] = {}

    def forward(self, x: torch.Tensor, *maps: torch.Tensor) -> torch.Tensor:
        kernel, taps, rank = self.window[0], prod(self.window[0]), len(self.window[0])
        if not maps:
            guide = self.offset(x)
            maps = (guide,)
            if self.modulated:
                maps = (
                    guide[:, : -taps * self.deform_groups],
                    guide[:, -taps * self.deform_groups :],
                )
                maps = (maps[0], maps[1].sigmoid())
        n, sizes, split = x.shape[0], maps[0].shape[2:], self.deform_groups
        places = grid(sizes, kernel, *self.window[1:])
        offsets = maps[0].reshape(n * split, taps, rank, *sizes)
        at = [place + offsets[:, :, axis] for axis, place in enumerate(places)]
        samples, made = interpolated(x.reshape(n * split, -1, *x.shape[2:]), at)
        self.work = {"sampling": made}
        if self.modulated:
            samples = samples * maps[1].reshape(n * split, 1, taps, *sizes)
            self.work["modulation"] = samples.numel()
        columns = samples.reshape(n, self.groups, -1, prod(sizes))
        rows = self.weight.reshape(self.groups, -1, columns.shape[2])
        y = (rows @ columns).reshape(n, -1, *sizes)
        return y if self.bias is None else y + self.bias.reshape(-1, *[1] * rank)


class DynamicSampling(nn.Module):
    """Versions 3 and 4. y_g(p) = sum over taps of m_gk · x_g(p + p_k + offset_gk), projected."""

    def __init__(
        self,
        version: int,
        channels: int,
        kernel: int = 3,
        dilation: int = 1,
        groups: int = 4,
        dw_kernel: int | None = None,
        center: bool = False,
        remove_center: bool = False,
        scale: float = 1.0,
        output_bias: bool = True,
        pointwise: bool = True,
    ) -> None:
        super().__init__()
        if channels % groups or (version == 4 and channels // groups % 16):
            raise ValueError("groups do not divide")
        if remove_center and (kernel % 2 == 0 or kernel == 1):
            raise ValueError("no center to remove")
        self.version, self.kernel, self.dilation, self.groups = version, kernel, dilation, groups
        self.remove_center, self.scale, self.pointwise = remove_center, scale, pointwise
        self.taps = kernel * kernel - remove_center
        if version == 3:
            dw_kernel = dw_kernel or kernel
            self.norm = nn.LayerNorm(channels)
            self.offset = nn.Linear(channels, groups * self.taps * 2)
            self.mask = nn.Linear(channels, groups * self.taps)
        else:
            self.offset_mask = nn.Linear(channels, ceil(3 * groups * self.taps / 8) * 8)
        self.dw = None
        if dw_kernel is not None:
            half = (dw_kernel - 1) // 2
            self.dw = nn.Conv2d(channels, channels, dw_kernel, 1, half, groups=channels)
        if pointwise:
            name = "input_proj" if version == 3 else "value_proj"
            setattr(self, name, nn.Linear(channels, channels))
            self.output_proj = nn.Linear(channels, channels, bias=output_bias)
        self.center_feature_scale = nn.Linear(channels, groups) if center else None
        self.work: dict[str, int] = {}

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        n, channels, *sizes = x.shape
        rows = x.movedim(1, -1)
        value = rows
        if self.pointwise:
            value = (self.input_proj if self.version == 3 else self.value_proj)(rows)
        guide = rows if self.dw is None else self.dw(x).movedim(1, -1)
        if tuple(guide.shape[1:3]) != tuple(sizes):
            raise ValueError("offsets at other positions than the input's")
        offset, factors = self.guided(guide)
        samples, made = interpolated(self.grouped(value), self.places(offset, sizes))
        self.work = {"sampling": made}
        # (N·G, C/G, P, positions) -> one product of a row with a column per group and position
        columns = samples.reshape(n, self.groups, -1, self.taps, prod(sizes)).permute(0, 1, 4, 2, 3)
        m = factors.reshape(n, prod(sizes), self.groups, self.taps).transpose(1, 2)
        y = (columns @ m[..., None])[..., 0]
        y = y.permute(0, 2, 1, 3).reshape(n, *sizes, channels)
        if self.center_feature_scale is not None:
            gate = self.center_feature_scale(guide if self.version == 3 else y).sigmoid()
            gate = gate.repeat_interleave(channels // self.groups, -1)
            y = y * (1 - gate) + value * gate
        return (self.output_proj(y) if self.pointwise else y).movedim(-1, 1)

    def guided(self, guide: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Offsets and factors per position."""
        n, h, w, _ = guide.shape
        if self.version == 3:
            hidden = functional.gelu(self.norm(guide))
            mask = self.mask(hidden).reshape(n, h, w, self.groups, self.taps).softmax(-1)
            return self.offset(hidden).reshape(n, h, w, self.groups, self.taps, 2), mask
        used = self.offset_mask(guide)[..., : 3 * self.groups * self.taps]
        used = used.reshape(n, h, w, self.groups, self.taps * 3)
        offset = used[..., : self.taps * 2].reshape(n, h, w, self.groups, self.taps, 2)
        return offset, used[..., self.taps * 2 :]

    def grouped(self, value: torch.Tensor) -> torch.Tensor:
        n, h, w, channels = value.shape
        return value.movedim(-1, 1).reshape(n * self.groups, channels // self.groups, h, w)

    def places(self, offset: torch.Tensor, sizes: Sequence[int]) -> list[torch.Tensor]:
        """Positions of the taps; those of group g of sample n stand at n·G + g."""
        center = self.dilation * (self.kernel - 1) // 2
        taps = list(product(range(self.kernel), repeat=2))
        if self.remove_center:
            taps.remove((self.kernel // 2, self.kernel // 2))
        places = []
        for axis, size in enumerate(sizes):
            shape = [1, 1, 1, 1]
            shape[axis + 2] = size
            steps = torch.tensor([t[axis] * self.dilation - center for t in taps])
            moved = (
                offset[..., axis].permute(0, 3, 4, 1, 2).flatten(0, 1) + steps[None, :, None, None]
            )
            places.append(torch.arange(size).reshape(shape) + moved * self.scale)
        return places


class DeformRoi(nn.Module):
    """Both passes of deformable RoI pooling; ``boxes`` rows are (y1, x1, y2, x2) in positions."""

    def __init__(
        self,
        channels: int,
        bins: tuple[int, int],
        boxes: torch.Tensor,
        ratio: int,
        head: str,
        modulated: bool,
        hidden: int,
    ) -> None:
        super().__init__()
        self.bins, self.boxes, self.ratio, self.modulated, self.head = (
            bins,
            boxes,
            ratio,
            modulated,
            head,
        )
        k = prod(bins)
        flat = channels * k
        if head == "mmcv":
            self.offset = nn.ModuleDict(
                {
                    "fc1": nn.Linear(flat, hidden),
                    "fc2": nn.Linear(hidden, hidden),
                    "fc3": nn.Linear(hidden, 2 * k),
                }
            )
            if modulated:
                self.mask = nn.ModuleDict(
                    {"fc1": nn.Linear(flat, hidden), "fc2": nn.Linear(hidden, k)}
                )
        elif modulated:
            self.fc1, self.fc2 = nn.Linear(flat, hidden), nn.Linear(hidden, hidden)
            self.offset_mask = nn.Linear(hidden, 3 * k)
        else:
            self.offset = nn.Linear(flat, 2 * k)
        self.work = {"sampling": 0, "modulation": 0}

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.work = {"sampling": 0, "modulation": 0}
        k = prod(self.bins)
        plain = self.pooled(x, torch.zeros(x.shape[0] * len(self.boxes), 2, *self.bins))
        flat, mask = plain.flatten(1), None
        if self.head == "mmcv":
            hidden = self.offset["fc2"](self.offset["fc1"](flat).relu()).relu()
            offset = self.offset["fc3"](hidden)
            if self.modulated:
                mask = self.mask["fc2"](self.mask["fc1"](flat).relu())
        elif self.modulated:
            both = self.offset_mask(self.fc2(self.fc1(flat).relu()).relu())
            offset, mask = both[:, : 2 * k], both[:, 2 * k :]
        else:
            offset = self.offset(flat)
        y = self.pooled(x, offset.reshape(-1, 2, *self.bins))
        if mask is not None:
            y = y * mask.sigmoid().reshape(-1, 1, *self.bins)
            self.work["modulation"] += y.numel()
        return y

    def pooled(self, x: torch.Tensor, offsets: torch.Tensor) -> torch.Tensor:
        """Every bin's average of its samples, moved by 0.1 · offset · box size."""
        results = []
        for sample, box in product(range(x.shape[0]), range(len(self.boxes))):
            y1, x1, y2, x2 = self.boxes[box].tolist()
            move = offsets[sample * len(self.boxes) + box]
            at = [
                self.samples(y1, y2, self.bins[0], move[0], 0),
                self.samples(x1, x2, self.bins[1], move[1], 1),
            ]
            counts = [place.shape[-1] for place in at]
            both = [at[0][..., :, None].expand(*self.bins, *counts)]
            both.append(at[1][..., None, :].expand(*self.bins, *counts))
            values, made = interpolated(x[sample : sample + 1], [place[None] for place in both])
            self.work["sampling"] += made
            results.append(values.mean((-1, -2))[0])
        return torch.stack(results)

    def samples(
        self, low: float, high: float, bins: int, move: torch.Tensor, axis: int
    ) -> torch.Tensor:
        """Positions of the samples of each bin along one axis: (*bins, S)."""
        step = (high - low) / bins
        count = self.ratio if self.ratio > 0 else ceil(step)
        starts = low - 0.5 + torch.arange(bins) * step
        starts = starts[:, None] if axis == 0 else starts[None, :]
        inner = (torch.arange(count) + 0.5) * step / count
        return (starts + 0.1 * move * (high - low))[..., None] + inner


def torchvision_ops() -> Any:
    """``torchvision.ops``, whose modules and functions in Python serve even where its compiled
    operators do not load; then the two that it looks for while it is imported are declared."""
    try:
        import torchvision.ops
    except RuntimeError:
        for name in [name for name in sys.modules if name.split(".")[0] == "torchvision"]:
            del sys.modules[name]
        declared = torch.library.Library("torchvision", "FRAGMENT")
        for name in ("nms", "qnms"):
            declared.define(f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
        import torchvision.ops
    return torchvision.ops
