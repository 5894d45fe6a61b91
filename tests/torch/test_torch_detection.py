"""Detectors and torchvision's, part by part: a whole one needs compiled operators to run."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from math import prod
from typing import Any

import pytest
import torch
from test_torch_networks import MODELS
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from convcalc.analysis.analyse import analyse
from convcalc.analysis.report.report import LayerReport, Report
from convcalc.language.reading import read_network
from convcalc.language.sources.shipped import shipped_names

DETECTORS = sorted(set(shipped_names()) & set(MODELS.list_models(module=MODELS.detection)))

# torchvision 0.28's weight metadata: parameters, and GFLOPs of one multiplication each, for noise
# of 512 x 512 as the model's transform scales it, in which so many boxes were found.
PUBLISHED = {
    "fasterrcnn_resnet50_fpn": (41755286, 134.38, {}),
    "fasterrcnn_resnet50_fpn_v2": (43712278, 280.371, {}),
    "fasterrcnn_mobilenet_v3_large_fpn": (19386354, 4.494, {"pool": 0}),
    "fasterrcnn_mobilenet_v3_large_320_fpn": (19386354, 0.719, {"pool": 0}),
    "maskrcnn_resnet50_fpn": (44401393, 134.38, {"mask_pool": 0}),
    "maskrcnn_resnet50_fpn_v2": (46359409, 333.577, {}),
    "keypointrcnn_resnet50_fpn": (59137258, 137.42, {"keypoint_pool": 1}),
}
# The same of detectors of one stage, whose heads read the maps of the backbone.
ONE_STAGE = {
    "fcos_resnet50_fpn": (32269600, 128.207),
    "retinanet_resnet50_fpn": (34014999, 151.54),
    "retinanet_resnet50_fpn_v2": (38198935, 152.238),
    "ssd300_vgg16": (35641826, 34.858),
    "ssdlite320_mobilenet_v3_large": (3440060, 0.583),
}


@cache
def model(name: str) -> Any:
    """torchvision's detector as its weights need it, without memory for them."""
    options: dict[str, Any] = {"weights": None, "weights_backbone": None}
    with torch.device("meta"):
        built = MODELS.get_model(name, **options).eval()
    if not name.startswith("ssd") and not name.endswith("_v2"):
        frozen(built.backbone.body)
    return built


def frozen(module: nn.Module) -> None:
    """Replaces every batch norm, as the builders do where they load weights."""
    for name, child in module.named_children():
        if isinstance(child, nn.BatchNorm2d):
            with torch.device("meta"):
                layer = MODELS.detection.faster_rcnn.misc_nn_ops.FrozenBatchNorm2d(
                    child.num_features
                )
            setattr(module, name, layer)
        else:
            frozen(child)


@cache
def report(name: str) -> Report:
    return analyse(read_network(shipped_names()[name]))


def macs(name: str, *parts: str) -> int:
    """MACs of the layers below these paths."""
    return sum(x.macs for x in report(name).layers if x.path.split(".")[0].split("[")[0] in parts)


def counted(run: Callable[[], Any]) -> tuple[int, Any]:
    """MACs of a function on tensors without memory, and its result."""
    with FlopCounterMode(display=False) as counter, torch.no_grad(), torch.device("meta"):
        result = run()
    return counter.get_total_flops() // 2, result


def test_every_detector_is_compared() -> None:
    assert sorted({**PUBLISHED, **ONE_STAGE}) == DETECTORS


@pytest.mark.parametrize("name", DETECTORS)
def test_a_detector_has_torchvisions_parameters_tensor_by_tensor(name: str) -> None:
    layers = [x for x in report(name).layers if not x.shares]
    shapes = [shape for x in layers for shape in x.weights.values()]
    assert sorted(shapes) == sorted(tuple(p.shape) for p in model(name).parameters())
    assert report(name).totals.params == {**PUBLISHED, **ONE_STAGE}[name][0]


@pytest.mark.parametrize("name", DETECTORS)
def test_a_detector_stores_torchvisions_buffers(name: str) -> None:
    counts = {key: b.numel() for key, b in model(name).named_buffers()}
    stored = sum(n for key, n in counts.items() if not key.endswith("num_batches_tracked"))
    assert report(name).totals.buffers == stored


@pytest.mark.parametrize("name", ONE_STAGE)
def test_a_detector_of_one_stage_multiplies_as_often_as_torchvisions(name: str) -> None:
    theirs, (image,) = model(name), report(name).inputs.values()
    below, features = counted(lambda: theirs.backbone(torch.empty(image.dims)))
    above, scores = counted(lambda: theirs.head(list(features.values())))
    totals, (_, published) = report(name).totals, ONE_STAGE[name]
    assert totals.macs == below + above
    assert round(totals.macs / 1e9, 3) == published
    ours = sum(prod(shape.dims) for shape in report(name).outputs.values())
    assert ours == sum(x.numel() for x in scores.values())


