"""Segmentation networks that torchvision lacks, written down from their official layouts.

Each function below follows the file that its docstring names, layer by layer. It runs without
memory for the weights, and the layers are made while it runs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cache, partial
from typing import Any

import pytest
import torch
from sized import Size, at_sizes, report
from torch import nn
from torch.nn import functional
from torch.utils.flop_counter import FlopCounterMode

Tensor = torch.Tensor
relu, pool = functional.relu, functional.max_pool2d
halved = partial(pool, kernel_size=2, stride=2, ceil_mode=True)  # Caffe rounds up


class Tape:
    """Makes layers for the tensors that they get, and keeps them."""

    def __init__(self) -> None:
        self.layers = nn.ModuleList()

    def __call__(self, layer: nn.Module, x: Tensor) -> Tensor:
        self.layers.append(layer.eval())
        result: Tensor = layer(x)
        return result

    def conv(self, x: Tensor, out: int, k: int = 1, s: int = 1, p: int = 0, **more: Any) -> Tensor:
        return self(nn.Conv2d(x.shape[1], out, k, s, p, **more), x)

    def norm(self, x: Tensor) -> Tensor:
        return self(nn.BatchNorm2d(x.shape[1]), x)

    def conv_bn(self, x: Tensor, out: int, k: int = 1, s: int = 1, d: int = 1) -> Tensor:
        return self.norm(self.conv(x, out, k, s, d * (k // 2), dilation=d, bias=False))

    def bottleneck(self, x: Tensor, c: int, s: int = 1, d: int = 1, first: bool = False) -> Tensor:
        """ResNet's; ``first``: the first 1x1 strides instead of the 3x3."""
        y = relu(self.conv_bn(x, c, s=s if first else 1))
        y = relu(self.conv_bn(y, c, 3, s=1 if first else s, d=d))
        y = self.conv_bn(y, 4 * c)
        return relu(y + (x if x.shape == y.shape else self.conv_bn(x, 4 * c, s=s)))


def fcn(tape: Tape, x: Tensor, factor: int) -> Tensor:
    """shelhamer/fcn.berkeleyvision.org, voc-fcn8s/net.py, voc-fcn16s and voc-fcn32s."""

    def up(x: Tensor, k: int, s: int) -> Tensor:
        return tape(nn.ConvTranspose2d(21, 21, k, s, bias=False), x)

    image, skips = x.shape[2:], []
    x = relu(tape.conv(x, 64, 3, p=100))
    for c, n in ((64, 1), (128, 2), (256, 3), (512, 3), (512, 3)):
        for _ in range(n):
            x = relu(tape.conv(x, c, 3, p=1))
        x = halved(x)
        skips.append(x)
    x = tape.conv(relu(tape.conv(relu(tape.conv(x, 4096, 7)), 4096)), 21)
    for skip, offset, needed in ((skips[3], 5, factor < 32), (skips[2], 9, factor < 16)):
        if needed:
            x = up(x, 4, 2)
            h, w = x.shape[2:]
            x = x + tape.conv(skip, 21)[:, :, offset : offset + h, offset : offset + w]
    x, offset = up(x, 2 * factor, factor), {8: 31, 16: 27, 32: 19}[factor]
    return x[:, :, offset : offset + image[0], offset : offset + image[1]]


def unpooled(x: Tensor, size: torch.Size) -> Tensor:
    """As large as before the pooling."""
    return x.new_empty(*x.shape[:2], *size[2:])


def segnet(tape: Tape, x: Tensor, classes: int) -> Tensor:
    """alexgkendall/SegNet-Tutorial, Models/segnet_inference.prototxt."""
    sizes = []
    for c, n in ((64, 2), (128, 2), (256, 3), (512, 3), (512, 3)):
        for _ in range(n):
            x = relu(tape.norm(tape.conv(x, c, 3, p=1)))
        sizes.append(x.shape)
        x = halved(x)
    for widths in ((512, 512, 512), (512, 512, 256), (256, 256, 128), (128, 64), (64,)):
        x = unpooled(x, sizes.pop())
        for c in widths:
            x = relu(tape.norm(tape.conv(x, c, 3, p=1)))
    return tape.conv(x, classes, 3, p=1)


