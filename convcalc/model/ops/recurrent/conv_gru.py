"""GRU whose state is a map: its products are convolutions of input and state, step by step.

    z, r = sigmoid(conv of [h, x])
    q    = tanh(conv of [r · h, x])
    h    = (1 - z) · h + z · q
    weight = (3·hidden_channels, in_channels + hidden_channels, *kernel_size)     of all three
    params = prod(weight) + 3·hidden_channels if bias
    MACs   = batch · prod(size) · prod(weight)         size with the axis of time
    out_channels = hidden_channels;   sizes stay

axis is time: depth of a video. kernel_size is that of the other axes; padding keeps their sizes.
The output is the state of every step. Elementwise work per number of the state: 3 of the bias if
there is one, 3 activations, 1 for the reset and 4 for h. The three convolutions are stored as one
weight here; z and r read the same, q reads the state that was reset.

A step sees all before it, and through each of them k - 1 positions further, since q looks through
the reset gate: the field is that of the last of all steps.

Common mistake: RAFT's update block is this for one step, which is called with a new input each
time; it is written as convolutions in a loop.

Source: Ballas et al., arXiv 1511.06432, equations 6 to 9; Teed & Deng, "RAFT", arXiv 2003.12039.
"""

from __future__ import annotations

from typing import ClassVar

from convcalc.model.operators.contract import operator
from convcalc.model.ops.recurrent._convolving import Convolving
from convcalc.model.ops.recurrent._recurrent import steps_along
from convcalc.model.quantities.formula import formula
from convcalc.model.quantities.shape import Shape


@operator
class ConvGru(Convolving):
    """The recurrence; see the module's docstring."""

    gates: ClassVar[int] = 3
    operations: ClassVar[int] = 3 + 1 + 4
    convolutions: ClassVar[int] = 2

    def _of_states(self, x: Shape, macs: int) -> int:
        """That of q reads what r lets through, also in the first step."""
        return products_with_reset(macs, self.gates, steps_along(self.axis, x))


@formula
def products_with_reset(macs: int, gates: int, steps: int) -> int:
    """Those of one gate in all steps, of the others in all but the first."""
    return macs - macs // steps // gates * (gates - 1)
