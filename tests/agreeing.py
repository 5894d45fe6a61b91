"""Models that other programs wrote, each with the network that ships and is the same."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, partial
from typing import NamedTuple

import shipped
import ultralytics_texts as texts
import yaml
from importing.archives import DATA, exported, programs, unpacked
from importing.keras_truth import read

from convcalc.analysis.agreement.agreement import Agreement, agreement
from convcalc.importing.opening import open_source, read_target
from convcalc.importing.pairing import at_size_of
from convcalc.language.file_facts import NetworkFile
from convcalc.language.sources.resolve import resolve
from convcalc.language.sources.target import Target
from convcalc.model.graph.network import Network

# By the names in the archives of ``importing/data``; both exporters wrote each of them.
ONNX = {
    "timm_convnextv2_nano": "convnextv2_nano",
    "timm_dla34": "dla34",
    "timm_ghostnet_100": "ghostnet_100",
    "timm_hrnet_w18_small": "hrnet_w18_small",
    "timm_mixnet_s": "mixnet_s",
    "timm_mobilenetv4_conv_small": "mobilenetv4_conv_small",
    "timm_mobilevit_s": "mobilevit_s",
    "timm_repvgg_a0": "repvgg_a0",
    "timm_res2net50_26w_4s": "res2net50_26w_4s",
    "timm_seresnet50": "se_resnet50",
    "timm_vit_tiny_patch16_224": "vit_tiny_patch16_224",
    "timm_xception41": "xception41",
    "tv_convnext_tiny": "convnext_tiny",
    "tv_deeplabv3_resnet50": "deeplabv3_resnet50",
    "tv_densenet121": "densenet121",
    "tv_efficientnet_b0": "efficientnet_b0",
    "tv_googlenet": "googlenet",
    "tv_inception_v3": "inception_v3",
    "tv_lraspp_mobilenet_v3_large": "lraspp_mobilenet_v3_large",
    "tv_mnasnet1_0": "mnasnet1_0",
    "tv_mobilenet_v2": "mobilenet_v2",
    "tv_mobilenet_v3_large": "mobilenet_v3_large",
    "tv_regnet_y_400mf": "regnet_y_400mf",
    "tv_resnet18": "resnet18",
    "tv_resnet50": "resnet50",
    "tv_resnext50_32x4d": "resnext50_32x4d",
    "tv_shufflenet_v2_x1_0": "shufflenet_v2_x1_0",
    "tv_squeezenet1_1": "squeezenet1_1",
    "tv_swin_t": "swin_t",
    "tv_vit_b_16": "vit_b_16",
    "unet_unet": "unet",
}
PROGRAMS = {
    "tv_resnet18": "resnet18",
    "tv_resnet50": "resnet50",
    "tv_swin_t": "swin_t",
    "tv_vit_b_16": "vit_b_16",
    "tv_convnext_tiny": "convnext_tiny",
    "timm_convnextv2_nano": "convnextv2_nano",
    "timm_mobilevit_s": "mobilevit_s",
    "tv_efficientnet_b0": "efficientnet_b0",
    "tv_densenet121": "densenet121",
    "tv_shufflenet_v2_x1_0": "shufflenet_v2_x1_0",
    "tv_swin_v2_t": "swin_v2_t",
    "tv_r3d_18": "r3d_18",
    "tv_googlenet": "googlenet",
    "tv_maxvit_t": "maxvit_t",
    "tv_deeplabv3_resnet50": "deeplabv3_resnet50",
    "timm_ghostnet_100": "ghostnet_100",
    "tv_lraspp_mobilenet_v3_large": "lraspp_mobilenet_v3_large",
}
# Keras' own networks end in a softmax, and some differ in more; what that is stands here.
SOFTMAX = ("added", "softmax", "")
PADDING = ("changed", "conv", "padding")  # TensorFlow's `same` before a stride of 2
KERAS = {
    "ConvNeXtTiny": ("convnext_tiny", {SOFTMAX}),
    "DenseNet121": ("densenet121", {SOFTMAX}),
    "DenseNet201": ("densenet201", {SOFTMAX}),
    "EfficientNetB0": ("efficientnet_b0", {SOFTMAX, PADDING, ("added", "batch_norm", "")}),
    "InceptionV3": (
        "inception_v3",
        {SOFTMAX, ("changed", "batch_norm", "scale"), ("changed", "avg_pool", "count_include_pad")},
    ),
    "MobileNet": ("mobilenet_v1_1_0", {SOFTMAX, PADDING}),
    "MobileNetV2": ("mobilenet_v2", {SOFTMAX, PADDING}),
    "MobileNetV3Large": ("mobilenet_v3_large", {SOFTMAX, PADDING}),
    "MobileNetV3Small": ("mobilenet_v3_small", {SOFTMAX, PADDING}),
    "ResNet50": ("resnet_v1_50", {SOFTMAX, ("changed", "conv", "bias")}),
    "ResNet101": ("resnet_v1_101", {SOFTMAX, ("changed", "conv", "bias")}),
    "VGG16": ("vgg16", {SOFTMAX}),
    "VGG19": ("vgg19", {SOFTMAX}),
    "Xception": ("xception", {SOFTMAX}),
}
ROWS = {"yolov8": texts.yolov8, "yolo11": texts.yolo11}

Differing = set[tuple[str, str, str]]


class Model(NamedTuple):
    """A model, the name of the network that is the same, and what differs all the same: how, in
    which kind of layer, in which field."""

    name: str
    shipped: str
    read: Callable[[], NetworkFile]
    differs: Differing = set()

    def agreement(self) -> Agreement:
        """The agreement of the network that ships with the model."""
        theirs = self.read()
        return agreement(design(self.shipped, theirs), theirs)


def design(name: str, model: Network) -> Network:
    """A shipped network at the size of a model."""
    ours = shipped.network(name)
    sizes = at_size_of(ours, model)
    return read_target(resolve(name), inputs=sizes) if sizes else ours


@cache
def models() -> list[Model]:
    """All of them."""
    found = [
        Model(f"{name}.{exporter}.onnx", ours, partial(_onnx, exporter, name))
        for exporter in ("torchscript", "dynamo")
        for name, ours in ONNX.items()
    ]
    found += [Model(f"{name}.pt2", ours, partial(_pt2, name)) for name, ours in PROGRAMS.items()]
    found += [
        Model(f"{name}.keras", ours, partial(_keras, name), differs)
        for name, (ours, differs) in KERAS.items()
    ]
    found += [
        Model(f"{name}{scale}.yaml", f"{name}{scale}", partial(_rows, name, scale))
        for name in ROWS
        for scale in "nsmlx"
    ]
    return found


def differing(found: Agreement) -> Differing:
    """What differs: how, in which kind of layer, in which field."""
    return {
        (each.kind, each.units[0].kind, key)
        for finding in found.findings
        for each in finding.differences
        for key in ([change.key for change in each.changes] or [""])
    }


def _onnx(exporter: str, name: str) -> NetworkFile:
    return read_target(Target(f"{name}.onnx", None, exported(exporter)[name], format="onnx"))


def _pt2(name: str) -> NetworkFile:
    return read_target(Target(f"{name}.pt2", None, programs()[name], format="pt2"))


def _keras(name: str) -> NetworkFile:
    truth = yaml.safe_load((DATA / "keras.yaml").read_text(encoding="utf-8"))
    return read(unpacked("keras.tar.xz")[f"{name}.json"], truth[name].get("size"))


def _rows(name: str, scale: str) -> NetworkFile:
    return open_source(Target(f"{name}.yaml", text=ROWS[name]())).network(scale)
