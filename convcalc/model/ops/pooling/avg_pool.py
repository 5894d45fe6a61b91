"""Average pooling: the mean of each window, channel by channel.

    out_size = floor((n + p_before + p_after - k) / s) + 1     per axis

n input size, k kernel_size, s stride (kernel_size if not given), p padding. With ceil_mode the
division rounds up, so that the last window may hang over the end; a window that would start
behind the input and the padding before it is left out. The padding may be at most half of
kernel_size, as PyTorch demands. On three axes it also demands that a whole window fits into the
input without its padding. Padding ``same`` is TensorFlow's: ceil(n / s) outputs.

No parameters and no MACs. Every window counts one addition per tap as elementwise work, taps
in the padding and beyond the end included; the division is not counted. count_include_pad
says whether zeros in the padding enter the mean (PyTorch's default; TensorFlow leaves them out):
it changes values, no number here.

Common mistakes: the default stride is kernel_size, not 1. There is no dilation.

Source: PyTorch ``torch.nn.AvgPool2d``.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from convcalc.model.geometry.sizes import Padding
from convcalc.model.operators import fields
from convcalc.model.operators.contract import Analysis, Operator, Problem, operator
from convcalc.model.ops.pooling._pooling import larger_windows, pool_problems, pool_windows
from convcalc.model.quantities.shape import Shape


@operator
class AvgPool(Operator):
    """An average pooling; see the module's docstring."""

    ranks = (1, 3)

    kernel_size: tuple[int, ...] = fields.kernel_size()
    stride: tuple[int, ...] | None = fields.stride(
        None, "input positions from one window to the next, per axis; kernel_size if not given"
    )
    padding: Padding = fields.padding()
    ceil_mode: bool = fields.flag("whether the last window may hang over the end", False)
    count_include_pad: bool = fields.flag("whether zeros in the padding enter the mean", True)

    def check(self, inputs: Sequence[Shape]) -> Iterator[Problem]:
        """A window must fit, on three axes without padding; that may be half a kernel at most."""
        (x,) = inputs
        stride, ones = self.stride or self.kernel_size, (1,) * x.rank
        found = list(pool_problems(x, self.kernel_size, stride, self.padding, ones, self.ceil_mode))
        yield from found
        if found or x.rank < 3 or isinstance(self.padding, str):
            return
        yield from larger_windows(x, self.kernel_size)

    def analyse(self, inputs: Sequence[Shape]) -> Analysis:
        """One window per output position."""
        (x,) = inputs
        stride, ones = self.stride or self.kernel_size, (1,) * x.rank
        return pool_windows(x, self.kernel_size, stride, self.padding, ones, self.ceil_mode)
