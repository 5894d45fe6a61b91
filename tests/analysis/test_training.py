"""FLOPs of training steps worked out by hand: which products have which gradients."""

from __future__ import annotations

import pytest
from small import network_of_text

from convcalc.analysis.analyse import analyse

# On 4×8×8; each product in the forward pass, and once for each of its gradients.
FIRST = {
    "gated_conv: {out: 4, k: 3}": (2 * 2 * 2 * 5184, 41_472),
    "mix_conv: {k: [3, 5]}": (2 * 2 * (18 + 50) * 64, 17_408),
    # route and main read the input, whose gradient nobody asks for; mix has two factors that learn
    "cond_conv: {out: 4, k: 3, p: 1, experts: 2}": (4 * 8 + 6 * 288 + 4 * 9216, 38_624),
    "involution: {k: 3, group_channels: 4}": (4 * 256 + 6 * 576 + 4 * 2304, 13_696),
    "octave_conv: {out: 4, k: 3, p: 1, alpha_out: 0.5}": (4 * 4608 + 4 * 1152, 23_040),
    "local_attention: {k: 3, heads: 1}": (4 * 3072 + 6 * 2304 + 6 * 768 + 6 * 2304, 44_544),
    "separable_conv: {out: 4, k: 3, p: 1}": (4 * 36 * 64 + 6 * 16 * 64, 15_360),
    "squeeze_excite: {reduction: 2}": (4 * 8 + 6 * 8, 80),
    "attention: {heads: 2}": (4 * 12 * 4 * 64 + 6 * 2 * 4 * 64**2 + 6 * 16 * 64, 215_040),
}


def training(body: str) -> int:
    return analyse(network_of_text(f"input: [4, 8, 8]\n{body}")).totals.training


@pytest.mark.parametrize("layer", FIRST)
def test_the_input_of_the_network_has_no_gradient(layer: str) -> None:
    by_hand, stated = FIRST[layer]
    assert training(f"layers: [{{{layer}}}]\n") == by_hand == stated


@pytest.mark.parametrize("layer", FIRST)
def test_nor_has_what_lies_behind_a_frozen_stem(layer: str) -> None:
    stem = "{pointwise_conv: {out: 4, bias: false}, trainable: false}"
    assert training(f"layers: [{stem}, {{{layer}}}]\n") == FIRST[layer][1] + 2 * 16 * 64


@pytest.mark.parametrize("layer", FIRST)
def test_behind_trained_weights_every_product_has_both_gradients(layer: str) -> None:
    whole = analyse(network_of_text(f"input: [4, 8, 8]\nlayers: [batch_norm, {{{layer}}}]\n"))
    assert whole.totals.training == 3 * whole.totals.flops


def test_a_dead_branch_has_no_backward_pass() -> None:
    conv = "pointwise_conv: {out: 4}"
    macs = 16 * 64
    live = f"  - {{{conv}, id: a}}\n  - {{{conv}, id: b}}\n"
    dead = f"  - {{{conv}, from: a}}\n  - {{{conv}}}\n"
    assert training(f"layers:\n{live}") == (4 + 6) * macs
    assert training(f"layers:\n{live}{dead}outputs: [b]\n") == (4 + 6 + 2 + 2) * macs
    assert training(f"layers:\n{live}{dead}") == (4 + 2 + 6 + 6) * macs  # b is dead


def test_a_branch_joined_later_is_not_dead() -> None:
    conv = "pointwise_conv: {out: 4}"
    body = f"layers:\n  - {{{conv}, id: a}}\n  - {{{conv}, id: b}}\n  - {{add: [a, b]}}\n"
    assert training(body) == (4 + 6) * 16 * 64


def test_external_offsets_that_nothing_trained_made_need_no_gradient() -> None:
    fields = "version: 1, out: 4, k: 1, offset: external"
    body = (
        "inputs: {x: [4, 8, 8], o: [2, 8, 8]}\nlayers:\n"
        f"  - {{deform_conv: {{{fields}}}, from: [x, o]}}\n"
    )
    assert analyse(network_of_text(body)).totals.training == 4 * 16 * 64


def test_what_is_read_for_its_size_alone_has_no_backward_pass() -> None:
    layers = (
        "- {conv: {out: 1, k: 3}, id: size, from: input}\n"
        "- {conv: {out: 1, k: 1}, id: x, from: input}\n- crop: [x, size]\n"
    )
    report = analyse(network_of_text(f"input: [1, 4, 7]\nlayers:\n{layers}"))
    found = [layer.training for layer in report.layers]
    assert found == [2 * 9 * 2 * 5, 2 * 2 * 28, 0]
