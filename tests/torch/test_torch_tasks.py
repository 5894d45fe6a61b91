"""Networks for restoration, speech, key points, centers, point clouds, as their sources say."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from math import prod

import torch
from sized import Size, at_sizes, report
from test_torch_segmentation import Tape, trimmed
from torch import nn
from torch.nn import functional
from torch.utils.flop_counter import FlopCounterMode

Tensor = torch.Tensor
Network = Callable[[Tape, Tensor], list[Tensor]]
relu, pool = functional.relu, functional.max_pool2d


def prelu(tape: Tape, x: Tensor) -> Tensor:
    return tape(nn.PReLU(), x)


def enlarged(tape: Tape, x: Tensor, scale: int) -> Tensor:
    """sanghyun-son/EDSR-PyTorch, src/model/common.py, Upsampler."""
    for factor in (3,) if scale == 3 else (2,) * (scale.bit_length() - 1):
        x = tape.conv(x, factor**2 * x.shape[1], 3, p=1)
        x = functional.pixel_shuffle(x, factor)
    return x


def edsr(tape: Tape, x: Tensor, scale: int, width: int = 256, depth: int = 32) -> list[Tensor]:
    """sanghyun-son/EDSR-PyTorch, src/model/edsr.py."""
    first = x = tape.conv(tape.conv(x, 3), width, 3, p=1)
    for _ in range(depth):
        x = x + tape.conv(relu(tape.conv(x, width, 3, p=1)), width, 3, p=1)
    x = enlarged(tape, first + tape.conv(x, width, 3, p=1), scale)
    return [tape.conv(tape.conv(x, 3, 3, p=1), 3)]


def rcan(tape: Tape, x: Tensor, scale: int) -> list[Tensor]:
    """yulunzhang/RCAN, RCAN_TrainCode/code/model/rcan.py."""
    first = x = tape.conv(tape.conv(x, 3), 64, 3, p=1)
    for _ in range(10):
        start = x
        for _ in range(20):
            y = tape.conv(relu(tape.conv(x, 64, 3, p=1)), 64, 3, p=1)
            mean = functional.adaptive_avg_pool2d(y, 1)
            x = x + y * tape.conv(relu(tape.conv(mean, 4)), 64).sigmoid()
        x = start + tape.conv(x, 64, 3, p=1)
    x = enlarged(tape, first + tape.conv(x, 64, 3, p=1), scale)
    return [tape.conv(tape.conv(x, 3, 3, p=1), 3)]


def srresnet(tape: Tape, x: Tensor) -> list[Tensor]:
    """Ledig et al., arXiv 1609.04802, figure 4."""
    first = x = prelu(tape, tape.conv(x, 64, 9, p=4))
    for _ in range(16):
        y = prelu(tape, tape.norm(tape.conv(x, 64, 3, p=1)))
        x = x + tape.norm(tape.conv(y, 64, 3, p=1))
    x = first + tape.norm(tape.conv(x, 64, 3, p=1))
    for _ in range(2):
        x = prelu(tape, functional.pixel_shuffle(tape.conv(x, 256, 3, p=1), 2))
    return [tape.conv(x, 3, 9, p=4)]


def discriminator(tape: Tape, x: Tensor) -> list[Tensor]:
    """The same figure."""
    x = tape.conv(x, 64, 3, p=1)
    for c, s in ((64, 2), (128, 1), (128, 2), (256, 1), (256, 2), (512, 1), (512, 2)):
        x = tape.norm(tape.conv(x, c, 3, s, 1))
    x = tape(nn.Linear(x[0].numel(), 1024), x.flatten(1))
    return [tape(nn.Linear(1024, 1), x)]


def espcn(tape: Tape, x: Tensor, scale: int) -> list[Tensor]:
    """Shi et al., arXiv 1609.05158, section 3.2."""
    x = tape.conv(tape.conv(x, 64, 5, p=2), 32, 3, p=1)
    return [functional.pixel_shuffle(tape.conv(x, scale**2, 3, p=1), scale)]


def lenet(tape: Tape, x: Tensor) -> list[Tensor]:
    """LeCun et al. (1998), figure 2."""
    for c in (6, 16):
        x = functional.avg_pool2d(tape.conv(x, c, 5), 2)
    x = tape.conv(x, 120, 5).flatten(1)
    return [tape(nn.Linear(84, 10), tape(nn.Linear(x.shape[1], 84), x))]


def conv_tasnet(tape: Tape, x: Tensor) -> list[Tensor]:
    """torchaudio's conv_tasnet_base."""

    def conv(x: Tensor, out: int, k: int = 1, **more: int) -> Tensor:
        return tape(nn.Conv1d(x.shape[1], out, k, **more), x)

    def normed(x: Tensor) -> Tensor:
        return tape(nn.GroupNorm(1, x.shape[1]), prelu(tape, x))

    frames = tape(nn.Conv1d(1, 512, 16, 8, 8, bias=False), x)
    x, total = conv(tape(nn.GroupNorm(1, 512), frames), 128), torch.zeros(())
    for i in range(24):
        d = 2 ** (i % 8)
        y = normed(conv(normed(conv(x, 512)), 512, 3, dilation=d, padding=d, groups=512))
        total = total + conv(y, 128)
        x = x + conv(y, 128) if i < 23 else x
    masks = conv(prelu(tape, total), 1024).sigmoid()
    decoder = nn.ConvTranspose1d(512, 1, 16, 8, 8, bias=False)
    tape.layers.append(decoder)
    return [decoder(mask * frames) for mask in masks.chunk(2, 1)]


