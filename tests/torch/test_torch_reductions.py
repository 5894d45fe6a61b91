"""Reductions, functions of elements, fixed filters and rarer poolings, against PyTorch."""

from __future__ import annotations

import random
from collections.abc import Iterator
from itertools import product
from math import prod
from typing import Any

import pytest
import torch
from against import Case, agreed, analysed, per_rank
from deformable import torchvision_ops
from torch import nn
from torch.nn import functional
from torch.utils.flop_counter import FlopCounterMode

from convcalc.model.operators.contract import Analysis
from convcalc.model.ops.joining.elementwise import BINARY, UNARY

NAMES = {
    0: ("channels",),
    1: ("channels", "length"),
    2: ("channels", "height", "width"),
    3: ("channels", "depth", "height", "width"),
}
CONV: dict[int, Any] = {1: functional.conv1d, 2: functional.conv2d, 3: functional.conv3d}


def test_reductions_have_pytorchs_sizes() -> None:
    functions = {"mean": torch.mean, "max": torch.amax, "min": torch.amin, "sum": torch.sum}

    def cases() -> Iterator[Case]:
        for rank, (mode, function), keep in product(range(4), functions.items(), (True, False)):
            size = (2, 5, *range(2, 2 + rank))
            axes = [(name, [dim]) for dim, name in enumerate(NAMES[rank], 1)]
            if rank:
                axes.append(("positions", list(range(2, rank + 2))))
            for axis, dims in axes:
                if axis != "channels" or keep:
                    yield Case(
                        "reduce",
                        {"axis": axis, "mode": mode, "keepdim": keep},
                        (size,),
                        lambda f=function, d=dims, k=keep: lambda x: f(x, d, keepdim=k),
                    )

    agreed(cases(), working=80)


def test_functions_of_elements_are_pytorchs() -> None:
    rng = random.Random(1)

    def cases() -> Iterator[Case]:
        for _ in range(300):
            rank = rng.randint(0, 3)
            size = (2, *(rng.randint(1, 3) for _ in range(rank + 1)))
            other = tuple(rng.choice([n, n, 1]) for n in size[1:])
            for op in UNARY:
                yield Case("elementwise", {"op": op}, (size,), lambda op=op: getattr(torch, op))
            for op in BINARY:
                yield Case(
                    "elementwise", {"op": op}, (size, (2, *other)), lambda op=op: getattr(torch, op)
                )

    agreed(cases(), working=4000)


class Filtered(nn.Module):
    """A depthwise convolution by a buffer, in padding that mirrors or is zero."""

    def __init__(self, channels: int, kernel: Any, stride: int, filters: int, pads: Any) -> None:
        super().__init__()
        self.register_buffer("filter", torch.zeros(channels * filters, 1, *kernel))
        self.stride, self.channels, self.pads = stride, channels, pads

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        pads, mode = self.pads
        x = functional.pad(x, pads, mode=mode) if any(pads) else x
        convolve = CONV[x.dim() - 2]
        made: torch.Tensor = convolve(x, self.filter, stride=self.stride, groups=self.channels)
        return made


