"""ptflops 0.7.5, backend pytorch: "MACs" that add bias, norms, activations and poolings.

Unit: MACs, with one operation per bias addition, element of an activation and so on added to
them. It always measures one sample. Most modules are hooked, and the function that they call is
patched as well, so that both count: ReLU, ELU, PReLU, GELU, poolings and upsampling are 2 per
element, which is twice too much. ReLU6, LeakyReLU and SiLU are 1, softmax 1 by its function;
batch norm 2 (1 without affine), group norm the same.

Left out: sigmoid, tanh, hard swish, hard sigmoid, Mish, Softplus; addition and multiplication by
``+`` and ``*`` (``torch.add`` counts); ``x @ y`` (``torch.matmul`` counts); a mean;
``scaled_dot_product_attention``. A module is looked up by its very class: of a derived one only the
function that it calls counts.

Wrong: layer norm counts 1 per element with weights too, since it looks for an attribute ``affine``
that the module does not have. Transposed convolution is right in 0.7.5, over the input positions;
it was counted over the output from 2020 (#57) to 2025 (#149). Deformable convolution adds 24 (with
a mask 25) operations per tap and position, not per channel (read, not measured). What functions
count is not divided by the batch, if a batch is forced through ``input_constructor``.
Batch norms that are frozen for
fine-tuning, torchvision's ``FrozenBatchNorm2d``, count 0.
A recurrent layer counts its products, and 18 operations per number of its state (GRU 13), 10 (7)
without bias. Convolutions whose weight is normalised are of another class, and count 0.
``nn.MultiheadAttention`` counts its closed form and, in evaluation with weights asked for, the
products and the softmax once more.

Parameters: frozen ones are left out, whatever has ``requires_grad`` off.

Source: ptflops/pytorch_ops.py, 0.7.5.
"""

from __future__ import annotations

from math import prod

from convcalc.analysis.conventions import Convention, Count
from convcalc.analysis.conventions.leaves import Leaf
from convcalc.analysis.conventions.published_code import PATCHED_FUNCTIONS
from convcalc.analysis.conventions.quantities import (
    ADAPTIVE_AVG,
    BIAS,
    CONVOLVING,
    CONVS,
    CROSS_CHANNEL_NORM,
    IN,
    INPUT_MACS,
    LEARNED,
    MACS,
    MAX_POOLS,
    OUT,
    ROWS,
    TRAINED,
    TRANSPOSED,
    ZERO,
    Rule,
    Rules,
    affine,
    each,
    not_frozen,
    recurrent,
    weight_normalised,
)
from convcalc.model.graph.network import CONTAINER, FUNCTION, METHOD, SUBCLASS
from convcalc.model.quantities.unknown import UNKNOWN


def _attention(leaf: Leaf) -> int:
    """The hook's closed form, and the products and the softmax that the functions count."""
    length, channels = leaf.x.positions, leaf.x.channels
    heads: int = leaf.field("heads")
    pairs = length * length
    products = 2 * pairs * channels + heads * pairs
    maps = 3 * length * channels * (channels + bool(leaf.field("bias")))
    maps += length * channels * (channels + 1)  # the last always with a bias
    return leaf.batch * (length * channels + maps + 2 * products)


def _deformable(leaf: Leaf) -> int:
    """The convolution's own, 24 or 25 per tap and position, the bias; the offsets' convolution."""
    terms = {term.name: term.amount for term in leaf.analysis.terms}
    if "main" not in terms:  # versions 3 and 4 are not a module of torchvision's
        return 0
    taps = prod(leaf.weight[2:])
    extra = 24 + (1 if leaf.field("version") == 2 else 0)
    moved = leaf.batch * leaf.output.positions * taps * extra
    offsets = terms.get("offset", 0) + terms.get("offset.bias", 0)
    return terms["main"] + moved + terms.get("bias", 0) + offsets


TWICE_IN = ("relu", "elu", "prelu", "gelu", "avg_pool", *MAX_POOLS, *ADAPTIVE_AVG)

RULES: Rules = {
    **each(CONVS, MACS + BIAS),
    **each(TRANSPOSED, INPUT_MACS + BIAS),
    "linear": MACS + BIAS,
    "matmul": MACS,
    "batch_norm": not_frozen(affine(2 * IN, IN)),
    **each(("group_norm", "instance_norm"), affine(2 * IN, IN)),
    "layer_norm": IN,
    "local_response_norm": CROSS_CHANNEL_NORM,
    **each(TWICE_IN, 2 * IN),
    **each(("relu6", "leaky_relu", "silu", "softmax"), IN),
    "upsample": (2 * OUT).but("area", lambda leaf: leaf.field("mode") == "area", IN + 2 * OUT),
    "attention": Rule("closed form, its products and softmax twice", _attention),
    "dot_product_attention": ZERO,
    **each(CONVOLVING, LEARNED * ROWS),
    "lstm": recurrent(10, 18),
    "gru": recurrent(7, 13),
    "lp_pool": IN + 2 * OUT,
    "deform_conv": Rule("M + 24·K·positions + b·O, 25 with a mask", _deformable),
}
RULES = {**weight_normalised(RULES, ZERO), **PATCHED_FUNCTIONS}

# Functions that are patched: all that counts where no hook is, once where a module counts twice.
PATCHED = {
    **each((*TWICE_IN, "relu6", "silu", "softmax"), IN),
    "upsample": OUT,
    "matmul": MACS,
    "local_response_norm": CROSS_CHANNEL_NORM,
    "attention": Rule("unknown", lambda _: UNKNOWN),
}

CONVENTION = Convention(
    "ptflops 0.7.5, backend pytorch",
    (
        Count(
            *("macs", "MACs", "MAC and op", RULES),
            forms={
                **dict.fromkeys((FUNCTION, SUBCLASS, CONTAINER), PATCHED),
                METHOD: {"matmul": MACS},
            },
        ),
    ),
    other_params=TRAINED,
    per_sample=True,
)
