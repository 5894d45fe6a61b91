"""What tools print for recurrent layers, normalised weights and fixed filters, measured.

With torch 2.13.0, fvcore 0.1.5.post20221221, thop 0.1.1.post2209072238, ultralytics-thop 2.2.3,
ptflops 0.7.5, torchinfo 1.8.0; in a batch of 2, of which ptflops measures one sample.
"""

from __future__ import annotations

from typing import Any

import pytest
from measured import amount, cells, table
from small import network_of

LSTM: dict[str, Any] = {"lstm": {"hidden_size": 8, "num_layers": 2, "bidirectional": True}}
GRU = {"gru": {"hidden_size": 8}}
CONV = {"out": 8, "k": 3}
COLUMNS = (
    "fvcore.flops",
    "fvcore.activations",
    "thop.macs",
    "thop.params",
    "thop-ultralytics.macs",
    "ptflops.macs",
    "ptflops-aten.macs",
    "torchinfo.macs",
    "torch.flops",
    "torch.params",
)
MEASURED: list[tuple[dict[str, Any], list[int], list[int | None]]] = [
    (LSTM, [16, 10], [0, 0, 71680, 3328, 71680, 36480, 0, 66560, 0, 3328]),
    (GRU, [16, 10], [0, 0, 13600, 624, 13600, 6800, 6240, 12480, 23040, 624]),
    ({"rms_norm": {}}, [16, 10], [0, 0, 0, 0, 1280, 0, 0, 32, 0, 16]),
    ({"blur_pool": {"p": 1}}, [16, 6, 6], [2592, 288, 0, 0, 0, 0, 1296, 0, 5184, 0]),
    (
        {"lp_pool": {"norm_type": 2, "k": 2}},
        [16, 6, 6],
        [0, 0, 0, 0, 0, 864, 0, 0, 0, 0],
    ),
    (
        {"embedding": {"num_embeddings": 10, "embedding_dim": 8}},
        [1, 10],
        [0, 0, 0, 0, 0, 0, 0, 160, 0, 80],
    ),
    ({"scale": {}}, [16, 6, 6], [0, 0, 0, 0, 0, 0, 0, 32, 0, 16]),
    (
        {"conv": {**CONV, "weight_norm": "weight"}},
        [16, 6, 6],
        [36864, 256, 0, 0, 36864, 0, 18560, 0, 73728, 1168],
    ),
    (
        {"conv": {**CONV, "weight_norm": "spectral"}},
        [16, 6, 6],
        [36864, 256, 0, 0, 36864, 0, 18560, 0, 73728, 1160],
    ),
    (
        {"conv": {**CONV, "weight_norm": "standard"}},
        [16, 6, 6],
        [41472, 256, 0, 0, 36864, 0, 18560, 2320, 73728, 1160],
    ),
]


@pytest.mark.parametrize(("layer", "sizes", "counts"), MEASURED, ids=str)
def test_tools_print_what_was_measured(
    layer: dict[str, Any], sizes: list[int], counts: list[int]
) -> None:
    network = network_of([layer], sizes, 2)
    assert {column: amount(network, column) for column in COLUMNS} == dict(
        zip(COLUMNS, counts, strict=True)
    )


PUBLISHED = table("published_code")


@pytest.mark.parametrize("name", PUBLISHED["cases"])
def test_tools_print_what_was_measured_of_public_code(name: str) -> None:
    case = PUBLISHED["cases"][name]
    network = network_of(case.get("layers") or [case["layer"]], case["input"], 2)
    measured = dict(cells(PUBLISHED["columns"], case["counts"]))
    assert len(measured) >= 10
    assert {column: amount(network, column) for column in measured} == measured


@pytest.mark.parametrize(
    "layer",
    [
        {"linear_attention": {"causal": True}},
        {"linear_attention": {"normaliser": "none"}},
        {"linear_attention": {"normaliser": "ones"}},
        {"linear_attention": {"scales": [3]}},
        {"selective_scan": {"directions": 2}},
        {"spectral_conv": {"out": 8, "modes": 2, "bias": True}},
    ],
    ids=str,
)
def test_another_code_than_was_measured_is_not_known(layer: dict[str, Any]) -> None:
    network = network_of([layer], [16, 10])
    columns = ("torch.flops", "fvcore.flops", "thop.macs", "torchinfo.macs", "calflops.flops")
    assert {str(amount(network, column)) for column in columns} == {"unknown"}


def test_what_was_not_measured_is_not_known() -> None:
    network = network_of([LSTM], [16, 10])
    never = ("deepspeed.flops", "torchscan.macs", "onnx-tool.macs", "torchinfo-main.macs")
    for column in never:
        assert str(amount(network, column)) == "unknown"
    for case in PUBLISHED["cases"].values():
        network = network_of(case.get("layers") or [case["layer"]], case["input"])
        assert {str(amount(network, column)) for column in never} == {"unknown"}


def test_keras_has_one_bias_in_an_lstm() -> None:
    """keras.layers.LSTM(8) on 16 features: 4·8·(16 + 8 + 1)."""
    network = network_of([{"lstm": {"hidden_size": 8}}], [16, 10])
    assert amount(network, "keras.params") == 800
