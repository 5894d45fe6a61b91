"""ReLU with a learned slope below zero: x if x >= 0 else weight·x.

    weight = (1,), or (in_channels,) with per_channel

Counts one elementwise operation per output element; the product with the slope is part of it
and no MAC. PyTorch's ``num_parameters`` is 1 without ``per_channel`` and in_channels with it.

Common mistake: PyTorch's default is one slope for all channels; the paper's is one per channel.

Source: PyTorch ``torch.nn.PReLU``; He et al., arXiv 1502.01852.
"""

from __future__ import annotations

from collections.abc import Sequence

from convcalc.model.operators import fields
from convcalc.model.operators.contract import Analysis, operator
from convcalc.model.ops.activation._activation import Activation
from convcalc.model.quantities.shape import Shape


@operator
class Prelu(Activation):
    """The activation; see the module's docstring."""

    per_channel: bool = fields.flag("one slope per channel instead of one for all", False)

    def analyse(self, inputs: Sequence[Shape]) -> Analysis:
        """An activation with a weight."""
        slopes = inputs[0].channels if self.per_channel else 1
        return super().analyse(inputs)._replace(weights={"weight": (slopes,)})
