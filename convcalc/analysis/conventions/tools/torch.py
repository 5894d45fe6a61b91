"""PyTorch's FlopCounterMode, forward: 2 FLOPs per multiply-accumulate, and nothing else.

Unit: FLOPs, 2 × MACs, of convolutions (transposed ones over their input positions), linear layers
and matrix products; no bias. The whole batch is counted. That is convcalc's own FLOPs wherever all
multiply-accumulates belong to such modules.

Left out: everything else, such as norms, activations, poolings, additions and sampling.
``nn.MultiheadAttention`` with biases counts 0 in evaluation mode, because its fast path is a single
operator that the counter does not know; on the CPU, ``scaled_dot_product_attention`` counts 0 up to
version 2.14, unless a head's values have another size than its keys. A causal mask is never
discounted. GRU shows its matrix products, LSTM nothing. Padding is counted like any other position
(discussed in pytorch/pytorch#95751).

Source: torch/utils/flop_counter.py, 2.13.0.
"""

from __future__ import annotations

from convcalc.analysis.conventions import Convention, Count
from convcalc.analysis.conventions.leaves import Leaf
from convcalc.analysis.conventions.published_code import FLOP_COUNTER, PYTORCH_PARAMS
from convcalc.analysis.conventions.quantities import (
    CONVOLVING,
    CONVS,
    FIXED,
    INPUT_MACS,
    MACS,
    TRANSPOSED,
    ZERO,
    each,
)


def uneven_heads(leaf: Leaf) -> bool:
    """Whether a head's values have another size than its keys: then no fused kernel fits."""
    return bool(leaf.output.channels != leaf.x.channels)


RULES = {
    **each(CONVS, 2 * MACS),
    **each(TRANSPOSED, 2 * INPUT_MACS),
    "linear": 2 * MACS,
    "matmul": 2 * MACS,
    **each((*FIXED, *CONVOLVING), 2 * MACS),
    "gru": 2 * MACS,
    "lstm": ZERO.but("projected", lambda leaf: bool(leaf.field("proj_size")), 2 * MACS),
    "attention": ZERO.but("no bias", lambda leaf: not leaf.field("bias"), 2 * MACS),
    "dot_product_attention": ZERO.but("heads of v differ from k", uneven_heads, 2 * MACS),
    **FLOP_COUNTER,
}

CONVENTION = Convention(
    "torch 2.13 FlopCounterMode", (Count("flops", "FLOPs", "FLOP", RULES),), PYTORCH_PARAMS
)
