"""TensorFlow's profiler: the FLOPs of a graph, with bias and some elementwise operations.

Unit: FLOPs, 2 per multiply-accumulate of convolutions, depthwise convolutions and matrix products,
to which are added the bias 1 per output, batch norm 2 per element and 6 per channel, SiLU 2, GELU
4 and softmax 5 per element, poolings 1 per tap, the mean over all positions 1 per input element,
additions and products of tensors 1 per output. The whole batch is counted.

Left out: ReLU and resizing, which have no statistics registered.

Wrong: a convolution with groups counts 0 on the CPU, where Keras 3 compiles it. A transposed
convolution is computed backwards from its output, 2·O·K·Ci / prod(stride), which is exact where
out = in · stride. It works on channels-last images only.

Measured on keras.applications, to the unit: MobileNet v2 615,292,208, DenseNet-121 5,702,474,160.
Keras' networks have a softmax behind the classifier, 5,000; its EfficientNet-B0, 803,050,119,
scales and normalises its input, 4 per value; its ResNet-50, 7,755,299,312, strides in the first
1 × 1 convolution of a block and has a bias in every convolution.

Source: tensorflow/python/ops/nn_ops.py and profiler/internal/flops_registry.py, 2.21.
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
    IN,
    MACS,
    MULTIPLYING,
    OUT,
    TRANSPOSED,
    UNMEASURED,
    WINDOW,
    ZERO,
    Rule,
    Rules,
    axes,
    each,
    groups,
    weight_normalised,
)


def _is_grouped(leaf: Leaf) -> bool:
    """Whether it is neither a plain nor a depthwise convolution."""
    return groups(leaf) not in (1, leaf.x.channels)


def _transposed(leaf: Leaf) -> int:
    stride = axes(leaf, "stride") or axes(leaf, "factor")
    return 2 * leaf.output.numel * prod(leaf.weight[2:]) * leaf.weight[0] // prod(stride)


def _joined(leaf: Leaf) -> int:
    return max(len(leaf.inputs) - 1, 1) * leaf.output.numel


RULES: Rules = {
    **each(MULTIPLYING, UNMEASURED),
    **each(CONVS, (2 * MACS).but("grouped", _is_grouped, ZERO) + BIAS),
    **each(TRANSPOSED, Rule("2·O·K·Ci / prod(stride)", _transposed) + BIAS),
    "linear": 2 * MACS + BIAS,
    "matmul": 2 * MACS,
    "batch_norm": 2 * IN + 6 * CHANNELS,
    "silu": 2 * IN,
    "gelu": 4 * IN,
    "softmax": 5 * IN,
    **each(("max_pool", "avg_pool"), OUT * WINDOW),
    **each(ADAPTIVE_AVG, IN),
    **each(("add", "mul", "maximum"), Rule("O per further input", _joined)),
}
RULES = weight_normalised(RULES, UNMEASURED)

CONVENTION = Convention(
    "tf.compat.v1.profiler of tensorflow 2.21", (Count("flops", "FLOPs", "FLOP and op", RULES),)
)
