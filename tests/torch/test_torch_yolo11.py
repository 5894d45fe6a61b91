"""YOLO11, layer by layer, as the file that the spec names defines it; maps double as in YOLOv8."""

from __future__ import annotations

from functools import partial
from math import ceil

import pytest
import torch
from sized import Size, at_sizes, report
from test_torch_segmentation import Tape
from test_torch_yolo import Network, Tensor, compare, conv, doubled, sppf
from torch import nn
from torch.nn import functional


def attention(tape: Tape, x: Tensor) -> Tensor:
    """Keys have half the channels of a head's values; a depthwise convolution of these is added."""
    c, heads = x.shape[1], max(1, x.shape[1] // 64)
    parts = tape.conv_bn(x, 2 * c).view(x.shape[0], heads, 2 * c // heads, -1)
    q, k, v = parts.split([c // heads // 2, c // heads // 2, c // heads], 2)
    seen = v @ (q.mT @ k).softmax(-1).mT
    place = tape.norm(tape.conv(v.reshape(x.shape), c, 3, 1, 1, groups=c, bias=False))
    return tape.conv_bn(seen.view(x.shape) + place, c)


def attend(tape: Tape, x: Tensor, n: int) -> Tensor:
    c = x.shape[1]
    kept, y = conv(tape, x, c).chunk(2, 1)
    for _ in range(n):
        y = y + attention(tape, y)
        y = y + tape.conv_bn(conv(tape, y, c), c // 2)
    return conv(tape, torch.cat([kept, y], 1), c)


def depthwise(tape: Tape, x: Tensor) -> Tensor:
    c = x.shape[1]
    return functional.silu(tape.norm(tape.conv(x, c, 3, 1, 1, groups=c, bias=False)))


def yolo11(
    tape: Tape, x: Tensor, depth: float, width: float, most: int, nested: bool
) -> list[Tensor]:
    cv, n = partial(conv, tape), max(1, round(2 * depth))

    def bottleneck(x: Tensor, mid: int) -> Tensor:
        return x + cv(cv(x, mid, 3), x.shape[1], 3)

    def step(x: Tensor, nest: bool) -> Tensor:
        c = x.shape[1]
        if not nest:
            return bottleneck(x, c // 2)
        y = bottleneck(bottleneck(cv(x, c // 2), c // 2), c // 2)
        return cv(torch.cat([y, cv(x, c // 2)], 1), c)

    def block(x: Tensor, c: int, nest: bool = nested, ratio: int = 2) -> Tensor:
        parts = list(cv(x, 2 * (c // ratio)).chunk(2, 1))
        for _ in range(n):
            parts.append(step(parts[-1], nest))
        return cv(torch.cat(parts, 1), c)

    w = [ceil(min(c, most) * width / 8) * 8 for c in (64, 128, 256, 512, 1024)]
    x = block(cv(cv(x, w[0], 3, 2), w[1], 3, 2), w[2], ratio=4)
    c3 = block(cv(x, w[2], 3, 2), w[3], ratio=4)
    c4 = block(cv(c3, w[3], 3, 2), w[3], True)
    deep = attend(tape, sppf(tape, block(cv(c4, w[4], 3, 2), w[4], True)), n)
    up4 = block(torch.cat([doubled(deep), c4], 1), w[3])
    p3 = block(torch.cat([doubled(up4), c3], 1), w[2])
    p4 = block(torch.cat([cv(p3, w[2], 3, 2), up4], 1), w[3])
    p5 = block(torch.cat([cv(p4, w[3], 3, 2), deep], 1), w[4], True)
    mean, outputs = nn.Conv2d(16, 1, 1, bias=False), []
    tape.layers.append(mean)
    for p in (p3, p4, p5):
        y = p
        for _ in range(2):
            y = cv(depthwise(tape, y), max(w[2], 80))
        outputs.append(tape.conv(y, 80))
        mid = max(64, w[2] // 4)
        bins = tape.conv(cv(cv(p, mid, 3), mid, 3), 64).unflatten(1, (4, 16)).flatten(3)
        means = mean(bins.transpose(2, 1).softmax(1))
        outputs.append(means.view(len(p), 4, *p.shape[2:]))
    return outputs


def sized(depth: float, width: float, most: int = 1024, nested: bool = False) -> Network:
    return partial(yolo11, depth=depth, width=width, most=most, nested=nested)


# Parameters stand in ultralytics' file of the network.
NETWORKS: dict[str, tuple[int, Network]] = {
    "yolo11n": (2624080, sized(0.5, 0.25)),
    "yolo11s": (9458752, sized(0.5, 0.5)),
    "yolo11m": (20114688, sized(0.5, 1, 512, True)),
    "yolo11l": (25372160, sized(1, 1, 512, True)),
    "yolo11x": (56966176, sized(1, 1.5, 512, True)),
}


@pytest.mark.parametrize("name", NETWORKS)
def test_a_detector_has_its_published_parameters(name: str) -> None:
    totals = report(name).totals
    assert (totals.params, totals.params - totals.trainable) == (NETWORKS[name][0], 16)


@at_sizes(NETWORKS, [(192, 320), (96, 160)])
def test_a_detector_is_that_of_its_authors(name: str, size: Size) -> None:
    compare(name, size, NETWORKS[name][1])
