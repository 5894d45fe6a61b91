"""The rules for layers whose code is written in several ways, measured of one that is public.

``selective_scan``: transformers' MambaMixer without its CUDA kernel, two linear layers, then a loop
whose only product is a ``torch.matmul`` with C. ``linear_attention`` with ``ones``: timm's LiteMLA,
convolutions, a ReLU module and two products by ``@``; with ``sum``: the paper's own code, linear
layers and three einsums, of which the last has three operands. ``spectral_conv``: the paper's own
code, an einsum of complex numbers for each corner. ``global_filter``: the paper's own code.
``cond_conv`` with given routing weights: timm's CondConv2d, a ``torch.matmul`` and a ``F.conv2d``.

Everything else of these operators, such as a causal linear attention, is unknown.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import prod

from convcalc.analysis.conventions.leaves import Leaf
from convcalc.analysis.conventions.quantities import LEARNED, MACS, UNMEASURED, ZERO, Rule
from convcalc.model.operators.contract import WEIGHTS
from convcalc.model.quantities.unknown import UNKNOWN, known

LINEAR_ATTENTION, SCAN = "linear_attention", "selective_scan"
SPECTRAL, FILTER, MIXED = "spectral_conv", "global_filter", "cond_conv"


def terms(text: str, *names: str) -> Rule:
    """The work of some terms."""
    return Rule(text, lambda leaf: sum(t.amount for t in leaf.analysis.terms if t.name in names))


def _number(text: str, count: Callable[[Leaf], int]) -> Rule:
    return Rule(text, count)


# --- selective scan ------------------------------------------------------------------------------


def _many_ways(leaf: Leaf) -> bool:
    return bool(leaf.field("directions") != 1)


def _scan(rule: Rule) -> Rule:
    return rule.but("several directions", _many_ways, UNMEASURED)


def _made_by_scan(leaf: Leaf) -> int:
    made = leaf.analysis.weights["x_proj.weight"][0]
    return leaf.batch * leaf.x.positions * made + 2 * leaf.x.numel


SCAN_LINEAR = terms("M of x_proj and dt_proj", "x_proj", "dt_proj")
SCAN_PRODUCTS = terms("M but of the state", "x_proj", "dt_proj", "readout")
SCAN_LEARNED = _number(
    "P of x_proj and dt_proj",
    lambda leaf: sum(prod(n) for name, n in leaf.analysis.weights.items() if "_proj" in name),
)
SCAN_BIAS = terms("b·O of dt_proj", "dt_proj.bias")

# --- linear attention ----------------------------------------------------------------------------


def _attention(ones: Rule, summed: Rule) -> Rule:
    """One rule for timm's code, and one for that of the paper."""
    return (
        UNMEASURED.but("sum", _is_of_the_paper, summed)
        .but("ones", _is_of_timm, ones)
        .but("not known", _unknown_sizes, UNMEASURED)
    )


def _unknown_sizes(leaf: Leaf) -> bool:
    return not known(leaf.analysis.output.dims)


def _is_of_timm(leaf: Leaf) -> bool:
    return (leaf.field("normaliser"), leaf.field("feature_map")) == ("ones", "relu")


def _is_of_the_paper(leaf: Leaf) -> bool:
    plain = not leaf.field("causal") and not leaf.field("scales")
    return leaf.field("normaliser") == "sum" and plain


def _too_many(leaf: Leaf) -> int:
    """By how much FlopCounterMode exceeds the gradients of grouped convolutions' weights."""
    qkv = leaf.analysis.weights["qkv.weight"][0]
    groups = {"depthwise": qkv, "pointwise": 3 * leaf.field("heads")}
    of_scales = (t for t in leaf.analysis.terms if t.name.startswith("scale"))
    found = ((groups[t.name.rpartition(".")[2]], t.amount) for t in of_scales)
    return sum(2 * (count - 1) * amount for count, amount in found)


def _features(leaf: Leaf) -> int:
    """The elements of queries and keys."""
    return 2 * leaf.x.numel * (1 + len(leaf.field("scales")))


def _product(leaf: Leaf, name: str) -> int:
    return sum(term.amount for term in leaf.analysis.terms if term.name == name)


def _printed(operations: int) -> int:
    """Return what numpy's einsum_path prints of a number of operations, four digits of one more."""
    return int(float(f"{operations + 1:.3e}")) if known(operations) else UNKNOWN


def _einsums(leaf: Leaf) -> list[int]:
    """Return what numpy says of each: two operations a product, one more for a third part."""
    context, normaliser = _product(leaf, "context"), _product(leaf, "normaliser")
    last = 2 * _product(leaf, "aggregate") + leaf.x.numel
    return [_printed(each) for each in (2 * context, 2 * normaliser, last)]


def _made_by_attention(leaf: Leaf) -> int:
    """The outputs of its linear layers, convolutions and products."""
    made = {"qkv", "proj", "context", "aggregate", "normaliser", "key_sum"}
    if not _is_of_timm(leaf):
        made.discard("key_sum")
    return sum(
        part.analysis.output.numel
        for part in leaf.analysis.parts
        if part.name in made or part.name.startswith("scale")
    )


