"""What is written in two ways and is one network; what looks alike and is not."""

from __future__ import annotations

import pytest

from convcalc.analysis.agreement.agreement import Agreement, agreement
from convcalc.analysis.agreement.differing import ADDED, CHANGED, MISSING
from convcalc.language.file_facts import NetworkFile
from convcalc.language.reading import read_network
from convcalc.language.sources.target import Target

INPUT = "[8, 16, 16]"
CONV = "conv: {out: 8, k: 3, p: 1}"


def network(layers: str, size: str = INPUT) -> NetworkFile:
    text = f"convcalc: 1\nname: net\ninput: {size}\nlayers: [{layers}]\n"
    found = read_network(Target("net.convcalc.yaml", text=text))
    assert not [each for each in found.problems if each.severity == "error"], found.problems
    return found


def held(one: str, other: str, size: str = INPUT, *, fold: str = "auto") -> Agreement:
    return agreement(network(one, size), network(other, size), fold_norms=fold)


SAME = {
    "a convolution of 1": ("conv: {out: 4, k: 1}", "linear: {out: 4}"),
    "a pointwise one": ("pointwise_conv: {out: 4}", "conv: {out: 4, k: 1}"),
    "a dilated one of 1": ("conv: {out: 4, k: 1, d: 2}", "linear: {out: 4}"),
    "a depthwise one": ("depthwise_conv: {k: 3, p: 1}", "conv: {out: 8, k: 3, p: 1, g: 8}"),
    "padding in words": ("conv: {out: 4, k: 3, p: same}", "conv: {out: 4, k: 3, p: 1}"),
    "padding of its own": ("pad: {p: 1}, conv: {out: 4, k: 3}", "conv: {out: 4, k: 3, p: 1}"),
    "two paddings": ("pad: {p: 1}, conv: {out: 4, k: 5, p: 1}", "conv: {out: 4, k: 5, p: 2}"),
    "a global pool": ("global_avg_pool: {keepdim: true}", "avg_pool: {k: 16}"),
    "a mean": ("global_avg_pool: {keepdim: true}", "adaptive_avg_pool: {output_size: 1}"),
    "pooling to a size": ("adaptive_avg_pool: {output_size: 4}", "avg_pool: {k: 4}"),
    "pooling to its own size": (f"{CONV}, adaptive_avg_pool: {{output_size: 16}}", CONV),
    "a stride as wide as the window": ("max_pool: {k: 2}", "max_pool: {k: 2, s: 2}"),
    "rounding that does not matter": ("max_pool: {k: 2, ceil_mode: true}", "max_pool: {k: 2}"),
    "dropout": (f"{CONV}, dropout, relu", f"{CONV}, relu"),
    "an identity": (f"{CONV}, identity, relu", f"{CONV}, relu"),
    "a view": (
        "global_avg_pool: {keepdim: true}, flatten, linear: {out: 3}",
        "global_avg_pool, linear: {out: 3}",
    ),
    "a factor": (f"{CONV}, elementwise: {{op: mul, value: 2}}, relu", f"{CONV}, relu"),
    "channels in equal groups": ("group_norm: {groups: 8}", "instance_norm: {affine: true}"),
    "trailing sizes of 1": (
        "global_avg_pool: {keepdim: true}, conv: {out: 5, k: 1}",
        "global_avg_pool, linear: {out: 5}",
    ),
    "sums of sums": (
        "{branches: [[], [relu], [silu]], join: add}",
        "{branches: [[{branches: [[], [relu]], join: add}], [silu]], join: add}",
    ),
    "what is computed of a learned tensor": (
        "{branches: [[], [parameter: {shape: [8, 1, 1]}, relu]], join: add}",
        "{branches: [[], [parameter: {shape: [8, 1, 1]}]], join: add}",
    ),
    "a square": ("{branches: [[], []], join: mul}", "elementwise: {op: square}"),
    "linear upsampling": (
        "bilinear_conv_transpose: {factor: 2, grouped: false}",
        "conv_transpose: {out: 8, k: 4, s: 2, p: 1, bias: false}",
    ),
    "the order of a sum": (
        "{branches: [[relu], [silu]], join: add}",
        "{branches: [[silu], [relu]], join: add}",
    ),
}
OTHER = {
    "a stride": (CONV, "conv: {out: 8, k: 3, p: 1, s: 2}", CHANGED),
    "a width": (CONV, "conv: {out: 9, k: 3, p: 1}", CHANGED),
    "a kernel": (CONV, "conv: {out: 8, k: 5, p: 2}", CHANGED),
    "a dilation": (CONV, "conv: {out: 8, k: 3, p: 2, d: 2}", CHANGED),
    "uneven padding": (CONV, "conv: {out: 8, k: 3, p: [[0, 2], [1, 1]]}", CHANGED),
    "what the padding holds": (CONV, "conv: {out: 8, k: 3, p: 1, padding_mode: reflect}", CHANGED),
    "groups": (CONV, "conv: {out: 8, k: 3, p: 1, g: 2}", CHANGED),
    "a bias": (CONV, "conv: {out: 8, k: 3, p: 1, bias: false}", CHANGED),
    "transposed": ("conv: {out: 8, k: 2, s: 2}", "conv_transpose: {out: 8, k: 2, s: 2}", MISSING),
    "an activation": (f"{CONV}, relu", f"{CONV}, gelu", CHANGED),
    "its slope": ("leaky_relu", "leaky_relu: {negative_slope: 0.2}", CHANGED),
    "its formula": ("gelu", "gelu: {approximate: tanh}", CHANGED),
    "a norm": ("batch_norm", "layer_norm", CHANGED),
    "its groups": ("group_norm: {groups: 2}", "group_norm: {groups: 4}", CHANGED),
    "what is learned of it": ("batch_norm", "batch_norm: {affine: false}", CHANGED),
    "a pool": ("max_pool: {k: 2}", "avg_pool: {k: 2}", CHANGED),
    "rounding that matters": ("max_pool: {k: 3}", "max_pool: {k: 3, ceil_mode: true}", CHANGED),
    "how it is enlarged": (
        "upsample: {scale: 2, mode: linear}",
        "upsample: {scale: 2, mode: nearest}",
        CHANGED,
    ),
    "a join": ("residual: [relu]", "{branches: [[], [relu]], join: mul}", CHANGED),
    "a layer less": (f"{CONV}, relu, {CONV}", f"{CONV}, {CONV}", MISSING),
    "a layer more": (f"{CONV}, {CONV}", f"{CONV}, relu, {CONV}", ADDED),
    "a shuffle": (CONV, f"{CONV}, channel_shuffle: {{groups: 2}}", ADDED),
    "heads": ("attention: {heads: 2}", "attention: {heads: 4}", CHANGED),
}


