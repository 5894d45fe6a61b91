"""Cross-covariance attention (XCA): channels attend to channels, over all positions.

    qkv.weight  = (3·C, C),  proj.weight = (C, C),  temperature = (heads, 1, 1)
    qkv_dw      = depthwise convolution of 3·C channels, if dw_kernel_size
    params      = 4·C² + heads + 4·C of the biases
    MACs        = batch · N · (4·C² + 2·C² / heads)      qkv, scores, aggregate, proj
    normalise   = 3 · batch · N · 2·C;  temperature and softmax 1 and 3 · batch · C² / heads

C in_channels, N positions. Queries and keys are normalised over the positions; ``scores`` compares
each channel of a head with every other, a C / heads x C / heads matrix whatever the size of the
map, and ``aggregate`` mixes the values' channels by it: both dynamic, and linear in the positions.
More heads cost less, unlike in ``attention``. ``dw_kernel_size`` adds a depthwise convolution of
queries, keys and values, padded to keep the size (Restormer: 3, without biases).

The output depends on all positions, through the matrix alone: the receptive field is global, and
what is reported beside it is the position itself, or its window with ``dw_kernel_size``.

``attention_elements`` is the size of the matrices of all heads.

Source: El-Nouby et al., "XCiT" (arXiv 2106.09681), equation 3; Zamir et al., "Restormer" (arXiv
2111.09881), section 3.1; Maaz et al., "EdgeNeXt" (arXiv 2206.10589).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import prod

from convcalc.model.geometry.axis_maps import Whole
from convcalc.model.operators import fields
from convcalc.model.operators.checks import uneven_groups
from convcalc.model.operators.composing import analyse_chain, function, merge_analyses
from convcalc.model.operators.contract import (
    DYNAMIC,
    ELEMENTWISE,
    FACTORS,
    OUTPUT,
    Analysis,
    Operator,
    Problem,
    Term,
    operator,
)
from convcalc.model.operators.work import share, work
from convcalc.model.ops.convolution.depthwise_conv import DepthwiseConv
from convcalc.model.ops.convolution.linear import Linear
from convcalc.model.quantities.formula import formula
from convcalc.model.quantities.shape import Shape


@operator
class ChannelAttention(Operator):
    """Attention between channels; see the module's docstring."""

    ranks = (1, 3)

    heads: int = fields.integer("parts of the channels that attend by themselves", 8, minimum=1)
    dw_kernel_size: tuple[int, ...] | None = fields.axes(
        "taps per axis of a depthwise convolution behind qkv; odd; none if not given",
        None,
        minimum=1,
    )
    qkv_bias: bool = fields.flag("whether queries, keys and values have a learned bias", True)
    proj_bias: bool = fields.flag("whether the last linear map has a learned bias", True)

    def check(self, inputs: Sequence[Shape]) -> Iterator[Problem]:
        """Heads must divide the channels, and a depthwise kernel keep the size."""
        (x,) = inputs
        yield from uneven_groups(self.heads, x.channels, "in_channels", "heads")
        if even := [k for k in self.dw_kernel_size or () if k % 2 == 0]:
            message = f"dw_kernel_size {even[0]} has no center"
            yield Problem("unsupported-combination", "dw_kernel_size", message, "an odd one")

    def analyse(self, inputs: Sequence[Shape]) -> Analysis:
        """Two linear maps, and between them two products over positions and pairs of channels."""
        (x,) = inputs
        first = analyse_chain(self._maps(x), x)
        last = analyse_chain(
            {"proj": Linear(out_channels=x.channels, bias=self.proj_bias)}, x, "aggregate"
        )
        made = first.parts[-1].name
        each = share(x.channels, self.heads)
        both = x.with_channels(queries_and_keys(x.channels))
        matrix = Shape(x.batch, x.channels, (each,))
        amount = products_of_channels(x.batch, x.spatial, x.channels, each)
        normalise = Term("normalise", ELEMENTWISE, work(3, both.numel))
        scores = Term("scores", DYNAMIC, amount)
        factor = Term("temperature", ELEMENTWISE, matrix.numel)
        softmax = Term("softmax", ELEMENTWISE, work(3, matrix.numel))
        aggregate = Term("aggregate", DYNAMIC, amount)
        weights = {"temperature": (self.heads, 1, 1)}
        return merge_analyses(
            x,
            (tuple(map(Whole, first.axes[0])),),
            first,
            function("normalise", (made,), both, normalise, keeps=FACTORS),
            function("scores", ("normalise", "normalise"), matrix, scores, keeps=FACTORS),
            function(
                "temperature",
                ("scores",),
                matrix,
                factor,
                weights=weights,
                keeps=FACTORS,
                in_place=True,
            ),
            function("softmax", ("temperature",), matrix, softmax, keeps=OUTPUT),
            function("aggregate", ("softmax", made), x, aggregate, keeps=FACTORS),
            last,
            facts={"attention_elements": matrix.numel},
        )

    def _maps(self, x: Shape) -> dict[str, Operator]:
        """Return what makes queries, keys and values."""
        made: dict[str, Operator] = {
            "qkv": Linear(out_channels=qkv_channels(x.channels), bias=self.qkv_bias)
        }
        if self.dw_kernel_size:
            ones = (1,) * x.rank
            made["qkv_dw"] = DepthwiseConv(
                kernel_size=self.dw_kernel_size,
                stride=ones,
                padding="half",
                dilation=ones,
                bias=self.qkv_bias,
            )
        return made


@formula
def qkv_channels(channels: int) -> int:
    """Queries, keys and values."""
    return 3 * channels


@formula
def queries_and_keys(channels: int) -> int:
    """Queries and keys."""
    return 2 * channels


@formula
def products_of_channels(
    batch: int, spatial: tuple[int, ...], channels: int, channels_per_head: int
) -> int:
    """At each position, each channel with all of its head: N·C·C / heads."""
    return batch * prod(spatial) * channels * channels_per_head
