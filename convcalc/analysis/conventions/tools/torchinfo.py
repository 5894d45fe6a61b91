"""torchinfo 1.8.0: "mult-adds", the parameters of a module times its output positions.

Unit: one per learned number, bias included, and output position: MACs plus bias additions for a
convolution. Every other module with a ``weight`` or ``bias`` counts its parameters once per
sample: a batch norm 2·C per sample whatever its image. The whole batch is counted.

Left out: whatever has no parameters: activations, poolings, resizing, additions, matrix products,
attention (``nn.MultiheadAttention`` is 0); parameters of other names, such as ConvNeXt's
``layer_scale``, and those that a function takes from a module with others in it.

Wrong: a transposed convolution is counted over its output positions, stride^rank times too much.
A linear layer on a sequence counts one position: ConvNeXt-T shows 322 M of 4,456 M, since its
pointwise convolutions are linear layers, ViT-B/16 173 M. ``torchinfo-main`` has mended that. The
"forward/backward pass size" counts outputs of modules with parameters alone, twice
(TylerYep/torchinfo#144, #149, #187, #230).

Source: torchinfo/layer_info.py, ``calculate_macs``, 1.8.0.
"""

from __future__ import annotations

from convcalc.analysis.conventions import Convention, Count
from convcalc.analysis.conventions.quantities import (
    BATCH,
    BIAS,
    CONVS,
    LEARNED,
    MACS,
    OUTPUT_MACS,
    TRANSPOSED,
    UNCALLED,
    ZERO,
    each,
)

PARAMETRIC = (
    "batch_norm",
    "group_norm",
    "layer_norm",
    "instance_norm",
    "prelu",
)

RULES = {
    **each(CONVS, MACS + BIAS),
    **each(TRANSPOSED, OUTPUT_MACS + BIAS),
    "linear": BATCH * LEARNED,
    **each(PARAMETRIC, BATCH * LEARNED),
    "attention": ZERO,
}

CONVENTION = Convention(
    "torchinfo 1.8.0",
    (Count("macs", "mult-adds", "MAC and op", RULES, forms=UNCALLED),),
)
