"""A composite costs what its parts cost as layers, for every total."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from math import prod
from typing import Any

import pytest
from cases import OPERATORS, Row, working_rows
from small import network_of, network_of_text

from convcalc.analysis.analyse import analyse
from convcalc.analysis.report.report import Report
from convcalc.language.reading import read_network
from convcalc.language.sources.target import Target
from convcalc.model.graph.network import Layer
from convcalc.model.operators.contract import WEIGHTS, Analysis
from convcalc.model.quantities.unknown import known

# --- written out -------------------------------------------------------------------------------

Layers = Sequence[Any]
FRONT = {"pointwise_conv": {"out": 8}, "id": "x"}  # so that every input needs a gradient


def windows(k: int, s: int, d: int) -> list[dict[str, Any]]:
    """Fields of a window that keeps the size but for its stride."""
    return [{"k": k, "s": s, "d": d, "p": "half"}]


WINDOWS = [
    window
    for args in ((1, 1, 1), (3, 1, 1), (3, 2, 1), (3, 1, 2), (5, 2, 1))
    for window in windows(*args)
]


def separable(fields: Mapping[str, Any], multiplier: int, bias: bool) -> tuple[Layers, Layers]:
    return (
        [{"separable_conv": {"out": 6, "depth_multiplier": multiplier, "bias": bias, **fields}}],
        [
            {"depthwise_conv": {"depth_multiplier": multiplier, "bias": bias, **fields}},
            {"pointwise_conv": {"out": 6, "bias": bias}},
        ],
    )


def spatially_separable(k: int, middle: int) -> tuple[Layers, Layers]:
    return (
        [{"spatially_separable_conv": {"out": 6, "k": k, "p": "half", "mid_channels": middle}}],
        [
            {"conv": {"out": middle, "k": [k, 1], "p": "half"}},
            {"conv": {"out": 6, "k": [1, k], "p": "half"}},
        ],
    )


def ghost(out: int, ratio: int, relu: bool, stride: int) -> tuple[Layers, Layers]:
    after = ["batch_norm", "relu"][: 1 + relu]
    inner = -(-out // ratio)
    body: list[Any] = [{"conv": {"out": inner, "k": 1, "s": stride, "bias": False}}, *after]
    body[-1] = {body[-1]: {}, "id": "primary"}
    body += [{"depthwise_conv": {"k": 3, "p": 1, "depth_multiplier": ratio - 1, "bias": False}}]
    return (
        [{"ghost_conv": {"out": out, "ratio": ratio, "relu": relu, "s": stride}}],
        [*body, *after, {"concat": ["primary", "prev"]}],
    )


def learned_group(groups: int, factor: int) -> tuple[Layers, Layers]:
    kept = 8 // factor * groups
    fields = {"out": 8, "groups": groups, "condense_factor": factor}
    return (
        [{"learned_group_conv": fields}],
        [
            {"channel_select": {"indices": [n % 8 for n in range(kept)]}},
            "batch_norm",
            "relu",
            {"conv": {"out": 8, "k": 1, "g": groups, "bias": False}},
        ],
    )


def mix(sizes: list[int], bias: bool) -> tuple[Layers, Layers]:
    shares = [8 - 8 // len(sizes) * (len(sizes) - 1), *[8 // len(sizes)] * (len(sizes) - 1)]
    branches, start = [], 0
    for k, share in zip(sizes, shares, strict=True):
        cut = {"channel_slice": {"start": start, "stop": start + share}}
        branches.append([cut, {"depthwise_conv": {"k": k, "p": "half", "bias": bias}}])
        start += share
    return (
        [{"mix_conv": {"k": sizes, "bias": bias}}],
        [{"branches": branches, "join": "concat"}],
    )


def squeeze(reduction: int, bias: bool, act: str, gate: str) -> tuple[Layers, Layers]:
    fields = {"reduction": reduction, "bias": bias, "activation": act, "gate": gate}
    return (
        [{"squeeze_excite": fields}],
        [
            {"global_avg_pool": {"keepdim": True}},
            {"pointwise_conv": {"out": 8 // reduction, "bias": bias}},
            act,
            {"pointwise_conv": {"out": 8, "bias": bias}},
            gate,
            {"mul": ["x", "prev"]},
        ],
    )


def gated(fields: Mapping[str, Any], bias: bool, activation: bool) -> tuple[Layers, Layers]:
    conv = {"conv": {"out": 6, "bias": bias, **fields}, "from": "x"}
    first: list[Any] = [conv, "elu"] if activation else [conv]
    first = [
        *first[:-1],
        {**(first[-1] if isinstance(first[-1], dict) else {"elu": {}}), "id": "f"},
    ]
    return (
        [{"gated_conv": {"out": 6, "bias": bias, "activation": activation, **fields}}],
        [*first, conv, "sigmoid", {"mul": ["f", "prev"]}],
    )


def large_kernel(k: int, d: int) -> tuple[Layers, Layers]:
    return (
        [{"large_kernel_attention": {"k": k, "d": d}}],
        [
            {"depthwise_conv": {"k": 2 * d - 1, "p": "half"}},
            {"depthwise_conv": {"k": -(-k // d), "d": d, "p": "half"}},
            {"pointwise_conv": {"out": 8}},
            {"mul": ["x", "prev"]},
        ],
    )


def octave(alpha: str, stride: int, bias: bool) -> tuple[Layers, Layers]:
    low = int(8 * float(alpha))
    conv = {"k": 3, "p": 1, "bias": bias}
    pools = [
        [{"avg_pool": {"k": w, "s": w, "ceil_mode": True}}] if w > 1 else []
        for w in (stride, 2 * stride)
    ]
    return (
        [{"octave_conv": {"out": 8, "alpha_out": float(alpha), "s": stride, **conv}, "id": "o"}],
        [
            {"seq": [*pools[0], {"conv": {"out": 8 - low, **conv}}], "from": "x", "id": "high"},
            {"seq": [*pools[1], {"conv": {"out": low, **conv}}], "from": "x", "id": "low"},
        ],
    )


PAIRS: dict[str, tuple[Layers, Layers]] = {
    **{f"separable {f} {m} {b}": separable(f, m, b)
       for f in WINDOWS for m in (1, 2, 16) for b in (False, True)},
    **{f"spatially separable {k} {m}": spatially_separable(k, m) for k in (1, 3, 5)
       for m in (2, 6, 40)},
    **{f"ghost {n} {r} {a} {s}": ghost(n, r, a, s) for n, r in ((8, 2), (6, 3), (32, 4))
       for a in (False, True) for s in (1, 2)},
    **{f"learned group {g} {c}": learned_group(g, c) for g, c in ((2, 2), (4, 2), (4, 8))},
    **{f"mix {k} {b}": mix(k, b) for k in ([3], [3, 5], [3, 5, 7]) for b in (False, True)},
    **{f"squeeze {r} {b} {a} {g}": squeeze(r, b, a, g) for r in (1, 4) for b in (False, True)
       for a in ("relu", "silu") for g in ("sigmoid", "hardsigmoid")},
    **{f"gated {f} {b} {a}": gated(f, b, a) for f in WINDOWS for b in (False, True)
       for a in (False, True)},
    **{f"large kernel {k} {d}": large_kernel(k, d) for k, d in ((21, 3), (7, 3), (5, 1))},
    **{f"octave {a} {s} {b}": octave(a, s, b) for a in ("0.25", "0.5") for s in (1, 2)
       for b in (False, True)},
}  # fmt: skip
TOTALS = ("params", "trainable", "buffers", "macs", "flops", "sampling", "elementwise",
          "activations", "training")  # fmt: skip


@pytest.mark.exhaustive
@pytest.mark.parametrize("front", [True, False], ids=["trained before", "first layer"])
@pytest.mark.parametrize("name", PAIRS)
def test_a_composite_is_its_parts_written_out(name: str, front: bool) -> None:
    whole, parts = PAIRS[name]
    first = FRONT if front else {"identity": {}, "id": "x"}
    outputs = (["o", "o.low"], ["high", "low"]) if name.startswith("octave") else (None, None)
    tops = [{"outputs": names} if names else {} for names in outputs]
    one = network_of([first, *whole], [8, 12, 12], 2, **tops[0])
    two = network_of([first, *parts], [8, 12, 12], 2, **tops[1])
    for key in TOTALS:
        if (name.startswith("learned group"), key) == (True, "buffers"):
            continue  # the index that selects is stored
        assert getattr(analyse(one).totals, key) == getattr(analyse(two).totals, key), key
    # A slice is a view within an operator, but a layer of its own makes a copy unless in place.
    ways = [("in-place",), ("in-place", "held-inputs"), ("fused", "in-place")]
    ways += [] if name.startswith("mix") else [(), ("held-inputs",), ("fused",)]
    ways += [("training", "in-place")] + [("training",)] * (not name.startswith("mix"))
    for options in ways:
        bytes_used = [analyse(each, memory=options).totals.memory for each in (one, two)]
        if not (name.startswith("mix") and "training" in options):  # a slice has a gradient
            assert bytes_used[0].activations_peak == bytes_used[1].activations_peak, options
        assert bytes_used[0].kept == bytes_used[1].kept, options


# --- every composite, against its own parts -------------------------------------------------------

COMPOSITES = [
    row for name in OPERATORS for row in working_rows(name) if row.content.get("input", row)
]


def layer_of(row: Row) -> Layer:
    network = read_network(Target("case.yaml", None, row.text), batch=row.batch)
    return network.layers[0]


ROWS = [row for row in COMPOSITES if layer_of(row).analysis.parts]


def test_the_tables_hold_every_composite() -> None:
    assert {row.operator for row in ROWS} == {
        "attention", "carafe", "channel_attention", "chunk", "cond_conv", "coord_conv",
        "deform_conv", "deform_ps_roi_pool", "deform_roi_pool", "dot_product_attention",
        "fourier_unit", "gated_conv", "ghost_conv", "global_filter", "inpainting_conv",
        "involution",
        "large_kernel_attention", "learned_group_conv", "linear_attention", "local_attention",
        "mix_conv", "multi_scale_deformable_attention", "octave_conv", "partial_conv",
        "selective_scan", "separable_conv", "spatially_separable_conv", "spectral_conv",
        "squeeze_excite", "window_attention",
    }  # fmt: skip


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_the_parts_do_the_work_and_hold_the_weights_of_a_composite(row: Row) -> None:
    analysis = layer_of(row).analysis
    assert work(analysis) == sum((work(part.analysis) for part in analysis.parts), Counter())
    inner = [size(part.analysis.weights) for part in analysis.parts]
    assert str(size(analysis.weights)) == str(sum(inner))  # one unknown is not another
    weighted = [
        part.analysis.output.numel
        for part in analysis.parts
        if any(term.kind == WEIGHTS for term in part.analysis.terms)
    ]
    assert str(analysis.activations) == str(sum(weighted))


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_the_parts_of_a_composite_read_what_is_there_and_make_its_output(row: Row) -> None:
    layer = layer_of(row)
    analysis, made = layer.analysis, {n: shape.numel for n, shape in enumerate(layer.shapes)}
    seen: dict[int | str, int] = {**made}
    read: set[int | str] = set()
    for part in analysis.parts:
        assert all(source in seen for source in part.reads), part.name
        assert part.name not in seen
        read.update(part.reads)
        seen[part.name] = part.analysis.output.numel
    result = analysis.result or analysis.parts[-1].name
    results = {result, *(port.part for port in analysis.ports.values())}
    assert not known(analysis.output.numel) or seen[result] >= analysis.output.numel
    idle = {
        part.name for part in analysis.parts if not known(seen[part.name]) or not seen[part.name]
    }
    assert set(seen) - read - results <= idle | set(range(len(layer.shapes)))


def work(analysis: Analysis) -> Counter[str]:
    """Known operations by kind."""
    found: Counter[str] = Counter()
    for term in analysis.terms:
        if known(term.amount):
            found[term.kind] += term.amount
    return +found


def size(tensors: Mapping[str, tuple[int, ...]]) -> int:
    return sum(map(prod, tensors.values()))


# --- values worked out by hand ------------------------------------------------------------------


def report(layers: str, shape: str, **options: Any) -> Report:
    return analyse(network_of_text(f"input: {shape}\nlayers: {layers}\n"), **options)


def mib(layers: str, shape: str, *options: str) -> float:
    return report(layers, shape, memory=options).totals.memory.activations_peak / 2**20


def test_the_middle_of_a_separable_convolution_is_alive() -> None:
    layers = "[{separable_conv: {out: 4, k: 3, p: 1, depth_multiplier: 16}}]"
    # 64 channels in the middle beside 4 of the output
    assert mib(layers, "[4, 64, 64]") == (64 + 4) * 64 * 64 * 4 / 2**20 == 1.0625


def test_plain_attention_has_its_matrix_twice_fused_attention_never() -> None:
    matrix = 8 * 3136**2 * 4 / 2**20
    assert round(matrix) == 300
    tensor = 64 * 3136 * 4 / 2**20
    layers = "[{attention: {heads: 8}}]"
    # before and behind the softmax, beside queries, keys and values
    assert mib(layers, "[64, 56, 56]") == 2 * matrix + 3 * tensor
    assert mib(layers, "[64, 56, 56]", "fused-attention") == 4 * tensor


def test_indices_of_a_pooling_live_until_the_unpooling() -> None:
    layers = "[{max_pool: {k: 2}, id: p}, {max_unpool: {indices: p}}]"
    assert mib(layers, "[64, 64, 64]") == 0.25 + 0.5 + 1 == 1.75
    # A layer in between: the indices are alive, the pooled tensor is not.
    between = "[{max_pool: {k: 2}, id: p}, relu, relu, {max_unpool: {indices: p}}]"
    assert mib(between, "[64, 64, 64]") == 0.25 + 0.5 + 1
    # Eight bytes each, whatever the type: 1/4 + 1/2 + 1 in float32, half of the first in float16.
    halved = report(layers, "[64, 64, 64]", dtype="float16").totals.memory.activations_peak
    assert halved == (0.125 + 0.5 + 0.5) * 2**20
    # Without an unpooling nobody keeps them.
    assert mib("[{max_pool: {k: 2}}]", "[64, 64, 64]") == 1.25


def test_a_partial_convolution_makes_only_what_it_convolves() -> None:
    layers = "[{partial_conv: {k: 3, n_div: 4}}]"
    found = report(layers, "[16, 8, 8]", convention="fvcore").totals
    assert found.activations == found.convention["activations"] == 4 * 64
    timm = report(layers, "[16, 8, 8]", convention="timm").totals.convention["activations"]
    assert timm == 4 * 64
    assert found.memory.activations_peak == 4 * (16 + 4 + 16) * 64


@pytest.mark.parametrize(
    ("name", "activations"), [("fasternet_t0", 1_970_120), ("fasternet_s", 7_930_088)]
)
def test_activations_of_fasternet(name: str, activations: int) -> None:
    import convcalc

    for convention in ("fvcore", "timm"):
        totals = convcalc.analyse(convcalc.load(name), convention=convention).totals
        assert totals.activations == totals.convention["activations"] == activations
