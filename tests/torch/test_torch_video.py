"""Networks for video that torchvision lacks, layer by layer as their sources say."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from math import prod
from typing import Any

import torch
from sized import Size, at_sizes, report
from test_torch_segmentation import Tape, trimmed
from torch import nn
from torch.nn import functional
from torch.utils.flop_counter import FlopCounterMode

Tensor = torch.Tensor
Taps = Sequence[Sequence[int]]
relu = functional.relu


class Video(Tape):
    """Layers over frames, rows and columns."""

    def conv(self, x: Tensor, out: int, k: Any = 1, s: Any = 1, p: Any = 0, **more: Any) -> Tensor:
        return self(nn.Conv3d(x.shape[1], out, k, s, p, **more), x)

    def norm(self, x: Tensor) -> Tensor:
        return self(nn.BatchNorm3d(x.shape[1]), x)

    def plain(self, x: Tensor, out: int, k: tuple[int, int, int], s: Any = 1, g: int = 1) -> Tensor:
        return self.conv(x, out, k, s, tuple(n // 2 for n in k), groups=g, bias=False)


def x3d(tape: Video, x: Tensor, depths: Sequence[int]) -> Tensor:
    """facebookresearch/pytorchvideo, pytorchvideo/models/x3d.py."""

    def block(x: Tensor, c: int, s: int, gate: bool) -> Tensor:
        mid = int(2.25 * c)
        y = relu(tape.norm(tape.plain(x, mid, (1, 1, 1))))
        y = tape.norm(tape.plain(y, mid, (3, 3, 3), (1, s, s), mid))
        if gate:
            few = max(8, int(mid / 16 + 4) // 8 * 8)
            few += 8 * (few < 0.9 * mid / 16)
            mean = y.mean((2, 3, 4), keepdim=True)
            y = y * tape.conv(relu(tape.conv(mean, few)), mid).sigmoid()
        y = tape.norm(tape.plain(functional.silu(y), c, (1, 1, 1)))
        if x.shape[1] != c:
            x = tape.norm(tape.plain(x, c, (1, 1, 1), (1, s, s)))
        elif s > 1:
            x = tape.plain(x, c, (1, 1, 1), (1, s, s))
        return relu(x + y)

    x = tape.plain(tape.plain(x, 24, (1, 3, 3), (1, 2, 2)), 24, (5, 1, 1), g=24)
    x = relu(tape.norm(x))
    for c, n in zip((24, 48, 96, 192), depths, strict=True):
        for i in range(n):
            x = block(x, c, 2 if i == 0 else 1, i % 2 == 0)
    x = relu(tape.norm(tape.plain(x, 432, (1, 1, 1)))).mean((2, 3, 4), keepdim=True)
    x = relu(tape.plain(x, 2048, (1, 1, 1))).flatten(1)
    return tape(nn.Linear(2048, 400), x)


def stem(tape: Video, x: Tensor, c: int, t: int) -> Tensor:
    x = relu(tape.norm(tape.plain(x, c, (t, 7, 7), (1, 2, 2))))
    return functional.max_pool3d(x, (1, 3, 3), (1, 2, 2), (0, 1, 1))


def bottleneck(tape: Video, x: Tensor, c: int, t: int, s: int) -> Tensor:
    y = relu(tape.norm(tape.plain(x, c, (t, 1, 1))))
    y = relu(tape.norm(tape.plain(y, c, (1, 3, 3), (1, s, s))))
    y = tape.norm(tape.plain(y, 4 * c, (1, 1, 1)))
    if x.shape[1] != 4 * c:
        x = tape.norm(tape.plain(x, 4 * c, (1, 1, 1), (1, s, s)))
    return relu(x + y)


def scores(tape: Video, x: Tensor) -> Tensor:
    """Of each position, and their mean."""
    x = tape(nn.Linear(x.shape[1], 400), x.permute(0, 2, 3, 4, 1))
    return x.mean((1, 2, 3))


def slowfast(
    tape: Video, slow: Tensor, fast: Tensor, taps: int, depths: Sequence[int], moving: int
) -> Tensor:
    """facebookresearch/SlowFast, slowfast/models/video_model_builder.py, SlowFast."""
    ratio = fast.shape[2] // slow.shape[2]
    frames = slow.shape[2], fast.shape[2]
    slow, fast = stem(tape, slow, 64, 1), stem(tape, fast, 8, 5)
    for i, n in enumerate(depths):
        side = tape.plain(fast, 2 * fast.shape[1], (taps, 1, 1), (ratio, 1, 1))
        slow = torch.cat([slow, relu(tape.norm(side))], 1)
        for j in range(n):
            c, s = 64 * 2**i, 2 if i and not j else 1
            long = i != 2 or j < moving
            slow = bottleneck(tape, slow, c, 3 if long and i > 1 else 1, s)
            fast = bottleneck(tape, fast, c // 8, 3 if long else 1, s)
    slow = functional.avg_pool3d(slow, (frames[0], 7, 7), 1)
    return scores(tape, torch.cat([slow, functional.avg_pool3d(fast, (frames[1], 7, 7), 1)], 1))


def slow(tape: Video, x: Tensor, first: int, taps: Taps, halved: bool) -> Tensor:
    """facebookresearch/pytorchvideo, pytorchvideo/models/hub/resnet.py."""
    x = stem(tape, x, 64, first)
    for i, n in enumerate((3, 4, 6, 3)):
        for j in range(n):
            s = 2 if i and not j else 1
            x = bottleneck(tape, x, 64 * 2**i, taps[i][j % len(taps[i])], s)
        if halved and not i:
            x = functional.max_pool3d(x, (2, 1, 1))
    return scores(tape, functional.avg_pool3d(x, (4 if halved else 8, 7, 7), 1))


class Shift(nn.Module):
    """A norm without a scale."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.bias = nn.Parameter(torch.empty(channels))

    def forward(self, x: Tensor) -> Tensor:
        return x + self.bias[:, None, None, None]


