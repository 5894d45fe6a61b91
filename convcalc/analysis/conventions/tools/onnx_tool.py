"""onnx-tool 1.0.1: "MACs" in weighted instructions, of the exported and simplified graph.

Unit: instructions: multiply, add and compare 1, divide 4, square root 24, exponential and power 32,
tanh 38, logarithm 43; a multiply-accumulate is 1. Bias 1 per output. Per element: ReLU 1, ReLU6,
LeakyReLU and PReLU 2, hard sigmoid 4, hard swish 5, Softsign 6, GELU 7, sigmoid 32, SiLU 33, ELU
35, softmax 36, log-sigmoid 75, tanh and Softplus 76 (tanh is charged twice), log-softmax 80, Mish
153. Poolings 1 per tap, global average pooling 1 per input element and 4 per output, resizing 0
(nearest), 4 (linear) or 8 (cubic) per output, additions and products 1. Instance norm 7 per
element, group norm 9, layer norm 7 and 29 per row. The whole batch is counted.

It looks beyond one layer: the export folds a batch norm into the convolution whose output nothing
else reads, which then counts a bias; any other batch norm counts 31 per element, without running
statistics 36, frozen (torchvision's ``FrozenBatchNorm2d``) 2. ConvTranspose and linear layers
take up no norm.

Left out: reshapes, concatenation, padding, grid sampling and RoI alignment. Adaptive pooling is
exported only where the sizes divide.

Wrong: a transposed convolution is counted over its output positions and with out_channels /
groups instead of in_channels / groups, since its weight is laid out the other way round: 8 times
too much for 16 to 32 channels at stride 2. Of a convolution with padding ``same`` on three axes
only the positions of the first are counted.

Parameters: those of the exported file, norms folded into weight and bias. Equal tensors are stored
once, so that an untrained network, whose folded biases are all zero, shows fewer: ResNet-50
25,507,944, trained 25,530,472.

Source: onnx_tool/node.py, 1.0.1; torch.onnx.export, opset 17.
"""

from __future__ import annotations

from math import prod

from convcalc.analysis.conventions import Convention, Count
from convcalc.analysis.conventions.leaves import Leaf, multiplications
from convcalc.analysis.conventions.quantities import (
    BIAS,
    CONVS,
    FREE,
    GROUPED,
    IN,
    LEARNED,
    MACS,
    MULTIPLYING,
    NOT_KNOWN,
    OUT,
    STORED,
    TRANSPOSED,
    UNMEASURED,
    Forms,
    Rule,
    Rules,
    axes,
    each,
    is_frozen,
    weight_normalised,
)
from convcalc.model.graph.network import METHOD
from convcalc.model.operators.contract import Operator
from convcalc.model.operators.registry import name_of
from convcalc.model.quantities.unknown import UNKNOWN

PER_ELEMENT = {
    "relu": 1,
    "relu6": 2,
    "hardtanh": 2,
    "leaky_relu": 2,
    "prelu": 2,
    "hardsigmoid": 4,
    "hardswish": 5,
    "softsign": 6,
    "gelu": 7,
    "sigmoid": 32,
    "silu": 33,
    "elu": 35,
    "softmax": 36,
    "tanh": 76,
    "softplus": 76,
    "logsigmoid": 75,
    "log_softmax": 80,
    "mish": 153,
    "group_norm": 9,
    "layer_scale": 1,
}


def takes_up_norm(leaf: Leaf) -> bool:
    """Whether the batch norm behind a convolution is folded into it."""
    norm = leaf.consumer
    return norm is not None and name_of(norm) == "batch_norm" and _is_fixed(norm)


def is_folded(leaf: Leaf) -> bool:
    """Whether a batch norm is folded into the convolution before it."""
    before = leaf.producer
    return before is not None and name_of(before) in GROUPED and _is_fixed(leaf.operator)


def _is_fixed(norm: Operator) -> bool:
    """Whether a norm has running statistics, and is exported as one; frozen it is a product and
    a sum."""
    return bool(getattr(norm, "track_running_stats", False)) and not getattr(norm, "frozen", False)


def _measures(leaf: Leaf) -> bool:
    """Whether a norm has no running statistics and measures its input."""
    return not leaf.field("track_running_stats")


def _made(leaf: Leaf) -> int:
    return leaf.batch * leaf.output.positions * leaf.weight[0]


def _transposed(leaf: Leaf) -> int:
    return leaf.output.numel * (prod(leaf.weight[1:]) + leaf.has_bias)


def _layer_norm(leaf: Leaf) -> int:
    """It takes the first of the normalised axes, the channels, for all of them."""
    return 7 * leaf.x.numel + 29 * leaf.batch * leaf.x.positions


