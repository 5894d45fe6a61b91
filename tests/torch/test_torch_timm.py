"""Shipped networks in timm's layout, at their own size and at two odd ones.

timm has them all; where it is not installed, these tests are skipped and say so.
"""

from __future__ import annotations

import warnings
from functools import cache
from typing import Any

import pytest
import torch
from sized import Size, at_sizes, report
from test_torch_classifiers import NETWORKS as CLASSIFIERS
from test_torch_detection import ONE_STAGE
from test_torch_detr import NETWORKS as DETR
from test_torch_efficientdet import NETWORKS as EFFICIENTDET
from test_torch_flow import NETWORKS as FLOW
from test_torch_fourier import FOURIER
from test_torch_generators import NETWORKS as GENERATORS
from test_torch_more_networks import NETWORKS as MORE
from test_torch_more_segmentation import NETWORKS as MORE_SEGMENTATION
from test_torch_networks import MODELS, SHARED, VIDEO, trimmed
from test_torch_segmentation import NETWORKS as SEGMENTATION
from test_torch_tasks import ALL as TASKS
from test_torch_video import NETWORKS as OF_VIDEO
from test_torch_yolo import NETWORKS as YOLO
from test_torch_yolo11 import NETWORKS as YOLO11
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from convcalc.language.sources.shipped import shipped_names

assert MODELS  # torchvision is imported in a way that works with any PyTorch; timm imports it too
with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    timm = pytest.importorskip("timm", reason="timm is not installed; see CONTRIBUTING.md")

REPVGG = (
    *("repvgg_a0", "repvgg_a1", "repvgg_a2", "repvgg_b0", "repvgg_b1", "repvgg_b1g4"),
    *("repvgg_b2", "repvgg_b2g4", "repvgg_b3", "repvgg_b3g4", "repvgg_d2se"),
)
WHOLE = (  # their maps halve or double to fit, so that sides are multiples of 64
    *("hrnet_w18_small", "hrnet_w18_small_v2"),
    *("hrnet_w18", "hrnet_w30", "hrnet_w32", "hrnet_w40", "hrnet_w44", "hrnet_w48", "hrnet_w64"),
    *("dla34", "dla46_c", "dla46x_c", "dla60", "dla60x", "dla60x_c", "dla60_res2net"),
    *("dla60_res2next", "dla102", "dla102x", "dla102x2", "dla169"),
    *("mobilevit_s", "mobilevit_xs", "mobilevit_xxs"),
)
SAME = (
    *("ghostnet_050", "ghostnet_100", "ghostnet_130"),
    *("mixnet_s", "mixnet_m", "mixnet_l", "mixnet_xl", "mixnet_xxl"),
    *("fasternet_t0", "fasternet_t1", "fasternet_t2", "fasternet_s", "fasternet_m", "fasternet_l"),
    *("xception41", "xception65", "xception71"),
    *REPVGG,
    *("res2net50_14w_8s", "res2net50_26w_4s", "res2net50_26w_6s", "res2net50_26w_8s"),
    *("res2net50_48w_2s", "res2net50d", "res2net101_26w_4s", "res2net101d", "res2next50"),
    *("resnest14d", "resnest26d", "resnest50d", "resnest101e", "resnest200e", "resnest269e"),
    *("resnest50d_1s4x24d", "resnest50d_4s2x40d"),
    *("convnextv2_atto", "convnextv2_femto", "convnextv2_pico", "convnextv2_nano"),
    *("convnextv2_tiny", "convnextv2_small", "convnextv2_base", "convnextv2_large"),
    "convnextv2_huge",
    *("mobilenetv4_conv_small_035", "mobilenetv4_conv_small_050", "mobilenetv4_conv_small"),
    *("mobilenetv4_conv_medium", "mobilenetv4_conv_large"),
    *("mobilenetv4_hybrid_medium", "mobilenetv4_hybrid_medium_075"),
    *("mobilenetv4_hybrid_large", "mobilenetv4_hybrid_large_075"),
    *("regnetz_005", "regnetz_040", "regnetz_040_h", "regnetz_b16", "regnetz_c16"),
    *("regnetz_d8", "regnetz_d32", "regnetz_e8"),
    *("resnet26", "resnet200", "resnext101_32x4d", "resnext101_32x16d", "resnext101_32x32d"),
    *("resnet18d", "resnet26d", "resnet34d", "resnet50d", "resnet101d", "resnet152d", "resnet200d"),
    *("resnet50c", "resnet101c", "resnet152c", "resnet50s", "resnet101s", "resnet152s"),
    *("resnet10t", "resnet14t", "resnet26t", "resnet50t", "resnext50d_32x4d"),
    *("resnetrs50", "resnetrs101", "resnetrs152", "resnetrs200", "resnetrs270"),
    *("resnetrs350", "resnetrs420"),
    *WHOLE,
)
NAMES: dict[str, tuple[str, dict[str, Any]]] = {
    **{name: (name, {}) for name in SAME},
    **{f"{name}_deploy": (name, {}) for name in REPVGG},
    "xception": ("legacy_xception", {}),
    "se_resnet50": ("seresnet50", {}),
    "se_resnet101": ("seresnet101", {}),
    "se_resnet152": ("seresnet152", {}),
    "se_resnext50_32x4d": ("seresnext50_32x4d", {}),
    "se_resnext101_32x4d": ("seresnext101_32x4d", {}),
    "mobilenet_v1_1_0": ("mobilenetv1_100", {}),
    "mobilenet_v1_0_75": ("", {"channel_multiplier": 0.75}),
    "mobilenet_v1_0_5": ("", {"channel_multiplier": 0.5}),
    "mobilenet_v1_0_25": ("", {"channel_multiplier": 0.25}),
    "mobilenet_v2_x0_35": ("mobilenetv2_035", {}),
    "mobilenet_v2_x0_5": ("mobilenetv2_050", {}),
    "mobilenet_v2_x0_75": ("mobilenetv2_075", {}),
    "mobilenet_v2_x1_4": ("mobilenetv2_140", {}),
    "condconv_efficientnet_b0": ("efficientnet_cc_b0_4e", {}),
    "condconv_efficientnet_b0_8e": ("efficientnet_cc_b0_8e", {}),
    "condconv_efficientnet_b0_8e_depth": ("efficientnet_cc_b1_8e", {}),  # on smaller images
    "condconv_efficientnet_b1_8e": ("efficientnet_cc_b1_8e", {}),
}