def segnet_basic(tape: Tape, x: Tensor) -> Tensor:
    """alexgkendall/SegNet-Tutorial, Models/segnet_basic_inference.prototxt."""
    sizes = []
    for _ in range(4):
        x = relu(tape.norm(tape.conv(x, 64, 7, p=3)))
        sizes.append(x.shape)
        x = halved(x)
    while sizes:
        x = tape.norm(tape.conv(unpooled(x, sizes.pop()), 64, 7, p=3))
    return tape.conv(x, 11)


def context(
    tape: Tape, x: Tensor, widths: Iterable[int], dilations: Iterable[int], ahead: int = 0
) -> Tensor:
    """fyu/dilation, network.py, build_context; ``ahead``: the only padding, of the first."""
    c = x.shape[1]
    for i, (w, d) in enumerate(zip(widths, dilations, strict=True)):
        p = (0 if i else ahead) if ahead else d
        x = relu(tape.conv(x, c * w, 3, p=p, dilation=d))
    return tape.conv(x, c)


def dilation(tape: Tape, x: Tensor, classes: int, *module: Any, up: bool = False) -> Tensor:
    """fyu/dilation, models/dilation*_deploy.prototxt."""
    for c, n in ((64, 2), (128, 2), (256, 3)):
        for _ in range(n):
            x = relu(tape.conv(x, c, 3))
        x = halved(x)
    for d in (1, 1, 1, 2, 2, 2):
        x = relu(tape.conv(x, 512, 3, dilation=d))
    x = relu(tape.conv(relu(tape.conv(x, 4096, 7, dilation=4)), 4096))
    x = context(tape, tape.conv(x, classes), *module)
    if not up:
        return x
    return tape(nn.ConvTranspose2d(classes, classes, 16, 8, 4, groups=classes, bias=False), x)


def deep_stem(tape: Tape, x: Tensor, padding: int) -> Tensor:
    """Three 3x3 for a 7x7."""
    for c, s in ((64, 2), (64, 1), (128, 1)):
        x = relu(tape.conv_bn(x, c, 3, s))
    return pool(x, 3, 2, padding)


def duc_hdc(tape: Tape, x: Tensor, factor: int) -> Tensor:
    """TuSimple/TuSimple-DUC, tusimple_duc/networks, resnet.py and network_duc_hdc.py."""
    x = deep_stem(tape, x, 0)
    for _ in range(3):
        x = tape.bottleneck(x, 64)
    for i in range(4):
        x = tape.bottleneck(x, 128, 1 if i else 2, first=True)
    for d in (2, *(2, 5, 9, 1) * 5, 2, 5):
        x = tape.bottleneck(x, 256, d=d)
    for d in (5, 9, 17):
        x = tape.bottleneck(x, 512, d=d)
    out = 19 * factor**2
    scores = [tape.conv(x, out, 3, p=d, dilation=d) for d in (6, 12, 18, 24)]
    return functional.pixel_shuffle(torch.stack(scores).sum(0), factor)


def resized(x: Tensor, like: Tensor) -> Tensor:
    return functional.interpolate(x, like.shape[2:], mode="bilinear", align_corners=True)


def jpu(tape: Tape, stages: list[Tensor]) -> Tensor:
    """wuhuikai/FastFCN, encoding/nn/customize.py, JPU."""
    fine, *coarser = [relu(tape.conv_bn(x, 512, 3)) for x in stages]
    joined = torch.cat([*(resized(x, fine) for x in reversed(coarser)), fine], 1)
    parts = []
    for d in (1, 2, 4, 8):
        c = joined.shape[1]
        y = tape.norm(tape.conv(joined, c, 3, p=d, dilation=d, groups=c, bias=False))
        parts.append(relu(tape.conv_bn(y, 512)))
    return torch.cat(parts, 1)