def i3d(tape: Video, x: Tensor) -> Tensor:
    """google-deepmind/kinetics-i3d, i3d.py."""

    def padded(x: Tensor, k: Sequence[int], s: Sequence[int]) -> Tensor:
        sides: list[int] = []
        for n, window, step in reversed(list(zip(x.shape[2:], k, s, strict=True))):
            needed = max(0, (-(-n // step) - 1) * step + window - n)
            sides += [needed // 2, needed - needed // 2]
        return functional.pad(x, sides)

    def unit(x: Tensor, out: int, k: int = 1, s: int = 1) -> Tensor:
        x = tape.conv(padded(x, [k] * 3, [s] * 3), out, k, s, bias=False)
        return relu(tape(Shift(out), x))

    def pool(x: Tensor, k: Sequence[int], s: Sequence[int]) -> Tensor:
        return functional.max_pool3d(padded(x, k, s), k, s)

    def mixed(x: Tensor, a: int, b: int, c: int, d: int, e: int, f: int) -> Tensor:
        parts = [unit(x, a), unit(unit(x, b), c, 3), unit(unit(x, d), e, 3)]
        return torch.cat([*parts, unit(pool(x, [3] * 3, [1] * 3), f)], 1)

    x = pool(unit(x, 64, 7, 2), (1, 3, 3), (1, 2, 2))
    x = pool(unit(unit(x, 64), 192, 3), (1, 3, 3), (1, 2, 2))
    x = mixed(mixed(x, 64, 96, 128, 16, 32, 32), 128, 128, 192, 32, 96, 64)
    x = mixed(pool(x, [3] * 3, [2] * 3), 192, 96, 208, 16, 48, 64)
    x = mixed(mixed(x, 160, 112, 224, 24, 64, 64), 128, 128, 256, 24, 64, 64)
    x = mixed(mixed(x, 112, 144, 288, 32, 64, 64), 256, 160, 320, 32, 128, 128)
    x = mixed(pool(x, [2] * 3, [2] * 3), 256, 160, 320, 32, 128, 128)
    x = functional.avg_pool3d(mixed(x, 384, 192, 384, 48, 128, 128), (2, 7, 7), 1)
    return tape.conv(x, 400).mean((2, 3, 4))


R50, R101 = (3, 4, 6, 3), (3, 4, 23, 3)
SIZED: dict[str, Callable[..., Tensor]] = {
    **{name: partial(x3d, depths=(3, 5, 11, 7)) for name in ("x3d_xs", "x3d_s", "x3d_m")},
    "x3d_l": partial(x3d, depths=(5, 10, 25, 15)),
    "i3d_inception_v1": i3d,
    "i3d_inception_v1_flow": i3d,
}
FRAMED: dict[str, Callable[..., Tensor]] = {
    "slow_r50": partial(slow, first=1, taps=([1], [1], [3], [3]), halved=False),
    "c2d_r50": partial(slow, first=1, taps=([1], [1], [1], [1]), halved=True),
    "i3d_r50": partial(slow, first=5, taps=([3], [3, 1], [3, 1], [1, 3]), halved=True),
    "slowfast_4x16_r50": partial(slowfast, taps=5, depths=R50, moving=6),
    "slowfast_8x8_r50": partial(slowfast, taps=7, depths=R50, moving=6),
    "slowfast_8x8_r101": partial(slowfast, taps=5, depths=R101, moving=23),
    "slowfast_16x8_r101_50_50": partial(slowfast, taps=5, depths=R101, moving=6),
}
NETWORKS = {**SIZED, **FRAMED}


@at_sizes(SIZED, [(19, 203, 251), (24, 250, 224)])
def test_a_network_for_video_is_that_of_its_authors(name: str, size: Size) -> None:
    compare(name, size)


@at_sizes(FRAMED, ())
def test_a_network_for_so_many_frames_is_that_of_its_authors(name: str, size: Size) -> None:
    compare(name, size)


def compare(name: str, size: Size) -> None:
    ours = report(name, size)
    tape = Video()
    with torch.device("meta"), FlopCounterMode(display=False) as counter, torch.no_grad():
        output = NETWORKS[name](tape, *(torch.empty(x.dims) for x in ours.inputs.values()))
    theirs = sorted(trimmed(p.shape) for p in tape.layers.parameters())
    assert sorted(trimmed(s) for layer in ours.layers for s in layer.weights.values()) == theirs
    assert ours.totals.params == sum(map(prod, theirs))
    assert counter.get_total_flops() == ours.totals.flops
    assert [tuple(output.shape)] == [shape.dims for shape in ours.outputs.values()]
