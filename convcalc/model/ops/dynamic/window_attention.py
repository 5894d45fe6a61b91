"""Attention within windows of a map: Swin's, shifted or not, and MaxViT's windows and grid.

    padded     = the next multiple of window_size on each axis, zeros behind; N positions
    qkv.weight = (3·C, C),  proj.weight = (C, C)
    relative_position_bias_table = (prod(2·k - 1), heads)      relative_position: table
    params     = 4·C² + 4·C of the biases + prod(2·k - 1)·heads
    MACs       = batch · N · (4·C² + 2·w·C)                    qkv, scores, aggregate, proj
    softmax    = 3 · batch · heads · N·w,  relative.add one per entry     elementwise

C in_channels, k window_size per axis, w its product: the positions of a window. The output has the
input's shape. ``scores`` and ``aggregate`` multiply what is computed from the input, kind dynamic.

A map that the windows do not divide is padded behind, after whatever norm stands before, and the
output is cut: linear maps and products are then those of the padded map, as torchvision, Swin and
ViTDet run it; a window larger than the map pads it to one window. ``shift_size`` moves the windows
(Swin: half of one, in every second block); what a roll would bring together from both ends is
masked, so that the first and the last window are cut in two, and costs as much. An axis of a
single window is not shifted.

``partition: grid`` takes every f-th position instead of neighbours, f = n / k: k positions per
axis spread over the whole map (MaxViT's grid attention). The sizes must divide.

``relative_position`` says what is added to the scores: ``table``, a learned number per offset and
head; ``mlp``, the same table made by two linear layers from the offsets (SwinV2: rank -> 512 ->
heads, the last without bias, once per pass, whatever the batch); ``decomposed``, the query's
product with a learned vector of each axis's offset, (2·k - 1, C / heads) per axis, shared by the
heads (MViTv2, ViTDet, SAM); ``none``. ``cosine`` compares directions: queries and keys are
normalised, 3 operations per element, and multiplied by a learned factor per head, ``logit_scale``
(SwinV2). ``key_bias: false`` has a bias for queries and values only, as SwinV2's authors and timm;
torchvision keeps one for all.

The receptive field of a position is its window: it depends on where in the window it lies, and so
does that of what comes behind. The first windows of Swin-T see 28 x 28 pixels: 7 of 4 each. A grid
reaches over the map but reads every f-th position.

Indices that implementations store, which offset belongs to which pair, follow from the window and
are not a buffer here. Rolls and rearrangements are moves.

Common mistakes: counting the unpadded map: at 800 x 1333 Swin-T pads every stage; and taking the
mask of shifted windows for work saved.

Source: Liu et al., "Swin transformer" (arXiv 2103.14030), equation 2, section 3.2; "Swin
transformer V2" (arXiv 2111.09883), sections 3.2 and 3.3; Tu et al., "MaxViT" (arXiv 2204.01697),
section 3.2; Li et al., "MViTv2" (arXiv 2112.01526), equation 4; torchvision
``ShiftedWindowAttention``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from math import prod

from convcalc.model.geometry.axis_maps import AxisMap, Comb, Tiles, Unreadable
from convcalc.model.geometry.sizes import axis_name
from convcalc.model.operators import fields
from convcalc.model.operators.checks import uneven_groups
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
from convcalc.model.operators.work import share, work
from convcalc.model.ops.convolution.linear import Linear
from convcalc.model.quantities.formula import formula
from convcalc.model.quantities.shape import Shape
from convcalc.model.quantities.unknown import known


@operator
class WindowAttention(Operator):
    """Self-attention within windows; see the module's docstring."""

    ranks = (1, 3)

    window_size: tuple[int, ...] = fields.axes(
        "positions of a window, per axis", short="w", minimum=1
    )
    heads: int = fields.integer("parts of the channels that attend by themselves", 8, minimum=1)
    shift_size: tuple[int, ...] = fields.axes(
        "positions by which the windows are moved, per axis", 0, minimum=0
    )
    partition: str = fields.word(
        ("window", "grid"), "whether a window holds neighbours or every f-th position", "window"
    )
    relative_position: str = fields.word(
        ("table", "mlp", "decomposed", "none"), "what offsets add to the scores", "table"
    )
    mlp_channels: int = fields.integer("hidden channels of relative_position mlp", 512, minimum=1)
    cosine: bool = fields.flag("whether directions are compared, with a factor per head", False)
    qkv_bias: bool = fields.flag("whether queries, keys and values have a learned bias", True)
    key_bias: bool = fields.flag("whether keys have one where the others do", True)
    proj_bias: bool = fields.flag("whether the last linear map has a learned bias", True)

    def check(self, inputs: Sequence[Shape]) -> Iterator[Problem]:
        """Heads must divide the channels, a shift be within a window, and a grid divide the map."""
        (x,) = inputs
        yield from uneven_groups(self.heads, x.channels, "in_channels", "heads")
        if any(self.shift_size) and self.partition == "grid":
            yield Problem("unsupported-combination", "shift_size", "a grid is not shifted")
        for axis, (n, k, s) in enumerate(
            zip(x.spatial, self.window_size, self.shift_size, strict=True)
        ):
            if s >= k:
                message = f"shift_size {s} is not part of a window of {k}"
                yield Problem("out-of-range", "shift_size", message, f"at most {k - 1}")
            if self.partition == "grid" and known(n) and n % k:
                message = f"a grid of {k} does not divide {axis_name(axis, x.rank)} {n}"
                yield Problem("does-not-divide", "window_size", message, "", 0)

    def analyse(self, inputs: Sequence[Shape]) -> Analysis:
        """Two linear maps, and between them two products over the pairs of every window."""
        (x,) = inputs
        padded = x.with_spatial(tuple(map(padded_to_windows, x.spatial, self.window_size)))
        grows = padded.spatial != x.spatial
        source: int | str = "pad" if grows else 0
        pairs = pairs_of_windows(padded.spatial, self.window_size)
        matrix = padded.with_channels(keys_of_windows(self.window_size, self.heads))
        amount = products_of_windows(x.batch, pairs, x.channels)
        scores = Term("scores", DYNAMIC, amount)
        softmax = Term("softmax", ELEMENTWISE, work(3, matrix.numel))
        aggregate = Term("aggregate", DYNAMIC, amount)
        whole = self.qkv_bias and self.key_bias
        qkv = Linear(out_channels=qkv_channels(x.channels), bias=whole)
        proj = Linear(out_channels=x.channels, bias=self.proj_bias)
        maps, logits, offsets = self._logits(padded, matrix)
        return merge_analyses(
            x,
            (tuple(map(self._axis, x.spatial, self.window_size, self.shift_size)),),
            *([function("pad", (0,), padded, keeps=NOTHING, passes=True)] if grows else ()),
            analyse_chain({"qkv": qkv}, padded, source),
            *self._bias_part(padded),
            *maps,
            function("scores", (self._read, self._read), matrix, scores, keeps=FACTORS, tiles=True),
            *logits,
            function("softmax", (offsets,), matrix, softmax, keeps=OUTPUT, tiles=True),
            function("aggregate", ("softmax", self._made), padded, aggregate, keeps=FACTORS),
            analyse_chain({"proj": proj}, padded, "aggregate"),
            *(
                [function("crop", ("proj",), x, keeps=NOTHING, passes=True, view=True)]
                if grows
                else ()
            ),
            facts={
                "attention_elements": products_of_windows(x.batch, pairs, self.heads),
                "padded": padded.spatial,
            },
        )

    def _axis(self, size: int, window: int, shift: int) -> AxisMap:
        """How an output reads an axis: its window, or every f-th position."""
        if self.partition == "grid":
            return Comb(size, size // window) if known(size) else _GRID
        if not shift:
            return Tiles(window)
        if not known(size):
            return Tiles(window, shift, placed=False)
        return Tiles(window, shift if size > window else 0)

    # --- parts between the linear maps ---------------------------------------------------------

    @property
    def _made(self) -> str:
        """The part that makes queries, keys and values."""
        return "qkv.bias" if self.qkv_bias and not self.key_bias else "qkv"

    @property
    def _read(self) -> str:
        """The part that makes the queries and keys which are multiplied."""
        return "normalise" if self.cosine else self._made

    def _bias_part(self, padded: Shape) -> list[Part]:
        """The biases of queries and values alone."""
        if self._made == "qkv":
            return []
        weights = {"q_bias": (padded.channels,), "v_bias": (padded.channels,)}
        output = padded.with_channels(qkv_channels(padded.channels))
        term = Term("qkv.bias", ELEMENTWISE, work(2, padded.numel))
        traits = {"keeps": NOTHING, "in_place": True, "passes": True}
        return [function("qkv.bias", ("qkv",), output, term, weights=weights, **traits)]

    def _logits(self, padded: Shape, matrix: Shape) -> tuple[list[Part], list[Part], str]:
        """The parts before the scores and behind them, and the part that makes the logits."""
        before: list[Part] = []
        after: list[Part] = []
        logits = "scores"
        if self.cosine:
            both = padded.with_channels(queries_and_keys(padded.channels))
            term = Term("normalise", ELEMENTWISE, work(3, both.numel))
            before.append(function("normalise", (self._made,), both, term, keeps=FACTORS))
            factor = Term("logit_scale", ELEMENTWISE, matrix.numel)
            weights = {"logit_scale": (self.heads, *(1,) * 2)}
            traits = {"keeps": FACTORS, "in_place": True, "tiles": True}
            after.append(
                function("logit_scale", (logits,), matrix, factor, weights=weights, **traits)
            )
            logits = "logit_scale"
        if self.relative_position != "none":
            made, reads, times = self._offsets(padded)
            add = Term("relative.add", ELEMENTWISE, work(times, matrix.numel))
            traits = {"keeps": NOTHING, "in_place": True, "passes": True, "tiles": True}
            before += made
            table = self._table() if self.relative_position == "table" else {}
            sum_ = function("relative.add", (logits, *reads), matrix, add, weights=table, **traits)
            after.append(sum_)
            logits = "relative.add"
        return before, after, logits

    def _table(self) -> Mapping[str, tuple[int, ...]]:
        offsets = offsets_of_window(self.window_size)
        return {"relative_position_bias_table": (offsets, self.heads)}

    def _offsets(self, padded: Shape) -> tuple[list[Part], tuple[str, ...], int]:
        """The parts that make the summands, those to read them from, and how many a score gets."""
        if self.relative_position == "table":
            return [], (), 1
        if self.relative_position == "mlp":
            return self._mlp_parts(padded.rank), ("relative.output",), 1
        each = share(padded.channels, self.heads)
        weights = {
            f"rel_pos.{axis_name(axis, padded.rank)}": (offsets_of_axis(k), each)
            for axis, k in enumerate(self.window_size)
        }
        amount = decomposed_macs(padded.batch, padded.spatial, padded.channels, self.window_size)
        made = padded.with_channels(decomposed_channels(self.heads, self.window_size))
        term = Term("relative", WEIGHTS, amount)
        part = function("relative", (self._made,), made, term, weights=weights)
        return [part], ("relative",), padded.rank

    def _mlp_parts(self, rank: int) -> list[Part]:
        """Two linear maps of the offsets, once for all samples; 16 · sigmoid of what comes out."""
        offsets = (offsets_of_window(self.window_size),)
        hidden, heads = Shape(1, self.mlp_channels, offsets), Shape(1, self.heads, offsets)
        first, last = (self.mlp_channels, rank), (self.heads, self.mlp_channels)
        macs = [
            Term(name, WEIGHTS, mlp_macs(offsets[0], *weight))
            for name, weight in (("relative.hidden", first), ("relative.output", last))
        ]
        bias = Term("relative.hidden.bias", ELEMENTWISE, hidden.numel)
        relu = Term("relative.relu", ELEMENTWISE, hidden.numel)
        bound = Term("relative.sigmoid", ELEMENTWISE, work(2, heads.numel))
        weights = {"relative.hidden.weight": first, "relative.hidden.bias": first[:1]}
        return [
            function("relative.hidden", (), hidden, macs[0], bias, relu, weights=weights),
            function(
                "relative.output",
                ("relative.hidden",),
                heads,
                macs[1],
                bound,
                weights={"relative.output.weight": last},
            ),
        ]


_GRID = Unreadable("which positions a grid takes depends on the size of the input")


# --- sizes and counts ----------------------------------------------------------------------------


@formula
def padded_to_windows(size: int, window: int) -> int:
    """The next multiple of the window."""
    return -(-size // window) * window


@formula
def qkv_channels(channels: int) -> int:
    """Queries, keys and values."""
    return 3 * channels


@formula
def queries_and_keys(channels: int) -> int:
    """Queries and keys."""
    return 2 * channels


@formula
def keys_of_windows(window_size: tuple[int, ...], heads: int) -> int:
    """Entries of the attention of one position: one per position of its window and head."""
    return prod(window_size) * heads


@formula
def pairs_of_windows(padded: tuple[int, ...], window_size: tuple[int, ...]) -> int:
    """Each position with every one of its window."""
    return prod(padded) * prod(window_size)


@formula
def products_of_windows(batch: int, pairs: int, channels: int) -> int:
    """One product per pair and channel."""
    return batch * pairs * channels


@formula
def offsets_of_axis(window: int) -> int:
    """Offsets within a window along one axis: from 1 - k to k - 1."""
    return 2 * window - 1


def offsets_of_window(window_size: tuple[int, ...]) -> int:
    """Offsets within a window, on all axes together."""
    return product_of_offsets(tuple(map(offsets_of_axis, window_size)))


@formula
def product_of_offsets(offsets: tuple[int, ...]) -> int:
    """Each offset along one axis with every one along the others."""
    return prod(offsets)


@formula
def mlp_macs(offsets: int, out_channels: int, in_channels: int) -> int:
    """A linear map of every offset, whatever the batch."""
    return offsets * out_channels * in_channels


@formula
def decomposed_channels(heads: int, window_size: tuple[int, ...]) -> int:
    """Products of one position with the vectors of its offsets along each axis, in every head."""
    return heads * sum(window_size)


@formula
def decomposed_macs(
    batch: int, padded: tuple[int, ...], channels: int, window_size: tuple[int, ...]
) -> int:
    """Each position with the vectors of the offsets along each axis."""
    return batch * prod(padded) * channels * sum(window_size)
