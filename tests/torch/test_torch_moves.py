"""Shuffles, unpooling, phases and norms against PyTorch, or against the formula of the paper.

Deliberate differences, which the grids leave out:

- PyTorch shuffles pixels on two axes only, by one factor for both;
- max unpooling in PyTorch takes any positions; here they belong to a named pooling.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from itertools import product
from typing import Any

import pytest
import torch
from against import Case, agreed, per_rank
from small import report_of
from torch import nn
from torch.nn import functional

from convcalc.diagnostics.diagnostic import NetworkError

CONVOLUTIONS = {1: functional.conv1d, 2: functional.conv2d, 3: functional.conv3d}
MAX_POOLS = (nn.MaxPool1d, nn.MaxPool2d, nn.MaxPool3d)
UNPOOLS: dict[int, Any] = {1: nn.MaxUnpool1d, 2: nn.MaxUnpool2d, 3: nn.MaxUnpool3d}


# --- channels and positions --------------------------------------------------------------------


def test_pixels_are_shuffled_in_the_same_sizes() -> None:
    def cases() -> Iterator[Case]:
        for factor, c, h, w in product(range(1, 5), range(1, 19), range(1, 9), (1, 4, 6)):
            size = ((2, c, h, w),)
            yield Case(
                "pixel_shuffle", {"factor": factor}, size, lambda f=factor: nn.PixelShuffle(f)
            )
            yield Case(
                "pixel_unshuffle", {"factor": factor}, size, lambda f=factor: nn.PixelUnshuffle(f)
            )

    agreed(cases(), working=1000, refused=1000)


def test_channels_are_selected_as_by_index_select() -> None:
    rng = random.Random(1)

    def cases() -> Iterator[Case]:
        for _ in range(400):
            indices = [rng.randint(0, 5) for _ in range(rng.randint(0, 6))]
            size = (2, rng.randint(1, 6), *(rng.randint(1, 3) for _ in range(rng.randint(0, 3))))
            yield Case(
                "channel_select",
                {"indices": indices},
                (size,),
                lambda i=indices: lambda x: x.index_select(1, torch.tensor(i, dtype=torch.long)),
            )

    agreed(cases(), working=80, refused=80)


# --- unpooling -----------------------------------------------------------------------------------


@pytest.mark.parametrize(("rank", "pooling"), per_rank(MAX_POOLS))
def test_unpooling_with_positions_gives_pytorchs_sizes(rank: int, pooling: Any) -> None:
    rng = random.Random(rank)
    tried = 0
    for _ in range(400):
        kernel = [rng.randint(1, 4) for _ in range(rank)]
        fields = {
            "kernel_size": kernel,
            "stride": [rng.randint(1, 4) for _ in range(rank)],
            "padding": [rng.randint(0, k // 2) for k in kernel],
            "ceil_mode": rng.random() < 0.5,
        }
        x = torch.randn(2, 3, *(rng.randint(1, 9) for _ in range(rank)))
        try:
            pooled, indices = pooling(**fields, return_indices=True)(x)
        except RuntimeError:
            continue
        window = {key: fields[key] for key in ("kernel_size", "stride", "padding")}
        expected = UNPOOLS[rank](**window)(pooled, indices, output_size=x.shape)
        layers = [
            {"max_pool": fields, "id": "down"},
            {"max_unpool": {"indices": "down", **window}},
        ]
        ours = report_of(layers, x.shape[1:], batch=2).layers[-1]
        assert ours.output.dims == tuple(expected.shape)
        assert ours.facts == {"indices_bytes": indices.numel() * indices.element_size()}
        tried += 1
    assert tried > 150


@pytest.mark.parametrize(("rank", "pooling"), per_rank(MAX_POOLS))
def test_unpooling_takes_back_the_dilated_poolings_that_pytorch_takes_back(
    rank: int, pooling: Any
) -> None:
    rng = random.Random(rank)
    taken, refused = 0, 0
    while min(taken, refused) < 60:
        fields = {
            key: [rng.randint(low, high) for _ in range(rank)]
            for key, low, high in (("kernel_size", 1, 4), ("stride", 1, 5), ("dilation", 1, 3))
        }
        fields["padding"] = [rng.randint(0, k // 2) for k in fields["kernel_size"]]
        x = torch.randn(1, 3, *(rng.randint(1, 12) for _ in range(rank)))
        ceil_mode = rng.random() < 0.5
        try:
            pooled, indices = pooling(**fields, ceil_mode=ceil_mode, return_indices=True)(x)
        except RuntimeError:
            continue
        window = {key: fields[key] for key in ("kernel_size", "stride", "padding")}
        layers = [
            {"max_pool": {**fields, "ceil_mode": ceil_mode}, "id": "down"},
            {"max_unpool": {"indices": "down", **window}},
        ]
        try:
            if -torch.inf in pooled:  # nothing but padding; its index may be that of the next row
                raise ValueError
            expected = UNPOOLS[rank](**window)(pooled, indices, output_size=x.shape)
        except (RuntimeError, ValueError):
            with pytest.raises(
                NetworkError, match=r"dilation [23], which is lost here|reads nothing but padding"
            ):
                report_of(layers, x.shape[1:])
            refused += 1
        else:
            assert report_of(layers, x.shape[1:]).layers[-1].output.dims == tuple(expected.shape)
            taken += 1


def test_unpooling_without_positions_has_pytorchs_sizes_and_bounds() -> None:
    def cases() -> Iterator[Case]:
        for n, k, s, p, size in product(
            (1, 2, 3), range(1, 5), range(1, 4), range(3), (None, *range(1, 13))
        ):
            if 2 * p > k:
                continue
            fields = {"kernel_size": k, "stride": s, "padding": p}
            stated = fields if size is None else {**fields, "output_size": size}
            yield Case(
                "max_unpool",
                stated,
                ((1, 1, n),),
                lambda f=fields, size=size: (
                    lambda x: nn.MaxUnpool1d(**f)(
                        x, torch.zeros_like(x, dtype=torch.long), size and [size]
                    )
                ),
            )

    agreed(cases(), working=250, refused=300)


# --- phases --------------------------------------------------------------------------------------


def dealt(x: torch.Tensor, factor: int) -> torch.Tensor:
    """TensorFlow's space_to_batch by slices, the phases before the batch."""
    rank = x.dim() - 2
    sides = [side for n in reversed(x.shape[2:]) for side in (0, -n % factor)]
    x = functional.pad(x, sides)
    phases = product(range(factor), repeat=rank)
    return torch.cat([x[(..., *(slice(p, None, factor) for p in phase))] for phase in phases])


