"""Linear attention: a feature map instead of the softmax, so that work grows with N and not N².

    q, k, v  = linear map of x;   f = relu, or elu(x) + 1
    y_i      = f(q_i) · S / (f(q_i) · z),   S = sum of f(k_j)ᵀ v_j,   z = sum of f(k_j)
    qkv.weight = (3·C, C),  proj.weight = (C, (1 + scales)·C)
    MACs     = batch · N · (3·C² + h·(2·d² + d) + (1 + scales)·C²)        h heads in all, d of each
    d        = C / heads;   h = heads · (1 + scales)

C in_channels, N positions. ``context`` is S, a d x d matrix per head whatever the size of the map,
``aggregate`` its product with the queries, ``normaliser`` that of z, all three dynamic: products
are taken from the right, which is the whole point. Elementwise, per element: the feature map of
queries and keys, 1 (relu) or 2 (elu and the sum), ``key_sum`` 1, ``divide`` 1.

normaliser says how z is made: ``sum`` adds keys; ``ones`` multiplies them with a column of ones
that is appended to the values, N·h·d MACs instead of additions (EfficientViT's code); ``none``
divides by nothing. ``causal`` sums over the keys up to the query's own position, step by step; the
products stay.

Each k of ``scales`` is EfficientViT's multi-scale token: a depthwise k x k convolution of queries,
keys and values and a 1 x 1 convolution in 3·heads groups, both without bias, whose results attend
as further heads: 3·C·k^rank + 3·C·d parameters and as many MACs per position.

The receptive field is global: every position sees all through S, or all before it with ``causal``;
what is reported beside it is the position itself, or the window of the largest of the scales.

Other tools count ``ones`` as timm's LiteMLA and ``sum`` as the code of fast-transformers; causal
sums and other forms were not measured.

Common mistakes: it is not an approximation of softmax attention with the same weights; and with few
positions, N < d, softmax attention has fewer MACs.

Source: Katharopoulos et al., "Transformers are RNNs" (arXiv 2006.16236), equations 5 to 7 and 9;
Cai et al., "EfficientViT" (arXiv 2205.14756), equations 2 and 3, and its LiteMLA.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from convcalc.model.geometry.axis_maps import IDENTITY, Axes, AxisMap, Slide, Unreadable, Whole
from convcalc.model.operators import fields
from convcalc.model.operators.checks import uneven_groups
from convcalc.model.operators.composing import analyse_chain, function, merge_analyses
from convcalc.model.operators.contract import (
    DYNAMIC,
    ELEMENTWISE,
    FACTORS,
    NOTHING,
    Analysis,
    Operator,
    Part,
    Problem,
    Term,
    operator,
)
from convcalc.model.operators.work import share, work
from convcalc.model.ops.convolution.depthwise_conv import DepthwiseConv
from convcalc.model.ops.convolution.linear import Linear
from convcalc.model.ops.convolution.pointwise_conv import PointwiseConv
from convcalc.model.quantities.formula import formula
from convcalc.model.quantities.shape import Shape
from convcalc.model.quantities.unknown import known


@operator
class LinearAttention(Operator):
    """Self-attention with a feature map; see the module's docstring."""

    ranks = (1, 3)

    heads: int = fields.integer("parts of the channels that attend by themselves", 8, minimum=1)
    feature_map: str = fields.word(
        ("elu", "relu"), "what makes queries and keys positive: elu(x) + 1, or relu", "elu"
    )
    normaliser: str = fields.word(
        ("sum", "ones", "none"), "how the sum of the keys is made that is divided by", "sum"
    )
    causal: bool = fields.flag("whether a query sees no later position", False)
    scales: tuple[int, ...] = fields.field(
        "ints", "kernel sizes of the convolutions that make further heads, all odd", (), minimum=1
    )
    qkv_bias: bool = fields.flag("whether queries, keys and values have a learned bias", True)
    proj_bias: bool = fields.flag("whether the last linear map has a learned bias", True)

    def check(self, inputs: Sequence[Shape]) -> Iterator[Problem]:
        """Heads must divide the channels; steps run along one axis."""
        (x,) = inputs
        yield from uneven_groups(self.heads, x.channels, "in_channels", "heads")
        if even := [k for k in self.scales if k % 2 == 0]:
            message = f"a scale of {even[0]} has no center"
            yield Problem("unsupported-combination", "scales", message, "odd ones")
        if self.causal and x.rank > 1:
            message = f"causal needs 1 spatial axis, but the input has {x.rank}"
            yield Problem("wrong-rank", "causal", message, "a reshape to a sequence", 0)
        elif self.causal and self.scales:
            message = "scales look at later positions, so causal has no meaning"
            yield Problem("unsupported-combination", "causal", message, "one of both")

    def analyse(self, inputs: Sequence[Shape]) -> Analysis:
        """Two linear maps, and between them products with one matrix per head."""
        (x,) = inputs
        made = scaled_heads(x.channels, len(self.scales))
        mixed = x.with_channels(made)
        all_of = x.with_channels(qkv_channels(x.channels))
        first = analyse_chain({"qkv": Linear(out_channels=all_of.channels, bias=self.qkv_bias)}, x)
        more: list[Analysis | Part] = [
            self._scale(number, k, all_of) for number, k in enumerate(self.scales)
        ]
        reads: tuple[str, ...] = ("qkv", *(f"scale{n}.pointwise" for n in range(len(more))))
        if more:
            joined = x.with_channels(qkv_channels(made))
            more.append(function("concat", reads, joined, keeps=NOTHING, passes=True))
            reads = ("concat",)
        last = analyse_chain(
            {"proj": Linear(out_channels=x.channels, bias=self.proj_bias)}, mixed, self._result
        )
        return merge_analyses(
            x, (self._axes(x),), first, *more, *self._products(mixed, reads[0]), last
        )

    @property
    def _result(self) -> str:
        return "aggregate" if self.normaliser == "none" else "divide"

    def _scale(self, number: int, k: int, x: Shape) -> Analysis:
        """The convolutions of one scale."""
        ones = (1,) * x.rank
        depthwise = DepthwiseConv(
            kernel_size=(k,) * x.rank, stride=ones, padding="half", dilation=ones, bias=False
        )
        pointwise = PointwiseConv(
            out_channels=x.channels, stride=ones, groups=qkv_channels(self.heads), bias=False
        )
        parts = {f"scale{number}.depthwise": depthwise, f"scale{number}.pointwise": pointwise}
        return analyse_chain(parts, x, "qkv")

    def _products(self, x: Shape, made: str) -> Iterator[Part]:
        """From queries, keys and values of all heads to what they make."""
        each = head_channels(x.channels, self.heads, len(self.scales))
        both = x.with_channels(queries_and_keys(x.channels))
        matrix = Shape(x.batch, x.channels, (each,))
        feature = Term(
            "feature_map", ELEMENTWISE, work(1 + (self.feature_map == "elu"), both.numel)
        )
        products = products_with_context(x.numel, each)
        yield function("feature_map", (made,), both, feature, keeps=FACTORS)
        context = Term("context", DYNAMIC, products)
        yield function("context", ("feature_map", made), matrix, context, keeps=FACTORS)
        aggregate = Term("aggregate", DYNAMIC, products)
        yield function("aggregate", ("feature_map", "context"), x, aggregate, keeps=FACTORS)
        if self.normaliser == "none":
            return
        kind = DYNAMIC if self.normaliser == "ones" else ELEMENTWISE
        sums = Shape(x.batch, x.channels, ())
        of_heads = x.with_channels(share(x.channels, each))
        yield function(
            "key_sum",
            ("feature_map",),
            sums,
            Term("key_sum", kind, x.numel),
            keeps=FACTORS if kind == DYNAMIC else NOTHING,
        )
        normaliser = Term("normaliser", DYNAMIC, x.numel)
        yield function(
            "normaliser", ("feature_map", "key_sum"), of_heads, normaliser, keeps=FACTORS
        )
        divide = Term("divide", ELEMENTWISE, x.numel)
        yield function("divide", ("aggregate", "normaliser"), x, divide, keeps=FACTORS)

    def _axes(self, x: Shape) -> Axes:
        """All positions, beside the window around the own one; or all before it."""
        if self.causal:
            return (up_to(x.spatial[0]),)
        k = max(self.scales, default=1)
        near: AxisMap = Slide(k, 1, k // 2) if k > 1 else IDENTITY
        return (Whole(near),) * x.rank


def up_to(size: int) -> AxisMap:
    """How the steps of a recurrence over all of an axis read it: each the steps up to its own."""
    if not known(size):
        return Unreadable("how far it looks back depends on the size of the input")
    return Slide(size, 1, before_last(size)) if size > 1 else IDENTITY


@formula
def before_last(size: int) -> int:
    """The positions before the last."""
    return size - 1


@formula
def qkv_channels(channels: int) -> int:
    """Queries, keys and values."""
    return 3 * channels


@formula
def queries_and_keys(channels: int) -> int:
    """Queries and keys."""
    return 2 * channels


@formula
def scaled_heads(channels: int, scales: int) -> int:
    """Channels of all heads: those of the linear map, and as many of each scale."""
    return (1 + scales) * channels


@formula
def head_channels(channels: int, heads: int, scales: int) -> int:
    """Channels of one head."""
    return channels // (heads * (1 + scales))


@formula
def products_with_context(elements: int, head_channels: int) -> int:
    """Each element with the row of a matrix of its head."""
    return elements * head_channels
