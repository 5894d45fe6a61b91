"""Squeeze and excitation: each channel is scaled by a gate computed from the whole input.

    pool -> reduce -> activation -> expand -> gate -> scale          the shape stays
    reduce.weight = (Cs, C, 1, ..., 1)      Cs = squeeze_channels, or C // reduction
    expand.weight = (C, Cs, 1, ..., 1)
    params        = 2·C·Cs, + Cs + C if bias
    MACs          = batch · 2·C·Cs

C in_channels. Elementwise work: the pooling one addition per input element, the biases, the
activation and the gate one per channel, the scaling one product per output element.

For C = 256 and reduction 16: 2·256·16 + 16 + 256 = 8,464 parameters, 8,192 MACs.

Every output depends on the whole input, so the receptive field is global from here on; what is
reported beside it is that of the position itself.

Common mistakes: rounding. C // reduction is what most codes take; MobileNetV3 rounds C/4 to a
multiple of 8, GhostNet to a multiple of 4, EfficientNet reduces the channels *before* the
expansion of its block: state squeeze_channels there. With a bias on both maps, as published,
SE-ResNet-50 has 28,088,024 parameters; without, 16,048 fewer.

Source: Hu et al., "Squeeze-and-excitation networks" (arXiv 1709.01507), equations 2 to 4;
``torchvision.ops.SqueezeExcitation``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from convcalc.model.geometry.axis_maps import IDENTITY, Whole
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
from convcalc.model.operators.work import share
from convcalc.model.ops.activation.hardsigmoid import Hardsigmoid
from convcalc.model.ops.activation.relu import Relu
from convcalc.model.ops.activation.sigmoid import Sigmoid
from convcalc.model.ops.activation.silu import Silu
from convcalc.model.ops.convolution.pointwise_conv import PointwiseConv
from convcalc.model.ops.pooling.global_avg_pool import GlobalAvgPool
from convcalc.model.quantities.shape import Shape

ACTIVATIONS: Mapping[str, type[Operator]] = {"relu": Relu, "silu": Silu}
GATES: Mapping[str, type[Operator]] = {"sigmoid": Sigmoid, "hardsigmoid": Hardsigmoid}


@operator
class SqueezeExcite(Operator):
    """A gate per channel; see the module's docstring."""

    ranks = (1, 3)

    reduction: int = fields.integer("in_channels per squeezed channel", 16, minimum=1)
    squeeze_channels: int | None = fields.integer(
        "channels between the two maps; in_channels // reduction if not given", None, minimum=1
    )
    bias: bool = fields.flag("whether both maps add a learned bias", True)
    activation: str = fields.word(tuple(ACTIVATIONS), "what follows the first map", "relu")
    gate: str = fields.word(tuple(GATES), "what follows the second map", "sigmoid")

    def check(self, inputs: Sequence[Shape]) -> Iterator[Problem]:
        """At least one channel must be left."""
        channels = inputs[0].channels
        if self.squeeze_channels is None and self.reduction > channels:
            message = f"reduction {self.reduction} leaves none of {channels} channels"
            yield Problem("out-of-range", "reduction", message, f"at most {channels}", 0)

    def analyse(self, inputs: Sequence[Shape]) -> Analysis:
        """Two maps of the pooled channels, and a product with the input."""
        (x,) = inputs
        squeezed = self.squeeze_channels or share(x.channels, self.reduction)
        ones = (1,) * x.rank
        gate = analyse_chain(
            {
                "pool": GlobalAvgPool(keepdim=True),
                "reduce": PointwiseConv(out_channels=squeezed, stride=ones, bias=self.bias),
                "activation": ACTIVATIONS[self.activation](),
                "expand": PointwiseConv(out_channels=x.channels, stride=ones, bias=self.bias),
                "gate.activation": GATES[self.gate](),
            },
            x,
        )
        axes = (Whole(IDENTITY),) * x.rank
        scale = Term("scale", ELEMENTWISE, x.numel)
        product = function("scale", (0, "gate.activation"), x, scale, keeps=FACTORS, in_place=True)
        return merge_analyses(x, (axes,), gate, product, channels=(gated(x),))