def gathered(x: torch.Tensor, factor: int, sizes: tuple[int, ...]) -> torch.Tensor:
    """The opposite, cut to ``sizes``."""
    rank = x.dim() - 2
    images = x.chunk(factor**rank)
    whole = x.new_zeros(*images[0].shape[:2], *(n * factor for n in x.shape[2:]))
    for phase, image in zip(product(range(factor), repeat=rank), images, strict=True):
        whole[(..., *(slice(p, None, factor) for p in phase))] = image
    return whole[(..., *(slice(n) for n in sizes))]


@pytest.mark.parametrize("rank", [1, 2, 3])
@pytest.mark.parametrize("d", [1, 2, 3])
def test_a_convolution_of_the_phases_is_the_dilated_one(rank: int, d: int) -> None:
    for n, k in product(range(1, 8), (1, 3)):
        x = torch.randn(2, 3, *range(n, n + rank)).double()
        weight = torch.randn(4, 3, *[k] * rank).double()
        expected = CONVOLUTIONS[rank](x, weight, padding=d * (k // 2), dilation=d)
        inner = CONVOLUTIONS[rank](dealt(x, d), weight, padding=k // 2)
        torch.testing.assert_close(gathered(inner, d, tuple(x.shape[2:])), expected)

        block = "blocks/dilated_by_space_to_batch.convcalc.yaml"
        layers = [{"b.DilatedBySpaceToBatch": {"out": 4, "k": k, "d": d, "bias": False}}]
        deal, conv, gather = report_of(layers, x.shape[1:], batch=2, imports={"b": block}).layers
        assert deal.output.dims == tuple(dealt(x, d).shape)
        assert conv.output.dims == tuple(inner.shape)
        assert gather.output.dims == tuple(expected.shape)
        assert conv.macs == inner.numel() * weight[0].numel()


# --- norms and scales --------------------------------------------------------------------------


def test_local_response_norm_keeps_the_shape_and_learns_nothing() -> None:
    def cases() -> Iterator[Case]:
        for size, c, spatial in product(range(1, 7), (1, 2, 5), [(3,), (2, 3), (1, 2, 2)]):
            yield Case(
                "local_response_norm",
                {"size": size, "alpha": 1e-3, "beta": 0.5, "k": 2},
                ((2, c, *spatial),),
                lambda s=size: nn.LocalResponseNorm(s, 1e-3, 0.5, 2),
            )

    agreed(cases(), working=54)


@pytest.mark.parametrize("size", [1, 2, 3, 4, 5])
def test_the_windows_of_local_response_norm_are_as_the_manual_says(size: int) -> None:
    x = torch.randn(1, 6, 2).double()
    expected = nn.LocalResponseNorm(size, alpha=0.5, beta=0.75, k=2)(x)
    for c in range(6):
        near = [i for i in range(c - size // 2, c + (size - 1) // 2 + 1) if 0 <= i < 6]
        energy = sum(x[:, i] ** 2 for i in near)
        torch.testing.assert_close(expected[:, c], x[:, c] / (2 + 0.5 / size * energy) ** 0.75)


class GlobalResponseNorm(nn.Module):
    """From the formula of ConvNeXt V2, section 3."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(channels))
        self.bias = nn.Parameter(torch.zeros(channels))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        axes = tuple(range(2, x.dim()))
        energy = x.square().sum(axes, keepdim=True).sqrt()
        share = energy / (energy.mean(1, keepdim=True) + 1e-6)
        scale, shift = (w.reshape(1, -1, *[1] * len(axes)) for w in (self.weight, self.bias))
        return scale * (x * share) + shift + x


class LayerScale(nn.Module):
    """From equation 4 of "Going deeper with image transformers"."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.full((channels,), 1e-6))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x * self.weight.reshape(1, -1, *[1] * (x.dim() - 2))


def test_global_response_norm_and_layer_scale_learn_what_their_papers_say() -> None:
    def cases() -> Iterator[Case]:
        for c, spatial in product((1, 3, 8), [(3,), (2, 3), (1, 2, 2)]):
            size = ((2, c, *spatial),)
            yield Case("global_response_norm", {}, size, lambda c=c: GlobalResponseNorm(c))
            yield Case("layer_scale", {}, size, lambda c=c: LayerScale(c))
        yield Case("layer_scale", {}, ((2, 5),), lambda: LayerScale(5))

    agreed(cases(), working=19)
