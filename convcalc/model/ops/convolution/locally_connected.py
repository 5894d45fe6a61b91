"""Locally connected layer: a convolution whose every output position has weights of its own.

    out_size = floor((n + p_before + p_after - d·(k - 1) - 1) / s) + 1     per axis
    weight   = (*out_size, out_channels, in_channels, *kernel_size)
    bias     = (*out_size, out_channels)
    params   = prod(weight) + prod(bias) if bias
    MACs     = batch · prod(weight)

n input size, k kernel_size, s stride, p padding, d dilation. MACs, receptive field and output are
those of ``conv``; the parameters are prod(out_size) times as many, and equal the MACs of one
sample. The bias, one per position and channel, is one addition per output element.

16 to 32 channels with k = 3, p = 1 on 8x8: 294,912 MACs as for ``conv``, but 294,912 + 2,048
parameters instead of 4,608 + 32.

Common mistakes: the parameters depend on the size of the input, so the layer fits one size only;
with an unknown size they are unknown. The bias is not one per channel.

Source: Keras (until 2.15) ``LocallyConnected2D``, which has no padding and no dilation.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import prod

from convcalc.model.geometry.sizes import Padding
from convcalc.model.operators import fields
from convcalc.model.operators.composing import sibling
from convcalc.model.operators.contract import WEIGHTS, Analysis, Operator, Problem, Term, operator
from convcalc.model.ops.convolution.conv import Conv
from convcalc.model.quantities.formula import formula
from convcalc.model.quantities.shape import Shape


@operator
class LocallyConnected(Operator):
    """A convolution without sharing; see the module's docstring."""

    ranks = (1, 3)

    out_channels: int = fields.out_channels()
    kernel_size: tuple[int, ...] = fields.kernel_size()
    stride: tuple[int, ...] = fields.stride()
    padding: Padding = fields.padding()
    dilation: tuple[int, ...] = fields.dilation()
    bias: bool = fields.bias()

    def check(self, inputs: Sequence[Shape]) -> Iterator[Problem]:
        """A window must fit."""
        return self._conv().check(inputs)

    def analyse(self, inputs: Sequence[Shape]) -> Analysis:
        """The convolution, with each weight once per output position."""
        (x,) = inputs
        shared = self._conv().analyse(inputs)
        positions = shared.output.spatial
        weights = {name: (*positions, *shape) for name, shape in shared.weights.items()}
        main, *bias = shared.terms
        own = Term(main.name, WEIGHTS, unshared_macs(x.batch, weights["weight"]))
        return shared._replace(weights=weights, terms=(own, *bias))

    def _conv(self) -> Conv:
        return sibling(Conv, self)


@formula
def unshared_macs(batch: int, weight: tuple[int, ...]) -> int:
    """Every weight is used once: it belongs to a single output position."""
    return batch * prod(weight)
