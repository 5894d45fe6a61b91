"""Gated convolution: one convolution makes features, a second one the gate that scales them.

    out_size = floor((n + p_before + p_after - d·(k - 1) - 1) / s) + 1     per axis
    feature.weight = gate.weight = (out_channels, in_channels / groups, *kernel_size)
    params   = 2 · (prod(weight) + out_channels if bias)
    MACs     = batch · prod(out_size) · 2 · prod(weight)
    output   = activation(feature) · sigmoid(gate)

n input size, k kernel_size, s stride, p padding, d dilation. Elementwise work per output element:
a bias each, the activation if there is one, the sigmoid, and the product.

Common mistakes: the official code makes both in one convolution and halves its channels, so its
``cnum`` is twice the out_channels here; the numbers are the same. ``glu`` behind a ``conv`` of
twice the channels is this layer without activation.

Source: Yu et al., "Free-form image inpainting with gated convolution" (arXiv 1806.03589),
section 3.1; JiahuiYu/generative_inpainting, inpaint_ops.py.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from convcalc.model.geometry.sizes import Padding
from convcalc.model.operators import fields
from convcalc.model.operators.composing import analyse_chain, function, merge_analyses, sibling
from convcalc.model.operators.contract import (
    EITHER,
    ELEMENTWISE,
    FACTORS,
    OUTPUT,
    Analysis,
    Operator,
    Part,
    Problem,
    Term,
    operator,
)
from convcalc.model.ops.convolution.conv import Conv
from convcalc.model.quantities.shape import Shape


@operator
class GatedConv(Operator):
    """Two convolutions, one of which gates the other; see the module's docstring."""

    ranks = (1, 3)

    out_channels: int = fields.out_channels()
    kernel_size: tuple[int, ...] = fields.kernel_size()
    stride: tuple[int, ...] = fields.stride()
    padding: Padding = fields.padding()
    dilation: tuple[int, ...] = fields.dilation()
    groups: int = fields.groups()
    bias: bool = fields.bias()
    activation: bool = fields.flag("whether an activation such as ELU acts on the features", True)

    def check(self, inputs: Sequence[Shape]) -> Iterator[Problem]:
        """Check what the convolution needs."""
        return self._conv().check(inputs)

    def analyse(self, inputs: Sequence[Shape]) -> Analysis:
        """Twice the convolution, and the gating."""
        (x,) = inputs
        feature = analyse_chain({"feature": self._conv()}, x)
        gate = analyse_chain({"gate": self._conv()}, x)
        output = feature.output

        def each(name: str, *reads: str, keeps: str) -> Part:
            """A function of the elements."""
            term = Term(name, ELEMENTWISE, output.numel)
            return function(name, reads, output, term, keeps=keeps, in_place=True)

        activated = "feature.activation" if self.activation else "feature"
        return merge_analyses(
            output,
            feature.axes,
            feature,
            *([each(activated, "feature", keeps=EITHER)] if self.activation else []),
            gate,
            each("gate.activation", "gate", keeps=OUTPUT),
            each("scale", activated, "gate.activation", keeps=FACTORS),
            channels=feature.channels,
        )

    def _conv(self) -> Conv:
        return sibling(Conv, self)