@cache
def model(name: str) -> nn.Module:
    """timm's network without memory for its weights."""
    theirs, options = NAMES[name]
    with torch.device("meta"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if not theirs:  # a width that timm builds and does not name
            build = timm.models.efficientnet._gen_mobilenet_v1
            return build("mobilenetv1_100", pretrained=False, **options).eval()
        built = timm.create_model(theirs, pretrained=False, **options).eval()
        return timm.utils.reparameterize_model(built) if name.endswith("_deploy") else built


# timm has the weights of these in other pieces: kernels of a mixture as rows, a layer as its parts.
ALIKE = [name for name in NAMES if not name.startswith(("mixnet", "condconv"))]


@pytest.mark.parametrize("name", ALIKE)
def test_a_network_has_timms_parameters_tensor_by_tensor(name: str) -> None:
    theirs = sorted(trimmed(*p.shape) for p in model(name).parameters())
    layers = [x for x in report(name).layers if not x.shares]
    assert sorted(trimmed(*shape) for x in layers for shape in x.weights.values()) == theirs


@at_sizes([name for name in NAMES if name not in WHOLE])
def test_a_network_multiplies_as_often_as_timms(name: str, size: Size) -> None:
    compare(name, size)


@at_sizes(WHOLE, [(192, 320), (128, 64)])
def test_a_network_of_whole_factors_multiplies_as_often_as_timms(name: str, size: Size) -> None:
    compare(name, size)


def compare(name: str, size: Size) -> None:
    ours = report(name, size)
    (x,) = ours.inputs.values()
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        output = model(name)(torch.empty(x.dims, device="meta"))
    assert ours.totals.params == sum(p.numel() for p in model(name).parameters())
    assert counter.get_total_flops() == ours.totals.flops
    assert [tuple(output.shape)] == [shape.dims for shape in ours.outputs.values()]


# Compared by themselves, or in parts; see the head of test_torch_classifiers.
APART = {"unet", "unet_original", "googlenet_aux", "inception_v3_aux", "dcgan_generator"}
IN_PARTS = ("faster", "mask_", "maskrcnn", "cascade_", "keypoint", "rfcn", "deformable_", "fully")
WITHOUT_CODE = ("internimage", "rednet")


def test_every_shipped_network_is_compared_or_named() -> None:
    # ViT, Swin and MaxViT are torchvision's; these were built and compared once, see their files.
    by_hand = ("segformer_b", "deit_", "vit_tiny", "vit_small", "swin_v2_")
    layouts = {*MORE, *SEGMENTATION, *MORE_SEGMENTATION, *CLASSIFIERS, *YOLO, *TASKS}
    layouts |= {*FOURIER, *OF_VIDEO, *FLOW, *GENERATORS, *YOLO11, *EFFICIENTDET, *DETR, *APART}
    compared = {*NAMES, *SHARED, *VIDEO, *ONE_STAGE, *layouts}
    rest = set(shipped_names()) - compared
    assert {
        name for name in rest if not name.startswith((*IN_PARTS, *WITHOUT_CODE, *by_hand))
    } == set()
    assert len(compared) > 200
