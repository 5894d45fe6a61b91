"""Fractional max pooling: the maximum of windows that are drawn at random.

    out_size = output_size, or floor(n · output_ratio)     per axis

kernel_size is that of every window; their first positions are a random sequence with steps of
floor(a) or floor(a) + 1, a = (n - k) / (out_size - 1), from 0 to n - k. No parameters and no MACs.
Every window counts one comparison per tap as elementwise work.

Which positions an output reads is drawn again in each pass, so the receptive field is not known.

On three axes PyTorch demands one position more than the windows need.

Common mistake: it is random in evaluation too, unless samples are given.

Source: PyTorch ``torch.nn.FractionalMaxPool2d``; Graham, arXiv 1412.6071.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction

from convcalc.model.geometry.axis_maps import Unreadable, Whole
from convcalc.model.geometry.sizes import axis_name
from convcalc.model.operators import fields
from convcalc.model.operators.contract import (
    ELEMENTWISE,
    Analysis,
    Kept,
    Operator,
    Problem,
    Term,
    operator,
)
from convcalc.model.operators.work import OWNS, work_of_taps
from convcalc.model.ops.pooling._pooling import INDEX_BYTES
from convcalc.model.ops.rearranging.upsample import scaled_size
from convcalc.model.quantities.shape import Shape


@operator
class FractionalMaxPool(Operator):
    """The pooling; see the module's docstring."""

    ranks = (2, 3)

    kernel_size: tuple[int, ...] = fields.kernel_size()
    output_size: tuple[int, ...] | None = fields.axes("output positions per axis", None, minimum=1)
    output_ratio: tuple[Fraction, ...] | None = fields.field(
        "scales", "output positions per input position, between 0 and 1", None
    )

    def check(self, inputs: Sequence[Shape]) -> Iterator[Problem]:
        """One way to say the size, and room for the windows."""
        (x,) = inputs
        if (self.output_size is None) == (self.output_ratio is None):
            both = self.output_size is not None
            rule = "unsupported-combination" if both else "missing-key"
            message = "fractional_max_pool takes output_size or output_ratio"
            field = "output_ratio" if both else "output_size"
            yield Problem(rule, field, message + (", not both" if both else ""), "one of them")
            return
        if any(not 0 < ratio < 1 for ratio in self.output_ratio or ()):
            message = "output_ratio is a number between 0 and 1"
            yield Problem("out-of-range", "output_ratio", message, "for instance 0.7")
            return
        field = "output_ratio" if self.output_size is None else "output_size"
        for axis, (n, k, m) in enumerate(
            zip(x.spatial, self.kernel_size, self._sizes(x), strict=True)
        ):
            name = axis_name(axis, x.rank)
            if m < 1:
                message = f"output_ratio leaves no position of {name} {n}"
                yield Problem("empty-output", field, message, "a larger ratio or input", 0)
            elif m + k - 1 > n - (x.rank > 2):
                need = f"{m} windows of kernel_size {k} need {m + k - 1} positions"
                message = f"{need}, but {name} is {n}"
                most = n - k + (x.rank < 3)
                yield Problem("empty-output", field, message, f"at most {most} windows", 0)

    def analyse(self, inputs: Sequence[Shape]) -> Analysis:
        """One window per output position, nobody knows where."""
        (x,) = inputs
        output = x.with_spatial(self._sizes(x))
        axes = tuple(
            Whole() if n == k == 1 else Unreadable("its windows are drawn at random")
            for n, k in zip(x.spatial, self.kernel_size, strict=True)
        )
        work = work_of_taps(output.numel, self.kernel_size)
        return Analysis(output, (axes,), (Term("pool", ELEMENTWISE, work),), channels=OWNS)

    def _sizes(self, x: Shape) -> tuple[int, ...]:
        if self.output_size is not None:
            return self.output_size
        return tuple(map(scaled_size, x.spatial, self.output_ratio or ()))

    def kept(self, inputs: Sequence[Shape], output: Shape) -> Kept:
        """Where each maximum was found."""
        return Kept(index_bytes=INDEX_BYTES * output.numel)
