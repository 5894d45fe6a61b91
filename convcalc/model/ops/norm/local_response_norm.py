"""Local response norm: each element is divided by the energy of its neighbouring channels.

    y_c = x_c / (k + alpha / size · sum of x_i^2 over i in the window)^beta
    window of size channels around c: from c - floor(size / 2) to c + floor((size - 1) / 2)

No parameters, no MACs; the shape stays, and positions do not mix. Counts size + 5 elementwise
operations per output element: a square, size additions of the window (those beyond the first and
the last channel included), then alpha, k, the power and the division.

Common mistakes: PyTorch and Caffe divide alpha by size, the formula of the AlexNet paper does
not: its alpha 10^-4 for 5 channels is 5·10^-4 here; likewise TensorFlow, whose depth_radius 2 is
size 5. PyTorch's defaults k = 1 and size without default are not the paper's k = 2 and 5.

Source: PyTorch ``torch.nn.LocalResponseNorm``; Krizhevsky et al., "ImageNet classification with
deep convolutional neural networks", section 3.3.
"""

from __future__ import annotations

from collections.abc import Sequence

from convcalc.model.geometry.channel_maps import Band
from convcalc.model.operators import fields
from convcalc.model.operators.contract import ELEMENTWISE, Analysis, Kept, Operator, Term, operator
from convcalc.model.operators.work import pointwise_analysis, work
from convcalc.model.quantities.formula import formula
from convcalc.model.quantities.shape import Shape


@operator
class LocalResponseNorm(Operator):
    """The norm; see the module's docstring."""

    ranks = (1, 3)

    size: int = fields.integer("channels of a window", minimum=1)
    alpha: float = fields.number("factor of the window's mean square", 1e-4)
    beta: float = fields.number("exponent", 0.75)
    k: float = fields.number("summand, which keeps the divisor away from zero", 1.0)

    def analyse(self, inputs: Sequence[Shape]) -> Analysis:
        """Each element from the same position of its window's channels."""
        (x,) = inputs
        return pointwise_analysis(
            x,
            Term("norm", ELEMENTWISE, work(operations(self.size), x.numel)),
            channels=(Band(self.size // 2, (self.size - 1) // 2),),
        )

    def kept(self, inputs: Sequence[Shape], output: Shape) -> Kept:
        """The padded squares, their means, and the divisor."""
        squares = output.with_channels(output.channels + self.size - 1)
        return Kept(squares.numel + 2 * output.numel)


@formula
def operations(size: int) -> int:
    """Per element: a square, a sum of size squares, alpha, k, the power, the division."""
    return 1 + size + 4
