"""Classifiers that neither torchvision nor timm has, and the DCGAN's generator, layer by layer.

Each function follows the file or the table that its docstring names, at the network's own size and
at two odd ones; where that code pools a fixed window at the end, the mean is of all positions here.

What is compared nowhere as a whole, and why:

- Faster, Mask, Cascade and Keypoint R-CNN, R-FCN: the number of regions depends on values; their
  parts are compared in ``test_torch_detection``
- InternImage and its detectors: the official DCNv3 runs on CUDA alone; the operator is compared
  in ``test_torch_deformable``
- RedNet as a classifier: the official involution is a CUDA kernel; the operator and RedNet's
  detectors are compared in ``test_torch_variants`` and ``test_torch_detection``
- the fully connected comparisons: networks of this project
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from math import prod
from typing import Any

import torch
from sized import ODD, Size, at_sizes, report
from test_torch_networks import trimmed
from test_torch_segmentation import Tape, pool, relu
from torch import nn
from torch.nn import functional
from torch.utils.flop_counter import FlopCounterMode

Tensor = torch.Tensor
Network = Callable[[Tape, Tensor], Tensor]


def classified(tape: Tape, x: Tensor, classes: int = 1000, **more: Any) -> Tensor:
    return tape(nn.Linear(x.shape[1], classes, **more), x.mean((2, 3)))


def depthwise(tape: Tape, x: Tensor, s: int = 1) -> Tensor:
    c = x.shape[1]
    return tape.norm(tape.conv(x, c, 3, s, 1, groups=c, bias=False))


def basic(tape: Tape, x: Tensor, c: int, s: int = 1, d: int = 1) -> Tensor:
    """ResNet's block of two 3x3."""
    y = tape.conv_bn(relu(tape.conv_bn(x, c, 3, s, d)), c, 3, 1, d)
    return relu(y + (x if x.shape == y.shape else tape.conv_bn(x, c, s=s)))


def drn(tape: Tape, x: Tensor, kind: str, depths: list[int], deep: bool = False) -> Tensor:
    """fyu/drn, drn.py: DRN, and DRN_A for kind "a"."""
    block = tape.bottleneck if deep else partial(basic, tape)
    if kind == "a":
        x = pool(relu(tape.conv_bn(x, 64, 7, 2)), 3, 2, 1)
    else:
        x = relu(tape.conv_bn(x, 16, 7))
        for c, s in ((16, 1), (32, 2)):
            x = basic(tape, x, c, s) if kind == "c" else relu(tape.conv_bn(x, c, 3, s))
    strides = (1 if kind == "a" else 2, 2, 1, 1)
    for c, n, s, d in zip((64, 128, 256, 512), depths, strides, (1, 1, 2, 4), strict=True):
        for i in range(n):
            x = block(x, c, s=1 if i else s, d=1 if kind == "a" and i == 0 else d)
    if kind != "a":
        if kind == "c" and deep:  # made and run, but added to nothing
            tape.conv_bn(x, 512)
        for d in (2, 1):
            for _ in range(2 if kind == "c" else 1):
                x = relu(tape.conv_bn(x, 512, 3, d=d))
    return classified(tape, x)


def resnet_v1(tape: Tape, x: Tensor, depths: list[int]) -> Tensor:
    """Table 1 of the paper: torchvision's layout, but the first 1x1 of a stage strides."""
    x = pool(relu(tape.conv_bn(x, 64, 7, 2)), 3, 2, 1)
    for stage, n in enumerate(depths):
        for i in range(n):
            x = tape.bottleneck(x, 64 * 2**stage, 2 if stage and i == 0 else 1, first=True)
    return classified(tape, x)


class Scale(nn.Module):
    """A learned factor per channel."""

    def __init__(self, c: int) -> None:
        super().__init__()
        self.factors = nn.Parameter(torch.empty(c))

    def forward(self, x: Tensor) -> Tensor:
        return x * self.factors[:, None, None]