GROUPED_AGAIN = _number("2·M·(g - 1) of scales", _too_many)
FEATURES = _number("E of q and k", _features)
LEARNED_MACS = _number("M of linear maps", lambda leaf: leaf.work(WEIGHTS))
BIASES = _number(
    "b·O",
    lambda leaf: sum(t.amount for t in leaf.analysis.terms if t.name.endswith(".bias")),
)
COUNTED_EINSUMS = terms("M of two operands", "context", "normaliser")
PRINTED_EINSUMS = _number("einsums, four digits", lambda leaf: sum(_einsums(leaf)))
HALVED_EINSUMS = _number(
    "half of einsums, four digits", lambda leaf: sum(each // 2 for each in _einsums(leaf))
)

# --- spectra -------------------------------------------------------------------------------------


def _spectral(rule: Rule) -> Rule:
    return rule.but("bias", lambda leaf: bool(leaf.field("bias")), UNMEASURED)


def _complex(leaf: Leaf) -> int:
    """Complex numbers as one each."""
    return sum(
        prod(size) if name == "bias" else prod(size) // 2
        for name, size in leaf.analysis.weights.items()
    )


def _kept(leaf: Leaf) -> int:
    """Return the numbers of the products: output channels times frequencies that are kept."""
    kept: int = prod(leaf.field("modes")) * 2 ** (leaf.x.rank - 1)
    return leaf.output.batch * leaf.output.channels * kept


COMPLEX_MACS = _number("M/4, complex products", lambda leaf: leaf.work(WEIGHTS) // 4)
COMPLEX_PARAMS = _number("P, a complex number one", _complex)
PER_CHANNEL = _number("N·C", lambda leaf: leaf.output.batch * leaf.output.channels)
KEPT = _number("frequencies that are kept", _kept)

# --- mixed kernels -------------------------------------------------------------------------------


def _mixed(rule: Rule) -> Rule:
    other = rule.but("bias", lambda leaf: bool(leaf.field("bias")), UNMEASURED)
    return other.but("own routing", lambda leaf: len(leaf.inputs) < 2, UNMEASURED)


def _kernels(leaf: Leaf) -> int:
    """The numbers of the kernels that are mixed, one for each sample."""
    return leaf.batch * prod(leaf.weight[1:])


MIXING = terms("M of the mixing", "mix")
KERNELS = _number("O + kernels", lambda leaf: leaf.output.numel + _kernels(leaf))
POSITIONS = _number("N·positions", lambda leaf: leaf.output.batch * leaf.output.positions)

# --- by tool -------------------------------------------------------------------------------------

Published = Mapping[str, Rule]


def published(
    scan: Rule, ones: Rule, summed: Rule, spectral: Rule, spectrum: Rule, mixed: Rule
) -> Published:
    """The rules of the operators; ``ones`` and ``summed`` are those of linear attention."""
    return {
        SCAN: _scan(scan),
        LINEAR_ATTENTION: _attention(ones, summed),
        SPECTRAL: _spectral(spectral) if spectral is not UNMEASURED else UNMEASURED,
        FILTER: spectrum,
        MIXED: _mixed(mixed) if mixed is not ZERO else ZERO,
    }


def _all_trained(rule: Rule) -> Rule:
    return rule.but("frozen", lambda leaf: leaf.trained == 0, UNMEASURED)


FLOP_COUNTER = published(2 * SCAN_PRODUCTS, 2 * MACS, 2 * MACS, 2 * COMPLEX_MACS, ZERO, 2 * MACS)
BOTH_GRADIENTS = published(
    _all_trained(6 * SCAN_PRODUCTS),
    _all_trained(6 * MACS),
    _all_trained(6 * MACS),
    _all_trained(6 * COMPLEX_MACS),
    ZERO,
    UNMEASURED,
)
FLOP_COUNTER_TRAINING = {
    **BOTH_GRADIENTS,
    LINEAR_ATTENTION: _attention(_all_trained(6 * MACS + GROUPED_AGAIN), _all_trained(6 * MACS)),
}
HOOKS = published(SCAN_LINEAR, LEARNED_MACS, LEARNED_MACS, ZERO, ZERO, ZERO)
HOOKS_AND_PRODUCTS = published(
    SCAN_PRODUCTS, MACS, LEARNED_MACS + COUNTED_EINSUMS, COMPLEX_MACS, ZERO, MIXING
)
PATCHED_FUNCTIONS = published(
    SCAN_PRODUCTS + SCAN_BIAS,
    LEARNED_MACS + BIASES + 2 * FEATURES,
    LEARNED_MACS + BIASES + FEATURES,
    UNMEASURED,
    ZERO,
    MIXING,
)
ATEN = published(SCAN_PRODUCTS, MACS + BIASES, MACS + BIASES, UNMEASURED, ZERO, MACS)
FLOPS_OF_FUNCTIONS = published(
    2 * SCAN_PRODUCTS,
    2 * LEARNED_MACS + BIASES + FEATURES,
    2 * LEARNED_MACS + FEATURES + PRINTED_EINSUMS,
    UNMEASURED,
    ZERO,
    2 * MACS,
)
MACS_OF_FUNCTIONS = published(SCAN_PRODUCTS, LEARNED_MACS, LEARNED_MACS, UNMEASURED, ZERO, MACS)
TRACED = published(SCAN_PRODUCTS, MACS, LEARNED_MACS + HALVED_EINSUMS, COMPLEX_MACS, ZERO, MACS)
MADE_BY_THEM = _number("outputs of products", _made_by_attention)
TRACED_OUTPUTS = published(
    _number("outputs of products", _made_by_scan), MADE_BY_THEM, MADE_BY_THEM, KEPT, ZERO, KERNELS
)


def by_parameters(batch: Rule) -> Published:
    """torchinfo's: parameters times samples, of a linear layer; times channels also, of those of a
    module like GlobalFilter that have ``weight`` in their name."""
    return published(
        batch * SCAN_LEARNED,
        LEARNED_MACS + BIASES,
        batch * LEARNED,
        PER_CHANNEL * COMPLEX_PARAMS,
        PER_CHANNEL * LEARNED,
        POSITIONS * LEARNED,
    )


HOOKED_PARAMS = {SCAN: _scan(SCAN_LEARNED), SPECTRAL: ZERO, FILTER: ZERO}
PYTORCH_PARAMS = {SPECTRAL: COMPLEX_PARAMS}
