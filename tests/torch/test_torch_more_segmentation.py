"""More networks for segmentation, layer by layer as the code that the specs name has them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from math import prod

import torch
from sized import Size, at_sizes, report
from test_torch_segmentation import Tape, deep_stem, psp_head, resized, trimmed
from torch import nn
from torch.nn import functional
from torch.utils.flop_counter import FlopCounterMode

Tensor = torch.Tensor
Network = Callable[[Tape, Tensor], Tensor]
relu, pool = functional.relu, functional.max_pool2d


def larger(x: Tensor, factor: int) -> Tensor:
    return functional.interpolate(x, scale_factor=factor)


def deeplab_plus(tape: Tape, x: Tensor, depth: int) -> Tensor:
    """segmentation_models_pytorch 0.6.0, decoders/deeplabv3, DeepLabV3Plus at stride 16."""

    def separable(x: Tensor, d: int = 1) -> Tensor:
        c = x.shape[1]
        y = tape.conv(x, c, 3, p=d, dilation=d, groups=c, bias=False)
        return relu(tape.conv_bn(y, 256))

    image = x
    x = pool(relu(tape.conv_bn(x, 64, 7, 2)), 3, 2, 1)
    stages = []
    for c, n, s, d in ((64, 3, 1, 1), (128, 4, 2, 1), (256, depth, 2, 1), (512, 3, 1, 2)):
        for i in range(n):
            x = tape.bottleneck(x, c, 1 if i else s, d)
        stages.append(x)
    parts = [relu(tape.conv_bn(x, 256)), *(separable(x, d) for d in (12, 24, 36))]
    parts.append(resized(relu(tape.conv_bn(functional.adaptive_avg_pool2d(x, 1), 256)), x))
    x = separable(relu(tape.conv_bn(torch.cat(parts, 1), 256)))
    fine = relu(tape.conv_bn(stages[0], 48))
    x = separable(torch.cat([larger(x, 4), fine], 1))
    return resized(tape.conv(x, 21), image)


def pspnet(tape: Tape, x: Tensor, depth: int, classes: int = 150) -> Tensor:
    """hszhao/semseg, model/pspnet.py, whose later stages dilate all their blocks."""
    image = x
    x = deep_stem(tape, x, 1)
    for c, n, s, d in ((64, 3, 1, 1), (128, 4, 2, 1), (256, depth, 1, 2), (512, 3, 1, 4)):
        for i in range(n):
            x = tape.bottleneck(x, c, 1 if i else s, d)
    return resized(psp_head(tape, x, classes), image)


def unetplusplus(tape: Tape, x: Tensor) -> Tensor:
    """MrGiovanni/UNetPlusPlus, Nest_Net without deep supervision."""

    def double(x: Tensor, c: int) -> Tensor:
        return tape.conv(tape.conv(x, c, 3, p=1), c, 3, p=1)

    widths, levels = (32, 64, 128, 256, 512), []
    for i, c in enumerate(widths):
        x = double(pool(x, 2) if i else x, c)
        levels.append([x])
    for last in range(3, -1, -1):
        for i in range(last + 1):
            c, below = widths[i], levels[i + 1][3 - last]
            up = tape(nn.ConvTranspose2d(below.shape[1], c, 2, 2), below)
            levels[i].append(double(torch.cat([up, *levels[i]], 1), c))
    return tape.conv(levels[0][-1], 1)


def nnunet(
    tape: Tape, x: Tensor, widths: Sequence[int], strides: Sequence[Sequence[int]]
) -> Tensor:
    """MONAI's DynUNet."""
    flat = x.ndim == 4
    conv, up = (nn.Conv2d, nn.ConvTranspose2d) if flat else (nn.Conv3d, nn.ConvTranspose3d)
    norm = nn.InstanceNorm2d if flat else nn.InstanceNorm3d

    def double(x: Tensor, c: int, s: Sequence[int]) -> Tensor:
        for stride in (s, [1] * len(s)):
            x = tape(conv(x.shape[1], c, 3, tuple(stride), 1, bias=False), x)
            x = tape(norm(c, affine=True), x)
        return x

    skips = []
    for c, s in zip(widths, strides, strict=True):
        x = double(x, c, s)
        skips.append(x)
    for skip, s in zip(skips[-2::-1], strides[:0:-1], strict=True):
        c = skip.shape[1]
        x = tape(up(x.shape[1], c, tuple(s), tuple(s), bias=False), x)
        x = double(torch.cat([x, skip], 1), c, [1] * len(s))
    return tape(conv(x.shape[1], 3, 1), x)


