"""Large kernel attention: a decomposed depthwise kernel makes a gate, which scales the input.

    depthwise -> dilated -> pointwise -> gate (times the input)          the shape stays
    depthwise.weight = (C, 1, 2d - 1, ...)               bias
    dilated.weight   = (C, 1, ceil(k / d), ...)          bias, dilation d
    pointwise.weight = (C, C, 1, ...)                    bias
    params           = C² + C·((2d - 1)^r + ceil(k / d)^r + 3)
    MACs             = batch · N · C · ((2d - 1)^r + ceil(k / d)^r + C)

C in_channels, k kernel_size (nominal), d dilation, r axes, N positions. In 2-D with k = 21 and
d = 3 that is a 5x5 and a 7x7 kernel of dilation 3: C² + 26·C + 50·C + C parameters and
(25 + 49 + C)·C MACs per position. The biases count one addition per element each, the gate
one product. There is no sigmoid and no softmax: it is attention by name.

Common mistakes: the receptive field is not the nominal 21 but 23 = 5 + 3·(7 - 1), in general
2d - 1 + d·(ceil(k / d) - 1). All three convolutions have a bias, 3·C parameters that the paper's
formula leaves out. VAN puts two more pointwise convolutions and a GELU around this layer.

Source: Guo et al., "Visual attention network" (arXiv 2202.09741), section 3.1;
Visual-Attention-Network/VAN-Classification, models/van.py.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from convcalc.model.geometry.axis_maps import IDENTITY, Union
from convcalc.model.operators import fields
from convcalc.model.operators.composing import analyse_chain, function, gated, merge_analyses
from convcalc.model.operators.contract import (
    ELEMENTWISE,
    FACTORS,
    Analysis,
    Operator,
    Problem,
    Term,
    operator,
)
from convcalc.model.ops.convolution.depthwise_conv import DepthwiseConv
from convcalc.model.ops.convolution.pointwise_conv import PointwiseConv
from convcalc.model.quantities.formula import formula
from convcalc.model.quantities.shape import Shape


@operator
class LargeKernelAttention(Operator):
    """A gate from a decomposed large kernel; see the module's docstring."""

    ranks = (1, 3)

    kernel_size: tuple[int, ...] = fields.kernel_size(21, "nominal taps per axis")
    dilation: tuple[int, ...] = fields.dilation(3)

    def check(self, inputs: Sequence[Shape]) -> Iterator[Problem]:
        """An even extent would shift the gate against the input."""
        for k, d in zip(self.kernel_size, self.dilation, strict=True):
            if d * (-(-k // d) - 1) % 2:
                taps = -(-k // d)
                message = f"{taps} taps of dilation {d} have no center: the gate would be shifted"
                advice = f"kernel_size {d * taps + 1} to {d * (taps + 1)}"
                yield Problem("unsupported-combination", "kernel_size", message, advice)
                return

    def analyse(self, inputs: Sequence[Shape]) -> Analysis:
        """Three convolutions in a row, and a product with the input."""
        (x,) = inputs
        gate = analyse_chain(self._parts(x.rank, x.channels), x)
        axes = tuple(Union((axis, IDENTITY)) for axis in gate.axes[0])  # the product reads x itself
        scale = Term("gate", ELEMENTWISE, x.numel)
        product = function("gate", (0, "pointwise"), x, scale, keeps=FACTORS, in_place=True)
        return merge_analyses(x, (axes,), gate, product, channels=(gated(x, gate.axes[0]),))

    def _parts(self, rank: int, channels: int) -> Mapping[str, Operator]:
        ones = (1,) * rank
        pairs = list(zip(self.kernel_size, self.dilation, strict=True))
        return {
            "depthwise": _size_preserving(tuple(dense_taps(d) for _, d in pairs), ones),
            "dilated": _size_preserving(tuple(dilated_taps(k, d) for k, d in pairs), self.dilation),
            "pointwise": PointwiseConv(out_channels=channels, stride=ones),
        }


def _size_preserving(kernel_size: tuple[int, ...], dilation: tuple[int, ...]) -> DepthwiseConv:
    """A depthwise convolution that keeps the size."""
    return DepthwiseConv(
        kernel_size=kernel_size,
        stride=(1,) * len(kernel_size),
        padding="half",
        dilation=dilation,
    )


@formula
def dense_taps(dilation: int) -> int:
    """Taps of the dense part, which fills the gaps of the dilated one: 2·d - 1."""
    return 2 * dilation - 1


@formula
def dilated_taps(kernel_size: int, dilation: int) -> int:
    """Taps of the dilated part: ceil(k / d)."""
    return -(-kernel_size // dilation)