def quartznet(tape: Tape, x: Tensor, times: int) -> list[Tensor]:
    """NeMo's QuartzNet, of separable convolutions in time."""

    def pointwise(x: Tensor, out: int) -> Tensor:
        x = tape(nn.Conv1d(x.shape[1], out, 1, bias=False), x)
        return tape(nn.BatchNorm1d(out), x)

    def separable(x: Tensor, out: int, k: int, s: int = 1, d: int = 1) -> Tensor:
        c = x.shape[1]
        x = tape(nn.Conv1d(c, c, k, s, d * (k // 2), d, groups=c, bias=False), x)
        return pointwise(x, out)

    x = relu(separable(x, 256, 33, 2))
    for c, k in ((256, 33), (256, 39), (512, 51), (512, 63), (512, 75)):
        for _ in range(times):
            y = x
            for i in range(5):
                y = separable(y, c, k)
                y = relu(y) if i < 4 else y
            x = relu(y + pointwise(x, c))
    x = relu(pointwise(relu(separable(x, 512, 87, d=2)), 1024))
    return [tape(nn.Conv1d(1024, 29, 1), x)]


def hourglass(tape: Tape, x: Tensor, stacks: int) -> list[Tensor]:
    """princeton-vl/pytorch_stacked_hourglass, without the shortcuts that never run."""

    def residual(x: Tensor, c: int) -> Tensor:
        y = x
        for out, k in ((c // 2, 1), (c // 2, 3), (c, 1)):
            y = tape.conv(relu(tape.norm(y)), out, k, p=k // 2)
        return y + (x if x.shape == y.shape else tape.conv(x, c))

    def level(x: Tensor, n: int) -> Tensor:
        side, y = residual(x, 256), residual(pool(x, 2), 256)
        y = level(y, n - 1) if n > 1 else residual(y, 256)
        return side + functional.interpolate(residual(y, 256), scale_factor=2)

    x = residual(relu(tape.norm(tape.conv(x, 64, 7, 2, 3))), 128)
    x = residual(residual(pool(x, 2), 128), 256)
    for i in range(stacks):
        y = relu(tape.norm(tape.conv(residual(level(x, 4), 256), 256)))
        heat = tape.conv(y, 16)
        if i < stacks - 1:
            x = x + tape.conv(heat, 256) + tape.conv(y, 256)
    return [heat]


def centernet(tape: Tape, x: Tensor) -> list[Tensor]:
    """xingyizhou/CenterNet, src/lib/models/networks/pose_dla_dcn.py, dla_34.

    A deformable convolution is its offsets and a plain one, and a factor per tap, which comes
    beside the result.
    """
    factors = []

    def block(x: Tensor, c: int, s: int = 1) -> Tensor:
        y = tape.conv_bn(relu(tape.conv_bn(x, c, 3, s)), c, 3)
        x = pool(x, s, s) if s > 1 else x
        return relu(y + (x if x.shape == y.shape else tape.conv_bn(x, c)))

    def tree(x: Tensor, c: int, s: int, root: tuple[Tensor, ...] = ()) -> Tensor:
        one = block(x, c, s)
        two = block(one, c)
        return relu(tape.conv_bn(torch.cat([two, one, *root], 1), c))

    def trees(x: Tensor, c: int) -> Tensor:
        bottom = pool(x, 2, 2)
        tape.conv_bn(bottom, c)
        left = tree(x, c, 2)
        return tree(left, c, 1, (bottom, left))

    def deform(x: Tensor, c: int) -> Tensor:
        tape.conv(x, 27, 3, p=1)
        factors.append(9 * x.numel())
        return relu(tape.norm(tape.conv(x, c, 3, p=1)))

    def join(deep: Tensor, fine: Tensor, c: int, f: int = 2) -> Tensor:
        up = nn.ConvTranspose2d(c, c, 2 * f, f, f // 2, groups=c, bias=False)
        return deform(tape(up, deform(deep, c)) + fine, c)

    for c, k, s in ((16, 7, 1), (16, 3, 1), (32, 3, 2)):
        x = relu(tape.conv_bn(x, c, k, s))
    x2 = tree(x, 64, 2)
    x3 = trees(x2, 128)
    x4 = trees(x3, 256)
    x5 = tree(x4, 512, 2, (pool(x4, 2, 2),))
    a5 = join(x5, x4, 256)
    b4 = join(x4, x3, 128)
    b5 = join(a5, b4, 128)
    c5 = join(b5, join(b4, join(x3, x2, 64), 64), 64)
    maps = join(a5, join(b5, c5, 64), 64, 4)
    heads = [tape.conv(relu(tape.conv(maps, 256, 3, p=1)), out) for out in (80, 2, 2)]
    tape.factors = sum(factors)  # type: ignore[attr-defined]
    return heads


def pointpillars(
    tape: Tape, x: Tensor, grid: tuple[int, int], widths: tuple[int, ...], first: int, classes: int
) -> list[Tensor]:
    """open-mmlab/OpenPCDet: PillarVFE, PointPillarScatter, BaseBEVBackbone, AnchorHeadSingle."""
    x = x[0].permute(1, 2, 0)  # pillars, points, features
    for i, c in enumerate(widths):
        x = tape(nn.Linear(x.shape[2], c, bias=False), x)
        x = relu(tape(nn.BatchNorm1d(c), x.transpose(1, 2)).transpose(1, 2))
        most = x.amax(1, keepdim=True)
        x = torch.cat([x, most.expand_as(x)], 2) if i < len(widths) - 1 else most
    x, maps = x.new_zeros(1, 64, *grid), []
    for c, n, s, f in ((64, 3, first, 1), (128, 5, 2, 2), (256, 5, 2, 4)):
        for i in range(n + 1):
            x = relu(tape.conv_bn(x, c, 3, 1 if i else s))
        maps.append(relu(tape.norm(tape(nn.ConvTranspose2d(c, 128, f, f, bias=False), x))))
    x, anchors = torch.cat(maps, 1), 2 * classes
    return [tape.conv(x, anchors * n) for n in (classes, 7, 2)]


KITTI = partial(pointpillars, grid=(496, 432), widths=(64,), first=2)
WAYMO = partial(pointpillars, grid=(468, 468), widths=(32, 64), first=1)
NETWORKS: dict[str, Network] = {
    **{f"edsr_x{n}": partial(edsr, scale=n) for n in (2, 3, 4)},
    **{f"edsr_baseline_x{n}": partial(edsr, scale=n, width=64, depth=16) for n in (2, 3, 4)},
    **{f"rcan_x{n}": partial(rcan, scale=n) for n in (2, 3, 4, 8)},
    **{f"espcn_x{n}": partial(espcn, scale=n) for n in (2, 3, 4)},
    "srresnet_x4": srresnet,
    "lenet5": lenet,
    "conv_tasnet": conv_tasnet,
    "quartznet_5x5": partial(quartznet, times=1),
    "quartznet_10x5": partial(quartznet, times=2),
    "quartznet_15x5": partial(quartznet, times=3),
}
# Linear layers or a grid fix the size of some; the maps of the others halve and double.
FIXED: dict[str, Network] = {
    "srgan_discriminator": discriminator,
    "pointpillars": partial(KITTI, classes=3),
    "pointpillars_car": partial(KITTI, classes=1),
    "pointpillars_waymo": partial(WAYMO, classes=3),
}
WHOLE: dict[str, Network] = {
    "hourglass_2": partial(hourglass, stacks=2),
    "hourglass_8": partial(hourglass, stacks=8),
    "centernet_dla34": centernet,
}
ALL = {**NETWORKS, **FIXED, **WHOLE}


@at_sizes([name for name in NETWORKS if name != "lenet5"], [(75, 101), (48, 62)])
def test_a_network_is_that_of_its_authors(name: str, size: Size) -> None:
    compare(name, size)


@at_sizes(["lenet5", *FIXED], ())
def test_a_network_of_a_fixed_size_is_that_of_its_authors(name: str, size: Size) -> None:
    compare(name, size)


@at_sizes(WHOLE, [(128, 192), (64, 256)])
def test_a_network_of_whole_factors_is_that_of_its_authors(name: str, size: Size) -> None:
    compare(name, size)


def compare(name: str, size: Size) -> None:
    ours = report(name, size)
    (x,) = ours.inputs.values()
    tape = Tape()
    with torch.device("meta"), FlopCounterMode(display=False) as counter, torch.no_grad():
        outputs = ALL[name](tape, torch.empty(x.dims))
    theirs = sorted(trimmed(p.shape) for p in tape.layers.parameters())
    layers = [layer for layer in ours.layers if not layer.shares]
    assert sorted(trimmed(s) for layer in layers for s in layer.weights.values()) == theirs
    assert ours.totals.params == sum(map(prod, theirs))
    factors = getattr(tape, "factors", 0)
    assert counter.get_total_flops() == ours.totals.flops - 2 * factors
    assert [tuple(x.shape) for x in outputs] == [shape.dims for shape in ours.outputs.values()]