def bisenetv2(tape: Tape, x: Tensor) -> Tensor:
    """CoinCheung/BiSeNet, lib/models/bisenetv2.py, without the heads of training."""

    def cbr(x: Tensor, c: int, k: int = 3, s: int = 1) -> Tensor:
        return relu(tape.conv_bn(x, c, k, s))

    def dw(x: Tensor, s: int = 1, m: int = 1) -> Tensor:
        c = x.shape[1]
        return tape.norm(tape.conv(x, m * c, 3, s, 1, groups=c, bias=False))

    def gather(x: Tensor, c: int) -> Tensor:
        if x.shape[1] == c:
            return relu(x + tape.conv_bn(relu(dw(cbr(x, c), m=6)), c))
        y = tape.conv_bn(relu(dw(dw(cbr(x, x.shape[1]), 2, 6))), c)
        return relu(y + tape.conv_bn(dw(x, 2), c))

    def pointwise(x: Tensor) -> Tensor:
        return tape.conv(dw(x), 128, bias=False)

    detail = x
    for c, n in ((64, 2), (64, 3), (128, 3)):
        for i in range(n):
            detail = cbr(detail, c, s=1 if i else 2)
    x = cbr(x, 16, s=2)
    x = cbr(torch.cat([cbr(cbr(x, 8, 1), 16, s=2), pool(x, 3, 2, 1)], 1), 16)
    for c, n in ((32, 2), (64, 2), (128, 4)):
        for _ in range(n):
            x = gather(x, c)
    x = cbr(x + cbr(tape.norm(x.mean((2, 3), keepdim=True)), 128, 1), 128)
    left = pointwise(detail) * larger(tape.conv_bn(x, 128, 3), 4).sigmoid()
    coarse = functional.avg_pool2d(tape.conv_bn(detail, 128, 3, 2), 3, 2, 1)
    right = larger(coarse * pointwise(x).sigmoid(), 4)
    return larger(tape.conv(cbr(cbr(left + right, 128), 1024), 19), 8)


