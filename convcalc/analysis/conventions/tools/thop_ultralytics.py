"""ultralytics-thop 2.2.3: thop with its transposed convolution, group norm and products fixed.

Unit: as in thop MACs without bias with elementwise operations added to them: batch, layer, group
and instance norm 4 per element (2 without affine), PReLU 1, softmax 3·n - 1 per row of n and
log-softmax 3·n, average pooling one addition per tap and one division per output element (adaptive
pooling with its exact windows), upsampling 0 (nearest), 5, 11, 31 (linear on 1, 2, 3 axes) or 259
(bicubic) per output element. The whole batch is counted.

Matrix products count, also in ``nn.MultiheadAttention`` and einsum. A transposed convolution goes
over its input positions since 2.0.16 (ultralytics/thop#92, #93).

Left out: bias, other activations, max pooling, additions, means; functions but matrix products and
``F.linear``. A derived class counts as the class it is derived from.

What YOLO prints as GFLOPs is twice this, measured at stride × stride pixels and scaled up by
(imgsz / stride)², which is wrong for whatever does not grow with the area; any exception gives
0.0 (ultralytics/utils/torch_utils.py, ``get_flops``).

Source: thop/profile.py, thop/vision/basic_hooks.py, 2.2.3.
"""

from __future__ import annotations

from math import prod

from convcalc.analysis.conventions import Convention, Count
from convcalc.analysis.conventions.leaves import Leaf
from convcalc.analysis.conventions.published_code import HOOKS_AND_PRODUCTS, PYTORCH_PARAMS
from convcalc.analysis.conventions.quantities import (
    ADAPTIVE_AVG,
    CONVOLVING,
    CONVS,
    IN,
    INPUT_MACS,
    MACS,
    TRANSPOSED,
    Rule,
    affine,
    axes,
    each,
    not_frozen,
    recurrent,
)
from convcalc.analysis.conventions.tools.thop import NORMS, SOFTMAX
from convcalc.model.geometry.sizes import resolve_padding
from convcalc.model.graph.network import FUNCTION, METHOD
from convcalc.model.operators.contract import ELEMENTWISE
from convcalc.model.quantities.unknown import UNKNOWN, known

_PER_ELEMENT = {"nearest": (0, 0, 0), "linear": (5, 11, 31), "cubic": (0, 259, 0)}


def _upsampled(leaf: Leaf) -> int:
    return _PER_ELEMENT.get(str(leaf.field("mode")), (0, 0, 0))[leaf.x.rank - 1] * leaf.output.numel


def _adaptive(leaf: Leaf) -> int:
    """The exact windows, which are the operator's own work, and a division per output."""
    return leaf.work(ELEMENTWISE) + leaf.output.numel


def _pooled(leaf: Leaf) -> int:
    """The taps of all windows that lie within image and padding, and a division per output."""
    if not known((leaf.x.spatial, leaf.output.spatial)):
        return UNKNOWN
    kernel_size = axes(leaf, "kernel_size")
    stride = axes(leaf, "stride") or kernel_size
    padding = resolve_padding(
        leaf.field("padding"), leaf.x.spatial, kernel_size, stride, (1,) * leaf.x.rank
    )
    inside = not leaf.field("count_include_pad")
    taps = prod(
        sum(
            _taps(y * s - before, k, 0 if inside else -before, n + (0 if inside else after))
            for y in range(m)
        )
        for n, m, k, s, (before, after) in zip(
            leaf.x.spatial, leaf.output.spatial, kernel_size, stride, padding, strict=True
        )
    )
    return leaf.batch * leaf.x.channels * taps + leaf.output.numel


def _taps(start: int, size: int, first: int, end: int) -> int:
    """Positions of a window that lie between ``first`` and ``end``."""
    return max(min(start + size, end) - max(start, first), 0)


RULES = {
    **each(CONVS, MACS),
    **each(TRANSPOSED, INPUT_MACS),
    "linear": MACS,
    "matmul": MACS,
    "dot_product_attention": MACS,
    **each((*NORMS, "group_norm"), affine(4 * IN, 2 * IN)),
    "batch_norm": not_frozen(affine(4 * IN, 2 * IN)),
    "rms_norm": affine(4 * IN, 2 * IN),
    **each(CONVOLVING, MACS),
    "lstm": recurrent(8, 16),
    "gru": recurrent(7, 13),
    "prelu": IN,
    "softmax": SOFTMAX,
    "log_softmax": 3 * IN,
    "avg_pool": Rule("taps + O", _pooled),
    **each(ADAPTIVE_AVG, Rule("taps + O", _adaptive)),
    "upsample": Rule("0 nearest, 5·O linear, 11·O bilinear, 31·O trilinear, 259·O", _upsampled),
    **HOOKS_AND_PRODUCTS,
}

PRODUCTS = {"linear": MACS, "matmul": MACS}  # functions that it counts beside modules

CONVENTION = Convention(
    "ultralytics-thop 2.2.3",
    (
        Count(
            *("macs", "MACs", "MAC and op", RULES),
            # attention that is a method is written out as two products
            forms={
                FUNCTION: PRODUCTS,
                METHOD: {"matmul": MACS, "dot_product_attention": MACS},
            },
        ),
    ),
    PYTORCH_PARAMS,
)
