"""DeepSpeed's FLOPS profiler: FLOPs with bias, norms and activations; beside them pure MACs.

Unit: FLOPs, 2 per multiply-accumulate, to which elementwise operations are added: the bias of
convolutions (not of linear layers) 1 per output, batch norm 2 per element (1 without affine), other
norms 5 (4 without affine), ReLU, LeakyReLU, PReLU, ELU, SiLU, GELU, softmax and every pooling 1 per
input element, resizing 1 per output element. ``macs`` are the multiply-accumulates alone. The
whole batch is counted. In training mode a batch norm counts 5 per element.

Left out: sigmoid, tanh, hard swish, hard sigmoid, Mish, Softplus, dropout; ``+`` and ``*`` of
tensors (``torch.add`` counts); methods of a tensor and functions of ``torch`` but products, such
as ``x.mean`` and ``torch.relu``. ReLU6 counts 0: the module calls ``hardtanh``, which is not
patched (``F.relu6`` counts).

Wrong: the output size is recomputed, with padding ``same`` as floor(extent / 2) on both sides:
for an even kernel 13 × 13 instead of 14 × 14. A grouped transposed convolution is divided by its
groups twice (0 where the groups are the channels), and its bias counts over the size that a forward
convolution would have. Resizing to a ``size`` counts the positions without batch and channels, and
if it is given as one number, that number (here always the positions). The first two are fixed by
microsoft/DeepSpeed#8323 (August 2026).

Parameters: frozen ones are left out, whatever has ``requires_grad`` off.

Source: deepspeed/profiling/flops_profiler/profiler.py at edaa72212.
"""

from __future__ import annotations

from math import prod

from convcalc.analysis.conventions import Convention, Count
from convcalc.analysis.conventions.leaves import Leaf
from convcalc.analysis.conventions.quantities import (
    ADAPTIVE_AVG,
    BATCH_NORM,
    BIAS,
    CONVS,
    CROSS_CHANNEL_NORM,
    IN,
    INPUT_MACS,
    MACS,
    MAX_POOLS,
    MULTIPLYING,
    NORM,
    NOT_KNOWN,
    TRAINED,
    TRANSPOSED,
    UNMEASURED,
    Forms,
    Rule,
    Rules,
    axes,
    each,
    groups,
    is_area,
    weight_normalised,
)
from convcalc.model.geometry.sizes import extent, resolve_padding, slide_size
from convcalc.model.graph.network import FUNCTION, METHOD


def _is_same(leaf: Leaf) -> bool:
    """Whether PyTorch is given ``same`` as a word, which it supports for stride 1 only."""
    return leaf.field("padding") == "same" and all(s == 1 for s in axes(leaf, "stride"))


def _positions(leaf: Leaf) -> int:
    """Output positions as the tool computes them for ``same``."""
    spans = map(extent, axes(leaf, "kernel_size"), axes(leaf, "dilation"))
    return prod(
        n + 2 * ((e - 1) // 2) - (e - 1) for n, e in zip(leaf.x.spatial, spans, strict=True)
    )


def _conv(leaf: Leaf) -> int:
    return leaf.batch * _positions(leaf) * prod(leaf.weight)


def _bias(leaf: Leaf) -> int:
    return leaf.batch * _positions(leaf) * leaf.weight[0] if leaf.has_bias else 0


def _transposed(leaf: Leaf) -> int:
    """The weight's second size is out_channels / groups already, and is divided once more."""
    in_channels, per_group, *taps = leaf.weight
    filters = per_group // (leaf.output.channels // per_group)
    return leaf.batch * leaf.x.positions * in_channels * filters * prod(taps)


def _transposed_bias(leaf: Leaf) -> int:
    """Over the size of a forward convolution of the same fields."""
    if not leaf.has_bias:
        return 0
    kernel_size, stride, dilation = leaf.weight[2:], axes(leaf, "stride"), axes(leaf, "dilation")
    padding = resolve_padding(leaf.field("padding"), leaf.x.spatial, kernel_size, stride, dilation)
    spans = map(extent, kernel_size, dilation)
    made = (
        slide_size(n, e, s, before, after)
        for n, e, s, (before, after) in zip(leaf.x.spatial, spans, stride, padding, strict=True)
    )
    return leaf.batch * leaf.weight[1] * prod(made)


CONV = MACS.but("padding same", _is_same, Rule("M of the size recomputed", _conv))
CONV_BIAS = BIAS.but("padding same", _is_same, Rule("b·O of that size", _bias))
STAMP = INPUT_MACS.but("grouped", lambda leaf: groups(leaf) > 1, Rule("M / g", _transposed))
STAMP_BIAS = Rule("b·O / g of a forward convolution", _transposed_bias)


def _resized(leaf: Leaf) -> int:
    """Output elements; with a size its positions alone."""
    return leaf.output.positions if has_size(leaf) else leaf.output.numel


def has_size(leaf: Leaf) -> bool:
    """Whether the size of an interpolation is given: in numbers, or as that of a second tensor."""
    return leaf.field("size") is not None or len(leaf.inputs) > 1


ONCE = ("relu", "leaky_relu", "prelu", "elu", "silu", "gelu", "softmax", "avg_pool")

# What calflops, which began as a copy, has too.
COMMON: Rules = {
    **each(MULTIPLYING, UNMEASURED),
    **each(CONVS, 2 * CONV + CONV_BIAS),
    **each(TRANSPOSED, 2 * STAMP + STAMP_BIAS),
    "linear": 2 * MACS,
    "batch_norm": BATCH_NORM,
    **each(("group_norm", "layer_norm", "instance_norm"), NORM),
    "local_response_norm": CROSS_CHANNEL_NORM,
    **each((*ONCE, *MAX_POOLS, *ADAPTIVE_AVG), IN),
}
COMMON = weight_normalised(COMMON, UNMEASURED)
COMMON_MACS: Rules = {
    **each(MULTIPLYING, UNMEASURED),
    **each(CONVS, CONV),
    **each(TRANSPOSED, STAMP),
    "linear": MACS,
}
COMMON_MACS = weight_normalised(COMMON_MACS, UNMEASURED)

FLOPS = {
    **COMMON,
    "dot_product_attention": NOT_KNOWN,
    "matmul": 2 * MACS,
    "upsample": Rule("O; positions of a given size", _resized).but("area", is_area, UNMEASURED),
}
FORMS: Forms = {FUNCTION: {**FLOPS, "relu6": IN}, METHOD: {"matmul": 2 * MACS}}

CONVENTION = Convention(
    "DeepSpeed at edaa72212",
    (
        Count("flops", "FLOPs", "FLOP and op", FLOPS, forms=FORMS),
        Count(
            *("macs", "MACs", "MAC"),
            {**COMMON_MACS, "matmul": MACS, "dot_product_attention": NOT_KNOWN},
            forms={METHOD: {"matmul": MACS}},
        ),
    ),
    other_params=TRAINED,
)
