"""TensorFlow's padding."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn


class SamePad(nn.Module):
    """Pads as TensorFlow does, so that a window gives ceil(size / stride) outputs."""

    def __init__(
        self, kernel_size: int, stride: int = 1, dilation: int = 1, value: float = 0.0
    ) -> None:
        super().__init__()
        self.extent = dilation * (kernel_size - 1) + 1
        self.stride = stride
        self.value = value

    def forward(self, x: Tensor) -> Tensor:
        sides: list[int] = []
        for size in reversed(x.shape[2:]):
            windows = -(-size // self.stride)
            more = max((windows - 1) * self.stride + self.extent - size, 0)
            sides += [more // 2, more - more // 2]
        return F.pad(x, sides, value=self.value)