def van(tape: Tape, x: Tensor, widths: list[int], depths: list[int]) -> Tensor:
    """Visual-Attention-Network/VAN-Classification, models/van.py."""

    def filtered(x: Tensor, k: int, d: int = 1) -> Tensor:
        c = x.shape[1]
        return tape.conv(x, c, k, p=d * (k // 2), dilation=d, groups=c)

    for c, n, ratio, k in zip(widths, depths, (8, 8, 4, 4), (7, 3, 3, 3), strict=True):
        x = tape.norm(tape.conv(x, c, k, 4 if k == 7 else 2, k // 2))
        for _ in range(n):
            y = tape.norm(x)
            z = functional.gelu(tape.conv(y, c))
            z = z * tape.conv(filtered(filtered(z, 5), 7, 3), c)
            x = x + tape(Scale(c), tape.conv(z, c) + y)
            y = functional.gelu(filtered(tape.conv(tape.norm(x), ratio * c), 3))
            x = x + tape(Scale(c), tape.conv(y, c))
        x = tape(nn.LayerNorm(c), x.movedim(1, 3)).movedim(3, 1)
    return classified(tape, x)


def shufflenet(tape: Tape, x: Tensor, groups: int, widths: list[int], stem: int = 24) -> Tensor:
    """megvii-model/ShuffleNet-Series, ShuffleNetV1."""

    def body(x: Tensor, mid: int, out: int, s: int, first: int) -> Tensor:
        y = relu(tape.norm(tape.conv(x, mid, groups=first, bias=False)))
        y = functional.channel_shuffle(y, groups)
        return tape.norm(tape.conv(depthwise(tape, y, s), out, groups=groups, bias=False))

    x = pool(relu(tape.conv_bn(x, stem, 3, 2)), 3, 2, 1)
    for c, n in zip(widths, (4, 8, 4), strict=True):
        first = 1 if c == widths[0] else groups
        made = relu(body(x, c // 4, c - x.shape[1], 2, first))
        x = torch.cat([functional.avg_pool2d(x, 3, 2, 1), made], 1)
        for _ in range(n - 1):
            x = relu(x + body(x, c // 4, c, 1, groups))
    return classified(tape, x, bias=False)


def shufflenet_v2(tape: Tape, x: Tensor, widths: list[int], last: int = 1024) -> Tensor:
    """megvii-model/ShuffleNet-Series, ShuffleNetV2."""

    def body(x: Tensor, mid: int, out: int, s: int) -> Tensor:
        y = depthwise(tape, relu(tape.conv_bn(x, mid)), s)
        return relu(tape.conv_bn(y, out))

    x = pool(relu(tape.conv_bn(x, 24, 3, 2)), 3, 2, 1)
    for c, n in zip(widths, (4, 8, 4), strict=True):
        side = relu(tape.conv_bn(depthwise(tape, x, 2), x.shape[1]))
        x = torch.cat([side, body(x, c // 2, c - x.shape[1], 2)], 1)
        for _ in range(n - 1):
            x = torch.cat([x[:, ::2], body(x[:, 1::2], c // 2, c // 2, 1)], 1)
    return classified(tape, relu(tape.conv_bn(x, last)), bias=False)


def alexnet(tape: Tape, x: Tensor, groups: int) -> Tensor:
    """Section 3.5 of the NIPS paper, on one graphics card or two, without its normalisation."""
    x = pool(relu(tape.conv(x, 96, 11, 4)), 3, 2)
    x = pool(relu(tape.conv(x, 256, 5, p=2, groups=groups)), 3, 2)
    for c, g in ((384, 1), (384, groups), (256, groups)):
        x = relu(tape.conv(x, c, 3, p=1, groups=g))
    x = functional.adaptive_avg_pool2d(pool(x, 3, 2), 6).flatten(1)
    for out in (4096, 4096, 1000):
        x = tape(nn.Linear(x.shape[1], out), x)
    return x


def dcgan(tape: Tape, x: Tensor) -> Tensor:
    """pytorch/examples, dcgan/main.py, Generator."""
    for c, s, p in ((512, 1, 0), (256, 2, 1), (128, 2, 1), (64, 2, 1)):
        up = nn.ConvTranspose2d(x.shape[1], c, 4, s, p, bias=False)
        x = relu(tape.norm(tape(up, x)))
    return tape(nn.ConvTranspose2d(64, 3, 4, 2, 1, bias=False), x).tanh()


SMALL, MIDDLE, LARGE = [2, 2, 2, 2], [3, 4, 6, 3], [3, 4, 23, 3]
NETWORKS: dict[str, Network] = {
    "drn_c_26": partial(drn, kind="c", depths=SMALL),
    "drn_c_42": partial(drn, kind="c", depths=MIDDLE),
    "drn_c_58": partial(drn, kind="c", depths=MIDDLE, deep=True),
    "drn_a_18": partial(drn, kind="a", depths=SMALL),
    "drn_a_34": partial(drn, kind="a", depths=MIDDLE),
    "drn_a_50": partial(drn, kind="a", depths=MIDDLE, deep=True),
    "drn_d_22": partial(drn, kind="d", depths=SMALL),
    "drn_d_38": partial(drn, kind="d", depths=MIDDLE),
    "drn_d_54": partial(drn, kind="d", depths=MIDDLE, deep=True),
    "drn_d_105": partial(drn, kind="d", depths=LARGE, deep=True),
    "resnet_v1_50": partial(resnet_v1, depths=MIDDLE),
    "resnet_v1_101": partial(resnet_v1, depths=LARGE),
    "resnet_v1_152": partial(resnet_v1, depths=[3, 8, 36, 3]),
    "van_b0": partial(van, widths=[32, 64, 160, 256], depths=[3, 3, 5, 2]),
    "van_b1": partial(van, widths=[64, 128, 320, 512], depths=[2, 2, 4, 2]),
    "van_b2": partial(van, widths=[64, 128, 320, 512], depths=[3, 3, 12, 3]),
    "van_b3": partial(van, widths=[64, 128, 320, 512], depths=[3, 5, 27, 3]),
    "shufflenet_v1_g1": partial(shufflenet, groups=1, widths=[144, 288, 576]),
    "shufflenet_v1_g2": partial(shufflenet, groups=2, widths=[200, 400, 800]),
    "shufflenet_v1_g3": partial(shufflenet, groups=3, widths=[240, 480, 960]),
    "shufflenet_v1_g4": partial(shufflenet, groups=4, widths=[272, 544, 1088]),
    "shufflenet_v1_g8": partial(shufflenet, groups=8, widths=[384, 768, 1536]),
    "shufflenet_v1_g3_x0_5": partial(shufflenet, groups=3, widths=[120, 240, 480], stem=12),
    "shufflenet_v1_g3_x1_5": partial(shufflenet, groups=3, widths=[360, 720, 1440]),
    "shufflenet_v1_g3_x2_0": partial(shufflenet, groups=3, widths=[480, 960, 1920], stem=48),
    "shufflenet_v1_g8_x0_5": partial(shufflenet, groups=8, widths=[192, 384, 768], stem=16),
    "shufflenet_v1_g8_x1_5": partial(shufflenet, groups=8, widths=[576, 1152, 2304]),
    "shufflenet_v1_g8_x2_0": partial(shufflenet, groups=8, widths=[768, 1536, 3072], stem=48),
    "shufflenet_v2_megvii_x0_5": partial(shufflenet_v2, widths=[48, 96, 192]),
    "shufflenet_v2_megvii_x1_0": partial(shufflenet_v2, widths=[116, 232, 464]),
    "shufflenet_v2_megvii_x1_5": partial(shufflenet_v2, widths=[176, 352, 704]),
    "shufflenet_v2_megvii_x2_0": partial(shufflenet_v2, widths=[244, 488, 976], last=2048),
    "alexnet_2012": partial(alexnet, groups=2),
    "alexnet_2012_ungrouped": partial(alexnet, groups=1),
}


def compare(name: str, size: Size, network: Network) -> None:
    ours = report(name, size)
    (x,) = ours.inputs.values()
    tape = Tape()
    with torch.device("meta"), FlopCounterMode(display=False) as counter, torch.no_grad():
        output = network(tape, torch.empty(x.dims))
    theirs = sorted(trimmed(*p.shape) for p in tape.layers.parameters())
    layers = [layer for layer in ours.layers if not layer.shares]
    assert sorted(trimmed(*s) for layer in layers for s in layer.weights.values()) == theirs
    assert ours.totals.params == sum(map(prod, theirs))
    assert counter.get_total_flops() == ours.totals.flops
    assert [tuple(output.shape)] == [shape.dims for shape in ours.outputs.values()]


@at_sizes(NETWORKS, ODD)
def test_a_network_is_that_of_its_authors_code(name: str, size: Size) -> None:
    compare(name, size, NETWORKS[name])


@at_sizes(["dcgan_generator"], [(3, 5), (2, 7)])
def test_a_generator_is_that_of_its_authors_code(name: str, size: Size) -> None:
    compare(name, size, dcgan)
