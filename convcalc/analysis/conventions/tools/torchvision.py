"""torchvision's published ``_ops``: GFLOPS of its weight metadata, which are GMACs.

Unit: one per multiply-accumulate of convolution, linear and matrix product, without bias, of one
sample; printed in units of 10^9 with three digits. It is half of what PyTorch's own counter says
for the same network, and convcalc's MACs.

Left out: everything else. Attention is counted by its products.

Wrong: the name. 4.089 for ResNet-50 are multiply-accumulates; in FLOPs it is 8.178.

Source: torchvision's test/common_extended_utils.py, ``get_ops``, 0.28.
"""

from __future__ import annotations

from convcalc.analysis.conventions import Convention, Count
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

RULES = {
    **each(CONVS, MACS),
    **each(TRANSPOSED, INPUT_MACS),
    "linear": MACS,
    "matmul": MACS,
    "dot_product_attention": MACS,
    **each((*FIXED, *CONVOLVING), MACS),
    "gru": MACS,
    "lstm": ZERO.but("projected", lambda leaf: bool(leaf.field("proj_size")), MACS),
}

CONVENTION = Convention(
    "torchvision 0.28 _ops", (Count("macs", "GFLOPS", "MAC", RULES),), per_sample=True
)
