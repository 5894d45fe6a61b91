"""timm's benchmark: infer_gmacs and infer_macts, which are fvcore's two totals of one sample.

Unit: fvcore's mixture of MACs and elementwise operations, called GMACs and rounded to two
digits in timm's tables; ``activations`` in millions (macts). What fvcore leaves out and gets wrong
is left out and wrong here (see the page ``fvcore``). Whatever the batch of the benchmark, the
counts are those of one sample. Where fvcore is not installed timm prints DeepSpeed's MACs instead,
and 0 activations: two columns of the same table can follow two conventions.

Source: timm's benchmark.py, ``profile_fvcore`` and ``InferenceBenchmarkRunner``.
"""

from __future__ import annotations

from convcalc.analysis.conventions import Convention, Count
from convcalc.analysis.conventions.published_code import PYTORCH_PARAMS
from convcalc.analysis.conventions.tools.fvcore import ACTIVATIONS, BY_METHOD, RULES

CONVENTION = Convention(
    "timm benchmark.py, with fvcore",
    (
        Count("macs", "MACs", "MAC and op", RULES, forms=BY_METHOD),
        Count("activations", "activations", "element", ACTIVATIONS),
    ),
    PYTORCH_PARAMS,
    per_sample=True,
)
