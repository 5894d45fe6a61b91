# ruff: noqa: E501  # a network on one line is easier to read than one in pieces
"""Layers that share some of their weights, and have the others of their own."""

from __future__ import annotations

import json

import pytest
from problems import errors
from small import network_of_text, report_of

from convcalc.analysis.analyse import analyse
from convcalc.analysis.report.from_json import load_report
from convcalc.analysis.report.to_json import report_payload
from convcalc.model.quantities.counts import COUNTS

ENCODER = {"conv": {"out": 16, "k": 3, "p": 1}, "id": "enc"}
DECODER = {"conv_transpose": {"out": 3, "k": 3, "p": 1}, "id": "dec"}
ONLY = {"share": {"of": "enc", "only": ["weight"]}}


def test_a_tied_autoencoder_has_one_weight_and_two_biases() -> None:
    # torch: decoder.weight = encoder.weight; 16*3*3*3 + 16 + 3 distinct parameters
    report = report_of([ENCODER, "relu", {**DECODER, **ONLY}], [3, 16, 16])
    assert report.totals.params == report.totals.trainable == 451
    apart = report_of([ENCODER, "relu", DECODER], [3, 16, 16])
    for key in COUNTS:
        if key not in ("params", "trainable"):
            assert report.totals.counts[key] == apart.totals.counts[key]
    decoder = report.layers[-1]
    assert (decoder.shares, decoder.own, decoder.params) == ("enc", ("bias",), 3)


def test_one_name_and_all_names_are_the_same_as_before() -> None:
    conv = {"conv": {"out": 3, "k": 3, "p": 1}}
    for share in ("a", {"of": "a"}, {"of": "a", "only": ["weight", "bias"]}):
        report = report_of([{**conv, "id": "a"}, {**conv, "share": share}], [3, 8, 8])
        assert report.totals.params == 84
        assert report.layers[-1].own == ()


def test_a_block_shares_by_name_in_all_of_its_layers() -> None:
    body = "input: [8, 8, 8]\nblocks:\n  Head: {layers: [{conv: {out: 8, k: 1}}, {conv: {out: 8, k: 1, bias: false}}, batch_norm]}\nlayers:\n- {Head: {}, id: a}\n- {Head: {}, from: input, share: {of: a, only: [weight]}}\n"
    report = analyse(network_of_text(body))
    assert [layer.params for layer in report.layers] == [72, 64, 16, 8, 0, 8]
    assert [layer.counts["buffers"] for layer in report.layers] == [0, 0, 16, 0, 0, 16]


def test_a_third_layer_shares_what_the_second_owns() -> None:
    conv = {"conv": {"out": 3, "k": 3, "p": 1}}
    second = {**conv, "id": "b", "share": {"of": "a", "only": ["weight"]}}
    for share, params in (
        ("b", 0),
        ({"of": "b", "only": ["bias"]}, 81),
        ({"of": "b", "only": ["weight"]}, 3),
    ):
        report = report_of([{**conv, "id": "a"}, second, {**conv, "share": share}], [3, 8, 8])
        assert [layer.params for layer in report.layers] == [84, 3, params]


def test_parts_of_an_operator_are_shared_by_the_last_word_of_their_names() -> None:
    conv = {"separable_conv": {"out": 8, "k": 3, "p": 1}}
    whole = report_of([{**conv, "id": "a"}], [8, 8, 8]).layers[0]
    report = report_of(
        [{**conv, "id": "a"}, {**conv, "share": {"of": "a", "only": ["weight"]}}], [8, 8, 8]
    )
    biases = sum(n[0] for name, n in whole.weights.items() if name.endswith("bias"))
    assert report.layers[-1].params == biases > 0


def test_a_report_that_was_saved_tells_it_again() -> None:
    report = report_of([ENCODER, {**DECODER, **ONLY}], [3, 16, 16])
    payload = json.loads(json.dumps(report_payload(report)))
    assert load_report(json.dumps(payload).encode(), "saved.json").layers[-1].own == ("bias",)
    for layer in payload["layers"]:
        del layer["own"]  # a report of an earlier version
    assert load_report(json.dumps(payload).encode(), "saved.json").layers[-1].own == ()


@pytest.mark.parametrize("name", ["thop", "torchinfo", "fvcore"])
def test_tools_count_the_biases_too(name: str) -> None:
    body = "input: [3, 16, 16]\nlayers:\n- {conv: {out: 16, k: 3}, id: enc}\n- {conv_transpose: {out: 3, k: 3}, share: {of: enc, only: [weight]}}\n"
    report = analyse(network_of_text(body), convention=name)
    assert report.totals.convention["params"] == 451


@pytest.mark.parametrize(
    ("share", "name", "text"),
    [
        ("enc", "share-mismatch", "share what fits: {of: …, only: [weight]}"),
        ("{of: enc, only: [wieght]}", "share-mismatch", "use 'weight'"),
        ("{of: enc, only: [bias]}", "share-mismatch", ""),
        ("{of: enc, only: []}", "missing-key", "only: [weight]"),
        ("{only: [weight]}", "missing-key", "{of: enc, only: [weight]}"),
        ("{of: enc, onyl: [weight]}", "unknown-key", "use 'only'"),
        ("{of: [enc, enc]}", "wrong-type", ""),
        ("{of: nobody}", "unknown-name", ""),
        ("{of: enc, only: [3]}", "wrong-type", ""),
    ],
)
def test_what_cannot_be_shared(share: str, name: str, text: str) -> None:
    body = f"layers:\n- {{conv: {{out: 16, k: 3}}, id: enc}}\n- {{conv_transpose: {{out: 3, k: 3}}, share: {share}}}\n- relu\n"
    (error,) = errors(body)
    assert (error.name, text in error.help) == (name, True)
