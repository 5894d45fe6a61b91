"""Multi-scale deformable attention: each query samples a few points of several maps.

    inputs    = queries (C, *sizes), then the value maps of L levels (C, *size), finest first
    sampling_offsets.weight  = (heads·L·P·rank, C)       attention_weights.weight = (heads·L·P, C)
    value_proj.weight, output_proj.weight = (C, C)       all four with bias
    params    = 2·C² + 2·C + heads·L·P·(rank + 1)·(C + 1)
    MACs      = batch · (M·C² + N·C·heads·L·P·(rank + 1) + N·C²)      four linear maps
                + batch · N·L·P·C                                     aggregate, dynamic
    sampling  = batch · N·L·P·C · 2^rank
    softmax   = 3 · batch · N·heads·L·P                               elementwise

C in_channels, N queries, M positions of all maps together, P points per head and level, rank the
axes of the maps. A head samples its share of the channels, so the number of heads changes only the
two maps that make offsets and weights. Nothing grows with N·M: what attention over a pyramid costs
with the square of its positions is linear here. Adding offsets to reference points, and scaling
them to a map, are not counted.

In an encoder the queries are all positions of the pyramid in a row; in a decoder a few hundred
learned ones. The points lie where their offsets say: the field is unbounded, and if queries are not
a map of the same axes it is not known at all.

Source: Zhu et al., "Deformable DETR" (arXiv 2010.04159), equation 3; the authors' MSDeformAttn.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction

from convcalc.model.geometry.axis_maps import (
    IDENTITY,
    Axes,
    AxisMap,
    Deformed,
    Resize,
    Unreadable,
)
from convcalc.model.operators import fields
from convcalc.model.operators.checks import uneven_groups
from convcalc.model.operators.composing import analyse_chain, function, merge_analyses
from convcalc.model.operators.contract import (
    DYNAMIC,
    ELEMENTWISE,
    FACTORS,
    OUTPUT,
    SAMPLING,
    Analysis,
    Operator,
    Problem,
    Term,
    operator,
)
from convcalc.model.operators.work import interpolation, work
from convcalc.model.ops.convolution.linear import Linear
from convcalc.model.quantities.formula import formula
from convcalc.model.quantities.shape import Shape
from convcalc.model.quantities.unknown import known


@operator
class MultiScaleDeformableAttention(Operator):
    """Sampling attention over several maps; see the module's docstring."""

    arity = (2, None)
    ranks = (1, 3)
    meets = False

    heads: int = fields.integer("parts of the channels that attend by themselves", 8, minimum=1)
    points: int = fields.integer("points that a head samples on each map", 4, minimum=1)

    def check(self, inputs: Sequence[Shape]) -> Iterator[Problem]:
        """Heads must divide the channels, and all inputs have as many, the maps as many axes."""
        queries, *maps = inputs
        yield from uneven_groups(self.heads, queries.channels, "in_channels", "heads")
        for index, x in enumerate(maps, 1):
            if x.channels != queries.channels:
                message = f"queries of {queries.channels} channels, but a map of {x.channels}"
                yield Problem("shape-mismatch", "", message, "equal channels", index)
            if x.batch != queries.batch:
                message = f"{queries.batch} samples of queries, but {x.batch} of a map"
                yield Problem("shape-mismatch", "", message, "inputs of the same batch", index)
            if x.rank != maps[0].rank or not x.rank:
                message = f"maps {maps[0]} and {x}: {maps[0].rank} and {x.rank} axes"
                yield Problem("shape-mismatch", "", message, "maps with equal axes", index)

    def analyse(self, inputs: Sequence[Shape]) -> Analysis:
        """Offsets and weights from the queries, samples of the values, and their sums."""
        queries, *maps = inputs
        rank, levels = maps[0].rank, len(maps)
        taps = points_of_query(self.heads, levels, self.points)
        positions = positions_of_maps(tuple(x.positions for x in maps))
        values = Shape(queries.batch, queries.channels, (positions,))
        value = analyse_chain({"value_proj": Linear(out_channels=queries.channels)}, values, 1)
        reads = tuple(range(1, levels + 1))
        value = value._replace(parts=tuple(p._replace(reads=reads) for p in value.parts))
        offsets = Linear(out_channels=coordinates(taps, rank))
        weights = analyse_chain({"attention_weights": Linear(out_channels=taps)}, queries)
        each = samples(queries.numel, levels, self.points)
        sampled = queries.with_channels(sampled_channels(queries.channels, levels, self.points))
        softmax = Term("softmax", ELEMENTWISE, work(3, weights.output.numel))
        sampling = Term("sampling", SAMPLING, interpolation(rank, each))
        aggregate = Term("aggregate", DYNAMIC, each)
        return merge_analyses(
            queries,
            ((IDENTITY,) * queries.rank, *(_points(queries, x) for x in maps)),
            value,
            analyse_chain({"sampling_offsets": offsets}, queries),
            weights,
            function("softmax", ("attention_weights",), weights.output, softmax, keeps=OUTPUT),
            function(
                "sampling", ("value_proj", "sampling_offsets"), sampled, sampling, keeps=FACTORS
            ),
            function("aggregate", ("sampling", "softmax"), queries, aggregate, keeps=FACTORS),
            analyse_chain(
                {"output_proj": Linear(out_channels=queries.channels)}, queries, "aggregate"
            ),
        )


def _points(queries: Shape, x: Shape) -> Axes:
    """Where the points of a query lie on a map: around its own position, without bound."""
    if queries.rank != x.rank:
        return (_ANYWHERE,) * x.rank
    return tuple(map(_axis, queries.spatial, x.spatial))


def _axis(made: int, size: int) -> AxisMap:
    if not known((made, size)):
        return _ANYWHERE
    return Deformed(IDENTITY if made == size else Resize("linear", Fraction(size, made)))


_ANYWHERE = Unreadable("it samples where its offsets point")


@formula
def points_of_query(heads: int, levels: int, points: int) -> int:
    """Points of all heads on all maps."""
    return heads * levels * points


@formula
def coordinates(points: int, rank: int) -> int:
    """One coordinate per axis for each point."""
    return points * rank


@formula
def positions_of_maps(positions: tuple[int, ...]) -> int:
    """The positions of all maps in a row."""
    return sum(positions)


@formula
def samples(elements: int, levels: int, points: int) -> int:
    """Values that are read between positions: for each output element, all points on all maps."""
    return elements * levels * points


@formula
def sampled_channels(channels: int, levels: int, points: int) -> int:
    """The number of elements that are read for one query."""
    return channels * levels * points
