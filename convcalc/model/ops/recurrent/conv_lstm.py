"""LSTM whose state is a map: its products are one convolution of input and state, step by step.

    i, f, o, g = conv of [x, h] concatenated, a quarter of the channels each
    cell = sigmoid(f) · cell + sigmoid(i) · tanh(g);   h = sigmoid(o) · tanh(cell)
    weight = (4·hidden_channels, in_channels + hidden_channels, *kernel_size)
    params = prod(weight) + 4·hidden_channels if bias
    MACs   = batch · prod(size) · prod(weight)         size with the axis of time
    out_channels = hidden_channels;   sizes stay

axis is time: depth of a video. kernel_size is that of the other axes; padding keeps their sizes.
The output is the state of every step. Elementwise work per number of the state: 4 of the bias if
there is one, 4 activations and 5 for cell and h.

A step sees all before it, and through each of them (k - 1) / 2 positions further: the field is that
of the last of all steps.

Common mistake: the paper's equations have peepholes, products of the cell with weights of the size
of the image; most code leaves them out, and so does this.

Source: Shi et al., arXiv 1506.04214, equation 3, without peepholes; PyTorch ``torch.nn.Conv2d`` of
4·hidden_channels.
"""

from __future__ import annotations

from typing import ClassVar

from convcalc.model.operators.contract import operator
from convcalc.model.ops.recurrent._convolving import Convolving


@operator
class ConvLstm(Convolving):
    """The recurrence; see the module's docstring."""

    gates: ClassVar[int] = 4
    operations: ClassVar[int] = 4 + 5
