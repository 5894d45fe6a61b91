"""Convolution, pooling and transposed convolution against PyTorch, combination by combination.

What PyTorch cannot say is turned into what it can: ``half``, ``causal`` and ``same`` with a stride
above 1 into numbers, padding per side into a padding layer. test_torch_differences.py lists
where the two differ on purpose.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from itertools import product
from typing import Any

import oracle
import pytest
import torch
from against import Case, agreed, per_rank
from torch import nn
from torch.nn import functional

CONVOLUTIONS = (nn.Conv1d, nn.Conv2d, nn.Conv3d)
TRANSPOSED = (nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d)
MAX_POOLS = (nn.MaxPool1d, nn.MaxPool2d, nn.MaxPool3d)
AVG_POOLS = (nn.AvgPool1d, nn.AvgPool2d, nn.AvgPool3d)
ADAPTIVE = {
    "adaptive_avg_pool": (nn.AdaptiveAvgPool1d, nn.AdaptiveAvgPool2d, nn.AdaptiveAvgPool3d),
    "adaptive_max_pool": (nn.AdaptiveMaxPool1d, nn.AdaptiveMaxPool2d, nn.AdaptiveMaxPool3d),
}


def drawn(rng: random.Random, rank: int, low: int, high: int) -> list[int]:
    """One number per axis."""
    return [rng.randint(low, high) for _ in range(rank)]


# --- convolution -----------------------------------------------------------------------------


def conv_case(rng: random.Random, rank: int, module: Any, sizes: list[int]) -> Case:
    """A convolution with everything at random; often refused."""
    groups = rng.choice((1, 1, 1, 2, 3))
    channels = groups * rng.randint(1, 3) + rng.choice((0, 0, 0, 0, 1))
    fields = {
        "out_channels": groups * rng.randint(1, 3) + rng.choice((0, 0, 0, 0, 1)),
        "kernel_size": drawn(rng, rank, 1, 4),
        "stride": drawn(rng, rank, 1, 3),
        "padding": drawn(rng, rank, 0, 2),
        "dilation": drawn(rng, rank, 1, 2),
        "groups": groups,
        "bias": rng.random() < 0.5,
        "padding_mode": rng.choice(("zeros", "zeros", "reflect", "replicate", "circular")),
    }
    size = (rng.randint(1, 2), channels, *sizes)
    return Case("conv", fields, (size,), lambda: module(channels, **fields))


def test_convolution_on_one_axis_exhaustively() -> None:
    def cases() -> Iterator[Case]:
        for k, s, p, d in product(range(1, 6), range(1, 4), range(4), range(1, 4)):
            fields = {"out_channels": 1, "kernel_size": k, "stride": s, "padding": p, "dilation": d}
            module = nn.Conv1d(1, **fields)
            for n in range(1, 10):
                yield Case("conv", fields, ((1, 1, n),), lambda made=module: made)

    agreed(cases(), working=1100, refused=300)


@pytest.mark.parametrize(("rank", "module"), per_rank(CONVOLUTIONS))
def test_convolution_at_random(rank: int, module: Any) -> None:
    rng = random.Random(rank)
    cases = [conv_case(rng, rank, module, drawn(rng, rank, 2, 7)) for _ in range(2000)]
    agreed(cases, working=500, refused=200)


@pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel lengths")
def test_convolution_with_padding_in_words() -> None:
    def cases() -> Iterator[Case]:
        for k, d, n in product(range(1, 6), range(1, 4), range(1, 10)):
            for word in ("valid", "same"):
                fields = {"out_channels": 2, "kernel_size": k, "dilation": d, "padding": word}
                yield Case("conv", fields, ((1, 3, n),), lambda f=fields: nn.Conv1d(3, **f))
                wide = {**fields, "kernel_size": [k, 2], "dilation": [d, 1]}
                yield Case("conv", wide, ((1, 3, n, 4),), lambda f=wide: nn.Conv2d(3, **f))

    agreed(cases(), working=400, refused=20)


def sides_of(word: str, n: int, k: int, s: int, d: int) -> oracle.Sides:
    """The numbers behind a word, by the oracle."""
    if word == "same":
        return oracle.same_sides(n, k, s, d)
    return oracle.half_sides(k, d) if word == "half" else oracle.causal_sides(k, s, d)


def test_convolution_with_words_that_pytorch_lacks_is_one_on_a_padded_input() -> None:
    def cases() -> Iterator[Case]:
        for word in ("same", "half", "causal"):
            for n, k, s, d in product(range(1, 9), range(1, 5), range(1, 4), range(1, 3)):
                plain = {"out_channels": 1, "kernel_size": k, "stride": s, "dilation": d}
                conv = nn.Conv1d(1, **plain)
                sides = sides_of(word, n, k, s, d)
                module = nn.Sequential(nn.ConstantPad1d(sides, 0), conv)
                yield Case("conv", {**plain, "padding": word}, ((1, 1, n),), lambda m=module: m)

    unnamed = (named_as_one(case) for case in cases())
    agreed(unnamed, working=550)


def test_convolution_with_padding_per_side_is_one_on_a_padded_input() -> None:
    def cases() -> Iterator[Case]:
        for n, k, s, before, after in product(range(1, 6), (1, 2, 3), (1, 2), range(3), range(3)):
            plain = {"out_channels": 1, "kernel_size": [k, 2], "stride": s}
            padded = nn.ZeroPad2d((1, 0, before, after))
            module = nn.Sequential(padded, nn.Conv2d(1, **plain))
            fields = {**plain, "padding": [[before, after], [1, 0]]}
            yield Case("conv", fields, ((1, 1, n, 3),), lambda m=module: m)

    agreed((named_as_one(case) for case in cases()), working=200, refused=10)


class Named(nn.Module):
    """A sequence whose last module alone has weights, under that module's names."""

    def __init__(self, sequence: nn.Sequential) -> None:
        super().__init__()
        self._parameters.update(sequence[-1]._parameters)
        self.run = [sequence]  # in a list it is no child

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.run[0](x)