def _window(leaf: Leaf) -> int:
    """Taps per output element; on three axes only those of the first."""
    kernel_size = axes(leaf, "kernel_size")
    return leaf.output.numel * prod(kernel_size if len(kernel_size) < 3 else kernel_size[:1])


def _parted(leaf: Leaf) -> int:
    """A window of in / out taps per output element; the mean of everything divides once."""
    if leaf.output.positions == 1:
        return leaf.x.numel + 4 * leaf.output.numel
    return leaf.x.numel


def _resized(leaf: Leaf) -> int:
    factors = {"nearest": 0, "linear": 4, "cubic": 8}
    return factors.get(str(leaf.field("mode")), UNKNOWN) * leaf.output.numel


def _joined(leaf: Leaf) -> int:
    return max(len(leaf.inputs) - 1, 1) * leaf.output.numel


def _attention(leaf: Leaf) -> int:
    """Maps with bias, products, softmax, the queries' scale, and the 2 of computing it."""
    heads = leaf.field("heads")
    rows, channels = leaf.batch * leaf.x.positions, leaf.x.channels
    bias = 4 * rows * channels * bool(leaf.field("bias"))
    scores: int = 36 * heads * rows * leaf.x.positions
    return multiplications(leaf) + bias + scores + rows * channels + 2


def _conv_params(leaf: Leaf) -> int:
    learned = LEARNED.count(leaf)
    return learned + (leaf.weight[0] if takes_up_norm(leaf) and not leaf.has_bias else 0)


def _norm_params(leaf: Leaf) -> int:
    if is_folded(leaf):
        return 0
    return (4 if _is_fixed(leaf.operator) else 2) * leaf.x.channels


def _is_same_3d(leaf: Leaf) -> bool:
    return leaf.x.rank == 3 and leaf.field("padding") == "same" and set(axes(leaf, "stride")) == {1}


def _along_depth(leaf: Leaf) -> int:
    """One position for each of the first axis, with the bias."""
    made = leaf.batch * leaf.weight[0] * leaf.output.spatial[0]
    return made * (prod(leaf.weight[1:]) + leaf.has_bias)


CONV_BIAS = BIAS.but("a norm folded in", takes_up_norm, Rule("O", _made))
SAME_3D = Rule("M + b·O of the first axis alone", _along_depth)
POOL = Rule("O·K", _window)

# Operators whose cost per element nobody has measured.
NEWER = (
    *MULTIPLYING,
    "elementwise",
    "embedding",
    "fold",
    "fractional_max_pool",
    "lp_pool",
    "reduce",
    "rms_norm",
    "scale",
    "scatter",
    "shift",
)

RULES: Rules = {
    **each(NEWER, UNMEASURED),
    **each(CONVS, (MACS + CONV_BIAS).but("same on 3 axes", _is_same_3d, SAME_3D)),
    **each(TRANSPOSED, Rule("O·K·Co/g + b·O", _transposed)),
    "linear": MACS + BIAS,
    "matmul": MACS,
    "dot_product_attention": NOT_KNOWN,
    "batch_norm": (31 * IN)
    .but("folded", is_folded, FREE)
    .but("no statistics", _measures, 36 * IN)
    .but("frozen", is_frozen, 2 * IN),
    "instance_norm": (7 * IN).but("statistics", lambda leaf: not _measures(leaf), 31 * IN),
    "glu": 33 * OUT,
    "layer_norm": Rule("7·E + 29·rows", _layer_norm),
    **{name: factor * IN for name, factor in PER_ELEMENT.items()},
    **each(("max_pool", "avg_pool"), POOL),
    **each(("adaptive_avg_pool", "global_avg_pool"), Rule("E, + 4·O of one position", _parted)),
    "adaptive_max_pool": IN,
    "upsample": Rule("0 nearest, 4·O linear, 8·O cubic", _resized),
    **each(("add", "mul", "maximum"), Rule("O per further input", _joined)),
    "attention": Rule("M + b·O + 36 per score + E + 2", _attention),
}
RULES = weight_normalised(RULES, UNMEASURED)

# A mean is exported as ReduceMean, which does not divide.
BY_METHOD: Forms = {METHOD: {**RULES, **each(("adaptive_avg_pool", "global_avg_pool"), IN)}}

CONVENTION = Convention(
    "onnx-tool 1.0.1",
    (Count("macs", "MACs", "instruction", RULES, forms=BY_METHOD),),
    params={
        **each(CONVS, Rule("P + C of a folded norm", _conv_params)),
        "batch_norm": Rule("4·C, 2·C measured or frozen, 0 if folded", _norm_params),
        "instance_norm": STORED,
    },
)
