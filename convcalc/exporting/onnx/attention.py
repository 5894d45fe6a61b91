"""Attention, written as its products: over all positions, or within parts of a map."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import product as every
from math import copysign, log2, prod
from typing import Any

from convcalc.exporting.onnx.composites import composed
from convcalc.exporting.onnx.joining import product, turned
from convcalc.exporting.onnx.nodes import Unwritable, Value
from convcalc.exporting.onnx.part import Writing
from convcalc.model.quantities.unknown import known


class Cut:
    """How a map is taken apart: axes of so many parts, each of so many positions.

    ``grid`` takes every f-th position for a part, where windows take neighbours.
    """

    def __init__(self, spatial: Sequence[int], size: Sequence[int], *, grid: bool) -> None:
        if not known(tuple(spatial)):
            raise Unwritable("parts of a map whose size is not known", "set that of the input")
        self.size = tuple(size)
        self.counts = tuple(n // k for n, k in zip(spatial, size, strict=True))
        self.grid = grid

    @property
    def rank(self) -> int:
        """The number of axes."""
        return len(self.size)

    @property
    def whole(self) -> bool:
        """Whether there is one part only."""
        return prod(self.counts) == 1

    @property
    def _sizes(self) -> list[int]:
        pairs = zip(self.counts, self.size, strict=True)
        return [n for count, size in pairs for n in ((size, count) if self.grid else (count, size))]

    def apart(self, part: Writing, x: Value, heads: int) -> Value:
        """(batch, heads · d, *sizes) as (batch, parts, heads, positions, d); without parts if there
        is one only."""
        batch, channels, *_ = x.dims
        each = channels // heads
        if self.whole:
            flat = part.reshape(x, batch, heads, each, prod(self.size))
            return turned(part, flat)
        split = part.reshape(x, batch, heads, each, *self._sizes)
        first, second = range(3, 3 + 2 * self.rank, 2), range(4, 4 + 2 * self.rank, 2)
        counts, inside = (second, first) if self.grid else (first, second)
        moved = part.transpose(split, 0, *counts, 1, *inside, 2)
        return part.reshape(moved, batch, prod(self.counts), heads, prod(self.size), each)

    def together(self, part: Writing, x: Value, *dims: int) -> Value:
        """(batch, parts, heads, positions, e) as a map again."""
        if self.whole:
            return part.reshape(turned(part, x), *dims)
        batch, _, heads, _, each = x.dims
        split = part.reshape(x, batch, *self.counts, heads, *self.size, each)
        rank = self.rank
        pairs = [(1 + axis, 2 + rank + axis) for axis in range(rank)]
        places = [
            n
            for count, inside in pairs
            for n in ((inside, count) if self.grid else (count, inside))
        ]
        moved = part.transpose(split, 0, 1 + rank, 2 + 2 * rank, *places)
        return part.reshape(moved, *dims)


def scores_of(part: Writing, queries: Value, keys: Value) -> Value:
    """queries · keys / √d, of (…, positions, d) each."""
    found = product(part, queries, turned(part, keys))
    return part.with_number("Mul", found, float(queries.dims[-1]) ** -0.5)


def softmax(part: Writing, _: Any, scores: Value) -> Value:
    """Over the keys."""
    return part.node("Softmax", scores, axis=-1)


# --- attention ------------------------------------------------------------------------------------


def attention(part: Writing, operator: Any, x: Value, *, write: Any) -> Value:
    """Queries, keys and values of one map, all positions of which see each other."""
    keys = operator.key_channels or x.dims[1]
    spatial = x.dims[2:]
    cut = Cut(spatial, spatial, grid=False)

    def scores(step: Writing, _: Any, qkv: Value, __: Value) -> Value:
        q, k = (step.slice(qkv, 1, at * keys, (at + 1) * keys) for at in (0, 1))
        return scores_of(step, *(cut.apart(step, each, operator.heads) for each in (q, k)))

    def aggregate(step: Writing, _: Any, weights: Value, qkv: Value) -> Value:
        values = cut.apart(step, step.slice(qkv, 1, 2 * keys, qkv.dims[1]), operator.heads)
        return cut.together(step, product(step, weights, values), *step.made)

    rule = composed({"scores": scores, "softmax": softmax, "aggregate": aggregate})
    return rule(part, operator, x, write=write)


def dot_product_attention(
    part: Writing, operator: Any, queries: Value, keys: Value, values: Value, *, write: Any
) -> Value:
    """Attention of given tensors; heads may share keys and values."""
    if operator.window or operator.skip_masked or operator.causal:
        message = "dot_product_attention with a mask has no counterpart in ONNX of the same work"
        raise Unwritable(message, "attention without causal, window and skip_masked")
    kv = operator.kv_heads or operator.heads
    shared = operator.heads // kv
    is_cut = operator.partition != "none"
    grid = operator.partition == "grid"
    cuts = [
        Cut(x.dims[2:], operator.partition_size if is_cut else x.dims[2:], grid=grid)
        for x in (queries, keys)
    ]

    def heads(step: Writing, x: Value) -> Value:
        """Queries whose heads of one group follow one another as rows."""
        apart = cuts[0].apart(step, x, operator.heads)
        *outer, _, rows, each = apart.dims
        return step.reshape(apart, *outer, kv, shared * rows, each) if shared > 1 else apart

    def scores(step: Writing, _: Any, q: Value, k: Value) -> Value:
        return scores_of(step, heads(step, q), cuts[1].apart(step, k, kv))

    def biased(step: Writing, _: Any, found: Value) -> Value:
        return step.pair("Add", found, _bias(step, operator, cuts[0], found))

    def aggregate(step: Writing, _: Any, weights: Value, v: Value) -> Value:
        found = product(step, weights, cuts[1].apart(step, v, kv))
        if shared > 1:
            *outer, _, rows, each = found.dims
            found = step.reshape(found, *outer, operator.heads, rows // shared, each)
        return cuts[0].together(step, found, *step.made)

    functions: dict[str, Callable[..., Value]] = {
        "scores": scores,
        "position_bias": biased,
        "softmax": softmax,
        "aggregate": aggregate,
    }
    return composed(functions)(part, operator, queries, keys, values, write=write)


def _bias(part: Writing, operator: Any, cut: Cut, scores: Value) -> Value:
    """The learned numbers that are added to scores: of each pair, or of a table of offsets."""
    shape, heads = operator.position_bias, operator.heads
    rows, columns = scores.dims[-2:]
    if prod(shape) == heads * rows * columns:
        return part.stored("position_bias", (heads, rows, columns))
    if shape == (prod(2 * k - 1 for k in cut.size), heads) and rows == columns:
        return by_offset(part, cut.size, part.stored("position_bias"))
    sizes = "×".join(map(str, shape))
    raise Unwritable(
        f"dot_product_attention with a position_bias of {sizes}, whose entries are not known",
        f"{heads}×{rows}×{columns}, or a table of offsets",
    )


def by_offset(part: Writing, size: Sequence[int], table: Value) -> Value:
    """A table of offsets and heads as (heads, positions, positions)."""
    places = list(every(*(range(k) for k in size)))
    indices = []
    for row in places:
        for column in places:
            index = 0
            for a, b, k in zip(row, column, size, strict=True):
                index = index * (2 * k - 1) + a - b + k - 1
            indices.append(index)
    count, heads = len(places), table.dims[1]
    rows = part.ints(*indices)
    found = part.node("Gather", table, rows, to=(count * count, heads), axis=0)
    return part.transpose(part.reshape(found, count, count, heads), 2, 0, 1)


# --- attention within windows ---------------------------------------------------------------------


class Windows:
    """Window attention on its way: the map that is cut, and by how much it is moved before."""

    def __init__(self, operator: Any, spatial: Sequence[int]) -> None:
        self.operator = operator
        self.cut = Cut(spatial, operator.window_size, grid=operator.partition == "grid")
        pairs = zip(spatial, operator.window_size, operator.shift_size, strict=True)
        self.shifts = [shift if n > k else 0 for n, k, shift in pairs]
        self.spatial = tuple(spatial)

    def heads(self, part: Writing, x: Value) -> Value:
        """A map moved and taken apart."""
        return self.cut.apart(part, self.moved(part, x, self.shifts), self.operator.heads)

    def moved(self, part: Writing, x: Value, shifts: Sequence[int]) -> Value:
        """A map rolled towards its beginning, what leaves it coming in at the end."""
        for axis, shift in enumerate(shifts, 2):
            if shift:
                size = x.dims[axis]
                at = shift % size
                parts = [part.slice(x, axis, at, size), part.slice(x, axis, 0, at)]
                x = part.concat(parts, axis)
        return x

    def back(self, part: Writing, x: Value) -> Value:
        """A map put together and moved back."""
        made = self.cut.together(part, x, *part.made)
        return self.moved(part, made, [-shift for shift in self.shifts])

    def scores(self, part: Writing, _: Any, q: Value, k: Value) -> Value:
        """The products, scaled unless directions are compared."""
        channels = q.dims[1] // (2 if self.operator.cosine else 3)
        first, second = (
            part.slice(q if not at else k, 1, at * channels, (at + 1) * channels) for at in (0, 1)
        )
        queries, keys = self.heads(part, first), self.heads(part, second)
        if self.operator.cosine:
            return product(part, queries, turned(part, keys))
        found = scores_of(part, queries, keys)
        return self.masked(part, found) if self.operator.relative_position == "none" else found

    def normalise(self, part: Writing, _: Any, qkv: Value) -> Value:
        """Queries and keys of length 1 in each head."""
        both = part.slice(qkv, 1, 0, part.made[1])
        batch, channels, *sizes = both.dims
        count = 2 * self.operator.heads
        split = part.reshape(both, batch, count, channels // count, prod(sizes))
        norm = part.with_number("Add", part.reduce("ReduceL2", split, 2), 1e-12)
        return part.reshape(part.node("Div", split, norm), *both.dims)

    def logit_scale(self, part: Writing, _: Any, scores: Value) -> Value:
        """A learned factor of each head."""
        return part.node("Mul", scores, part.node("Exp", part.stored("logit_scale")))

    def relative(self, part: Writing, _: Any, scores: Value, *made: Value) -> Value:
        """Return what offsets add to the scores, and the mask of windows that were moved."""
        if made:
            heads = made[0].dims[1]
            table = part.transpose(part.reshape(made[0], heads, made[0].dims[2]), 1, 0)
        else:
            table = part.stored("relative_position_bias_table")
        bias = by_offset(part, self.operator.window_size, table)
        return self.masked(part, part.node("Add", scores, bias))

    def hidden(self, part: Writing, _: Any) -> Value:
        """The first map of the offsets, which are on a logarithmic scale."""
        weight = part.analysis.weights["relative.hidden.weight"]
        numbers = [number for axis in zip(*self.offsets(), strict=True) for number in axis]
        offsets = part.floats(*numbers, to=(1, weight[1], part.made[2]))
        stored = part.stored("relative.hidden.weight", (*weight, 1))
        bias = part.stored("relative.hidden.bias")
        made = part.node("Conv", offsets, stored, bias, to=part.made, kernel_shape=[1])
        return part.node("Relu", made)

    def offsets(self) -> Iterator[tuple[float, ...]]:
        """Each offset of a window, from -1 to 1: sign(o) · log2(8·|o| / (k - 1) + 1) / 3."""
        axes = []
        for k in self.operator.window_size:
            steps = (8 * o / max(k - 1, 1) for o in range(1 - k, k))
            axes.append([copysign(log2(abs(step) + 1) / 3, step) for step in steps])
        return every(*axes)

    def output(self, part: Writing, _: Any, hidden: Value) -> Value:
        """The second map, bounded by a sigmoid."""
        weight = part.analysis.weights["relative.output.weight"]
        stored = part.stored("relative.output.weight", (*weight, 1))
        made = part.node("Conv", hidden, stored, to=part.made, kernel_shape=[1])
        return part.with_number("Mul", part.node("Sigmoid", made), 16)

    def masked(self, part: Writing, scores: Value) -> Value:
        """Pairs of positions that were not neighbours before the map was moved get -100."""
        if not any(self.shifts):
            return scores
        cut, region = self.cut, None
        for axis, (n, k, shift) in enumerate(zip(self.spatial, cut.size, self.shifts, strict=True)):
            ids = [0 if at < n - k else 1 if at < n - shift else 2 for at in range(n)]
            ids = ids if shift else [0] * n
            dims = tuple(n if other == axis else 1 for other in range(cut.rank))
            own = part.table(dims, [3**axis * number for number in ids])
            region = own if region is None else part.pair("Add", region, own)
        assert region is not None
        split = part.reshape(
            region, *(n for pair in zip(cut.counts, cut.size, strict=True) for n in pair)
        )
        order = (*range(0, 2 * cut.rank, 2), *range(1, 2 * cut.rank, 2))
        count, size = prod(cut.counts), prod(cut.size)
        flat = part.reshape(part.transpose(split, *order), count, size)
        rows, columns = (part.unsqueeze(flat, 1, axis) for axis in (2, 3))
        same = part.pair("Equal", rows, columns)
        mask = part.node("Where", same, part.number(0), part.number(-100))
        if cut.whole:
            mask = part.squeeze(mask, 0)
        return part.node("Add", scores, mask)

    def aggregate(self, part: Writing, _: Any, weights: Value, qkv: Value) -> Value:
        """The sums of values, as a map."""
        channels = qkv.dims[1] // 3
        values = self.heads(part, part.slice(qkv, 1, 2 * channels, 3 * channels))
        return self.back(part, product(part, weights, values))


def window_attention(part: Writing, operator: Any, x: Value, *, write: Any) -> Value:
    """Attention within windows, which may be moved, with what offsets add."""
    if operator.relative_position == "decomposed":
        raise Unwritable(
            "window_attention with relative_position decomposed has no counterpart in ONNX"
        )
    padded = part.analysis.facts["padded"]
    way = Windows(operator, padded)
    functions: dict[str, Callable[..., Value]] = {
        "pad": _grown,
        "crop": _cropped,
        "qkv.bias": _partly_biased,
        "normalise": way.normalise,
        "scores": way.scores,
        "logit_scale": way.logit_scale,
        "relative.hidden": way.hidden,
        "relative.output": way.output,
        "relative.add": way.relative,
        "softmax": softmax,
        "aggregate": way.aggregate,
    }
    return composed(functions)(part, operator, x, write=write)


def _grown(part: Writing, _: Any, x: Value) -> Value:
    """Zeros behind each axis."""
    return part.pad(x, [(0, m - n) for n, m in zip(x.dims[2:], part.made[2:], strict=True)])


def _cropped(part: Writing, _: Any, x: Value) -> Value:
    """Cut off what was added."""
    for axis, size in enumerate(part.made[2:], 2):
        x = part.slice(x, axis, 0, size)
    return x


def _partly_biased(part: Writing, _: Any, qkv: Value) -> Value:
    """Queries and values with a bias, keys without."""
    channels, ones = qkv.dims[1] // 3, (1,) * (len(qkv.dims) - 2)
    q, k, v = part.split(qkv, 1, channels, channels, channels)
    q, v = (
        part.node("Add", each, part.stored(key, (channels, *ones)))
        for each, key in ((q, "q_bias"), (v, "v_bias"))
    )
    return part.concat([q, k, v], 1)


COMPOSITES: Mapping[str, Callable[..., Any]] = {
    "attention": attention,
    "dot_product_attention": dot_product_attention,
    "window_attention": window_attention,
}
