"""FLOPs of a training step, and what is left of a network when its batch norms are folded."""

from __future__ import annotations

import pytest

import convcalc
from convcalc.analysis.analyse import analyse
from convcalc.language.reading import read_network
from convcalc.language.sources.target import Target
from convcalc.model.graph.fusion import _fold_parts
from convcalc.model.graph.network import Network
from convcalc.model.operators.composing import analyse_chain
from convcalc.model.ops.convolution.conv import Conv
from convcalc.model.ops.norm.batch_norm import BatchNorm
from convcalc.model.quantities.shape import Shape
from convcalc.model.quantities.unknown import known
from convcalc.output.views.network import report_table


def network_of(layers: str, shape: str = "[8, 6, 6]") -> Network:
    text = f"convcalc: 1\ninput: {shape}\nlayers: {layers}\n"
    network = read_network(Target("<test>", None, text.encode()))
    assert not [p for p in network.problems if p.severity == "error"], network.problems
    return network


# --- training ----------------------------------------------------------------------------------
# tests/torch compares with PyTorch's counter; here are the identities.


def training(layers: str) -> list[int]:
    return [layer.training for layer in analyse(network_of(layers)).layers]


def test_a_layer_behind_trained_weights_costs_three_times_its_forward_pass() -> None:
    conv = 2 * 8 * 8 * 9 * 36
    assert training("[{conv: {out: 8, k: 3, p: 1}, repeat: 3}]") == [2 * conv, 3 * conv, 3 * conv]


@pytest.mark.parametrize(
    ("layer", "macs"),
    [
        ("conv: {out: 16, k: 3, p: 1, g: 4}", 16 * 2 * 9 * 36),
        ("depthwise_conv: {k: 3, p: 1}", 8 * 9 * 36),
        ("conv_transpose: {out: 4, k: 4, s: 2, p: 1, g: 2}", 8 * 2 * 16 * 36),
    ],
)
def test_groups_and_stamps_are_counted_as_in_the_forward_pass(layer: str, macs: int) -> None:
    assert training(f"[batch_norm, {{{layer}}}]")[1] == 3 * 2 * macs


def test_nothing_flows_back_into_a_frozen_stem() -> None:
    one, two, three = training(
        "[{conv: {out: 8, k: 1}, trainable: false}, {conv: {out: 8, k: 1}}, {conv: {out: 8, k: 1}}]"
    )
    assert (one, two, three) == (2 * 64 * 36, 4 * 64 * 36, 6 * 64 * 36)


def test_a_frozen_layer_in_between_passes_the_gradient_on() -> None:
    frozen = "{conv: {out: 8, k: 1}, trainable: false}"
    assert training(f"[{{conv: {{out: 8, k: 1}}}}, {frozen}]")[1] == 2 * 2 * 64 * 36


def test_fixed_weights_get_no_gradient() -> None:
    up = "{bilinear_conv_transpose: {factor: 2}}"
    macs = 8 * 16 * 36
    assert training(f"[{up}]") == [2 * macs]
    assert training(f"[batch_norm, {up}]")[1] == 2 * 2 * macs


def test_products_of_computed_values_have_two_gradients() -> None:
    attention = "{attention: {heads: 2, bias: false}}"
    maps, products = 36 * 8 * 24 + 36 * 8 * 8, 2 * 36 * 36 * 8
    assert training(f"[batch_norm, {attention}]")[1] == 6 * (maps + products)
    assert training(f"[{attention}]") == [6 * (maps + products) - 2 * 36 * 8 * 24]


@pytest.mark.parametrize("name", ["resnet50", "mobilenet_v2", "unet", "efficientnet_b0"])
def test_a_whole_network_costs_three_forward_passes_but_for_its_first_layer(name: str) -> None:
    report = convcalc.analyse(convcalc.load(name))
    first = next(layer for layer in report.layers if layer.macs)
    assert report.totals.training == 3 * report.totals.flops - first.flops


# --- fusion ------------------------------------------------------------------------------------


def fused(layers: str, shape: str = "[8, 6, 6]") -> dict[str, int]:
    return dict(analyse(network_of(layers, shape), fuse_batch_norm=True).totals.fused)


def test_a_folded_norm_leaves_a_bias() -> None:
    found = fused("[{conv: {out: 16, k: 3, p: 1, bias: false}}, batch_norm]")
    macs = 16 * 8 * 9 * 36
    assert found == {
        "params": 16 * 8 * 9 + 16,
        "buffers": 0,
        "macs": macs,
        "flops": 2 * macs,
        "elementwise": 16 * 36,
    }


def test_a_bias_that_is_there_takes_up_the_norm() -> None:
    found = fused("[{conv: {out: 16, k: 3, p: 1}}, batch_norm]")
    assert (found["params"], found["elementwise"]) == (16 * 8 * 9 + 16, 16 * 36)


