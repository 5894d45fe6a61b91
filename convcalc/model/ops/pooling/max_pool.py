"""Max pooling: the greatest value in each window, channel by channel.

    out_size = floor((n + p_before + p_after - d·(k - 1) - 1) / s) + 1     per axis

n input size, k kernel_size, s stride (kernel_size if not given), p padding, d dilation. With
ceil_mode the division rounds up, so that the last window may hang over the end; a window that
would start behind the input and the padding before it is left out. The padding may be at most
half of kernel_size, as PyTorch demands; that holds for kernel_size itself, not for the dilated
extent. Padding ``same`` is TensorFlow's: ceil(n / s) outputs.

No parameters and no MACs. Every window counts one comparison per tap as elementwise work,
taps in the padding and beyond the end included.

Common mistakes: the default stride is kernel_size, not 1. Size 112 with k = 3, s = 2, p = 0 gives
55, with ceil_mode 56, with p = 1 also 56, but from other windows.

Source: PyTorch ``torch.nn.MaxPool2d``.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from convcalc.model.geometry.sizes import Padding
from convcalc.model.operators import fields
from convcalc.model.operators.contract import Analysis, Kept, Operator, Problem, operator
from convcalc.model.ops.pooling._pooling import INDEX_BYTES, pool_problems, pool_windows
from convcalc.model.quantities.shape import Shape


@operator
class MaxPool(Operator):
    """A max pooling; see the module's docstring."""

    ranks = (1, 3)

    kernel_size: tuple[int, ...] = fields.kernel_size()
    stride: tuple[int, ...] | None = fields.stride(
        None, "input positions from one window to the next, per axis; kernel_size if not given"
    )
    padding: Padding = fields.padding()
    dilation: tuple[int, ...] = fields.dilation()
    ceil_mode: bool = fields.flag("whether the last window may hang over the end", False)

    def check(self, inputs: Sequence[Shape]) -> Iterator[Problem]:
        """A window must fit, and the padding may be half a kernel at most."""
        (x,) = inputs
        stride = self.stride or self.kernel_size
        return pool_problems(
            x, self.kernel_size, stride, self.padding, self.dilation, self.ceil_mode
        )

    def analyse(self, inputs: Sequence[Shape]) -> Analysis:
        """One window per output position."""
        (x,) = inputs
        stride = self.stride or self.kernel_size
        return pool_windows(
            x, self.kernel_size, stride, self.padding, self.dilation, self.ceil_mode
        )

    def kept(self, inputs: Sequence[Shape], output: Shape) -> Kept:
        """Where each maximum was found."""
        return Kept(index_bytes=INDEX_BYTES * output.numel)
