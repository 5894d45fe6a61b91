"""Elementwise product of two or more tensors, x_1 · x_2 · …: a gate as in squeeze-and-excitation.

Sizes are equal or 1 on each axis, PyTorch's broadcasting; channels may be 1 too, and a vector
of C channels stands for C x 1 x 1. The output has the greater size of each axis.

Counts one elementwise operation per output element and operand beyond the first. No MACs, no
parameters. An input of size 1 on an axis is read by every output position of that axis.

Source: PyTorch ``torch.mul`` and its broadcasting semantics.
"""

from __future__ import annotations

from typing import ClassVar

from convcalc.model.operators.contract import FACTORS, operator
from convcalc.model.ops.joining._broadcast import Broadcast


@operator
class Mul(Broadcast):
    """The product; see the module's docstring."""

    in_place = True
    keeps = FACTORS

    term: ClassVar[str] = "mul"
