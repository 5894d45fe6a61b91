"""Multi-head self-attention over positions: every position looks at every other.

    qkv.weight = (2·Ck + Cv, C)         one linear map for queries, keys and values
    out.weight = (Co, Cv)
    params     = prod of both, + 2·Ck + Cv + Co if bias
    MACs       = batch · (N·(2·Ck + Cv)·C + N²·Ck + N²·Cv + N·Cv·Co)
                 qkv, scores, aggregate, out
    softmax    = 3 · batch · heads · N²  elementwise

C in_channels, Ck key_channels, Cv value_channels, Co out_channels (each in_channels if not given),
N positions: the product of the spatial sizes. The shape stays the same except for the channels.
``scores`` (queries times keys) and ``aggregate`` (attention times values) multiply values that are
both computed from the input, kind dynamic; the number of heads changes neither, it only multiplies
the softmax. Each bias is one addition per element. The factor 1/sqrt(Ck / heads) can be folded into
the queries and is not counted, nor are masks and dropout.

``attention_elements``, batch · heads · N², is the size of the attention matrix where it is
stored. In memory it counts twice, before and behind the softmax: this is the plain
implementation. ``--memory fused-attention`` is for those that never have it whole.

The output depends on all positions: the receptive field is global, and what is reported beside
it is that of the position itself.

Common mistakes: the cost grows with the square of the positions, so with the fourth power of
an image's side; a count of the four weights alone misses it. For windows of a few positions
see ``local_attention`` and ``window_attention``.

It is ``linear``, ``dot_product_attention`` and ``linear`` in one, on one tensor; for masks, for
keys from another tensor and for grouped queries take those.

Source: Vaswani et al., "Attention is all you need" (arXiv 1706.03762), section 3.2; PyTorch
``torch.nn.MultiheadAttention``, whose in_proj and out_proj are ``qkv`` and ``out``.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import prod

from convcalc.model.geometry.axis_maps import IDENTITY, Whole
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
from convcalc.model.ops.convolution.linear import Linear
from convcalc.model.quantities.formula import formula
from convcalc.model.quantities.shape import Shape


@operator
class Attention(Operator):
    """Self-attention over all positions; see the module's docstring."""

    ranks = (1, 3)

    heads: int = fields.integer("parts of the channels that attend by themselves", 8, minimum=1)
    key_channels: int | None = fields.integer(
        "channels of the queries and of the keys, all heads; in_channels if not given",
        None,
        minimum=1,
    )
    value_channels: int | None = fields.integer(
        "channels of the values, all heads; in_channels if not given", None, minimum=1
    )
    out_channels: int | None = fields.out_channels(
        None, "number of output channels; in_channels if not given"
    )
    bias: bool = fields.flag("whether both linear maps add a learned bias", True)

    def check(self, inputs: Sequence[Shape]) -> Iterator[Problem]:
        """Heads must divide the channels of the keys and of the values."""
        (x,) = inputs
        counts = {
            "key_channels" if self.key_channels else "in_channels": self.key_channels,
            "value_channels" if self.value_channels else "in_channels": self.value_channels,
        }
        for what, channels in counts.items():
            yield from uneven_groups(self.heads, channels or x.channels, what, "heads")

    def analyse(self, inputs: Sequence[Shape]) -> Analysis:
        """Two linear maps, and between them two products over all pairs of positions."""
        (x,) = inputs
        keys, values = self.key_channels or x.channels, self.value_channels or x.channels
        qkv = Linear(out_channels=qkv_channels(keys, values), bias=self.bias)
        out = Linear(out_channels=self.out_channels or x.channels, bias=self.bias)
        mixed = x.with_channels(values)
        last = analyse_chain({"out": out}, mixed, "aggregate")
        matrix = Shape(x.batch, keys_of_heads(x.spatial, self.heads), x.spatial)
        scores = Term("scores", DYNAMIC, products_of_pairs(x.batch, x.spatial, keys))
        softmax = Term("softmax", ELEMENTWISE, softmax_of_pairs(x.batch, x.spatial, self.heads))
        aggregate = Term("aggregate", DYNAMIC, products_of_pairs(x.batch, x.spatial, values))
        return merge_analyses(
            last.output,
            ((Whole(IDENTITY),) * x.rank,),
            analyse_chain({"qkv": qkv}, x),
            function("scores", ("qkv", "qkv"), matrix, scores, keeps=FACTORS, tiles=True),
            function("softmax", ("scores",), matrix, softmax, keeps=OUTPUT, tiles=True),
            function("aggregate", ("softmax", "qkv"), mixed, aggregate, keeps=FACTORS),
            last,
            facts={"attention_elements": products_of_pairs(x.batch, x.spatial, self.heads)},
        )


@formula
def qkv_channels(key_channels: int, value_channels: int) -> int:
    """Queries and keys, and values: 2·Ck + Cv."""
    return 2 * key_channels + value_channels


@formula
def keys_of_heads(spatial: tuple[int, ...], heads: int) -> int:
    """Entries of the attention matrix for one query: a key per position, in every head."""
    return prod(spatial) * heads


@formula
def products_of_pairs(batch: int, spatial: tuple[int, ...], channels: int) -> int:
    """One product per pair of positions and channel: N²·C."""
    return batch * prod(spatial) ** 2 * channels


@formula
def softmax_of_pairs(batch: int, spatial: tuple[int, ...], heads: int) -> int:
    """Three operations per pair of positions and head."""
    return 3 * batch * prod(spatial) ** 2 * heads