@pytest.mark.parametrize("name", PUBLISHED)
def test_a_detector_multiplies_as_often_as_torchvisions(name: str) -> None:
    theirs, (image,) = model(name), report(name).inputs.values()
    heads = theirs.roi_heads
    below, features = counted(lambda: theirs.backbone(torch.empty(image.dims)))
    proposals, _ = counted(lambda: theirs.rpn.head(list(features.values())))
    pools = {x.path: x.output.dims for x in report(name).layers if x.operator == "roi_align"}
    boxes, _ = counted(lambda: heads.box_predictor(heads.box_head(torch.empty(pools.pop("pool")))))
    total = below + proposals + boxes
    for path, size in pools.items():
        kind = path.removesuffix("_pool")
        head, predictor = getattr(heads, f"{kind}_head"), getattr(heads, f"{kind}_predictor")
        total += counted(lambda s=size, h=head, p=predictor: p(h(torch.empty(s))))[0]
    assert report(name).totals.macs == total


@pytest.mark.parametrize("name", PUBLISHED)
def test_torchvisions_published_gflops_are_those_of_fewer_boxes(name: str) -> None:
    _, published, found = PUBLISHED[name]
    total = report(name).totals.macs
    for pool, number in found.items():
        (rois,) = [x.output.batch for x in report(name).layers if x.path == pool]
        head = {"pool": "head", "mask_pool": "mask", "keypoint_pool": "keypoints"}[pool]
        work = macs(name, head)
        total += work * number // rois - work
    assert round(total / 1e9, 3) == pytest.approx(published, abs=1e-9)


# --- detectors that torchvision lacks, from its parts ----------------------------------------

Size = tuple[int, ...]
Part = tuple[nn.Module, Size | list[Size]]

DETECTION = MODELS.detection
FPN_SIZES: list[Size] = [
    (1, 256, *size) for size in ((200, 320), (100, 160), (50, 80), (25, 40), (13, 20))
]


def agrees(name: str, parts: list[Part], *besides: str) -> None:
    """A detector has the weights and the MACs of modules that each run on tensors of a size.

    ``besides``: paths of layers that are not compared.
    """
    total, shapes = 0, []
    for module, size in parts:
        sizes = size if isinstance(size, list) else [size]
        tensors = [torch.empty(n, device="meta") for n in sizes]
        argument = tensors if isinstance(size, list) else tensors[0]
        total += counted(lambda m=module, x=argument: m.eval()(x))[0]
        shapes += [tuple(p.shape) for p in module.parameters()]
    layers = [x for x in report(name).layers if not x.path.startswith(besides)]
    assert sorted(weights(layers)) == sorted(shapes)
    assert sum(x.macs for x in layers) == total


def weights(layers: list[LayerReport]) -> list[Size]:
    return [shape for x in layers if not x.shares for shape in x.weights.values()]


def alone(size: Size, *modules: nn.Module) -> list[Part]:
    return [(module, size) for module in modules]


def rpn_of(channels: int, anchors: int) -> list[Part]:
    """py-faster-rcnn's, with two scores per anchor."""
    hidden = nn.Conv2d(channels, 512, 3, padding=1)
    outputs = [nn.Conv2d(512, n * anchors, 1) for n in (2, 4)]
    return [*alone((1, channels, 38, 63), hidden), *alone((1, 512, 38, 63), *outputs)]


def linear_head(size: int, width: int, classes: int, kinds: int, rois: int) -> list[Part]:
    head = DETECTION.faster_rcnn.TwoMLPHead(size, width)
    outputs = (nn.Linear(width, classes), nn.Linear(width, 4 * kinds))
    return [(head, (rois, size)), *alone((rois, width), *outputs)]


def stride_16(resnet: str, anchors: int, deform: int, out: int) -> list[Part]:
    """msracver/Deformable-ConvNets, everything before the RoI poolings and what is for them.

    ResNet strides in the first 1x1, conv5 is dilated, the pooling is Caffe's.
    """
    body = MODELS.get_model(resnet, replace_stride_with_dilation=[False, False, True])
    for stage in (body.layer2, body.layer3):
        stage[0].conv1.stride, stage[0].conv2.stride = (2, 2), (1, 1)
    pool = nn.MaxPool2d(3, 2, ceil_mode=True)
    stages = (body.layer1, body.layer2, body.layer3)
    moved = range(3 if deform else 0)
    offsets = [nn.Conv2d(512, 18 * deform, 3, padding=2, dilation=2) for _ in moved]
    return [
        (nn.Sequential(body.conv1, body.bn1, body.relu, pool, *stages), (1, 3, 600, 1000)),
        *rpn_of(1024, anchors),
        (nn.Sequential(body.layer4, nn.Conv2d(2048, out, 1)), (1, 1024, 38, 63)),
        *alone((1, 512, 38, 63), *offsets),
    ]


