"""Softmax over the channels at each position: exp(x_c) / sum over the channels of exp(x).

Counts three elementwise operations per output element (exponential, sum, division), no MACs,
no parameters. Positions do not mix.

Common mistake: PyTorch's functional form guesses the axis if dim is not given; this is dim 1.

Source: PyTorch ``torch.nn.Softmax`` with dim 1.
"""

from __future__ import annotations

from typing import ClassVar

from convcalc.model.operators.contract import OUTPUT, operator
from convcalc.model.ops.activation._activation import Activation


@operator
class Softmax(Activation):
    """The activation; see the module's docstring."""

    per_element: ClassVar[int] = 3
    mixes: ClassVar[bool] = True
    in_place = False
    keeps = OUTPUT
