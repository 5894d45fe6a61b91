"""Linear upsampling by a whole factor, as a transposed convolution with fixed weights.

    k = 2·f - f mod 2,   s = f,   p = ceil((f - 1) / 2)           per axis, f the factor
    out_size = f·n   with that padding;   (n - 1)·f - p_before - p_after + k   with another
    weight   = (channels, 1, *k),         one filter for each channel
             = (channels, channels, *k),  not grouped, as in FCN
    MACs     = batch · prod(n) · prod(weight)

n input size. The weights are the tent that linear interpolation draws over the positions, they
are never trained: params counts them, trainable does not. Built from ``conv_transpose`` without
a bias. The factor may differ per axis; on one axis it is linear interpolation, on two bilinear,
on three trilinear.

``grouped: false`` is FCN's form: a full channels × channels weight of which only the diagonal is
not zero (the fact nonzeros), with as many times the MACs as there are channels: its upscore2 for
21 classes stores 21·21·4·4 = 7056 numbers, 336 of them not zero. Grouped, factor 8 for 21 classes
stores 21·16·16 = 5376. FCN has padding 0, where the output is f or f - 1 positions larger than
f·n, and crops it against a skip or the image.

Common mistakes: at the border it differs from ``upsample`` with mode linear, which repeats the
last position where this one reads zeros. The factor is not a kernel size: factor 2 has k = 4.

Source: Long et al., "Fully convolutional networks", arXiv 1411.4038, and
shelhamer/fcn.berkeleyvision.org, surgery.py and net.py; fyu/dilation, network.py.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import prod

from convcalc.model.geometry.sizes import Padding
from convcalc.model.operators import fields
from convcalc.model.operators.contract import Analysis, Operator, Problem, operator
from convcalc.model.ops.convolution.conv_transpose import ConvTranspose
from convcalc.model.quantities.formula import formula
from convcalc.model.quantities.shape import Shape


@operator
class BilinearConvTranspose(Operator):
    """The upsampling; see the module's docstring."""

    ranks = (1, 3)

    factor: tuple[int, ...] = fields.axes("output positions per input position", minimum=1)
    padding: Padding | None = fields.padding(
        None,
        "positions removed before and after each axis, per axis [h, w] or per side "
        "[[top, bottom], [left, right]]; so that the size becomes factor · n if not given",
    )
    grouped: bool = fields.flag("whether each channel has a filter of its own", True)

    def check(self, inputs: Sequence[Shape]) -> Iterator[Problem]:
        """Something must remain of the output."""
        return self.transposed(inputs[0]).check(inputs)

    def analyse(self, inputs: Sequence[Shape]) -> Analysis:
        """The transposed convolution's analysis; its weight is frozen."""
        (x,) = inputs
        conv = self.transposed(x)
        facts = {} if self.grouped else {"nonzeros": x.channels * prod(conv.kernel_size)}
        return conv.analyse(inputs)._replace(frozen=frozenset({"weight"}), facts=facts)

    def transposed(self, x: Shape) -> ConvTranspose:
        """The transposed convolution that it is at an input."""
        padding = tuple((centring(f), centring(f)) for f in self.factor)
        return ConvTranspose(
            out_channels=x.channels,
            kernel_size=tuple(map(tent_size, self.factor)),
            stride=self.factor,
            padding=padding if self.padding is None else self.padding,
            output_padding=(0,) * x.rank,
            dilation=(1,) * x.rank,
            groups=x.channels if self.grouped else 1,
            bias=False,
        )


@formula
def tent_size(factor: int) -> int:
    """Taps of the tent that linear interpolation draws: 2·f - f mod 2."""
    return 2 * factor - factor % 2


@formula
def centring(factor: int) -> int:
    """The padding that leaves factor · n positions: ceil((f - 1) / 2)."""
    return factor // 2
