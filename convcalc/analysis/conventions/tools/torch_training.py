"""PyTorch's FlopCounterMode, forward and backward; beside it what is right for groups.

Unit: FLOPs, 2 × MACs, of the forward pass, of the gradient of the input and of the gradient of
the weights: three times the forward pass. Every input gets a gradient, that of the network too;
frozen weights get none. The whole batch is counted.

Wrong: for a convolution of g groups the gradient of the weights counts g times too much, as if
there were no groups, up to version 2.15; a depthwise layer of 96 channels shows 98 forward passes
instead of 3. MobileNet v2 shows 12.3 GFLOPs, right are 1.805; ConvNeXt-T 77.5 instead of 26.7.
``right`` is the count without that error. The column ``training`` of a report differs from it in
that the first layer needs no gradient of its input, nor any layer behind frozen weights alone.

Left out: what the page ``torch`` names; attention is counted, since its fast path is for
evaluation only.

Source: torch/utils/flop_counter.py, ``conv_backward_flop``, 2.13.0.
"""

from __future__ import annotations

from convcalc.analysis.conventions import Convention, Count
from convcalc.analysis.conventions.published_code import (
    BOTH_GRADIENTS,
    FLOP_COUNTER_TRAINING,
    PYTORCH_PARAMS,
)
from convcalc.analysis.conventions.quantities import (
    CONVS,
    GROUPS,
    INPUT_MACS,
    MACS,
    MULTIPLYING,
    TRANSPOSED,
    UNMEASURED,
    ZERO,
    Rule,
    each,
)
from convcalc.analysis.conventions.tools.torch import uneven_heads


def learning(rule: Rule, macs: Rule) -> Rule:
    """The rule of a layer; without the gradient of the weights where those are frozen."""
    return rule.but("frozen", lambda leaf: leaf.trained == 0, 4 * macs)


RIGHT = {
    **each(MULTIPLYING, UNMEASURED),
    **each(CONVS, learning(6 * MACS, MACS)),
    **each(TRANSPOSED, learning(6 * INPUT_MACS, INPUT_MACS)),
    "linear": learning(6 * MACS, MACS),
    "matmul": 6 * MACS,
    "dot_product_attention": 6 * MACS,
    **BOTH_GRADIENTS,
}
RULES = {
    **RIGHT,
    "dot_product_attention": ZERO.but("heads of v differ from k", uneven_heads, 6 * MACS),
    **each(CONVS, learning(4 * MACS + 2 * MACS * GROUPS, MACS)),
    **each(TRANSPOSED, learning(4 * INPUT_MACS + 2 * INPUT_MACS * GROUPS, INPUT_MACS)),
    **FLOP_COUNTER_TRAINING,
}

CONVENTION = Convention(
    "torch 2.13 FlopCounterMode with backward",
    (Count("flops", "FLOPs", "FLOP", RULES), Count("right", "right FLOPs", "FLOP", RIGHT)),
    PYTORCH_PARAMS,
)
