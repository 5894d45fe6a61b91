"""EfficientDet, layer by layer, as the definition that the spec names has it."""

from __future__ import annotations

from functools import partial
from math import ceil

import pytest
import torch
from sized import Size, at_sizes, report
from test_torch_segmentation import Tape
from test_torch_yolo import Network, Tensor, compare
from torch import nn
from torch.nn import functional

silu = functional.silu


def same(x: Tensor, k: int, s: int, value: float = 0.0) -> Tensor:
    """TensorFlow's padding: as many windows as strides begin, the odd row after."""
    height, width = (max((ceil(n / s) - 1) * s + k - n, 0) for n in x.shape[2:])
    sides = (width // 2, width - width // 2, height // 2, height - height // 2)
    return functional.pad(x, sides, value=value)


def halved(x: Tensor) -> Tensor:
    return functional.max_pool2d(same(x, 3, 2, -torch.inf), 3, 2)


def depthwise(tape: Tape, x: Tensor, k: int, s: int = 1) -> Tensor:
    return tape.conv(same(x, k, s), x.shape[1], k, s, groups=x.shape[1], bias=False)


def mbconv(tape: Tape, x: Tensor, t: int, c: int, k: int, s: int) -> Tensor:
    y = silu(tape.conv_bn(x, x.shape[1] * t)) if t > 1 else x
    y = silu(tape.norm(depthwise(tape, y, k, s)))
    gate = tape.conv(silu(tape.conv(y.mean((2, 3), True), x.shape[1] // 4)), y.shape[1])
    y = tape.conv_bn(y * gate.sigmoid(), c)
    return x + y if x.shape == y.shape else y


def rounded(c: float) -> int:
    """EfficientNet's: the nearest multiple of 8 that is not 10 % less."""
    near = max(8, int(c + 4) // 8 * 8)
    return near if near >= 0.9 * c else near + 8


def backbone(tape: Tape, x: Tensor, width: float, depth: float) -> list[Tensor]:
    x = silu(tape.norm(tape.conv(same(x, 3, 2), rounded(32 * width), 3, 2, bias=False)))
    maps = []
    for t, c, n, k, s in (
        (1, 16, 1, 3, 1),
        (6, 24, 2, 3, 2),
        (6, 40, 2, 5, 2),
        (6, 80, 3, 3, 2),
        (6, 112, 3, 5, 1),
        (6, 192, 4, 5, 2),
        (6, 320, 1, 3, 1),
    ):
        for i in range(ceil(n * depth)):
            x = mbconv(tape, x, t, rounded(c * width), k, 1 if i else s)
        maps.append(x)
    return [maps[2], maps[4], maps[6]]


class Fusion(nn.Module):
    def __init__(self, n: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(n))

    def forward(self, maps: list[Tensor]) -> Tensor:
        weight = functional.relu(self.weight)
        weight = weight / (weight.sum() + 0.0001)
        return torch.stack([x * w for x, w in zip(maps, weight, strict=True)]).sum(0)


def node(tape: Tape, maps: list[Tensor], weighted: bool) -> Tensor:
    if weighted:
        fusion = Fusion(len(maps))
        tape.layers.append(fusion)
        x = fusion(maps)
    else:
        x = torch.stack(maps).sum(0)
    return tape.norm(tape.conv(depthwise(tape, silu(x), 3), x.shape[1]))


def cell(tape: Tape, maps: list[Tensor], side: list[Tensor], weighted: bool) -> list[Tensor]:
    """``side`` stands for the two middle maps where the way up reads them."""
    mids = [maps[-1]]
    for x in reversed(maps[:-1]):
        large = functional.interpolate(mids[0], x.shape[2:])
        mids.insert(0, node(tape, [x, large], weighted))
    outputs = mids[:1]
    for old, mid in zip((*side, *maps[3:-1]), mids[1:-1], strict=True):
        outputs.append(node(tape, [old, mid, halved(outputs[-1])], weighted))
    return [*outputs, node(tape, [maps[-1], halved(outputs[-1])], weighted)]


def head(tape: Tape, maps: list[Tensor], convs: int, out: int) -> list[Tensor]:
    """The same convolutions at all levels, norms of their own."""
    c, shared = maps[0].shape[1], []
    for i in range(convs + 1):
        first = nn.Conv2d(c, c, 3, padding=1, groups=c, bias=False)
        shared.append(nn.Sequential(first, nn.Conv2d(c, c if i < convs else out, 1)))
    tape.layers.extend(shared)
    outputs = []
    for level in maps:
        x = level
        for layer in shared[:-1]:
            x = silu(tape.norm(layer(x)))
        outputs.append(shared[-1](x))
    return outputs


def efficientdet(
    tape: Tape, x: Tensor, width: float, depth: float, c: int, cells: int, convs: int, tops: int
) -> list[Tensor]:
    p3, p4, p5 = backbone(tape, x, width, depth)
    lateral = partial(tape.conv, out=c)
    high = [halved(tape.norm(lateral(p5)))]
    while len(high) < tops:
        high.append(halved(high[-1]))
    side = [tape.norm(lateral(p)) for p in (p4, p5)]
    maps = [*(tape.norm(lateral(p)) for p in (p3, p4, p5)), *high]
    for _ in range(cells):
        maps = cell(tape, maps, side, weighted=c < 384)
        side = maps[1:3]
    return [*head(tape, maps, convs, 810), *head(tape, maps, convs, 36)]


def sized(width: float, depth: float, c: int, cells: int, convs: int, tops: int = 2) -> Network:
    """``tops`` are the levels above the backbone."""
    return partial(efficientdet, width=width, depth=depth, c=c, cells=cells, convs=convs, tops=tops)


# Millions of parameters: google/automl, efficientdet/README.md.
NETWORKS: dict[str, tuple[float, Network]] = {
    "efficientdet_d0": (3.9, sized(1.0, 1.0, 64, 3, 3)),
    "efficientdet_d1": (6.6, sized(1.0, 1.1, 88, 4, 3)),
    "efficientdet_d2": (8.1, sized(1.1, 1.2, 112, 5, 3)),
    "efficientdet_d3": (12.0, sized(1.2, 1.4, 160, 6, 4)),
    "efficientdet_d4": (20.7, sized(1.4, 1.8, 224, 7, 4)),
    "efficientdet_d5": (33.7, sized(1.6, 2.2, 288, 7, 4)),
    "efficientdet_d6": (51.9, sized(1.8, 2.6, 384, 8, 5)),
    "efficientdet_d7": (51.9, sized(1.8, 2.6, 384, 8, 5)),
    "efficientdet_d7x": (77.1, sized(2.0, 3.1, 384, 8, 5, tops=3)),
}


@pytest.mark.parametrize("name", NETWORKS)
def test_a_detector_has_its_published_parameters(name: str) -> None:
    assert round(report(name).totals.params / 1e6, 1) == NETWORKS[name][0]


@at_sizes(NETWORKS, [(256, 384), (200, 330)])
def test_a_detector_is_that_of_its_authors(name: str, size: Size) -> None:
    compare(name, size, NETWORKS[name][1])