@pytest.mark.parametrize(
    ("name", "resnet", "classes", "anchors", "deform"),
    [
        ("rfcn_resnet50", "resnet50", 21, 9, 0),
        ("rfcn_resnet101", "resnet101", 21, 9, 0),
        ("rfcn_resnet152", "resnet152", 21, 9, 0),
        ("rfcn_resnet50_coco", "resnet50", 81, 12, 0),
        ("rfcn_resnet101_coco", "resnet101", 81, 12, 0),
        ("deformable_rfcn_resnet50", "resnet50", 21, 9, 1),
        ("deformable_rfcn_resnet101", "resnet101", 21, 9, 1),
        ("deformable_rfcn_resnet101_coco", "resnet101", 81, 12, 1),
        ("deformable_rfcn_resnet101_g4", "resnet101", 21, 9, 4),
        ("deformable_rfcn_resnet101_g4_coco", "resnet101", 81, 12, 4),
    ],
)
def test_rfcn_is_the_official_layout(
    name: str, resnet: str, classes: int, anchors: int, deform: int
) -> None:
    outputs = [49 * classes, 49 * 8, *([98 * classes, 98] if deform else [])]
    with torch.device("meta"):
        maps = alone((1, 1024, 38, 63), *(nn.Conv2d(1024, out, 1) for out in outputs))
        agrees(name, [*stride_16(resnet, anchors, deform, 1024), *maps])


@pytest.mark.parametrize(
    ("name", "classes", "anchors", "deform"),
    [
        ("faster_rcnn_resnet101_2fc", 21, 9, 0),
        ("faster_rcnn_resnet101_2fc_coco", 81, 12, 0),
        ("deformable_faster_rcnn_resnet101_2fc", 21, 9, 1),
        ("deformable_faster_rcnn_resnet101_2fc_g4", 21, 9, 4),
        ("deformable_faster_rcnn_resnet101_2fc_g4_coco", 81, 12, 4),
    ],
)
def test_faster_rcnn_with_two_layers_is_the_official_layout(
    name: str, classes: int, anchors: int, deform: int
) -> None:
    with torch.device("meta"):
        moves = alone((300, 12544), nn.Linear(12544, 98)) if deform else []
        head = linear_head(12544, 1024, classes, classes, 300)
        agrees(name, [*stride_16("resnet101", anchors, deform, 256), *moves, *head])


@pytest.mark.parametrize(
    ("name", "classes", "anchors"),
    [("faster_rcnn_vgg16", 21, 9), ("faster_rcnn_vgg16_coco", 81, 12)],
)
def test_faster_rcnn_of_2015_is_the_official_layout(name: str, classes: int, anchors: int) -> None:
    with torch.device("meta"):
        body = MODELS.vgg16(weights=None).features[:-1]
        for index in (4, 9, 16, 23):
            body[index] = nn.MaxPool2d(2, ceil_mode=True)
        head = linear_head(512 * 49, 4096, classes, classes, 300)
        agrees(name, [(body, (1, 3, 600, 1000)), *rpn_of(512, anchors), *head])