def test_fixed_filters_are_convolutions_by_a_buffer() -> None:
    rng = random.Random(2)

    def cases() -> Iterator[Case]:
        for _ in range(600):
            rank, c, m = rng.randint(1, 3), rng.randint(1, 3), rng.randint(1, 4)
            kernel = [rng.randint(1, 4) for _ in range(rank)]
            s, p = rng.randint(1, 3), rng.randint(0, 2)
            size = (2, c, *(rng.randint(1, 6) for _ in range(rank)))
            yield Case(
                "fixed_conv",
                {"k": kernel, "s": s, "p": p, "filters": m},
                (size,),
                lambda a=(c, kernel, s, m, ([p] * 2 * rank, "constant")): Filtered(*a),
            )
            around = [side for k in reversed(kernel) for side in ((k - 1) // 2, k // 2)]
            yield Case(
                "blur_pool",
                {"k": kernel, "s": s},
                (size,),
                lambda a=(c, kernel, s, 1, (around, "reflect")): Filtered(*a),
            )

    found = list(cases())
    agreed(found, working=500, refused=100)
    for case in found[:200]:
        ours = analysed(case)
        if isinstance(ours, Analysis):
            with FlopCounterMode(display=False) as counter, torch.no_grad():
                case.theirs()(*(torch.zeros(size) for size in case.sizes))
            assert 2 * sum(term.amount for term in ours.terms) == counter.get_total_flops()


@pytest.mark.parametrize("size", [4, 7, 8, 15])
@pytest.mark.parametrize("kernel", [3, 5, 7])
def test_blur_pooling_is_timms(size: int, kernel: int) -> None:
    torchvision_ops()  # which timm imports too
    layers = pytest.importorskip("timm.layers")
    theirs = layers.BlurPool2d(6, filt_size=kernel, stride=2)
    pads = (1 + kernel - 1) // 2
    if pads >= size:
        return
    case = Case("blur_pool", {"k": kernel, "p": pads}, ((2, 6, size, size),), lambda: theirs)
    ours = analysed(case)
    assert isinstance(ours, Analysis)
    assert ours.output.dims == tuple(theirs(torch.zeros(case.sizes[0])).shape)
    assert (ours.weights, ours.stored["filter"]) == ({}, (6, 1, kernel, kernel))
    assert not list(theirs.parameters())


@pytest.mark.parametrize(("rank", "pool"), per_rank((nn.LPPool1d, nn.LPPool2d, nn.LPPool3d)))
def test_power_average_poolings_have_pytorchs_sizes(rank: int, pool: Any) -> None:
    def cases() -> Iterator[Case]:
        for n, k, s, ceil in product(range(1, 7), range(1, 4), (None, 1, 2, 3), (False, True)):
            fields = {"norm_type": 2, "kernel_size": k, "ceil_mode": ceil}
            given = fields if s is None else {**fields, "stride": s}
            yield Case("lp_pool", given, ((2, 3, *[n] * rank),), lambda g=given: pool(**g))

    agreed(cases(), working=90, refused=15)


@pytest.mark.parametrize("rank", [2, 3])
def test_fractional_poolings_have_pytorchs_sizes(rank: int) -> None:
    pool: Any = {2: nn.FractionalMaxPool2d, 3: nn.FractionalMaxPool3d}[rank]

    def cases() -> Iterator[Case]:
        for n, k, m in product(range(2, 8), range(1, 4), range(1, 7)):
            size = ((2, 3, *[n] * rank),)
            yield Case(
                "fractional_max_pool", {"k": k, "output_size": m}, size, lambda a=(k, m): pool(*a)
            )
            ratio = m / 7
            yield Case(
                "fractional_max_pool",
                {"k": k, "output_ratio": ratio},
                size,
                lambda a=(k, None, ratio): pool(*a),
            )

    agreed(cases(), working=80, refused=40)


def test_channels_are_padded_as_by_pytorch() -> None:
    def cases() -> Iterator[Case]:
        for rank, before, after in product(range(1, 4), range(3), range(3)):
            if before + after:
                size = (2, 4, *range(2, 2 + rank))
                pads = [0] * 2 * rank + [before, after]
                yield Case(
                    "pad_channels",
                    {"before": before, "after": after},
                    (size,),
                    lambda p=pads: lambda x: functional.pad(x, p),
                )

    agreed(cases(), working=24)


@pytest.mark.parametrize("rank", [1, 2, 3])
def test_area_is_adaptive_average_pooling(rank: int) -> None:
    def cases() -> Iterator[Case]:
        for n, m in product(range(1, 6), repeat=2):
            size = ((2, 3, *[n] * rank),)
            yield Case(
                "upsample",
                {"size": m, "mode": "area"},
                size,
                lambda m=m: lambda x: functional.interpolate(x, [m] * rank, mode="area"),
            )

    agreed(cases(), working=25)


class RmsNorm(nn.RMSNorm):
    """PyTorch's, over the channels."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return super().forward(x.movedim(1, -1)).movedim(-1, 1)


def test_rms_norms_learn_what_pytorchs_learn() -> None:
    def cases() -> Iterator[Case]:
        for c, rank, affine in product((1, 3, 8), range(4), (True, False)):
            size = ((2, c, *range(2, 2 + rank)),)
            yield Case(
                "rms_norm", {"affine": affine}, size, lambda a=(c, None, affine): RmsNorm(*a)
            )

    agreed(cases(), working=24)


def test_a_channel_of_zeros_depends_on_nothing_and_the_others_on_their_own() -> None:
    case = Case("pad_channels", {"before": 1, "after": 2}, ((1, 3, 4),), lambda: lambda x: x)
    ours = analysed(case)
    assert isinstance(ours, Analysis)
    x = torch.zeros(1, 3, 4, requires_grad=True)
    y = functional.pad(x, (0, 0, 1, 2))
    reads: dict[int, int] = {}
    for channel in range(6):
        gradient = torch.autograd.grad(y[0, channel].sum(), x)[0][0].abs().sum(1).nonzero()
        for found in gradient.flatten():
            reads[channel] = int(found)
    (block,) = ours.channels[0].blocks(3)  # type: ignore[union-attr]
    assert dict(zip(block.outputs, block.inputs, strict=True)) == reads
    assert prod(y.shape) == ours.output.numel
