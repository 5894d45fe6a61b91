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


# 3 channels, 5 steps, 2 sequences; a state of 4. Each step but the first multiplies a state that
# depends on the weights, whose gradient is computed though the network's input gets none.
STEPS = {
    "lstm: {hidden_size: 4, axis: width}": 4 * 16 * 3 * 10 + 16 * 4 * 2 * (4 + 4 * 6),
    "gru: {hidden_size: 4, axis: width}": 4 * 12 * 3 * 10 + 12 * 4 * 2 * (4 + 4 * 6),
    "conv_lstm: {hidden_channels: 4, k: 1, axis: width}": 16 * 7 * 2 * (4 + 4 * 6),
    # the convolution behind the reset reads what weights have made in the first step too
    "conv_gru: {hidden_channels: 4, k: 1, axis: width}": (
        8 * 7 * 2 * (4 + 4 * 6) + 4 * 7 * 2 * 5 * 6
    ),
}


@pytest.mark.parametrize("layer", STEPS)
def test_states_get_a_gradient_where_the_input_gets_none(layer: str) -> None:
    body = f"input: [3, 2, 5]\nlayers: [{{{layer.replace('}', ', bias: false}')}}}]\n"
    assert analyse(network_of_text(body)).totals.training == STEPS[layer]


def test_an_index_gets_no_gradient() -> None:
    layers = "[{pointwise_conv: {out: 1}}, {embedding: {num_embeddings: 3, embedding_dim: 2}}]"
    assert training(f"layers: {layers}\n") == 2 * 4 * 64


@pytest.mark.parametrize("reader", ["parameter: {shape: [4, 8, 8]}", "pad_channels: [input, x]"])
def test_what_only_a_batch_or_a_number_of_channels_is_read_of_gets_no_gradient(reader: str) -> None:
    behind = "" if reader.startswith("pad") else ", from: x"
    layers = f"[{{linear: {{out: 4}}, id: x}}, {{{reader}{behind}}}]"
    report = analyse(network_of_text(f"input: [4]\nlayers: {layers}\n"))
    assert report.totals.training == 2 * 16


def test_the_gradient_of_a_size_is_not_that_of_an_input() -> None:
    layers = (
        "- {pointwise_conv: {out: 4}, id: size, from: input}\n"
        "- {conv_transpose: {out: 4, k: 1}, from: [input, size], id: x}\n- add: [x, size]\n"
    )
    assert training(f"layers:\n{layers}") == (4 + 4) * 16 * 64


def test_what_is_read_for_its_size_alone_has_no_backward_pass() -> None:
    layers = (
        "- {conv: {out: 1, k: 3}, id: size, from: input}\n"
        "- {conv: {out: 1, k: 1}, id: x, from: input}\n- crop: [x, size]\n"
    )
    report = analyse(network_of_text(f"input: [1, 4, 7]\nlayers:\n{layers}"))
    found = [layer.training for layer in report.layers]
    assert found == [2 * 9 * 2 * 5, 2 * 2 * 28, 0]
