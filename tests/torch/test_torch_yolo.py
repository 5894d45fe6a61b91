"""YOLOs and CenterNet, whose code is not on PyTorch's shelves, layer by layer.

Written down from what the specs name as their source, on the meta device; the published counts of
parameters stand beside them. Maps double, so that sides are multiples of 32.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from math import ceil, prod

import pytest
import torch
from sized import Size, at_sizes, report
from test_torch_segmentation import Tape, trimmed
from torch import nn
from torch.nn import functional
from torch.utils.flop_counter import FlopCounterMode

Tensor = torch.Tensor
Network = Callable[[Tape, Tensor], list[Tensor]]
leaky, silu, pool = functional.leaky_relu, functional.silu, functional.max_pool2d


def doubled(x: Tensor) -> Tensor:
    return functional.interpolate(x, scale_factor=2)


def yolov3(tape: Tape, x: Tensor) -> list[Tensor]:
    """pjreddie/darknet, cfg/yolov3.cfg."""

    def cbl(x: Tensor, out: int, k: int = 1, s: int = 1) -> Tensor:
        return leaky(tape.conv_bn(x, out, k, s))

    x, maps, outputs = cbl(x, 32, 3), [], []
    for c, n in ((64, 1), (128, 2), (256, 8), (512, 8), (1024, 4)):
        x = cbl(x, c, 3, 2)
        for _ in range(n):
            x = x + cbl(cbl(x, c // 2), c, 3)
        maps.append(x)
    for c, fine in ((512, None), (256, maps[3]), (128, maps[2])):
        if fine is not None:
            x = torch.cat([doubled(cbl(x, c)), fine], 1)
        for _ in range(2):
            x = cbl(cbl(x, c), 2 * c, 3)
        x = cbl(x, c)
        outputs.append(tape.conv(cbl(x, 2 * c, 3), 255))
    return outputs


def yolov3_tiny(tape: Tape, x: Tensor) -> list[Tensor]:
    """pjreddie/darknet, cfg/yolov3-tiny.cfg."""

    def cbl(x: Tensor, out: int, k: int = 1) -> Tensor:
        return leaky(tape.conv_bn(x, out, k))

    for c in (16, 32, 64, 128, 256):
        fine = cbl(x, c, 3)
        x = pool(fine, 2, 2)
    x = pool(functional.pad(cbl(x, 512, 3), (0, 1, 0, 1)), 2, 1)
    neck = cbl(cbl(x, 1024, 3), 256)
    joined = torch.cat([doubled(cbl(neck, 128)), fine], 1)
    return [tape.conv(cbl(neck, 512, 3), 255), tape.conv(cbl(joined, 256, 3), 255)]


def conv(tape: Tape, x: Tensor, out: int, k: int = 1, s: int = 1) -> Tensor:
    return silu(tape.conv_bn(x, out, k, s))


def sppf(tape: Tape, x: Tensor) -> Tensor:
    parts = [conv(tape, x, x.shape[1] // 2)]
    for _ in range(3):
        parts.append(pool(parts[-1], 5, 1, 2))
    return conv(tape, torch.cat(parts, 1), x.shape[1])


def yolov5(tape: Tape, x: Tensor, depth: float, width: float) -> list[Tensor]:
    """Version 6: a cross-stage partial block is half of the channels beside n bottlenecks."""
    cv = partial(conv, tape)

    def partial_stage(x: Tensor, c: int, n: int, add: bool) -> Tensor:
        y, side = cv(x, c // 2), cv(x, c // 2)
        for _ in range(max(1, round(n * depth))):
            z = cv(cv(y, c // 2), c // 2, 3)
            y = y + z if add else z
        return cv(torch.cat([y, side], 1), c)

    w = [ceil(c * width / 8) * 8 for c in (64, 128, 256, 512, 1024)]
    x = silu(tape.norm(tape.conv(x, w[0], 6, 2, 2, bias=False)))
    maps = []
    for c, n in zip(w[1:], (3, 6, 9, 3), strict=True):
        x = partial_stage(cv(x, c, 3, 2), c, n, True)
        maps.append(x)
    neck5 = cv(sppf(tape, x), w[3])
    x = partial_stage(torch.cat([doubled(neck5), maps[2]], 1), w[3], 3, False)
    neck4 = cv(x, w[2])
    p3 = partial_stage(torch.cat([doubled(neck4), maps[1]], 1), w[2], 3, False)
    p4 = partial_stage(torch.cat([cv(p3, w[2], 3, 2), neck4], 1), w[3], 3, False)
    p5 = partial_stage(torch.cat([cv(p4, w[3], 3, 2), neck5], 1), w[4], 3, False)
    return [tape.conv(p, 255) for p in (p3, p4, p5)]


def yolov8(tape: Tape, x: Tensor, depth: float, width: float, most: int) -> list[Tensor]:
    """All steps of a block stay; four distances to a box are means of 16 bins."""
    cv = partial(conv, tape)

    def block(x: Tensor, c: int, n: int, add: bool) -> Tensor:
        parts = list(cv(x, c).chunk(2, 1))
        for _ in range(max(1, round(n * depth))):
            y = cv(cv(parts[-1], c // 2, 3), c // 2, 3)
            parts.append(parts[-1] + y if add else y)
        return cv(torch.cat(parts, 1), c)

    w = [ceil(min(c, most) * width / 8) * 8 for c in (64, 128, 256, 512, 1024)]
    x, maps = cv(x, w[0], 3, 2), []
    for c, n in zip(w[1:], (3, 6, 6, 3), strict=True):
        x = block(cv(x, c, 3, 2), c, n, True)
        maps.append(x)
    deep = sppf(tape, x)
    up4 = block(torch.cat([doubled(deep), maps[2]], 1), w[3], 3, False)
    p3 = block(torch.cat([doubled(up4), maps[1]], 1), w[2], 3, False)
    p4 = block(torch.cat([cv(p3, w[2], 3, 2), up4], 1), w[3], 3, False)
    p5 = block(torch.cat([cv(p4, w[3], 3, 2), deep], 1), w[4], 3, False)
    mean, outputs = nn.Conv2d(16, 1, 1, bias=False), []
    tape.layers.append(mean)
    for p in (p3, p4, p5):
        for mid, out in ((max(w[2], 80), 80), (max(64, w[2] // 4), 64)):
            outputs.append(tape.conv(cv(cv(p, mid, 3), mid, 3), out))
        bins = outputs.pop()
        outputs.append(torch.cat([mean(side.softmax(1)) for side in bins.chunk(4, 1)], 1))
    return outputs


# Parameters: Darknet's files of weights less the running statistics; as published models print.
NETWORKS: dict[str, tuple[int, Network]] = {
    "yolov3": (61949149, yolov3),
    "yolov3_tiny": (35434956 // 4 - 5 - 6368, yolov3_tiny),
    "yolov5n": (1872157, partial(yolov5, depth=0.33, width=0.25)),
    "yolov5s": (7235389, partial(yolov5, depth=0.33, width=0.5)),
    "yolov5m": (21190557, partial(yolov5, depth=0.67, width=0.75)),
    "yolov5l": (46563709, partial(yolov5, depth=1, width=1)),
    "yolov5x": (86749405, partial(yolov5, depth=1.33, width=1.25)),
    "yolov8n": (3157200, partial(yolov8, depth=0.33, width=0.25, most=1024)),
    "yolov8s": (11166560, partial(yolov8, depth=0.33, width=0.5, most=1024)),
    "yolov8m": (25902640, partial(yolov8, depth=0.67, width=0.75, most=768)),
    "yolov8l": (43691520, partial(yolov8, depth=1, width=1, most=512)),
    "yolov8x": (68229648, partial(yolov8, depth=1, width=1.25, most=512)),
}


@pytest.mark.parametrize("name", NETWORKS)
def test_a_detector_has_its_published_parameters(name: str) -> None:
    assert report(name).totals.params == NETWORKS[name][0]


@at_sizes(NETWORKS, [(192, 320), (96, 160)])
def test_a_detector_is_that_of_its_authors(name: str, size: Size) -> None:
    compare(name, size, NETWORKS[name][1])


def compare(name: str, size: Size, network: Network) -> None:
    ours = report(name, size)
    (x,) = ours.inputs.values()
    tape = Tape()
    with torch.device("meta"), FlopCounterMode(display=False) as counter, torch.no_grad():
        outputs = network(tape, torch.empty(x.dims))
    theirs = sorted(trimmed(p.shape) for p in tape.layers.parameters())
    layers = [layer for layer in ours.layers if not layer.shares]
    assert sorted(trimmed(s) for layer in layers for s in layer.weights.values()) == theirs
    assert ours.totals.params == sum(map(prod, theirs))
    assert counter.get_total_flops() == ours.totals.flops
    assert [tuple(x.shape) for x in outputs] == [shape.dims for shape in ours.outputs.values()]
