"""Gated recurrent unit along one axis: a state of one vector, and three gates.

    r, z = sigmoid(W x + b + U h + c)         reset, update: a block of rows each
    n    = tanh(W x + b + r · (U h + c))
    h    = (1 - z) · n + z · h
    weight_ih = (3·hidden_size, in_channels), weight_hh = (3·hidden_size, hidden_size),
    bias_ih, bias_hh = (3·hidden_size,) each if bias;   per layer and direction
    MACs = batch · positions · (3·hidden_size · (in_channels + hidden_size))
    out_channels = hidden_size · directions

Layers after the first read hidden_size · directions channels. axis says along which one it walks;
each position of the others is a sequence of its own, as in a batch. The output is the whole
sequence.

Elementwise work per hidden number and position: 4 for the sums of the products and the reset, 2·3
of the biases if there are any, 3 activations, and 4 for h.

Every position sees all before it, so the field is the whole axis; of one direction it ends at the
position itself, which is not told apart.

Common mistake: PyTorch resets U h + c, the paper h before the product, as Keras with reset_after
false; that one has no second bias.

Source: PyTorch ``torch.nn.GRU``; Cho et al., arXiv 1406.1078.
"""

from __future__ import annotations

from typing import ClassVar

from convcalc.model.operators.contract import operator
from convcalc.model.ops.recurrent._recurrent import Recurrent


@operator
class Gru(Recurrent):
    """The recurrence; see the module's docstring."""

    gates: ClassVar[int] = 3
    operations: ClassVar[int] = 4 + 3 + 4
