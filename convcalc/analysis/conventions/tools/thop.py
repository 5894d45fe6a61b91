"""thop 0.1.1: "MACs" of hooked modules, with 4 per element of a batch norm added to them.

Unit: MACs without bias, and added to them: batch, layer and instance norm 4 per element (2
without affine), PReLU 1, average pooling 1 per output element, adaptive average pooling
O·(prod(in / out) + 1) rounded down, softmax 3·n - 1 per row of n, upsampling 1 (nearest), 5
(linear), 11 (bilinear) or 259 (bicubic) per output element. The whole batch is counted.

Left out: whatever is not a module with a hook: group norm, attention, other activations,
trilinear upsampling, functions such as ``F.adaptive_avg_pool2d`` or ``x @ y``, and additions. A
module is looked up by its very class: torchvision's ``LayerNorm2d`` in ConvNeXt has no hook.

Wrong: a transposed convolution is counted over its output positions, stride^rank times too much
(Lyken17/pytorch-OpCounter counts ``l_prod(output_size)`` for both). Where batch norms follow every
convolution 4 per element are twice what fvcore adds: ResNet-50 shows 4,133.7 M against 4,111.5 M
and 4,089.2 M of pure MACs.

A recurrent layer counts its products and 16 operations per number of its state (GRU 13), 8 (7)
without bias. Convolutions whose weight is normalised are of another class and have no hook: they
count 0, and so do their parameters.

Parameters: modules without a hook have 0: group norm, ``nn.MultiheadAttention``, parameters of a
module of your own such as ConvNeXt's layer scale, and a ``nn.Linear`` that is the whole model
(#217). ViT-B/16 shows 58.07 M of 86.57 M; GoogLeNet 6.62 M of 13.00 M, since auxiliary heads do not
run.

Source: thop/profile.py, thop/vision/calc_func.py, 0.1.1.post2209072238.
"""

from __future__ import annotations

from convcalc.analysis.conventions import Convention, Count
from convcalc.analysis.conventions.leaves import Leaf
from convcalc.analysis.conventions.published_code import HOOKED_PARAMS, HOOKS
from convcalc.analysis.conventions.quantities import (
    ADAPTIVE_AVG,
    CONVOLVING,
    CONVS,
    IN,
    LEARNED,
    MACS,
    OUT,
    OUTPUT_MACS,
    RECURRENT,
    TRANSPOSED,
    UNSEEN,
    ZERO,
    Rule,
    Rules,
    affine,
    each,
    not_frozen,
    recurrent,
    weight_normalised,
)

_PER_ELEMENT = {"nearest": (1, 1, 1), "linear": (5, 11, 0), "cubic": (0, 259, 0)}
NORMS = ("batch_norm", "layer_norm", "instance_norm")


def upsampled(leaf: Leaf) -> int:
    """Operations of one output element times their number, by mode and rank."""
    mode = _PER_ELEMENT.get(str(leaf.field("mode")), (0, 0, 0))
    return mode[leaf.x.rank - 1] * leaf.output.numel


def softmax(leaf: Leaf) -> int:
    """An exponential and a division per element, and the sum of each row."""
    return 3 * leaf.x.numel - leaf.batch * leaf.x.positions


def _adaptive(leaf: Leaf) -> int:
    """int(O·(prod(in / out) + 1)), the window as a fraction; exact here, a double there."""
    return leaf.batch * leaf.x.channels * (leaf.x.positions + leaf.output.positions)


SOFTMAX = Rule("3·E - rows", softmax)

RULES: Rules = {
    **each(CONVS, MACS),
    **each(TRANSPOSED, OUTPUT_MACS),
    "linear": MACS,
    **each(NORMS, affine(4 * IN, 2 * IN)),
    "batch_norm": not_frozen(affine(4 * IN, 2 * IN)),
    "prelu": IN,
    "softmax": SOFTMAX,
    "avg_pool": OUT,
    **each(ADAPTIVE_AVG, Rule("E + O", _adaptive)),
    "upsample": Rule("O nearest, 5·O linear, 11·O bilinear, 259·O bicubic", upsampled),
    "attention": ZERO,
    "dot_product_attention": ZERO,
    **each(CONVOLVING, MACS),
    "lstm": recurrent(8, 16),
    "gru": recurrent(7, 13),
}
RULES = {**weight_normalised(RULES, ZERO), **HOOKS}
HOOKED = weight_normalised(
    each((*CONVS, *TRANSPOSED, "linear", *NORMS, "prelu", *RECURRENT, *CONVOLVING), LEARNED), ZERO
)

CONVENTION = Convention(
    "thop 0.1.1.post2209072238",
    (Count("macs", "MACs", "MAC and op", RULES, forms=UNSEEN),),
    params={**HOOKED, "attention": ZERO, **HOOKED_PARAMS},
    other_params=ZERO,
    form_params=UNSEEN,
)
