"""torchinfo, main branch of August 2026: as 1.8.0, but linear layers count every position.

Unit: one per learned number, bias included, and output position; norms and PReLU their parameters
once per sample. The whole batch is counted.

Left out and wrong: what the page ``torchinfo`` names, but for linear layers on sequences, which
are right here. It runs models as they are: with ``mode="same"``, its default, a model that was not
set to evaluation mode is measured in training, where Inception v3 and DeepLab v3 fail and
GoogLeNet counts its auxiliary heads. Tied weights are counted in another way than in 1.8.0 (#322,
#377).

Source: TylerYep/torchinfo, torchinfo/layer_info.py at 5c4164f.
"""

from __future__ import annotations

from convcalc.analysis.conventions import Convention, Count
from convcalc.analysis.conventions.quantities import (
    BIAS,
    CONVOLVING,
    MACS,
    RECURRENT,
    UNCALLED,
    UNMEASURED,
    each,
    weight_normalised,
)
from convcalc.analysis.conventions.tools.torchinfo import RULES as RELEASED

# Measured for the release alone:
NEWER = (
    *("rms_norm", "embedding", "scale", "shift", "global_response_norm"),
    *(*RECURRENT, *CONVOLVING),
    *("selective_scan", "linear_attention", "spectral_conv", "global_filter", "cond_conv"),
)
RULES = {**RELEASED, "linear": MACS + BIAS, **each(NEWER, UNMEASURED)}
RULES = weight_normalised(RULES, UNMEASURED)

CONVENTION = Convention(
    "torchinfo at 5c4164f",
    (Count("macs", "mult-adds", "MAC and op", RULES, forms=UNCALLED),),
)
