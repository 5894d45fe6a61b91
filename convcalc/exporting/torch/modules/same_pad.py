"""TensorFlow's padding."""

from __future__ import annotations

from collections.abc import Sequence

import torch.nn.functional as F
from torch import Tensor, nn


class SamePad(nn.Module):
    """Pads as TensorFlow does, so that a window gives ceil(size / stride) outputs.

    Each number is that of all axes, or there is one for each.
    """

    def __init__(
        self,
        kernel_size: int | Sequence[int],
        stride: int | Sequence[int] = 1,
        dilation: int | Sequence[int] = 1,
        value: float = 0.0,
    ) -> None:
        super().__init__()
        self.kernel_size, self.stride, self.dilation = kernel_size, stride, dilation
        self.value = value

    def forward(self, x: Tensor) -> Tensor:
        sides: list[int] = []
        for axis in reversed(range(x.dim() - 2)):
            size, stride = x.shape[2 + axis], self.of_axis(self.stride, axis)
            extent = self.of_axis(self.dilation, axis) * (
                self.of_axis(self.kernel_size, axis) - 1
            )
            more = max((-(-size // stride) - 1) * stride + extent + 1 - size, 0)
            sides += [more // 2, more - more // 2]
        return F.pad(x, sides, value=self.value)

    @staticmethod
    def of_axis(numbers: int | Sequence[int], axis: int) -> int:
        """The number of one axis."""
        return numbers if isinstance(numbers, int) else numbers[axis]
