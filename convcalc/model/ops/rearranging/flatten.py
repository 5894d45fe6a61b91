"""All channels and positions of a sample as one vector.

    out_channels = in_channels · prod(size)

A move: no work, no parameters. A vector stays as it is. Every position goes into the vector:
a number of it sees what its position sees, and a layer that mixes them sees all.

Common mistake: a ``linear`` after it has in_channels · prod(size) inputs, and with them its
parameters depend on the size of the image; after ``global_avg_pool`` they do not.

Source: PyTorch ``torch.nn.Flatten`` with start_dim 1.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

from convcalc.model.geometry.axis_maps import Scattered
from convcalc.model.operators.contract import NOTHING, Analysis, Operator, operator
from convcalc.model.operators.work import OWNS
from convcalc.model.quantities.formula import formula
from convcalc.model.quantities.shape import Shape


@operator
class Flatten(Operator):
    """Flattening; see the module's docstring."""

    view = True
    keeps = NOTHING
    passes = True

    def analyse(self, inputs: Sequence[Shape]) -> Analysis:
        """One channel per element."""
        (x,) = inputs
        output = Shape(x.batch, flat_channels(x.channels, x.spatial))
        return Analysis(output, ((Scattered(),) * x.rank,), channels=OWNS)


@formula
def flat_channels(channels: int, spatial: tuple[int, ...]) -> int:
    """One channel per element."""
    return channels * prod(spatial)