def attention_unet(tape: Tape, x: Tensor) -> Tensor:
    """ozan-oktay/Attention-Gated-Networks, models/networks/unet_CT_single_att_dsv_3D.py."""
    widths = (16, 32, 64, 128, 256)

    def conv(x: Tensor, c: int, k: int = 1, s: int = 1, p: int = 0, bias: bool = True) -> Tensor:
        return tape(nn.Conv3d(x.shape[1], c, k, s, p, bias=bias), x)

    def normed(x: Tensor, c: int, k: int) -> Tensor:
        return tape(nn.BatchNorm3d(c), conv(x, c, k, p=k // 2))

    def double(x: Tensor, c: int) -> Tensor:
        return normed(normed(x, c, 3), c, 3)

    def linear(x: Tensor, like: Tensor) -> Tensor:
        return functional.interpolate(x, like.shape[2:], mode="trilinear")

    def gated(x: Tensor, g: Tensor) -> Tensor:
        c = x.shape[1]
        theta = conv(x, c, 2, 2, bias=False)
        factor = conv(theta + linear(conv(g, c), theta), 1).sigmoid()
        return normed(normed(linear(factor, x) * x, c, 1), c, 1)

    skips = []
    for i, c in enumerate(widths):
        x = double(functional.max_pool3d(x, 2) if i else x, c)
        skips.append(x)
    gate, deep, scores = normed(x, 256, 1), x, []
    for level in range(3, -1, -1):
        skip = gated(skips[level], gate) if level else skips[0]
        gate = deep = double(torch.cat([skip, linear(deep, skip)], 1), widths[level])
        scores.append(linear(conv(deep, 4), skips[0]))
    return conv(torch.cat(scores, 1), 4)


def enet(tape: Tape, x: Tensor, classes: int) -> Tensor:
    """e-lab/ENet-training, train/models/encoder.lua and decoder.lua."""

    def act(x: Tensor, learned: bool) -> Tensor:
        return tape(nn.PReLU(x.shape[1]), x) if learned else relu(x)

    def body(
        x: Tensor,
        c: int,
        d: int = 1,
        long: int = 0,
        down: int = 1,
        up: bool = False,
        learned: bool = True,
    ) -> Tensor:
        y = act(tape.norm(tape.conv(x, c // 4, down, down, bias=False)), learned)
        if up:
            y = tape(nn.ConvTranspose2d(c // 4, c // 4, 3, 2, 1, 1), y)
        elif long:
            y = tape(nn.Conv2d(c // 4, c // 4, (1, long), 1, (0, long // 2), bias=False), y)
            y = tape(nn.Conv2d(c // 4, c // 4, (long, 1), 1, (long // 2, 0)), y)
        else:
            y = tape.conv(y, c // 4, 3, 1, d, dilation=d)
        return tape.norm(tape.conv(act(tape.norm(y), learned), c, bias=False))

    def plain(x: Tensor, learned: bool = True, d: int = 1, long: int = 0) -> Tensor:
        return act(x + body(x, x.shape[1], d, long, learned=learned), learned)

    def smaller(x: Tensor, c: int) -> Tensor:
        zeros = pool(x, 2).new_zeros(x.shape[0], c - x.shape[1], x.shape[2] // 2, x.shape[3] // 2)
        return act(torch.cat([pool(x, 2), zeros], 1) + body(x, c, down=2), learned=True)

    def placed(x: Tensor, c: int) -> Tensor:
        y = tape.norm(tape.conv(x, c, bias=False))
        y = y.new_empty(*y.shape[:2], 2 * y.shape[2], 2 * y.shape[3])
        return relu(y + body(x, c, up=True, learned=False))

    x = torch.cat([tape.conv(x, 13, 3, 2, 1), pool(x, 2)], 1)
    x = smaller(act(tape.norm(x), learned=True), 64)
    for _ in range(4):
        x = plain(x)
    x = smaller(x, 128)
    for _ in range(2):
        x = plain(plain(plain(plain(x), d=2), long=5), d=4)
        x = plain(plain(plain(plain(x), d=8), long=5), d=16)
    x = plain(plain(placed(x, 64), learned=False), learned=False)
    x = plain(placed(x, 16), learned=False)
    return tape(nn.ConvTranspose2d(16, classes, 2, 2), x)


CUBIC = ((1, 1, 1), *((2, 2, 2),) * 4, (2, 2, 1))
SQUARE = ((1, 1), *((2, 2),) * 7)
NETWORKS: dict[str, Network] = {
    "deeplabv3plus_resnet50": partial(deeplab_plus, depth=6),
    "deeplabv3plus_resnet101": partial(deeplab_plus, depth=23),
    "pspnet_resnet50": partial(pspnet, depth=6),
    "pspnet_resnet101": partial(pspnet, depth=23),
    "pspnet_resnet50_cityscapes": partial(pspnet, depth=6, classes=19),
    "pspnet_resnet101_cityscapes": partial(pspnet, depth=23, classes=19),
    "unetplusplus": unetplusplus,
    "nnunet_2d": partial(nnunet, widths=(32, 64, 128, 256, *(512,) * 4), strides=SQUARE),
    "nnunet_3d": partial(nnunet, widths=(32, 64, 128, 256, 320, 320), strides=CUBIC),
    "bisenetv2": bisenetv2,
    "attention_unet": attention_unet,
    "enet": partial(enet, classes=20),
    "enet_camvid": partial(enet, classes=12),
    "enet_sun": partial(enet, classes=38),
}


@at_sizes(NETWORKS, [(128, 256, 64), (256, 128, 64)])
def test_a_network_is_that_of_its_code(name: str, size: Size) -> None:
    ours = report(name, size)
    (x,) = ours.inputs.values()
    tape = Tape()
    with torch.device("meta"), FlopCounterMode(display=False) as counter, torch.no_grad():
        output = NETWORKS[name](tape, torch.empty(x.dims))
    theirs = sorted(trimmed(p.shape) for p in tape.layers.parameters())
    shapes = [trimmed(s) for layer in ours.layers for s in layer.weights.values()]
    assert sorted(shapes) == theirs
    assert ours.totals.params == sum(map(prod, theirs))
    assert counter.get_total_flops() == ours.totals.flops
    assert [tuple(output.shape)] == [shape.dims for shape in ours.outputs.values()]
