"""Fully connected layer on the channels: y = weight · x + bias.

    weight = (out_channels, in_channels)
    params = prod(weight) + out_channels if bias
    MACs   = batch · positions · prod(weight)

After ``flatten`` or ``global_avg_pool`` there is one position, and this is the usual classifier
of prod(weight) MACs per sample. On a tensor with spatial axes it acts on the channels at every
position and keeps the axes, like a ``pointwise_conv``. The bias is one addition per output
element, counted as elementwise work.

weight_norm is that of ``conv``.

Common mistakes: without a ``flatten`` before it the layer has in_channels inputs, not
in_channels · height · width, and its weight is that much smaller; hence the warning where a
network ends so. ``pointwise_conv`` says without a warning that every position is meant.

Source: PyTorch ``torch.nn.Linear``.
"""

from __future__ import annotations

from collections.abc import Sequence

from convcalc.model.geometry.axis_maps import IDENTITY
from convcalc.model.operators import fields
from convcalc.model.operators.contract import (
    LEARNED,
    WEIGHTS,
    Analysis,
    Operator,
    Term,
    operator,
)
from convcalc.model.operators.work import bias_terms, sliding_macs, with_weight_norm
from convcalc.model.quantities.shape import Shape


@operator
class Linear(Operator):
    """A fully connected layer; see the module's docstring."""

    keeps = LEARNED

    out_channels: int = fields.out_channels()
    bias: bool = fields.bias()
    weight_norm: str = fields.weight_norm()

    def analyse(self, inputs: Sequence[Shape]) -> Analysis:
        """One product of the matrix with the channels per position."""
        (x,) = inputs
        output = x.with_channels(self.out_channels)
        weight = (self.out_channels, x.channels)
        made = Analysis(
            output,
            ((IDENTITY,) * x.rank,),
            (
                Term("weight", WEIGHTS, sliding_macs(x.batch, output.spatial, weight)),
                *bias_terms(self.bias, output),
            ),
            {"weight": weight} | ({"bias": (self.out_channels,)} if self.bias else {}),
        )
        return with_weight_norm(self.weight_norm, made)
