"""Figures published for detectors whose authors count by a rule of their own, met by that rule."""

from __future__ import annotations

import pytest
from measured import amount
from shipped import network, report

pytestmark = pytest.mark.shipped

# ultralytics 8.4.190: parameters and GFLOPs in cfg/models/11/yolo11.yaml; get_flops(model, 640)
# with ultralytics-thop 2.2.3.
YOLO11 = {
    "yolo11n": (2624080, 6.6, 6.6733184),
    "yolo11s": (9458752, 21.7, 21.8363392),
    "yolo11m": (20114688, 68.5, 68.643072),
    "yolo11l": (25372160, 87.6, 87.8510592),
    "yolo11x": (56966176, 196.0, 196.3150848),
}


@pytest.mark.parametrize("name", YOLO11)
def test_yolo11_has_its_published_parameters_and_by_thop_its_published_flops(name: str) -> None:
    params, published, printed = YOLO11[name]
    assert report(name).totals.params == params
    assert report(name).totals.trainable == params - 16  # "gradients" in the same file
    assert round(2 * amount(network(name), "thop.macs") / 1e9, 1) == published
    assert 2 * amount(network(name), "thop-ultralytics.macs") / 1e9 == printed


@pytest.mark.parametrize(
    ("name", "size", "jump"),
    [
        ("detr_resnet50", 427, 32),
        ("detr_resnet50_dc5", 427, 16),
        ("detr_resnet101", 971, 32),
        ("detr_resnet101_dc5", 971, 16),
    ],
)
def test_detrs_map_sees_what_a_resnets_does(name: str, size: int, jump: int) -> None:
    """Published for ResNet-50 and -101 (test_networks.py); dilation keeps it where strides go."""
    (layer,) = (x for x in report(name).layers if x.path == "map")
    assert layer.receptive_field is not None
    assert (layer.receptive_field.size, layer.receptive_field.jump) == ((size,) * 2, (jump,) * 2)
