"""Dropout: sets elements to zero at random while training; in evaluation it does nothing.

Networks are counted in evaluation mode, so it has neither work nor parameters.

Source: PyTorch ``torch.nn.Dropout``; Srivastava et al., JMLR 15, 2014.
"""

from __future__ import annotations

from collections.abc import Sequence

from convcalc.model.operators import fields
from convcalc.model.operators.contract import NOTHING, Analysis, Kept, Operator, operator
from convcalc.model.operators.work import pointwise_analysis
from convcalc.model.quantities.shape import Shape


@operator
class Dropout(Operator):
    """Dropout; see the module's docstring."""

    in_place = True
    idle = True
    keeps = NOTHING

    rate: float = fields.number(
        "probability that an element is set to zero", 0.5, minimum=0, maximum=1
    )

    def analyse(self, inputs: Sequence[Shape]) -> Analysis:
        """The input as it is."""
        return pointwise_analysis(inputs[0])

    def kept(self, inputs: Sequence[Shape], output: Shape) -> Kept:
        """A mask of one byte per element."""
        return Kept(index_bytes=output.numel)
