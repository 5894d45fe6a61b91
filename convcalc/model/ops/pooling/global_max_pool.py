"""Global max pooling: the greatest value of all positions, channel by channel.

    out_size = none: the spatial axes are dropped; 1 per axis with keepdim

No parameters and no MACs. Every input element counts one comparison as elementwise work.

The result depends on the whole input, so the receptive field is global from here on; what is
reported beside it ends at this layer's input.

Common mistakes: PyTorch's ``AdaptiveMaxPool2d(1)`` keeps two axes of size 1 and needs a flatten
after it; here a ``linear`` may follow directly unless keepdim is given.

Source: Keras ``GlobalMaxPooling2D``, whose keepdims it names.
"""

from __future__ import annotations

from collections.abc import Sequence

from convcalc.model.operators import fields
from convcalc.model.operators.contract import Analysis, Kept, Operator, operator
from convcalc.model.ops.pooling._pooling import INDEX_BYTES, pool_globally
from convcalc.model.quantities.shape import Shape


@operator
class GlobalMaxPool(Operator):
    """A global max pooling; see the module's docstring."""

    ranks = (1, 3)

    keepdim: bool = fields.flag("whether the axes stay, with size 1", False)

    def analyse(self, inputs: Sequence[Shape]) -> Analysis:
        """One window over everything."""
        return pool_globally(inputs[0], self.keepdim)

    def kept(self, inputs: Sequence[Shape], output: Shape) -> Kept:
        """Where each maximum was found."""
        return Kept(index_bytes=INDEX_BYTES * output.numel)