def named_as_one(case: Case) -> Case:
    """The case with a padding and a layer as one module."""
    return case._replace(theirs=lambda: Named(case.theirs()))


def test_depthwise_and_pointwise_convolutions_are_grouped_and_plain_ones() -> None:
    def cases() -> Iterator[Case]:
        for c, m, k, s in product((1, 2, 5), (1, 2), (1, 2, 3), (1, 2)):
            size = ((2, c, 6, 5),)
            window = {"kernel_size": k, "stride": s}
            depthwise = {"depth_multiplier": m, **window}
            yield Case(
                "depthwise_conv",
                depthwise,
                size,
                lambda c=c, m=m, w=window: nn.Conv2d(c, c * m, groups=c, **w),
            )
            pointwise = {"out_channels": m, "stride": s}
            yield Case(
                "pointwise_conv",
                pointwise,
                size,
                lambda c=c, m=m, s=s: nn.Conv2d(c, m, 1, stride=s),
            )

    agreed(cases(), working=72)


def parts(**modules: nn.Module) -> nn.Sequential:
    """Modules in a row under the names of convcalc's parts."""
    sequence = nn.Sequential()
    for name, module in modules.items():
        sequence.add_module(name, module)
    return sequence


def test_separable_convolutions_are_their_parts_in_a_row() -> None:
    def separable(c: int, out: int, m: int, **window: Any) -> nn.Sequential:
        depthwise = nn.Conv2d(c, c * m, groups=c, **window)
        return parts(depthwise=depthwise, pointwise=nn.Conv2d(c * m, out, 1))

    def spatially(c: int, out: int, m: int, k: list[int], s: list[int]) -> nn.Sequential:
        height = nn.Conv2d(c, m, (k[0], 1), stride=(s[0], 1))
        return parts(height=height, width=nn.Conv2d(m, out, (1, k[1]), stride=(1, s[1])))

    def cases() -> Iterator[Case]:
        for c, out, m, k, s in product((1, 3), (2, 4), (1, 2), (1, 2, 3), (1, 2)):
            window = {"kernel_size": [k, 2], "stride": [1, s]}
            size = ((2, c, 5, 4),)
            fields = {"out_channels": out, "depth_multiplier": m, **window}
            given = (c, out, m)
            yield Case("separable_conv", fields, size, lambda g=given, w=window: separable(*g, **w))
            fields = {"out_channels": out, "mid_channels": m, **window}
            yield Case(
                "spatially_separable_conv",
                fields,
                size,
                lambda g=given, k=k, s=s: spatially(*g, [k, 2], [1, s]),
            )

    agreed(cases(), working=96)


# --- transposed convolution ------------------------------------------------------------------


def test_transposed_convolution_on_one_axis_exhaustively() -> None:
    def cases() -> Iterator[Case]:
        grid = product(range(1, 5), range(1, 4), range(3), range(1, 4), range(4))
        for k, s, p, d, more in grid:
            fields = {
                "out_channels": 1,
                "kernel_size": k,
                "stride": s,
                "padding": p,
                "dilation": d,
                "output_padding": more,
            }
            for n in range(1, 6):
                yield Case(
                    "conv_transpose",
                    fields,
                    ((1, 1, n),),
                    lambda f=fields: nn.ConvTranspose1d(1, **f),
                )

    agreed(cases(), working=1200, refused=700)


