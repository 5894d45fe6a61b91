"""Adaptive max pooling: the greatest value of each of output_size parts of an axis.

    out_size = output_size                                     per axis; null keeps the size
    window y = floor(y·n / m) to ceil((y + 1)·n / m) - 1       of n input positions, m outputs

n input size, m output_size. Where m divides n the windows are n/m long and do not overlap;
elsewhere they differ in size, and neighbours may share a position. m may exceed n: then values
repeat. With output_size 1 this is the global pooling that keeps its axes.

No parameters and no MACs. Every window counts one comparison per position of its own, the exact
sum of window sizes, as elementwise work: over an axis that sum is n + m - gcd(n, m).

Common mistakes: the windows are not those of one kernel_size and stride unless m divides n, so
the receptive field differs from output to output. It depends on the input size, which must
be known for it.

Source: PyTorch ``torch.nn.AdaptiveMaxPool2d``; window borders as in ATen's AdaptivePooling.h.
"""

from __future__ import annotations

from collections.abc import Sequence

from convcalc.model.operators import fields
from convcalc.model.operators.contract import Analysis, Kept, Operator, operator
from convcalc.model.ops.pooling._pooling import INDEX_BYTES, pool_parts
from convcalc.model.quantities.shape import Shape


@operator
class AdaptiveMaxPool(Operator):
    """An adaptive max pooling; see the module's docstring."""

    ranks = (1, 3)

    output_size: tuple[int | None, ...] = fields.field(
        "sizes", "output positions per axis; null keeps the size", minimum=1
    )

    def analyse(self, inputs: Sequence[Shape]) -> Analysis:
        """One window per output position."""
        return pool_parts(inputs[0], self.output_size)

    def kept(self, inputs: Sequence[Shape], output: Shape) -> Kept:
        """Where each maximum was found."""
        return Kept(index_bytes=INDEX_BYTES * output.numel)
