"""ptflops 0.7.5, backend aten: MACs of matrix products and convolutions, with their bias.

Unit: MACs, and one operation per bias addition added to them; of one sample. Attention is counted
by its products, however they are written.

Left out: everything else: norms, activations, poolings, resizing, additions. On the CPU,
``scaled_dot_product_attention`` counts 0.

Parameters: frozen ones are left out, whatever has ``requires_grad`` off.

Source: ptflops/aten_ops.py, 0.7.5.
"""

from __future__ import annotations

from convcalc.analysis.conventions import Convention, Count
from convcalc.analysis.conventions.published_code import ATEN
from convcalc.analysis.conventions.quantities import (
    BIAS,
    CONVOLVING,
    CONVS,
    FIXED,
    INPUT_MACS,
    MACS,
    TRAINED,
    TRANSPOSED,
    UNMEASURED,
    ZERO,
    each,
    recurrent,
)

RULES = {
    **each(CONVS, MACS + BIAS),
    **each(TRANSPOSED, INPUT_MACS + BIAS),
    "linear": MACS + BIAS,
    "matmul": MACS,
    "dot_product_attention": ZERO,
    **each((*FIXED, *CONVOLVING), MACS),
    "gru": recurrent(0, 6),
    "lstm": ZERO.but("projected", lambda leaf: bool(leaf.field("proj_size")), UNMEASURED),
    **ATEN,
}

CONVENTION = Convention(
    "ptflops 0.7.5, backend aten",
    (Count("macs", "MACs", "MAC and op", RULES),),
    other_params=TRAINED,
    per_sample=True,
)