@pytest.mark.parametrize(("rank", "module"), per_rank(TRANSPOSED))
def test_transposed_convolution_at_random(rank: int, module: Any) -> None:
    rng = random.Random(rank)

    def case() -> Case:
        groups = rng.choice((1, 1, 2, 3))
        channels = groups * rng.randint(1, 3) + rng.choice((0, 0, 0, 0, 1))
        fields = {
            "out_channels": groups * rng.randint(1, 3) + rng.choice((0, 0, 0, 0, 1)),
            "kernel_size": drawn(rng, rank, 1, 4),
            "stride": drawn(rng, rank, 1, 3),
            "padding": drawn(rng, rank, 0, 2),
            "output_padding": drawn(rng, rank, 0, 2),
            "dilation": drawn(rng, rank, 1, 3),
            "groups": groups,
            "bias": rng.random() < 0.5,
        }
        size = (rng.randint(1, 2), channels, *drawn(rng, rank, 1, 5))
        return Case("conv_transpose", fields, (size,), lambda: module(channels, **fields))

    agreed([case() for _ in range(1500)], working=100, refused=500)


# --- pooling -----------------------------------------------------------------------------------


@pytest.mark.parametrize("ceil_mode", [False, True])
def test_pooling_on_one_axis_exhaustively(ceil_mode: bool) -> None:
    def cases() -> Iterator[Case]:
        for k, s, p, d in product(range(1, 6), range(1, 6), range(4), range(1, 4)):
            fields = {"kernel_size": k, "stride": s, "padding": p, "ceil_mode": ceil_mode}
            for n in range(1, 12):
                size = ((1, 1, n),)
                dilated = {**fields, "dilation": d}
                yield Case("max_pool", dilated, size, lambda f=dilated: nn.MaxPool1d(**f))
                if d == 1:
                    yield Case("avg_pool", fields, size, lambda f=fields: nn.AvgPool1d(**f))

    agreed(cases(), working=1500, refused=1000)


@pytest.mark.parametrize("rank", [1, 2, 3])
def test_pooling_at_random(rank: int) -> None:
    rng = random.Random(rank)

    def case() -> Case:
        fields: dict[str, Any] = {
            "kernel_size": drawn(rng, rank, 1, 4),
            "padding": drawn(rng, rank, 0, 2),
            "ceil_mode": rng.random() < 0.5,
        }
        if rng.random() < 0.7:
            fields["stride"] = drawn(rng, rank, 1, 4)
        size = ((rng.randint(1, 2), rng.randint(1, 3), *drawn(rng, rank, 2, 9)),)
        if rng.random() < 0.5:
            return Case("avg_pool", fields, size, lambda: AVG_POOLS[rank - 1](**fields))
        fields["dilation"] = drawn(rng, rank, 1, 2)
        return Case("max_pool", fields, size, lambda: MAX_POOLS[rank - 1](**fields))

    agreed([case() for _ in range(2000)], working=300, refused=300)


@pytest.mark.parametrize("name", ADAPTIVE)
def test_adaptive_pooling_gives_the_sizes_asked_for(name: str) -> None:
    one, two, three = ADAPTIVE[name]

    def cases() -> Iterator[Case]:
        for n, m in product(range(1, 9), range(1, 9)):
            grown = {"output_size": [m, None]}
            yield Case(name, {"output_size": m}, ((1, 2, n),), lambda m=m: one(m))
            yield Case(name, grown, ((1, 2, n, 3),), lambda m=m: two((m, None)))
            yield Case(name, {"output_size": m}, ((1, 2, n, 3, 4),), lambda m=m: three(m))

    agreed(cases(), working=192)


def test_adaptive_average_pooling_reads_the_windows_that_pytorch_reads() -> None:
    # Each output is linear in the input, so an identity matrix shows which positions it reads.
    for n, m in product(range(1, 13), range(1, 13)):
        matrix = functional.adaptive_avg_pool1d(torch.eye(n)[:, None, :], m)[:, 0, :]
        reads = [torch.nonzero(matrix[:, y]).flatten().tolist() for y in range(m)]
        assert reads == [oracle.part(y, n, m) for y in range(m)]


def test_global_pooling_is_a_mean_or_a_maximum_over_all_axes() -> None:
    def over(function: Callable[..., torch.Tensor], keepdim: bool) -> Callable[..., torch.Tensor]:
        return lambda x: function(x, dim=tuple(range(2, x.dim())), keepdim=keepdim)

    def cases() -> Iterator[Case]:
        for spatial, keep in product([(5,), (4, 3), (2, 3, 4)], (False, True)):
            size = ((2, 3, *spatial),)
            fields = {"keepdim": keep}
            yield Case("global_avg_pool", fields, size, lambda k=keep: over(torch.mean, k))
            yield Case("global_max_pool", fields, size, lambda k=keep: over(torch.amax, k))

    agreed(cases(), working=12)