@pytest.mark.parametrize(
    ("layers", "shape"),
    [
        ("[{conv_transpose: {out: 16, k: 2, s: 2, bias: false}}, batch_norm]", "[8, 6, 6]"),
        ("[{depthwise_conv: {k: 3, bias: false}}, batch_norm]", "[8, 6, 6]"),
        ("[{linear: {out: 5, bias: false}}, batch_norm]", "[8]"),
    ],
)
def test_other_layers_with_weights_take_up_a_norm_too(layers: str, shape: str) -> None:
    report = analyse(network_of(layers, shape), fuse_batch_norm=True)
    first, norm = report.layers
    assert norm.fused["params"] == norm.fused["elementwise"] == norm.fused["buffers"] == 0
    assert first.fused["params"] == first.params + first.output.channels


def test_norms_within_and_behind_a_composite_are_folded() -> None:
    """A row of layers and the composite that stands for it lose the same."""
    row = "{depthwise_conv: {k: 3, p: 1, bias: false}}, {pointwise_conv: {out: 4, bias: false}}"
    separable = "{separable_conv: {out: 4, k: 3, p: 1, bias: false}}"
    assert fused(f"[{separable}, batch_norm]") == fused(f"[{row}, batch_norm]")
    ghost = fused("[{ghost_conv: {out: 8, k: 1}}]")
    assert ghost["buffers"] == 0
    assert ghost["params"] == 4 * 8 + 4 + 4 * 9 + 4  # two convolutions, each with a bias
    assert ghost["elementwise"] == 2 * (4 + 4) * 36  # bias and ReLU of all channels


def test_a_norm_beside_a_convolution_is_not_behind_it() -> None:
    conv = Conv(
        out_channels=8,
        kernel_size=(3, 3),
        stride=(1, 1),
        padding=((0, 0),) * 2,
        dilation=(1, 1),
        bias=False,
    )
    row = analyse_chain({"conv": conv, "norm": BatchNorm()}, Shape(1, 8, (6, 6)))
    before, norm = row.parts
    assert "norm.weight" not in _fold_parts(row).weights
    beside = row._replace(parts=(before, norm._replace(reads=(0,))))
    assert _fold_parts(beside) == beside


def test_a_frozen_norm_leaves_a_bias_that_is_a_parameter() -> None:
    """Its constants are buffers; the bias that takes them up has eight values more."""
    layers = "[{conv: {out: 8, k: 3, p: 1, bias: false}}, {batch_norm: {frozen: true}}]"
    report = analyse(network_of(layers), fuse_batch_norm=True)
    assert report.totals.fused["params"] == report.totals.params + 8
    assert report.totals.fused["buffers"] == 0
    assert "(8 more)" in "\n".join(map(str, report_table(report, [], []).footer))


CONV = "{conv: {out: 8, k: 3, p: 1}, id: a}"


@pytest.mark.parametrize(
    "layers",
    [
        f"[{CONV}, relu, batch_norm]",  # not directly
        f"[{CONV}, {{batch_norm: {{}}, id: b}}, {{add: [a, b]}}]",  # somebody else reads it
        "[batch_norm, {conv: {out: 8, k: 3, p: 1}}]",  # the norm comes first
        f"[{CONV}, {{batch_norm: {{track_running_stats: false}}}}]",  # depends on the batch
        f"[{CONV}, {{group_norm: {{g: 2}}}}]",  # another norm
        f"[{CONV}, relu, {{conv: {{out: 8, k: 3, p: 1}}, share: a}}, batch_norm]",  # used twice
    ],
)
def test_a_norm_stays_where_it_cannot_be_folded(layers: str) -> None:
    totals = analyse(network_of(layers), fuse_batch_norm=True).totals
    assert totals.fused["params"] == totals.params
    assert totals.fused["elementwise"] == totals.elementwise
    assert totals.fused["buffers"] == totals.buffers


def test_an_output_of_the_network_is_read_by_someone_else() -> None:
    text = (
        "convcalc: 1\ninput: [8, 6, 6]\nlayers:\n  - {conv: {out: 8, k: 3, p: 1}, id: a}\n"
        "  - {batch_norm: {}, id: b}\noutputs: [a, b]\n"
    )
    network = read_network(Target("<test>", None, text.encode()))
    totals = analyse(network, fuse_batch_norm=True).totals
    assert totals.fused["params"] == totals.params


def test_resnet50_loses_one_number_per_normed_channel() -> None:
    """Every norm follows a convolution without bias: of 26,560 channels 2 go, 1 comes."""
    totals = convcalc.analyse(convcalc.load("resnet50"), fuse_batch_norm=True).totals
    assert totals.fused["params"] == 25_557_032 - 26_560
    assert totals.fused["macs"] == totals.macs
    assert totals.elementwise - totals.fused["elementwise"] == 11_113_984  # one per normed element
    assert totals.fused["buffers"] == 0


def test_unknown_sizes_stay_unknown() -> None:
    layers = "[{conv: {out: 8, k: 3, p: 1, bias: false}}, batch_norm]"
    found = fused(layers, "[8, null, null]")
    assert found["params"] == 8 * 8 * 9 + 8
    assert not known(found["elementwise"])
