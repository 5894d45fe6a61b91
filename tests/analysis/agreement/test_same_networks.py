"""Models of other programs and the networks that ship: no false difference, and every true one."""

from __future__ import annotations

import pytest
import shipped
from agreeing import KERAS, Model, differing, models

import convcalc as library
from convcalc.analysis.agreement.agreement import agreement


@pytest.mark.exhaustive
@pytest.mark.parametrize("model", models(), ids=[model.name for model in models()])
def test_a_model_differs_from_its_design_in_what_is_known(model: Model) -> None:
    found = model.agreement()
    assert differing(found) == model.differs
    assert found.agrees == (not model.differs)


@pytest.mark.exhaustive
@pytest.mark.parametrize("name", shipped.BASES)
def test_a_network_agrees_with_itself(name: str) -> None:
    network = shipped.network(name)
    found = agreement(network, network)
    assert found.agrees
    assert found.agreeing == found.layers[0] == found.layers[1]


@pytest.mark.parametrize("name", ["resnet50", "unet", "fasterrcnn_resnet50_fpn", "yolov8n"])
def test_sizes_that_are_not_known_are_no_differences(name: str) -> None:
    network = library.load(name, inputs=[3, None, None])
    found = agreement(network, network)
    assert found.agrees
    assert not found.unexplained


def test_what_folding_explains_is_said() -> None:
    by_name = {model.name: model for model in models()}
    for name, why in (
        ("tv_resnet50.torchscript.onnx", "norms are folded"),
        ("tv_resnet50.dynamo.onnx", "norms are folded, 26,560 biases are left out"),
        ("tv_resnet50.pt2", ""),
    ):
        params, macs, *_ = by_name[name].agreement().totals
        assert params.why == why
        assert macs.is_same


def test_an_auxiliary_head_that_evaluation_does_not_run_is_told() -> None:
    model = next(each for each in models() if each.name == "tv_deeplabv3_resnet50.pt2")
    found = model.agreement()
    assert found.agrees
    assert "lead to no output and are left out, from aux_head.ConvBn.conv on" in found.notes[-1]
    assert all(total.is_same or total.why for total in found.totals)


def test_keras_has_all_differences_that_are_told() -> None:
    assert {model.name.removesuffix(".keras") for model in models() if model.differs} == set(KERAS)
