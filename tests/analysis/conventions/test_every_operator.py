"""Every operator under every convention, and the difference of two of them."""

from __future__ import annotations

from functools import cache
from itertools import pairwise

import pytest
import shipped
import yaml
from measured import LOADER, amount, network_of
from places import TESTS

import convcalc
from convcalc.analysis.conventions import convention, convention_names
from convcalc.analysis.conventions.counting import count_leaf, layer_counts
from convcalc.analysis.conventions.leaves import leaves
from convcalc.analysis.conventions.versus import differences
from convcalc.language.reading import read_network
from convcalc.language.sources.target import Target
from convcalc.model.graph.network import Network
from convcalc.model.quantities.unknown import known

# --- every operator under every convention -------------------------------------------------------


@cache
def operator_networks() -> tuple[Network, ...]:
    """The first rows of each operator's case table, and those with unknown sizes."""
    found = []
    for path in sorted((TESTS / "cases").glob("*.yaml")):
        rows = yaml.load(path.read_text("utf-8"), LOADER)
        fit = [r for r in rows if "problem" not in r and len(r.get("inputs") or [0]) == 1]
        unknown = [r for r in fit if None in (r.get("input") or r["inputs"][0])]
        for row in (*fit[:3], *unknown[:2]):
            layer = yaml.dump([{path.stem: row.get("fields") or {}}], default_flow_style=True)
            shape = row.get("input") or row["inputs"][0]
            text = f"convcalc: 1\ninput: {shape}\nlayers: {layer}\n".replace("None", "null")
            network = read_network(Target("<test>", None, text.encode()))
            if network.layers:
                found.append(network)
    return tuple(found)


@pytest.mark.parametrize("name", convention_names())
def test_every_operator_can_be_counted(name: str) -> None:
    assert len(operator_networks()) > 150
    for network in operator_networks():
        for layer in layer_counts(network, name):
            for each in (each for counts in layer.values() for each in counts):
                assert not known(each.amount) or (
                    isinstance(each.amount, int) and each.amount >= 0
                ), (network.layers[0], each)


@pytest.mark.parametrize("name", convention_names())
def test_a_rule_that_holds_counts_what_the_whole_rule_counts(name: str) -> None:
    for network in operator_networks():
        for leaf in leaves(network):
            for count in convention(name).counts:
                rule = count.rules.get(leaf.name)
                if rule and known(rule.count(leaf)):
                    assert rule.at(leaf).count(leaf) == rule.count(leaf)
                    (line,) = count_leaf(leaf, convention(name), count)
                    assert line.rule.text == rule.at(leaf).text


# --- versus --------------------------------------------------------------------------------------


def test_thop_exceeds_fvcore_by_its_batch_norms() -> None:
    found = differences(convcalc.load("resnet50"), "thop", "fvcore")
    assert (found.total, found.other_total) == (4_133_742_592, 4_111_512_576)
    first, second = found.items[:2]
    assert (first.operator, first.ours_rule, first.theirs_rule) == ("batch_norm", "4·E", "2·E")
    assert (first.leaves, first.difference) == (53, 22_227_968)
    assert (second.operator, second.difference) == ("global_avg_pool", 2048)
    assert found.remainder == 0


@pytest.mark.parametrize("model", ["resnet50", "efficientnet_b0", "convnext_tiny"])
def test_differences_leave_nothing_over(model: str) -> None:
    network = convcalc.load(model)
    for name, other in pairwise([*convention_names(), "calflops.macs", "torchscan.macs"]):
        found = differences(network, name, other)
        assert found.remainder == 0
        assert sum(item.ours for item in found.items) == found.total
        assert sum(item.theirs for item in found.items) == found.other_total


def test_weights_beside_the_parts_of_a_composite_are_an_item_too() -> None:
    network = network_of("[{deform_conv: {version: 1, out: 32, k: 3, p: 1}}]", (16, 8, 8))
    found = differences(network, "keras.params", "thop.params")
    (item,) = (item for item in found.items if item.difference)
    assert (item.operator, item.difference) == ("deform_conv", 32 * (16 * 9 + 1))
    assert found.remainder == 0


def test_a_difference_names_the_function_that_one_of_the_tools_does_not_see() -> None:
    found = differences(shipped.network("densenet161"), "ptflops", "thop")
    called = {item.operator: item for item in found.items if item.ours_rule == "E, a function"}
    assert {name: item.theirs_rule for name, item in called.items()} == {
        "relu": "0",
        "global_avg_pool": "0, a function",
    }
    assert {item.leaves for item in called.values()} == {1}
    assert (found.total, found.other_total) == (7_850_193_256, 7_845_841_056)
    assert found.remainder == 0


def test_a_composite_is_itemised_by_its_parts_unless_a_tool_has_a_rule_for_it() -> None:
    network = network_of("[{attention: {heads: 4}}]", (64, 50))
    by_parts = differences(network, "fvcore", "thop-ultralytics")
    assert {item.operator for item in by_parts.items} == {"linear", "matmul", "softmax"}
    by_rule = differences(network, "ptflops", "fvcore")
    assert {item.operator for item in by_rule.items} == {"attention"}
    assert by_rule.remainder == 0


# --- what tools see of composites ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("layer", "macs"),
    [
        # offsets and main of 16 to 32 channels on 8×8; torchvision's operator itself is not seen
        ("deform_conv: {version: 1, out: 32, k: 3, p: 1}", 18 * 16 * 9 * 64),
        # dw, offsets, factors, two projections; aggregation is an operator of its own
        ("deform_conv: {version: 3, g: 4}", 64 * (9 * 16 + 16 * 36 * 3 + 2 * 16 * 16)),
        ("large_kernel_attention", 64 * 16 * (25 + 49 + 16)),
        ("gated_conv: {out: 8, k: 3, p: 1}", 2 * 8 * 16 * 9 * 64),
        ("ghost_conv: {out: 8, k: 1}", 64 * (4 * 16 + 4 * 9)),
        ("mix_conv: {kernel_size: [3, 5], p: half}", 64 * 8 * (9 + 25)),
    ],
)
def test_torch_sees_the_maps_of_a_composite(layer: str, macs: int) -> None:
    network = network_of(f"[{{{layer}}}]" if ":" in layer else f"[{layer}]", (16, 8, 8))
    assert amount(network, "torch.flops") == 2 * macs


def test_parameters_are_those_of_the_report_for_most_tools() -> None:
    """Of every operator: a composite has those of its parts and its own."""
    for network in operator_networks():
        totals = convcalc.analyse(network).totals
        if network.layers[0].name == "spectral_conv":  # complex numbers, which PyTorch counts once
            weights = convcalc.analyse(network).layers[0].weights
            bias = sum(weights.get("bias", ()))
            assert 2 * amount(network, "fvcore.params") == totals.params + bias
            assert not known(amount(network, "ptflops.params"))
            continue
        assert str(amount(network, "fvcore.params")) == str(totals.params)
        assert str(amount(network, "ptflops.params")) == str(totals.trainable)
        has_two_biases = network.layers[0].name == "lstm"  # one in Keras
        if known((totals.params, totals.buffers)) and not has_two_biases:
            assert amount(network, "keras.params") == totals.params + totals.buffers