def fcn_head(tape: Tape, x: Tensor, classes: int) -> Tensor:
    """encoding/models/fcn.py, FCNHead."""
    return tape.conv(relu(tape.conv_bn(x, x.shape[1] // 4, 3)), classes)


def psp_head(tape: Tape, x: Tensor, classes: int) -> Tensor:
    """encoding/models/psp.py, PSPHead."""
    levels = [x]
    for bins in (1, 2, 3, 6):
        y = relu(tape.conv_bn(functional.adaptive_avg_pool2d(x, bins), x.shape[1] // 4))
        levels.append(resized(y, x))
    return tape.conv(relu(tape.conv_bn(torch.cat(levels, 1), 512, 3)), classes)


def deeplab_head(tape: Tape, x: Tensor, classes: int) -> Tensor:
    """encoding/models/deeplabv3.py, DeepLabV3Head."""
    parts = [relu(tape.conv_bn(x, 256))]
    parts += [relu(tape.conv_bn(x, 256, 3, d=d)) for d in (12, 24, 36)]
    parts.append(resized(relu(tape.conv_bn(functional.adaptive_avg_pool2d(x, 1), 256)), x))
    y = relu(tape.conv_bn(torch.cat(parts, 1), 256))
    return tape.conv(relu(tape.conv_bn(y, 256, 3)), classes)


class Encoding(nn.Module):
    """encoding/nn/encoding.py: distances to codewords, and their weighted sum over positions."""

    def __init__(self, c: int, codes: int) -> None:
        super().__init__()
        self.codewords = nn.Parameter(torch.empty(codes, c))
        self.scale = nn.Parameter(torch.empty(codes))

    def forward(self, x: Tensor) -> Tensor:
        positions = x.flatten(2).transpose(1, 2)
        shares = functional.softmax(positions @ self.codewords.T * self.scale, 2)
        return shares.transpose(1, 2) @ positions


def encnet_head(tape: Tape, x: Tensor, classes: int) -> Tensor:
    """encoding/models/encnet.py, EncHead after a JPU, with the loss on the classes present."""
    x = relu(tape.conv_bn(x, 512))
    code = tape(Encoding(512, 32), relu(tape.conv_bn(x, 512)))
    code = relu(tape(nn.BatchNorm1d(32), code)).mean(1)
    gate = torch.sigmoid(tape(nn.Linear(512, 512), code))[:, :, None, None]
    tape(nn.Linear(512, classes), code)
    return tape.conv(relu(x + x * gate), classes)


def fastfcn(
    tape: Tape,
    x: Tensor,
    head: Callable[[Tape, Tensor, int], Tensor],
    depth: int = 6,
    classes: int = 59,
) -> Tensor:
    """wuhuikai/FastFCN, encoding/models, with the auxiliary head."""
    image, stages = x, []
    x = deep_stem(tape, x, 1)
    for c, n in ((64, 3), (128, 4), (256, depth), (512, 3)):
        for i in range(n):
            x = tape.bottleneck(x, c, 2 if c > 64 and i == 0 else 1)
        stages.append(x)
    fcn_head(tape, stages[2], classes)
    return resized(head(tape, jpu(tape, stages[1:]), classes), image)


SMALL, LARGE = (1,) * 7, (2, 2, 4, 8, 16, 32, 32)
DOUBLING = (1, 1, 2, 4, 8, 16, 1)
Network = Callable[[Tape, Tensor], Tensor]

NETWORKS: dict[str, Network] = {
    "fcn8s": partial(fcn, factor=8),
    "fcn16s": partial(fcn, factor=16),
    "fcn32s": partial(fcn, factor=32),
    "segnet": partial(segnet, classes=11),
    "segnet_pascal": partial(segnet, classes=21),
    "segnet_sun": partial(segnet, classes=38),
    "segnet_basic": segnet_basic,
    "context_module": partial(context, widths=SMALL, dilations=DOUBLING),
    "context_module_large": partial(context, widths=LARGE, dilations=DOUBLING),
    "dilation8_pascal_voc": lambda t, x: dilation(t, x, 21, LARGE, DOUBLING, 33),
    "dilation8_camvid": lambda t, x: dilation(t, x, 11, SMALL, DOUBLING),
    "dilation7_kitti": lambda t, x: dilation(t, x, 11, SMALL[1:], (1, 1, 2, 4, 8, 1)),
    "dilation10_cityscapes": lambda t, x: dilation(
        t, x, 19, (1,) * 9, (1, 1, 2, 4, 8, 16, 32, 64, 1), up=True
    ),
    "resnet_duc_hdc": partial(duc_hdc, factor=8),
    "resnet_duc_hdc_cell_2": partial(duc_hdc, factor=4),
    "fastfcn_encnet_resnet50": partial(fastfcn, head=encnet_head),
    "fastfcn_encnet_resnet101": partial(fastfcn, head=encnet_head, depth=23),
    "fastfcn_psp_resnet50": partial(fastfcn, head=psp_head),
    "fastfcn_deeplabv3_resnet50": partial(fastfcn, head=deeplab_head),
    "fastfcn_fcn_resnet50": partial(fastfcn, head=fcn_head),
    "fastfcn_encnet_resnet50_ade20k": partial(fastfcn, head=encnet_head, classes=150),
    "fastfcn_encnet_resnet101_ade20k": partial(fastfcn, head=encnet_head, depth=23, classes=150),
}


# fyu/dilation takes no padding: what is left of a smaller image is less than its largest kernels.
UNPADDED = [name for name in NETWORKS if name.startswith("dilation")]


@cache
def built(name: str, size: Size = None) -> tuple[nn.ModuleList, int, tuple[int, ...]]:
    """The layers of the reference, twice its products, and its output's sizes."""
    (x,) = report(name, size).inputs.values()
    tape = Tape()
    with torch.device("meta"), FlopCounterMode(display=False) as counter, torch.no_grad():
        output = NETWORKS[name](tape, torch.empty(x.dims))
    return tape.layers, counter.get_total_flops(), tuple(output.shape)


def trimmed(shape: Iterable[int]) -> tuple[int, ...]:
    """Without the sizes 1 at the end, by which a 1x1 convolution differs from a matrix."""
    sizes = tuple(shape)
    while sizes and sizes[-1] == 1:
        sizes = sizes[:-1]
    return sizes


@pytest.mark.parametrize("name", NETWORKS)
def test_a_network_has_the_parameters_of_its_official_layout(name: str) -> None:
    layers = built(name)[0]
    shapes = [shape for x in report(name).layers for shape in x.weights.values()]
    learned = [trimmed(shape) for shape in shapes if shape != (0,)]  # of an opaque layer without
    assert sorted(learned) == sorted(trimmed(p.shape) for p in layers.parameters())
    buffers = {key: b.numel() for key, b in layers.named_buffers()}
    stored = sum(n for key, n in buffers.items() if not key.endswith("num_batches_tracked"))
    assert report(name).totals.buffers == stored


@at_sizes([name for name in NETWORKS if name not in UNPADDED])
def test_a_network_multiplies_as_often_as_its_official_layout(name: str, size: Size) -> None:
    compare(name, size)


@at_sizes(UNPADDED, [(803, 931), (839, 760)])
def test_an_unpadded_network_multiplies_as_often(name: str, size: Size) -> None:
    compare(name, size)


def compare(name: str, size: Size) -> None:
    _, flops, output = built(name, size)
    assert report(name, size).totals.flops == flops
    assert [shape.dims for shape in report(name, size).outputs.values()] == [output]
