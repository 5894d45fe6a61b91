"""torch-scan 0.2.0: FLOPs with one addition less than multiplications; beside them MACs.

Unit: FLOPs: a dot product of n terms is 2·n - 1, the bias one more; batch norm 4 per element (2
without affine) and 2 per channel; layer norm 6 per element and one each for weight and bias, and 2
per row; ReLU 1, ReLU6 2, LeakyReLU and sigmoid 4, ELU and tanh 6 per element; dropout 1 per
element, in evaluation mode too. ``macs``: multiply-accumulates, batch norm 2 per element (1 without
affine), and the poolings as in FLOPs. The whole batch is counted.

Left out: group and instance norm, SiLU, GELU, hard swish, hard sigmoid, PReLU, softmax, resizing,
all with a warning; functions and operators, additions and means.

Wrong: a transposed convolution is counted over its output positions, and adds 8 per axis (4 in the
MACs) for computing its padding. A pooling whose kernel_size is one number counts that number, not
its square, as taps; here wherever all axes have the same. Adaptive pooling takes in mod out + 1 for
the window where the sizes do not divide.

The third number, DMAs, is not reproduced.

Source: torchscan/modules/flops.py and macs.py, 0.2.0.
"""

from __future__ import annotations

from math import prod

from convcalc.analysis.conventions import Convention, Count
from convcalc.analysis.conventions.leaves import Leaf
from convcalc.analysis.conventions.quantities import (
    ADAPTIVE_AVG,
    BIAS,
    CHANNELS,
    CONVS,
    FREE,
    IN,
    MACS,
    MADE,
    MULTIPLYING,
    OUT,
    OUTPUT_MACS,
    RANK,
    TRANSPOSED,
    UNCALLED,
    UNMEASURED,
    ZERO,
    Rule,
    Rules,
    affine,
    axes,
    each,
    not_frozen,
    weight_normalised,
)


def _pooled_taps(leaf: Leaf) -> int:
    """Taps of a window; one number for all axes is taken for their product."""
    kernel_size = axes(leaf, "kernel_size")
    return kernel_size[0] if len(set(kernel_size)) == 1 else prod(kernel_size)


def _adaptive_taps(leaf: Leaf) -> int:
    made = leaf.output.spatial or (1,) * leaf.x.rank
    return prod(
        n // m if n % m == 0 else n % m + 1 for n, m in zip(leaf.x.spatial, made, strict=True)
    )


def _layer_norm(leaf: Leaf) -> int:
    rows = leaf.batch * (1 if leaf.field("spatial") else leaf.x.positions)
    return (6 + len(leaf.analysis.weights)) * leaf.x.numel + 2 * rows


def _attention(leaf: Leaf) -> int:
    """Four maps, scaled queries, scores, softmax, aggregate, and the mean of the heads."""
    rows, length, channels = leaf.batch * leaf.x.positions, leaf.x.positions, leaf.x.channels
    heads: int = leaf.field("heads")
    bias = bool(leaf.field("bias"))
    maps = 4 * rows * channels * (2 * channels - 1 + bias)
    scores = heads * rows * length * (2 * (channels // heads) - 1)
    softmax = heads * rows * (3 * length - 1)
    aggregate = rows * channels * (2 * length - 1)
    return maps + 1 + rows * channels + scores + softmax + aggregate + heads * rows * length


POOLED = Rule("k", _pooled_taps)
PARTED = Rule("k'", _adaptive_taps)


def _less(rule: Rule) -> Rule:
    """The rule minus 1."""
    return Rule(f"{rule.text} - 1", lambda leaf: rule.count(leaf) - 1)


POOLS = {
    "max_pool": OUT * _less(POOLED),
    "avg_pool": OUT * (_less(POOLED) + RANK),
    **each(("adaptive_max_pool", "global_max_pool"), OUT * _less(PARTED)),
    **each(ADAPTIVE_AVG, OUT * (_less(PARTED) + RANK)),
}
FLOPS: Rules = {
    **each(MULTIPLYING, UNMEASURED),
    **each(CONVS, 2 * MACS - MADE + BIAS),
    **each(TRANSPOSED, 2 * OUTPUT_MACS - OUT + BIAS + 8 * RANK),
    "linear": 2 * MACS - OUT + BIAS,
    "batch_norm": not_frozen(affine(4 * IN + 2 * CHANNELS, 2 * IN + 2 * CHANNELS)),
    "layer_norm": Rule("6·E + E per weight and bias + 2·rows", _layer_norm),
    "relu": IN,
    "relu6": 2 * IN,
    **each(("leaky_relu", "sigmoid"), 4 * IN),
    **each(("elu", "tanh"), 6 * IN),
    "dropout": IN.but("rate 0", lambda leaf: leaf.field("rate") == 0, FREE),
    **POOLS,
    "attention": Rule("closed form", _attention),
}
FLOPS = weight_normalised(FLOPS, UNMEASURED)
MACS_RULES: Rules = {
    **each(MULTIPLYING, UNMEASURED),
    **each(CONVS, MACS),
    **each(TRANSPOSED, OUTPUT_MACS + 4 * RANK),
    "linear": MACS,
    "batch_norm": not_frozen(affine(2 * IN, IN)),
    **POOLS,
    "attention": ZERO,
}
MACS_RULES = weight_normalised(MACS_RULES, UNMEASURED)

CONVENTION = Convention(
    "torch-scan 0.2.0",
    (
        Count("flops", "FLOPs", "FLOP and op", FLOPS, forms=UNCALLED),
        Count("macs", "MACs", "MAC and op", MACS_RULES, forms=UNCALLED),
    ),
)
