"""MACs against ``torch.utils.flop_counter``, which counts two operations per MAC."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import torch
from against import Case, analysed
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from convcalc.model.operators.contract import WEIGHTS, Analysis


def macs(analysis: Analysis) -> int:
    """Multiply-accumulates with weights."""
    return sum(term.amount for term in analysis.terms if term.kind == WEIGHTS)


def differences(cases: Iterator[Case], at_least: int) -> list[str]:
    """The cases where PyTorch's counter disagrees; at least so many must be comparable."""
    found, compared = [], 0
    with FlopCounterMode(display=False) as counter, torch.no_grad(), torch.device("meta"):
        for case in cases:
            ours = analysed(case)
            if isinstance(ours, str):
                continue
            before = counter.get_total_flops()
            case.theirs()(*(torch.empty(size) for size in case.sizes))
            theirs = counter.get_total_flops() - before
            compared += 1
            if 2 * macs(ours) != theirs:
                found.append(f"{case[:3]}: {2 * macs(ours)}, torch: {theirs}")
    assert compared >= at_least, compared
    return found


def windows(rng: random.Random, rank: int) -> tuple[int, int, dict[str, Any]]:
    """Channels in, groups, and the fields of a grouped, anisotropic window."""

    def draw(low: int, high: int) -> list[int]:
        return [rng.randint(low, high) for _ in range(rank)]

    groups = rng.choice((1, 1, 2, 4))
    fields = {
        "out_channels": groups * rng.randint(1, 8),
        "kernel_size": draw(1, 4),
        "stride": draw(1, 3),
        "padding": draw(0, 2),
        "dilation": draw(1, 2),
        "groups": groups,
        "bias": rng.random() < 0.5,
    }
    return groups * rng.randint(1, 8), groups, fields


@pytest.mark.parametrize(
    ("rank", "module"), list(zip((1, 2, 3), (nn.Conv1d, nn.Conv2d, nn.Conv3d), strict=True))
)
def test_convolutions_multiply_as_often_as_pytorch_counts(
    rank: int, module: Callable[..., nn.Module]
) -> None:
    rng = random.Random(rank)

    def cases() -> Iterator[Case]:
        for _ in range(500):
            channels, _, fields = windows(rng, rank)
            size = (rng.randint(1, 3), channels, *(rng.randint(2, 12) for _ in range(rank)))
            yield Case("conv", fields, (size,), lambda c=channels, f=fields: module(c, **f))

    assert differences(cases(), 400)[:5] == []


@pytest.mark.parametrize(
    ("rank", "module"),
    list(
        zip(
            (1, 2, 3),
            (nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d),
            strict=True,
        )
    ),
)
def test_transposed_convolutions_multiply_as_often_as_pytorch_counts(
    rank: int, module: Callable[..., nn.Module]
) -> None:
    rng = random.Random(rank)

    def cases() -> Iterator[Case]:
        for _ in range(500):
            channels, _, fields = windows(rng, rank)
            size = (rng.randint(1, 3), channels, *(rng.randint(2, 8) for _ in range(rank)))
            yield Case(
                "conv_transpose", fields, (size,), lambda c=channels, f=fields: module(c, **f)
            )

    assert differences(cases(), 400)[:5] == []


def test_linear_layers_multiply_as_often_as_pytorch_counts() -> None:
    rng = random.Random(0)

    def everywhere(c: int, out: int, bias: bool) -> Callable[..., torch.Tensor]:
        linear = nn.Linear(c, out, bias=bias)
        return lambda x: linear(x.movedim(1, -1))

    def cases() -> Iterator[Case]:
        for _ in range(300):
            c, out, bias = rng.randint(1, 30), rng.randint(1, 30), rng.random() < 0.5
            size = (rng.randint(1, 4), c, *(rng.randint(1, 5) for _ in range(rng.randint(0, 3))))
            fields = {"out_channels": out, "bias": bias}
            yield Case("linear", fields, (size,), lambda g=(c, out, bias): everywhere(*g))

    assert differences(cases(), 300)[:5] == []


def test_separable_convolutions_multiply_as_often_as_their_parts() -> None:
    rng = random.Random(0)

    def parts(c: int, out: int, k: int, s: int) -> nn.Module:
        depthwise = nn.Conv2d(c, c, k, stride=s, groups=c)
        return nn.Sequential(depthwise, nn.Conv2d(c, out, 1))

    def spatial(c: int, out: int, k: int, s: int) -> nn.Module:
        height = nn.Conv2d(c, out, (k, 1), stride=(s, 1))
        return nn.Sequential(height, nn.Conv2d(out, out, (1, k), stride=(1, s)))

    def cases() -> Iterator[Case]:
        for _ in range(150):
            c, out, k, s = (
                rng.randint(1, 8),
                rng.randint(1, 8),
                rng.randint(1, 3),
                rng.randint(1, 2),
            )
            size = ((rng.randint(1, 2), c, rng.randint(3, 9), rng.randint(3, 9)),)
            fields = {"out_channels": out, "kernel_size": k, "stride": s}
            given = (c, out, k, s)
            yield Case("separable_conv", fields, size, lambda g=given: parts(*g))
            yield Case("spatially_separable_conv", fields, size, lambda g=given: spatial(*g))

    assert differences(cases(), 300)[:5] == []
