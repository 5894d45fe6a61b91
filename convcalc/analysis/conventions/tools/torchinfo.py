"""torchinfo 1.8.0: "mult-adds", the parameters of a module times its output positions.

Unit: one per learned number, bias included, and output position: MACs plus bias additions for a
convolution. Every other module with a ``weight`` or ``bias`` counts its parameters once per
sample: a batch norm 2·C per sample whatever its image. A recurrent layer counts them once per
position. The whole batch is counted.

Left out: whatever has no parameters: activations, poolings, resizing, additions, matrix products,
attention (``nn.MultiheadAttention`` is 0); parameters of other names, such as ConvNeXt's
``layer_scale``, and those that a function takes from a module with others in it.

Wrong: a transposed convolution is counted over its output positions, stride^rank times too much.
A linear layer on a sequence counts one position: ConvNeXt-T shows 322 M of 4,456 M, since its
pointwise convolutions are linear layers, ViT-B/16 173 M. ``torchinfo-main`` has fixed that. The
"forward/backward pass size" counts outputs of modules with parameters alone, twice
(TylerYep/torchinfo#144, #149, #187, #230).

Source: torchinfo/layer_info.py, ``calculate_macs``, 1.8.0.
"""

from __future__ import annotations

from convcalc.analysis.conventions import Convention, Count
from convcalc.analysis.conventions.leaves import Leaf
from convcalc.analysis.conventions.published_code import PYTORCH_PARAMS, by_parameters
from convcalc.analysis.conventions.quantities import (
    BATCH,
    BIAS,
    CONVOLVING,
    CONVS,
    LEARNED,
    MACS,
    OUTPUT_MACS,
    RECURRENT,
    ROWS,
    TRANSPOSED,
    UNCALLED,
    UNMEASURED,
    ZERO,
    Rule,
    Rules,
    each,
    weight_normalised,
)

PARAMETRIC = (
    "batch_norm",
    "group_norm",
    "layer_norm",
    "instance_norm",
    "prelu",
    "rms_norm",
    "embedding",
    "scale",
    "shift",
    "global_response_norm",
)


def _by_weight_norm(leaf: Leaf) -> Rule:
    """Parametrised weights have no number of their own; a derived class is not a convolution."""
    kind = leaf.field("weight_norm")
    return UNMEASURED if kind == "scaled" else BATCH * LEARNED if kind == "standard" else ZERO


NORMALISED = Rule(
    "N·P standardised, 0 by weight or spectral norm, scaled unknown",
    lambda leaf: _by_weight_norm(leaf).count(leaf),
    _by_weight_norm,
)

RULES: Rules = {
    **each(CONVS, MACS + BIAS),
    **each(TRANSPOSED, OUTPUT_MACS + BIAS),
    "linear": BATCH * LEARNED,
    **each(PARAMETRIC, BATCH * LEARNED),
    "attention": ZERO,
    "dot_product_attention": ZERO,
    **each((*RECURRENT, *CONVOLVING), LEARNED * ROWS),
}
RULES = {**weight_normalised(RULES, NORMALISED), **by_parameters(BATCH)}

CONVENTION = Convention(
    "torchinfo 1.8.0",
    (Count("macs", "mult-adds", "MAC and op", RULES, forms=UNCALLED),),
    PYTORCH_PARAMS,
)
