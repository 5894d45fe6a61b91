"""fvcore 0.1.5: FlopCountAnalysis, "flops" that are MACs plus some elementwise operations.

Unit: one per multiply-accumulate of convolution, linear and matrix product, without bias, and
added to them without conversion one per element operation: batch norm 2 (1 without affine),
group, layer and instance norm 5 (4 without affine), adaptive average pooling one per input
element, upsampling 1 (nearest) or 4 (bilinear) and grid sampling 4, whatever its mode, per output
element. The whole batch is counted.
``activations`` are ActivationCountAnalysis: outputs of convolutions, linears and matrix products.

Left out: bias; every activation (ReLU silently, others with a warning), max and average pooling,
softmax, bicubic interpolation, addition and multiplication of tensors; pooling and upsampling on
other than two axes. A mean written ``x.mean([2, 3])`` counts nothing, where ``AdaptiveAvgPool2d``
counts one per input element. A frozen batch norm, torchvision's ``FrozenBatchNorm2d``, counts
nothing (detectron2's class of that name calls ``F.batch_norm``).

Wrong: a convolution with ``padding='same'`` or ``'valid'`` counts 0, because it is traced as
another operator (``aten::_convolution_mode``). Attention through
``scaled_dot_product_attention`` misses its two products; einsum is rounded down after a print of
five digits. Deformable convolution is 0 (facebookresearch/fvcore#121).

Recurrent layers count 0, since they are one operator of PyTorch's. Weight standardisation is traced
as a batch norm of the weight, 4 per number of it.

Composites are counted by their parts. Source: fvcore/nn/jit_handles.py, 0.1.5.post20221221.
"""

from __future__ import annotations

from math import prod

from convcalc.analysis.conventions import Convention, Count
from convcalc.analysis.conventions.leaves import Leaf
from convcalc.analysis.conventions.published_code import PYTORCH_PARAMS, TRACED, TRACED_OUTPUTS
from convcalc.analysis.conventions.quantities import (
    ADAPTIVE_AVG,
    BATCH_NORM,
    CONVOLVING,
    CONVS,
    FIXED,
    IN,
    INPUT_MACS,
    MACS,
    MADE,
    NORM,
    OUT,
    TRANSPOSED,
    UNMEASURED,
    ZERO,
    Forms,
    Rule,
    Rules,
    each,
    weight_normalised,
)
from convcalc.model.graph.network import METHOD


def is_traced(leaf: Leaf) -> bool:
    """Whether PyTorch runs it as ``aten::_convolution``: with padding in numbers.

    PyTorch has no ``same`` for a stride above 1: there the padding is in numbers too.
    """
    padding, stride = leaf.field("padding"), leaf.field("stride")
    strided = isinstance(stride, tuple) and any(s > 1 for s in stride)
    return padding != "valid" and (padding != "same" or strided)


def if_2d(rule: Rule) -> Rule:
    """The rule for two spatial axes, 0 for others."""
    return rule.but("not 2-D", lambda leaf: leaf.x.rank != 2, ZERO)


def if_traced(rule: Rule) -> Rule:
    """The rule of a convolution, 0 where padding is a word."""
    return rule.but("padding is a word", lambda leaf: not is_traced(leaf), ZERO)


_FACTORS = {"nearest": 1, "linear": 4}

UPSAMPLE = if_2d(
    Rule(
        "O nearest, 4·O linear, 0 cubic",
        lambda leaf: _FACTORS.get(str(leaf.field("mode")), 0) * leaf.output.numel,
    )
)


def _standardised(leaf: Leaf) -> Rule:
    """Weight standardisation is traced as a batch norm of the weight."""
    kind = leaf.field("weight_norm")
    if kind in ("weight", "spectral"):
        return if_traced(MACS)
    if kind == "scaled" or leaf.name in TRANSPOSED or leaf.name == "linear":
        return UNMEASURED
    return if_traced(MACS) + Rule("4·weight", lambda leaf: 4 * prod(leaf.weight))


_STANDARDISED = Rule(
    "M + 4·weight standardised, scaled unknown",
    lambda leaf: _standardised(leaf).count(leaf),
    _standardised,
)

RULES: Rules = {
    **each(CONVS, if_traced(MACS)),
    **each(TRANSPOSED, INPUT_MACS),
    "linear": MACS,
    "matmul": MACS,
    "dot_product_attention": ZERO,
    "batch_norm": BATCH_NORM,
    **each(("group_norm", "layer_norm", "instance_norm"), NORM),
    **each(ADAPTIVE_AVG, if_2d(IN)),
    "grid_sample": 4 * OUT,
    "upsample": UPSAMPLE.but("area", lambda leaf: leaf.field("mode") == "area", if_2d(IN)),
    **each((*FIXED, *CONVOLVING), if_traced(MACS)),
}
RULES = {**weight_normalised(RULES, _STANDARDISED), **TRACED}
# Whatever calls it an operation is traced as the same, but a pooling that is a mean.
BY_METHOD: Forms = {METHOD: {**RULES, **each(ADAPTIVE_AVG, ZERO)}}
ACTIVATIONS = {
    **each(CONVS, if_traced(MADE)),
    **each(FIXED, if_traced(OUT)),
    "conv_lstm": 4 * OUT,
    "conv_gru": 3 * OUT,
    **each((*TRANSPOSED, "linear", "matmul"), OUT),
    **TRACED_OUTPUTS,
}

CONVENTION = Convention(
    "fvcore 0.1.5.post20221221",
    (
        Count("flops", "flops", "MAC and op", RULES, forms=BY_METHOD),
        Count("activations", "activations", "element", ACTIVATIONS),
    ),
    PYTORCH_PARAMS,
)
