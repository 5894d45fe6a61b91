"""Local self-attention: each position attends to the window around it, head by head.

    out_size      = n                                        stride 1, zeros beyond the border
    query, key, value .weight = (Co, C, 1, ..., 1)
    relative.<axis> = (Co / rank, k)                         per axis, if relative
    params        = 3·C·Co + Co / rank · sum of k, + 3·Co if bias
    MACs          = batch · N · (3·C·Co + K·Co + sum of k · Co/rank + K·Co)
                    query + key + value, scores, relative, aggregate
    softmax       = 3 · batch · N · heads · K                elementwise

C in_channels, Co out_channels (in_channels if not given), k kernel_size per axis, K its product,
N positions. Queries times keys (``scores``) and attention times values (``aggregate``) multiply
what is computed from the input, kind dynamic; taps beyond the border are counted, as in a
convolution. Keys and values are computed once per position, not once per window.

With ``relative`` (stand-alone self-attention) the logit of a tap gains the query's product with a
learned vector of the tap's offset. That vector is made of one embedding per axis, each over its
share of the head's channels, so the products of each axis are computed k times, not K times,
and then added: rank · K · heads additions per position (``relative.add``).

Cost against a convolution of the same size: K·C·Co MACs per position there, 3·C·Co + 2·K·Co
here, so a larger window costs far less; 7x7 on 64 channels 200,704 against 18,560, offsets aside.

Common mistakes: a widespread implementation adds the offsets to the values instead of the keys,
takes its softmax channel by channel, and projects the zeros of the padding too; its counts
differ. An even kernel reads one position more after than before.

Source: Ramachandran et al., "Stand-alone self-attention in vision models" (arXiv 1906.05909),
equations 2 and 3.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from math import prod

from convcalc.model.geometry.axis_maps import Slide
from convcalc.model.geometry.sizes import axis_name
from convcalc.model.operators import fields
from convcalc.model.operators.checks import divisors, uneven_groups
from convcalc.model.operators.composing import analyse_chain, function, merge_analyses
from convcalc.model.operators.contract import (
    DYNAMIC,
    ELEMENTWISE,
    FACTORS,
    NOTHING,
    OUTPUT,
    WEIGHTS,
    Analysis,
    Operator,
    Part,
    Problem,
    Term,
    operator,
)
from convcalc.model.operators.work import share, work, work_of_taps
from convcalc.model.ops.convolution.pointwise_conv import PointwiseConv
from convcalc.model.quantities.formula import formula
from convcalc.model.quantities.shape import Shape


@operator
class LocalAttention(Operator):
    """Self-attention within a window; see the module's docstring."""

    ranks = (1, 3)

    kernel_size: tuple[int, ...] = fields.kernel_size(doc="positions of a window, per axis")
    heads: int = fields.integer("parts of the channels that attend by themselves", 8, minimum=1)
    out_channels: int | None = fields.out_channels(
        None, "number of output channels; in_channels if not given"
    )
    relative: bool = fields.flag("whether offsets within the window have learned vectors", True)
    bias: bool = fields.flag("whether queries, keys and values have a learned bias", False)

    def check(self, inputs: Sequence[Shape]) -> Iterator[Problem]:
        """Heads must divide the channels, and the axes the channels of a head."""
        (x,) = inputs
        channels = self.out_channels or x.channels
        what = "out_channels" if self.out_channels else "in_channels"
        yield from uneven_groups(self.heads, channels, what, "heads")
        if self.relative and channels % self.heads == 0 and channels // self.heads % x.rank:
            message = f"{x.rank} axes do not divide the {channels // self.heads} channels of a head"
            advice = f"relative: false, or other heads; {divisors(channels)}"
            yield Problem("does-not-divide", "heads", message, advice)

    def analyse(self, inputs: Sequence[Shape]) -> Analysis:
        """Three maps, and two products per tap of every window."""
        (x,) = inputs
        output = x.with_channels(self.out_channels or x.channels)
        maps = [
            analyse_chain({name: self._map(output.channels, x.rank)}, x)
            for name in ("query", "key", "value")
        ]
        weights = self._offsets(output) if self.relative else {}
        heads = head_taps(x.batch, x.spatial, self.heads, self.kernel_size)
        matrix = output.with_channels(taps_of_heads(self.heads, self.kernel_size))
        scores = Term("scores", DYNAMIC, work_of_taps(output.numel, self.kernel_size))
        softmax = Term("softmax", ELEMENTWISE, work(3, heads))
        aggregate = Term("aggregate", DYNAMIC, work_of_taps(output.numel, self.kernel_size))
        logits = "relative.add" if self.relative else "scores"
        done = merge_analyses(
            output,
            (tuple(Slide(k, 1, (k - 1) // 2) for k in self.kernel_size),),
            *maps,
            function("scores", ("query", "key"), matrix, scores, keeps=FACTORS, tiles=True),
            *(self._relative_parts(weights, output, matrix) if self.relative else ()),
            function("softmax", (logits,), matrix, softmax, keeps=OUTPUT, tiles=True),
            function("aggregate", ("softmax", "value"), output, aggregate, keeps=FACTORS),
        )
        return done._replace(weights={**done.weights, **weights})

    def _map(self, channels: int, rank: int) -> Operator:
        return PointwiseConv(out_channels=channels, stride=(1,) * rank, bias=self.bias)

    def _offsets(self, output: Shape) -> Mapping[str, tuple[int, int]]:
        """The learned vectors of the offsets along each axis."""
        each = share(output.channels, output.rank)
        return {
            f"relative.{axis_name(axis, output.rank)}": (each, k)
            for axis, k in enumerate(self.kernel_size)
        }

    def _relative_parts(
        self, weights: Mapping[str, tuple[int, int]], output: Shape, matrix: Shape
    ) -> tuple[Part, Part]:
        """The queries with the vectors of every offset, and their sum with the scores."""
        each, *_ = (channels for channels, _ in weights.values())
        sizes = tuple(taps for _, taps in weights.values())
        products = Term(
            "relative", WEIGHTS, relative_macs(output.batch, output.spatial, each, sizes)
        )
        add = Term("relative.add", ELEMENTWISE, work(output.rank, matrix.numel))
        made = output.with_channels(offsets_of_heads(self.heads, sizes))
        return (
            function("relative", ("query",), made, products, weights=weights, tiles=True),
            function(
                add.name,
                ("scores", "relative"),
                matrix,
                add,
                keeps=NOTHING,
                in_place=True,
                passes=True,
                tiles=True,
            ),
        )


@formula
def taps_of_heads(heads: int, kernel_size: tuple[int, ...]) -> int:
    """Entries of the attention of one position."""
    return heads * prod(kernel_size)


@formula
def offsets_of_heads(heads: int, kernel_size: tuple[int, ...]) -> int:
    """Products of one position with the vectors of every offset along each axis."""
    return heads * sum(kernel_size)


@formula
def head_taps(
    batch: int, spatial: tuple[int, ...], heads: int, kernel_size: tuple[int, ...]
) -> int:
    """Entries of the attention: one per position, head and tap."""
    return batch * prod(spatial) * heads * prod(kernel_size)


@formula
def relative_macs(
    batch: int, spatial: tuple[int, ...], channels: int, kernel_size: tuple[int, ...]
) -> int:
    """Each position with the vectors of every offset along each axis."""
    return batch * prod(spatial) * channels * sum(kernel_size)
