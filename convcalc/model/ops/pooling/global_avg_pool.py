"""Global average pooling: the mean of all positions, channel by channel.

    out_size = none: the spatial axes are dropped; 1 per axis with keepdim

No parameters and no MACs. Every input element counts one addition as elementwise work; the
division is not counted.

The result depends on the whole input, so the receptive field is global from here on; what is
reported beside it ends at this layer's input.

Common mistakes: PyTorch's ``AdaptiveAvgPool2d(1)`` keeps two axes of size 1 and needs a flatten
after it; here a ``linear`` may follow directly unless keepdim is given.

Source: Lin, Chen, Yan, "Network in network" (arXiv 1312.4400), section 3.2; Keras
``GlobalAveragePooling2D``, whose keepdims it names.
"""

from __future__ import annotations

from collections.abc import Sequence

from convcalc.model.operators import fields
from convcalc.model.operators.contract import NOTHING, Analysis, Operator, operator
from convcalc.model.ops.pooling._pooling import pool_globally
from convcalc.model.quantities.shape import Shape


@operator
class GlobalAvgPool(Operator):
    """A global average pooling; see the module's docstring."""

    ranks = (1, 3)
    keeps = NOTHING

    keepdim: bool = fields.flag("whether the axes stay, with size 1", False)

    def analyse(self, inputs: Sequence[Shape]) -> Analysis:
        """One window over everything."""
        return pool_globally(inputs[0], self.keepdim)
