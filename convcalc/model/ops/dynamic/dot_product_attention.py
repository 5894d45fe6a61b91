"""Attention of given queries, keys and values: every query looks at all keys, or those of a mask.

    inputs     = queries (heads·d, *sizes), keys (kv_heads·d, *others), values (kv_heads·e, *others)
    output     = (heads·e, *sizes)
    MACs       = batch · P · heads·d  +  batch · P · heads·e      scores, aggregate: dynamic
    softmax    = 3 · batch · heads · P                            elementwise
    P          = N·M; with skip_masked the pairs that the mask leaves

N queries, M keys: the products of their sizes; ``from: [q, k, v]``. Keys and values may come from
another map with other sizes or another number of axes: a decoder's memory, or the same map made
smaller (PVT, SegFormer). There is no parameter: the linear maps before and behind are layers of
their own, and ``attention`` is this operator with them, on one tensor.

With fewer ``kv_heads`` than heads several heads share keys and values (grouped queries, one for
all: multi-query): the products stay, keys and values get smaller.

Masks: ``causal`` leaves each query the keys up to its own position, in the order of rows: query i
has keys 0 to i. ``window`` leaves the positions around it, k per axis, (k - 1) // 2 of them
before; with ``causal`` the last k. A plain implementation computes every product and throws the
masked ones away, which is what is counted; ``skip_masked`` is for kernels that leave them out
(block-sparse, flash, neighbourhood attention). ``attended_pairs`` is the exact number of pairs
that the mask leaves, borders respected.

``partition`` cuts the map into parts of ``partition_size`` positions per axis, and a query sees its
own part only: ``window`` neighbours side by side (Swin), ``grid`` every f-th position, f = n / size
(MaxViT; MobileViT, whose patches are taken apart). The size of a whole axis leaves that one uncut,
and 1 makes each of its positions a part: attention along rows or columns. P = N · prod(size), and
the sizes must divide. ``window_attention`` is this with its linear maps, padding and shifts.

``position_bias`` is the shape of a learned tensor that is added to the scores, whatever its entries
belong to: a table of offsets, [(2·w - 1)², heads], or a number per pair and head. It adds its
parameters and one elementwise operation per pair and head.

The receptive field is global without a mask; beside it that of the query's own position is
reported. With ``window`` it is that window, with ``partition`` the part. With ``causal`` it is what
lies before the position: on one axis the last M positions, on several a half plane, all earlier
rows and the earlier part of its own. That is read exactly, but is not a product of axes; per axis
its hull is shown, as wide as a map without borders would have it.

``attention_elements``, batch · heads · N·M, is the size of the attention matrix; see ``attention``
for what of it is held in memory.

Common mistakes: MACs halve under a causal mask only if the kernel skips; PyTorch's counter, among
others, never discounts it. Reducing keys and values r-fold per axis divides the products by r^rank
and nothing else.

Source: Vaswani et al., arXiv 1706.03762, section 3.2.1; PyTorch
``torch.nn.functional.scaled_dot_product_attention`` (is_causal, enable_gqa); Ainslie et al., "GQA"
(arXiv 2305.13245); Wang et al., "Pyramid vision transformer" (arXiv 2102.12122), section 3.3;
Beltagy et al., "Longformer" (arXiv 2004.05150), section 3.1.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import prod

from convcalc.model.geometry.axis_maps import (
    IDENTITY,
    Axes,
    AxisMap,
    Comb,
    Slide,
    Tiles,
    Unreadable,
    Whole,
)
from convcalc.model.geometry.channel_maps import Block, Blocks, ChannelMap, Hidden, grouped
from convcalc.model.geometry.sizes import axis_name
from convcalc.model.operators import fields
from convcalc.model.operators.checks import uneven_groups
from convcalc.model.operators.composing import function, merge_analyses
from convcalc.model.operators.contract import (
    DYNAMIC,
    ELEMENTWISE,
    FACTORS,
    NOTHING,
    OUTPUT,
    Analysis,
    Operator,
    Part,
    Problem,
    Term,
    operator,
)
from convcalc.model.operators.windows import arm
from convcalc.model.operators.work import share
from convcalc.model.quantities.formula import formula
from convcalc.model.quantities.shape import Shape
from convcalc.model.quantities.unknown import known, largest


@operator
class DotProductAttention(Operator):
    """Attention of given queries, keys and values; see the module's docstring."""

    arity = (3, 3)
    ranks = (1, 3)
    meets = False

    heads: int = fields.integer("parts of the channels that attend by themselves", 8, minimum=1)
    kv_heads: int | None = fields.integer(
        "heads of keys and values, which several heads share; heads if not given", None, minimum=1
    )
    causal: bool = fields.flag("whether a query sees no later position", False)
    window: tuple[int, ...] | None = fields.axes(
        "positions that a query sees per axis, around it; all if not given", None, minimum=1
    )
    skip_masked: bool = fields.flag("whether products of masked pairs are left out", False)
    partition: str = fields.word(
        ("none", "window", "grid"), "parts of the map within which queries see keys", "none"
    )
    partition_size: tuple[int, ...] | None = fields.axes(
        "positions of a part, per axis", None, minimum=1
    )
    position_bias: tuple[int, ...] | None = fields.field(
        "ints", "shape of a learned tensor that is added to the scores", None, minimum=1
    )

    def check(self, inputs: Sequence[Shape]) -> Iterator[Problem]:
        """Heads must divide, a head's queries and keys be as long, and keys and values as many."""
        queries, keys, values = inputs
        kv = self.kv_heads or self.heads
        yield from uneven_groups(self.heads, queries.channels, "channels of the queries", "heads")
        field = "kv_heads" if self.kv_heads else "heads"
        yield from uneven_groups(kv, keys.channels, "channels of the keys", field)
        yield from uneven_groups(kv, values.channels, "channels of the values", field)
        if self.kv_heads:
            yield from uneven_groups(kv, self.heads, "heads", "kv_heads")
        d, e = share(queries.channels, self.heads), share(keys.channels, kv)
        if not queries.channels % self.heads and not keys.channels % kv and d != e:
            message = f"a head has {d} channels of the queries, but {e} of the keys"
            advice = f"keys of {kv * d} channels"
            yield Problem("shape-mismatch", "", message, advice, 1)
        for index, x in enumerate(inputs[1:], 1):
            if x.batch != queries.batch:
                message = f"queries in batches of {queries.batch}, {_NAMES[index]} of {x.batch}"
                yield Problem("shape-mismatch", "", message, "inputs of the same batch", index)
        if not keys.rank:
            yield Problem("wrong-rank", "", f"keys {keys} have no positions", "", 1)
        elif keys.rank != values.rank or any(
            n != m for n, m in zip(keys.spatial, values.spatial, strict=True)
        ):
            message = f"keys {keys} and values {values}: only the channels may differ"
            yield Problem("shape-mismatch", "", message, f"values of {_sizes(keys)}", 2)
        elif self.causal or self.window:
            yield from self._mask_problems(queries, keys)
        yield from self._part_problems(queries, keys)

    def _part_problems(self, queries: Shape, keys: Shape) -> Iterator[Problem]:
        """Parts have a size that divides a map, which queries and keys share."""
        if self.partition == "none" or self.partition_size is None:
            if self.partition != "none":
                message = f"partition {self.partition} needs the size of a part"
                yield Problem("missing-key", "partition_size", message, "partition_size: 7")
            elif self.partition_size is not None:
                message = "partition_size is set, but partition is none"
                advice = "partition: window, or grid"
                yield Problem("unsupported-combination", "partition_size", message, advice)
        elif self.causal or self.window:
            message = f"partition {self.partition} with a mask"
            yield Problem("unsupported-combination", "partition", message, "one of both")
        elif queries.rank != keys.rank or any(
            n != m for n, m in zip(queries.spatial, keys.spatial, strict=True)
        ):
            message = f"parts of one map, but queries are {queries} and keys {keys}"
            yield Problem("unsupported-combination", "partition", message, "equal sizes", 1)
        else:
            for axis, (n, k) in enumerate(zip(queries.spatial, self.partition_size, strict=True)):
                if known(n) and n % k:
                    message = f"parts of {k} do not divide {axis_name(axis, queries.rank)} {n}"
                    yield Problem("does-not-divide", "partition_size", message, "", 0)

    def _mask_problems(self, queries: Shape, keys: Shape) -> Iterator[Problem]:
        """A mask compares places, so queries and keys must lie on the same map."""
        field = "causal" if self.causal else "window"
        if queries.rank != keys.rank or (
            (queries.rank > 1 or self.window)
            and any(n != m for n, m in zip(queries.spatial, keys.spatial, strict=True))
        ):
            message = f"{field} compares places, but queries are {queries} and keys {keys}"
            yield Problem("unsupported-combination", field, message, "no mask, or equal sizes", 1)
        if self.causal and self.window and queries.rank > 1:
            message = f"causal with a window on {queries.rank} axes"
            advice = "one of both; a masked window is a conv's 'mask'"
            yield Problem("unsupported-combination", "window", message, advice)

    def analyse(self, inputs: Sequence[Shape]) -> Analysis:
        """Two products for each pair of a query and a key, and the softmax between them."""
        queries, keys, values = inputs
        kv = self.kv_heads or self.heads
        made = channels_of_heads(self.heads, share(values.channels, kv))
        output = queries.with_channels(made)
        batch, sizes, others = queries.batch, queries.spatial, keys.spatial
        seen = self.partition_size if self.partition != "none" else others
        every = all_pairs(sizes, seen or others)
        left = self._left(sizes, others) if self.partition == "none" else every
        pairs = left if self.skip_masked else every
        matrix = Shape(batch, keys_of_heads(seen or others, self.heads), sizes)
        scores = Term("scores", DYNAMIC, products_of_pairs(batch, pairs, queries.channels))
        softmax = Term("softmax", ELEMENTWISE, softmax_of_pairs(batch, pairs, self.heads))
        aggregate = Term("aggregate", DYNAMIC, products_of_pairs(batch, pairs, made))
        masked = {"attended_pairs": left} if self.causal or self.window else {}
        axes = self._axes(queries, keys)
        logits = "position_bias" if self.position_bias else "scores"
        return merge_analyses(
            output,
            ((IDENTITY,) * queries.rank, axes, axes),
            function("scores", (0, 1), matrix, scores, keeps=FACTORS, tiles=True),
            *([_bias_part(matrix, self.position_bias)] if self.position_bias else ()),
            function("softmax", (logits,), matrix, softmax, keeps=OUTPUT, tiles=True),
            function("aggregate", ("softmax", 2), output, aggregate, keeps=FACTORS),
            facts={
                "attention_elements": products_of_pairs(batch, every, self.heads),
                **masked,
            },
            channels=self._channels(queries, keys, values, made),
        )

    # --- masks ---------------------------------------------------------------------------------

    def _left(self, sizes: tuple[int, ...], others: tuple[int, ...]) -> int:
        """The pairs of a query and a key that the mask leaves."""
        if self.window and self.causal:
            return causal_window_pairs(sizes[0], self.window[0])
        if self.window:
            return pairs_of_axes(tuple(map(line_pairs, sizes, self.window)))
        return causal_pairs(prod(sizes), prod(others)) if self.causal else all_pairs(sizes, others)

    def _axes(self, queries: Shape, keys: Shape) -> Axes:
        """How an output reads the axes of the keys."""
        if self.partition_size and self.partition != "none":
            return tuple(map(self._part_axis, keys.spatial, self.partition_size))
        if self.window and self.causal:
            return (Slide(self.window[0], 1, self.window[0] - 1),)
        if self.window:
            return tuple(Slide(k, 1, arm(k)) for k in self.window)
        if self.causal:
            first, *rest = map(largest, queries.spatial, keys.spatial)
            return (_up_to(first), *map(_around, rest))
        if queries.rank == keys.rank and queries.spatial == keys.spatial:
            return (Whole(IDENTITY),) * keys.rank
        return (Whole(),) * keys.rank

    def _part_axis(self, size: int, part: int) -> AxisMap:
        """How an output reads an axis of which it sees a part."""
        if known(size) and size == part:
            return Whole(IDENTITY)
        if self.partition == "window":
            return Tiles(part)
        return Comb(size, size // part) if known(size) else _GRID

    def _parts(self, keys: Shape) -> Sequence[Axes | None]:
        """The products of axes whose union an output reads: one, or those of a half plane."""
        if not self.causal or keys.rank == 1:
            return [None]
        return half_space(keys.spatial)

    def _channels(
        self, queries: Shape, keys: Shape, values: Shape, made: int
    ) -> tuple[ChannelMap, ...]:
        """A channel reads its own of the values, weighed by all queries and keys of its head."""
        if not known((queries.channels, keys.channels, values.channels)):
            reason = Hidden("the number of channels is not known")
            return reason, reason, reason
        kv = self.kv_heads or self.heads
        each = share(values.channels, kv)
        parts = self._parts(keys)
        return (
            grouped(self.heads, queries.channels, made),
            _blocks(parts, made, keys.channels, kv),
            _own_heads(parts, self.heads, kv, each),
        )


_NAMES = ("queries", "keys", "values")


def half_space(spatial: tuple[int, ...]) -> list[Axes]:
    """Return what comes before a position in the order of rows, or is it: earlier ones on the first
    axis with everything on the others, the same one with earlier ones on the next, and so on.
    """
    rank = len(spatial)
    return [
        (
            *(IDENTITY,) * axis,
            _up_to(spatial[axis]) if axis == rank - 1 else _before(spatial[axis]),
            *map(_around, spatial[axis + 1 :]),
        )
        for axis in range(rank)
    ]


def _bias_part(matrix: Shape, shape: tuple[int, ...]) -> Part:
    """The learned tensor that is added to the scores."""
    term = Term("position_bias", ELEMENTWISE, matrix.numel)
    traits = {"keeps": NOTHING, "in_place": True, "passes": True, "tiles": True}
    weights = {"position_bias": shape}
    return function("position_bias", ("scores",), matrix, term, weights=weights, **traits)


_GRID = Unreadable("which positions a grid takes depends on the size of the input")
_UNKNOWN = Unreadable("how far back it reads depends on the size of the input")


def _up_to(size: int) -> AxisMap:
    """All positions up to the query's own: of so many, no more than that can be there."""
    return Slide(size, 1, size - 1) if known(size) else _UNKNOWN


def _before(size: int) -> AxisMap:
    """All positions before the query's own."""
    return Slide(size, 1, size) if known(size) else _UNKNOWN


def _around(size: int) -> AxisMap:
    """All positions, before and behind."""
    return Slide(2 * size - 1, 1, size - 1) if known(size) else _UNKNOWN


def _blocks(parts: Sequence[Axes | None], made: int, read: int, groups: int) -> ChannelMap:
    """Equal groups of channels, each through every one of the parts."""
    if parts == [None]:
        return grouped(groups, read, made) if groups > 1 else None
    return Blocks(tuple(Block(range(made), range(read), groups, axes) for axes in parts))


def _own_heads(parts: Sequence[Axes | None], heads: int, kv_heads: int, each: int) -> ChannelMap:
    """Each output channel reads that of its number in the head that its head shares."""
    rounds, made = heads // kv_heads, heads * each
    if rounds == 1:
        return Blocks(tuple(Block(range(made), range(made), made, axes) for axes in parts))
    return Blocks(
        tuple(
            Block(
                range(head * each, (head + 1) * each),
                range(head // rounds * each, (head // rounds + 1) * each),
                each,
                axes,
            )
            for head in range(heads)
            for axes in parts
        )
    )


def _sizes(x: Shape) -> str:
    return "×".join(map(str, x.spatial))


# --- counts --------------------------------------------------------------------------------------


@formula
def channels_of_heads(heads: int, channels: int) -> int:
    """The heads side by side."""
    return heads * channels


@formula
def keys_of_heads(sizes: tuple[int, ...], heads: int) -> int:
    """Entries of the attention matrix for one query: a key per position, in every head."""
    return prod(sizes) * heads


@formula
def all_pairs(queries: tuple[int, ...], keys: tuple[int, ...]) -> int:
    """Every query with every key."""
    return prod(queries) * prod(keys)


@formula
def causal_pairs(queries: int, keys: int) -> int:
    """Query i with keys 0 to i: 1 + 2 + … up to all keys, and all of them from there on."""
    growing: int = min(queries, keys)
    return growing * (growing + 1) // 2 + (queries - growing) * keys


@formula
def causal_window_pairs(positions: int, window: int) -> int:
    """Each position with the last k, its own among them, as far as there are so many."""
    growing: int = min(positions, window)
    return growing * (growing + 1) // 2 + (positions - growing) * window


@formula
def pairs_of_axes(pairs: tuple[int, ...]) -> int:
    """A window is a product of axes, and so are its pairs."""
    return prod(pairs)


@formula
def line_pairs(size: int, window: int) -> int:
    """Each position of a line with those of the window around it that lie on the line; at the ends
    1 + 2 + … are missing on either side."""
    before: int = min((window - 1) // 2, size - 1)
    after: int = min(window // 2, size - 1)
    missing: int = before * (before + 1) // 2 + after * (after + 1) // 2
    return size * (1 + before + after) - missing


@formula
def products_of_pairs(batch: int, pairs: int, channels: int) -> int:
    """One product per pair and channel."""
    return batch * pairs * channels


@formula
def softmax_of_pairs(batch: int, pairs: int, heads: int) -> int:
    """Three operations per pair and head."""
    return 3 * batch * pairs * heads
