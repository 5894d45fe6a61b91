"""Power-average pooling: the p-norm of each window, channel by channel.

    y = (sum of x^p over the window)^(1/p)
    out_size = floor((n - k) / s) + 1     per axis

n input size, k kernel_size, s stride (kernel_size if not given), p norm_type: 1 is a sum, 2 the
Euclidean norm, infinity would be the maximum. With ceil_mode the division rounds up. There is no
padding. No parameters and no MACs. Every window counts two operations per tap, the power and the
sum, and one per output element, the root.

Common mistake: for odd p PyTorch takes the root of the sum with its sign; a window whose sum is
0 has no gradient.

Source: PyTorch ``torch.nn.LPPool2d``.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from convcalc.model.operators import fields
from convcalc.model.operators.contract import (
    ELEMENTWISE,
    Analysis,
    Operator,
    Problem,
    Term,
    operator,
)
from convcalc.model.operators.work import work, work_of_taps
from convcalc.model.ops.pooling._pooling import larger_windows, pool_problems, pool_windows
from convcalc.model.quantities.shape import Shape


@operator
class LpPool(Operator):
    """A power-average pooling; see the module's docstring."""

    ranks = (1, 3)

    norm_type: float = fields.number("the exponent p", minimum=1)
    kernel_size: tuple[int, ...] = fields.kernel_size()
    stride: tuple[int, ...] | None = fields.stride(
        None, "input positions from one window to the next, per axis; kernel_size if not given"
    )
    ceil_mode: bool = fields.flag("whether the last window may hang over the end", False)

    def check(self, inputs: Sequence[Shape]) -> Iterator[Problem]:
        """A window must fit, on three axes without hanging over."""
        (x,) = inputs
        stride = self.stride or self.kernel_size
        nothing, ones = ((0, 0),) * x.rank, (1,) * x.rank
        found = pool_problems(x, self.kernel_size, stride, nothing, ones, self.ceil_mode)
        problems = list(found)
        yield from problems
        if not problems and x.rank > 2:
            yield from larger_windows(x, self.kernel_size)

    def analyse(self, inputs: Sequence[Shape]) -> Analysis:
        """One window per output position."""
        (x,) = inputs
        stride = self.stride or self.kernel_size
        nothing, ones = ((0, 0),) * x.rank, (1,) * x.rank
        found = pool_windows(x, self.kernel_size, stride, nothing, ones, self.ceil_mode)
        taps = work_of_taps(found.output.numel, self.kernel_size)
        terms = (
            Term("pool", ELEMENTWISE, work(2, taps)),
            Term("root", ELEMENTWISE, found.output.numel),
        )
        return found._replace(terms=terms)