class Involution(nn.Module):
    """d-li14/involution, involution_naive.py, the sum over the taps as a matrix product."""

    def __init__(self, channels: int, k: int, s: int = 1) -> None:
        super().__init__()
        self.k, self.groups = k, channels // 16
        self.pool = nn.AvgPool2d(s, s) if s > 1 else nn.Identity()
        norm = nn.BatchNorm2d(channels // 4)
        self.reduce = nn.Sequential(nn.Conv2d(channels, channels // 4, 1, bias=False), norm)
        self.span = nn.Conv2d(channels // 4, k * k * self.groups, 1)
        self.unfold = nn.Unfold(k, padding=k // 2, stride=s)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        kernels = self.span(self.reduce(self.pool(x)).relu())
        b, _, *size = kernels.shape
        kernels = kernels.view(b, self.groups, 1, self.k**2, -1).permute(0, 1, 4, 2, 3)
        taps = self.unfold(x).view(b, self.groups, 16, self.k**2, -1).permute(0, 1, 4, 3, 2)
        return torch.matmul(kernels, taps).permute(0, 1, 4, 3, 2).reshape(b, -1, *size)


def rednet_below_a_pyramid(neck: bool) -> nn.Module:
    """d-li14/involution, det/mmdet/models: backbones/rednet.py and necks/fpn_involution.py."""
    body = MODELS.resnet50(weights=None)
    for block in body.modules():
        if isinstance(block, MODELS.resnet.Bottleneck):
            block.conv2 = Involution(block.conv2.in_channels, 7, block.stride)
    first = [nn.Conv2d(3, 32, 3, 2, 1, bias=False), nn.BatchNorm2d(32), nn.ReLU()]
    second = [Involution(32, 7), nn.BatchNorm2d(32), nn.ReLU()]
    body.conv1 = nn.Sequential(*first, *second, nn.Conv2d(32, 64, 3, 1, 1, bias=False))
    net = DETECTION.backbone_utils._resnet_fpn_extractor(body, 5)
    if neck:
        for index in range(4):
            net.fpn.layer_blocks[index] = Involution(256, 7)
    return net


@pytest.mark.parametrize("neck, head", [(False, False), (True, False), (True, True)])
def test_detectors_with_rednet_are_the_official_layout(neck: bool, head: bool) -> None:
    suffix = "_neck" * neck + "_head" * head
    with torch.device("meta"):
        rpn = DETECTION.rpn.RPNHead(256, 3)
        masks = DETECTION.mask_rcnn.MaskRCNNHeads(256, (256,) * 4, 1)
        if head:
            rpn.conv = nn.Sequential(Involution(256, 7), nn.ReLU())
            masks = nn.Sequential(*(m for _ in range(4) for m in (Involution(256, 7), nn.ReLU())))
        boxes = linear_head(12544, 1024, 81, 80, 1000)
        parts = [(rednet_below_a_pyramid(neck), (1, 3, 800, 1280)), (rpn, FPN_SIZES), *boxes]
        masks.append(DETECTION.mask_rcnn.MaskRCNNPredictor(256, 256, 80))
        agrees(f"faster_rcnn_rednet50{suffix}", parts)
        agrees(f"mask_rcnn_rednet50{suffix}", [*parts, (masks, (100, 256, 14, 14))])


@pytest.mark.parametrize("size", "tsb")
def test_mask_rcnn_with_internimage_is_the_classifier_and_torchvisions_heads(size: str) -> None:
    with torch.device("meta"):
        masks = DETECTION.mask_rcnn.MaskRCNNHeads(256, (256,) * 4, 1)
        masks.append(DETECTION.mask_rcnn.MaskRCNNPredictor(256, 256, 80))
        parts = [*linear_head(12544, 1024, 81, 80, 1000), (masks, (100, 256, 14, 14))]
        internimage_agrees(f"mask_rcnn_internimage_{size}", size, parts)


@pytest.mark.parametrize("size", ["l", "xl"])
def test_cascade_mask_rcnn_with_internimage_has_three_of_each_head(size: str) -> None:
    parts: list[Part] = []
    with torch.device("meta"):
        for _ in range(3):
            boxes = DETECTION.faster_rcnn.FastRCNNConvFCHead(
                (256, 7, 7), [256] * 4, [1024], nn.BatchNorm2d
            )
            outputs = alone((1000, 1024), nn.Linear(1024, 81), nn.Linear(1024, 320))
            masks = DETECTION.mask_rcnn.MaskRCNNHeads(256, (256,) * 4, 1)
            masks.append(DETECTION.mask_rcnn.MaskRCNNPredictor(256, 256, 80))
            parts += [(boxes, (1000, 256, 7, 7)), *outputs, (masks, (100, 256, 14, 14))]
        internimage_agrees(f"cascade_mask_rcnn_internimage_{size}", size, parts)


class Pyramid(nn.Module):
    """torchvision's feature pyramid on a list of maps."""

    def __init__(self, channels: list[int]) -> None:
        super().__init__()
        extra = DETECTION.backbone_utils.LastLevelMaxPool()
        self.inner = DETECTION.backbone_utils.FeaturePyramidNetwork(channels, 256, extra)

    def forward(self, maps: list[torch.Tensor]) -> Any:
        return self.inner({str(level): x for level, x in enumerate(maps)})


def internimage_agrees(name: str, size: str, parts: list[Part]) -> None:
    """Stem and stages are the classifier's, the pyramid and the RPN torchvision's."""
    stages = [
        x for x in report(f"internimage_{size}").layers if x.path.startswith(("stem", "stage"))
    ]
    below = [
        x for x in report(name).layers if x.path.startswith(("backbone.stem", "backbone.stage"))
    ]
    assert weights(below) == weights(stages)
    width = report(name).layers[3].output.channels
    maps = [(1, width << i, 200 >> i, 320 >> i) for i in range(4)]
    shared = [(Pyramid([c for _, c, *_ in maps]), maps), (DETECTION.rpn.RPNHead(256, 3), FPN_SIZES)]
    agrees(name, [*shared, *parts], "backbone.stem", "backbone.stage")
