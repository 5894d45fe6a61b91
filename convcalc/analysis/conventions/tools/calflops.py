"""calflops 0.3.2: FLOPs with bias, norms and activations; beside them pure MACs.

Unit: as in DeepSpeed's profiler, of which it began as a copy: FLOPs, 2 per multiply-accumulate,
with elementwise operations added; ``macs`` are the multiply-accumulates alone. The whole batch is
counted.

Left out: what the page ``deepspeed`` names, and matrix products by ``@``, ``torch.mm`` and
``torch.bmm`` (``torch.matmul`` and ``a.matmul(b)`` count), so that ``nn.MultiheadAttention`` has
its linear maps and its softmax only.

Wrong: what that page names. Resizing by a scale counts input elements: the product with the scale
is computed and thrown away. After a run that failed the patched functions stay, and later counts in
the same process grow (SqueezeNet 31.0 G instead of 0.705 G). A module without parameters raises
StopIteration.

Parameters: frozen ones are left out, whatever has ``requires_grad`` off; of a network that is
called sparse, zeros too.

Source: calflops/pytorch_ops.py, 0.3.2.
"""

from __future__ import annotations

from convcalc.analysis.conventions import Convention, Count
from convcalc.analysis.conventions.leaves import Leaf
from convcalc.analysis.conventions.published_code import FLOPS_OF_FUNCTIONS, MACS_OF_FUNCTIONS
from convcalc.analysis.conventions.quantities import (
    IN,
    MACS,
    TRAINED,
    UNMEASURED,
    ZERO,
    Forms,
    Rule,
    is_area,
)
from convcalc.analysis.conventions.tools.deepspeed import COMMON, COMMON_MACS, has_size
from convcalc.model.graph.network import FUNCTION, METHOD
from convcalc.model.operators.registry import name_of


def _resized(leaf: Leaf) -> int:
    """Input elements; with a size its positions alone."""
    return leaf.output.positions if has_size(leaf) else leaf.x.numel


def _called(leaf: Leaf) -> bool:
    """Whether it is a call of ``torch.matmul``, not a product within a module."""
    return name_of(leaf.operator) == "matmul"


FLOPS = {
    **COMMON,
    "matmul": ZERO.but("torch.matmul", _called, 2 * MACS),
    "dot_product_attention": ZERO,
    "upsample": Rule("E; positions of a given size", _resized).but("area", is_area, UNMEASURED),
    **FLOPS_OF_FUNCTIONS,
}
MACS_RULES = {
    **COMMON_MACS,
    "matmul": ZERO.but("torch.matmul", _called, MACS),
    **MACS_OF_FUNCTIONS,
}


def _multiplied(leaf: Leaf) -> bool:
    """Whether it is a product by ``matmul``, as torchvision's windows have; others take ``bmm``."""
    return name_of(leaf.operator) in ("matmul", "window_attention")


# Functions count as modules do, but F.relu6, which the module does not call; of methods, matmul.
CALLED = ZERO.but("matmul, not bmm", _multiplied, 2 * MACS)
FORMS: Forms = {
    FUNCTION: {**FLOPS, "relu6": IN, "matmul": CALLED},
    METHOD: {"matmul": 2 * MACS},
}
MACS_CALLED = ZERO.but("matmul, not bmm", _multiplied, MACS)
MACS_FORMS: Forms = {
    FUNCTION: {**MACS_RULES, "matmul": MACS_CALLED},
    METHOD: {"matmul": MACS},
}

CONVENTION = Convention(
    "calflops 0.3.2",
    (
        Count("flops", "FLOPs", "FLOP and op", FLOPS, forms=FORMS),
        Count("macs", "MACs", "MAC", MACS_RULES, forms=MACS_FORMS),
    ),
    other_params=TRAINED,
)