@pytest.mark.parametrize("case", SAME)
def test_one_network_in_two_ways(case: str) -> None:
    one, other = SAME[case]
    for pair in ((one, other), (other, one)):
        found = held(*pair)
        assert not found.findings, found.findings
        assert found.agrees


@pytest.mark.parametrize("case", OTHER)
def test_two_networks(case: str) -> None:
    one, other, kind = OTHER[case]
    found = held(one, other)
    assert not found.agrees
    assert found.findings[0].first.kind == kind
    opposite = {MISSING: ADDED, ADDED: MISSING}.get(kind, kind)
    back = held(other, one)
    assert opposite in {each.first.kind for each in back.findings}


NORMED = "conv: {out: 8, k: 3, p: 1, bias: false}, batch_norm, relu"
FOLDED = "conv: {out: 8, k: 3, p: 1}, relu"


def test_a_folded_norm_is_a_bias() -> None:
    assert held(NORMED, FOLDED).agrees
    assert held(FOLDED, NORMED).agrees
    assert held(NORMED, NORMED, fold="yes").agrees
    found = held(NORMED, FOLDED, fold="no")
    assert {each.first.kind for each in found.findings} == {MISSING, CHANGED}


def test_a_norm_that_is_not_folded_is_missing() -> None:
    """One of two, where the other is still there; nothing says that it was folded."""
    found = held(f"{NORMED}, {NORMED}", f"{NORMED}, {FOLDED}")
    assert MISSING in {each.first.kind for each in found.findings}


def test_one_folded_norm_without_a_trace_is_told() -> None:
    bare = "conv: {out: 8, k: 3, p: 1, bias: false}, relu"
    found = held(", ".join([NORMED] * 6), ", ".join([*[FOLDED] * 5, bare]))
    (finding,) = found.findings
    assert finding.first.kind == MISSING
    assert "not even a bias" in finding.first.why


def test_a_folded_norm_that_became_another() -> None:
    swapped = "conv: {out: 8, k: 3, p: 1, bias: false}, group_norm: {groups: 2}, relu"
    found = held(", ".join([NORMED] * 6), ", ".join([*[FOLDED] * 5, swapped]))
    (finding,) = found.findings
    (change,) = finding.first.changes
    assert (change.key, change.old, change.new) == ("operator", "batch_norm", "group_norm")


def test_what_follows_from_a_change_is_not_told() -> None:
    layers = (
        "conv: {{out: {0}, k: 3, p: 1, s: {1}}}, batch_norm, relu, depthwise_conv: {{k: 3}}, {2}"
    )
    end = "conv: {out: 8, k: 1}, global_avg_pool, linear: {out: 3}"
    found = held(layers.format(8, 1, end), layers.format(12, 2, end))
    (finding,) = found.findings
    assert [change.key for change in finding.first.changes] == ["out_channels", "stride"]


def test_one_factor_explains_all_widths() -> None:
    layers = ", ".join(f"conv: {{{{out: {n}*{{0}}, k: 3, p: 1}}}}, relu" for n in (2, 4, 8))
    found = held(layers.format(1), layers.format(3))
    (finding,) = found.findings
    assert (len(finding.differences), finding.factor) == (3, 3)


def test_a_row_of_layers_is_one_finding() -> None:
    found = held(f"{CONV}, relu, {CONV}, silu, {CONV}, relu", f"{CONV}, relu")
    (finding,) = found.findings
    assert [unit.kind for unit in finding.first.old] == ["conv", "silu", "conv", "relu"]
