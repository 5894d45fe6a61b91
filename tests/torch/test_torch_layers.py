"""Norms, activations, moves, linear layers and resizing against PyTorch.

The grids leave out what test_torch_differences.py lists: single values in norms, sizes of 0,
and an ``align_corners`` that ``nearest`` does not take.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from fractions import Fraction
from itertools import product
from typing import Any

import oracle
import pytest
import torch
from against import Case, agreed
from torch import nn
from torch.nn import functional

SPATIAL: list[tuple[int, ...]] = [(), (1,), (5,), (3, 4), (1, 1), (2, 3, 4)]

ACTIVATIONS: dict[str, Callable[[], nn.Module]] = {
    "celu": nn.CELU,
    "dropout": nn.Dropout,
    "elu": nn.ELU,
    "gelu": nn.GELU,
    "hardsigmoid": nn.Hardsigmoid,
    "hardswish": nn.Hardswish,
    "hardtanh": nn.Hardtanh,
    "identity": nn.Identity,
    "leaky_relu": nn.LeakyReLU,
    "log_softmax": lambda: nn.LogSoftmax(1),
    "logsigmoid": nn.LogSigmoid,
    "mish": nn.Mish,
    "prelu": nn.PReLU,
    "relu": nn.ReLU,
    "relu6": nn.ReLU6,
    "selu": nn.SELU,
    "sigmoid": nn.Sigmoid,
    "silu": nn.SiLU,
    "softmax": lambda: nn.Softmax(1),
    "softplus": nn.Softplus,
    "softsign": nn.Softsign,
    "tanh": nn.Tanh,
}


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_activations_keep_the_shape(name: str) -> None:
    sizes = [(batch, c, *spatial) for batch in (1, 2) for c in (1, 3) for spatial in SPATIAL]
    agreed((Case(name, {}, (size,), ACTIVATIONS[name]) for size in sizes), working=24)


def test_prelu_and_glu_follow_the_channels() -> None:
    def cases() -> Iterator[Case]:
        for c, spatial in product(range(1, 7), SPATIAL):
            size = ((2, c, *spatial),)
            yield Case("prelu", {"per_channel": True}, size, lambda c=c: nn.PReLU(c))
            yield Case("glu", {}, size, lambda: nn.GLU(1))

    agreed(cases(), working=54, refused=18)


# --- norms -----------------------------------------------------------------------------------

BATCH_NORMS = {0: nn.BatchNorm1d, 1: nn.BatchNorm1d, 2: nn.BatchNorm2d, 3: nn.BatchNorm3d}
INSTANCE_NORMS = {1: nn.InstanceNorm1d, 2: nn.InstanceNorm2d, 3: nn.InstanceNorm3d}


def test_batch_norm_stores_and_learns_the_same_and_refuses_single_values() -> None:
    def cases() -> Iterator[Case]:
        for spatial, affine, tracked in product(SPATIAL, (True, False), (True, False)):
            fields = {"affine": affine, "track_running_stats": tracked}
            module = BATCH_NORMS[len(spatial)]
            for batch, c in product((1, 2), (1, 4)):
                yield Case(
                    "batch_norm",
                    fields,
                    ((batch, c, *spatial),),
                    lambda c=c, m=module, f=fields: m(c, **f),
                )

    agreed(cases(), working=84, refused=4)


def test_instance_norm_stores_and_learns_the_same_and_refuses_single_positions() -> None:
    def cases() -> Iterator[Case]:
        for spatial, affine, tracked in product(SPATIAL[1:], (True, False), (True, False)):
            fields = {"affine": affine, "track_running_stats": tracked}
            module = INSTANCE_NORMS[len(spatial)]
            for batch, c in product((1, 2), (1, 4)):
                yield Case(
                    "instance_norm",
                    fields,
                    ((batch, c, *spatial),),
                    lambda c=c, m=module, f=fields: m(c, **f),
                )

    agreed(cases(), working=64, refused=16)


def test_group_norm_learns_one_scale_and_shift_per_channel() -> None:
    def cases() -> Iterator[Case]:
        for c, g, spatial, affine in product(range(1, 7), range(1, 7), SPATIAL, (True, False)):
            fields = {"groups": g, "affine": affine}
            for batch in (1, 2):
                yield Case(
                    "group_norm",
                    fields,
                    ((batch, c, *spatial),),
                    lambda c=c, g=g, a=affine: nn.GroupNorm(g, c, affine=a),
                )

    agreed(cases(), working=300, refused=528)


class ChannelsLast(nn.LayerNorm):
    """A layer norm over the channels of each position, as ConvNeXt has it."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return super().forward(x.movedim(1, -1)).movedim(-1, 1)


def test_layer_norm_learns_what_it_normalises_over() -> None:
    def cases() -> Iterator[Case]:
        for spatial, affine, bias in product(SPATIAL, (True, False), (True, False)):
            fields = {"affine": affine, "bias": bias}
            given = {"elementwise_affine": affine, "bias": bias}
            size = ((2, 3, *spatial),)
            yield Case("layer_norm", fields, size, lambda g=given: ChannelsLast(3, **g))
            whole = {**fields, "spatial": True}
            yield Case(
                "layer_norm", whole, size, lambda s=spatial, g=given: nn.LayerNorm([3, *s], **g)
            )

    agreed(cases(), working=48)


# --- linear layers and moves -----------------------------------------------------------------


class Everywhere(nn.Linear):
    """A linear layer on the channels of every position."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return super().forward(x.movedim(1, -1)).movedim(-1, 1)


def test_linear_layers_act_on_the_channels_at_every_position() -> None:
    def cases() -> Iterator[Case]:
        for c, out, bias, spatial in product((1, 3), (1, 4), (True, False), SPATIAL):
            fields = {"out_channels": out, "bias": bias}
            size = ((2, c, *spatial),)
            yield Case("linear", fields, size, lambda c=c, o=out, b=bias: Everywhere(c, o, bias=b))

    agreed(cases(), working=48)


def test_moves_give_the_shapes_that_pytorch_gives() -> None:
    def cases() -> Iterator[Case]:
        for spatial, batch, c in product(SPATIAL, (1, 2), range(1, 7)):
            size = ((batch, c, *spatial),)
            yield Case("flatten", {}, size, nn.Flatten)
            for g in range(1, 7):
                if spatial:
                    yield Case(
                        "channel_shuffle", {"groups": g}, size, lambda g=g: nn.ChannelShuffle(g)
                    )
            for start, stop in product(range(5), range(6)):
                yield Case(
                    "channel_slice",
                    {"start": start, "stop": stop},
                    size,
                    lambda a=start, b=stop: lambda x: x.narrow(1, a, b - a),
                )

    agreed(cases(), working=500, refused=500)


@pytest.mark.parametrize("mode", ["constant", "reflect", "replicate", "circular"])
def test_padding_is_as_large_as_the_mode_allows(mode: str) -> None:
    def cases() -> Iterator[Case]:
        for n, before, after in product(range(1, 6), range(6), range(6)):
            one = {"padding": [[before, after]], "mode": mode}
            yield padded(one, (2, 3, n), mode)
            two = {"padding": [[before, 1], [1, after]], "mode": mode}
            yield padded(two, (1, 2, 4, n), mode)
            three = {"padding": [[0, 0], [before, 1], [1, after]], "mode": mode}
            yield padded(three, (1, 2, 2, 4, n), mode)

    agreed(cases(), working=160)


def test_pads_to_a_size_are_those_of_the_usual_unet_code() -> None:
    """milesial/Pytorch-UNet, unet_parts.py: half of the difference, rounded down, before."""

    def cases() -> Iterator[Case]:
        modes = ("constant", "reflect", "replicate", "circular")
        for mode, n, m in product(modes, range(1, 9), range(1, 13)):
            first, other, to = (2, 3, 4, n), (2, 5, 6, m), {"size": [6, m], "mode": mode}
            yield Case("pad", {"mode": mode}, (first, other), lambda d=mode: to_the_size(d))
            yield Case("pad", to, (first,), lambda d=mode, o=other: to_the_size(d, o))

    agreed(cases(), working=600, refused=60)


def to_the_size(mode: str, size: tuple[int, ...] = ()) -> Callable[..., torch.Tensor]:
    def pad(x: torch.Tensor, *reference: torch.Tensor) -> torch.Tensor:
        target = reference[0].shape if reference else size
        differences = [target[axis] - x.shape[axis] for axis in (3, 2)]
        sides = [side for diff in differences for side in (diff // 2, diff - diff // 2)]
        return functional.pad(x, sides, mode=mode)

    return pad


def padded(fields: dict[str, Any], size: tuple[int, ...], mode: str) -> Case:
    """A padding, whose numbers ``F.pad`` lists from the last axis on."""
    numbers = [side for pair in reversed(fields["padding"]) for side in pair]
    return Case("pad", fields, (size,), lambda: lambda x: functional.pad(x, numbers, mode=mode))


def test_crops_leave_what_narrow_leaves() -> None:
    def cases() -> Iterator[Case]:
        for n, before, after in product(range(1, 8), range(4), range(4)):
            fields = {"margins": [[before, after]]}
            left = n - before - after
            yield Case(
                "crop",
                fields,
                ((2, 3, n),),
                lambda b=before, m=left: lambda x: x.narrow(2, b, m),
            )
        for n, m in product(range(1, 9), range(1, 9)):
            yield Case(
                "crop",
                {"size": m},
                ((1, 1, n),),
                lambda n=n, m=m: lambda x: x.narrow(2, (n - m) // 2, m),
            )
            yield Case(
                "crop",
                {},
                ((1, 1, n), (1, 4, m)),
                lambda n=n, m=m: lambda x, _: x.narrow(2, (n - m) // 2, m),
            )
            for keep, part in (("first", slice(m)), ("last", slice(-m, None))):
                yield Case(
                    "crop",
                    {"size": m, "keep": keep},
                    ((1, 1, n),),
                    lambda m=m, p=part: lambda x: x[:, :, p].reshape(1, 1, m),
                )
        for n, m, before in product(range(1, 6), range(1, 6), range(4)):
            yield Case(
                "crop",
                {"offset": before},
                ((1, 1, n), (1, 4, m)),
                lambda m=m, b=before: lambda x, _: x.narrow(2, b, m),
            )

    agreed(cases(), working=160, refused=110)


# --- joining ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "function"), [("add", torch.add), ("mul", torch.mul), ("maximum", torch.maximum)]
)
def test_tensors_that_broadcast_in_pytorch_broadcast_here(
    name: str, function: Callable[..., torch.Tensor]
) -> None:
    def cases() -> Iterator[Case]:
        extents = (1, 2, 3)
        for c, n, m, d, p, q in product(extents, repeat=6):
            sizes = ((2, c, n, m), (2, d, p, q))
            yield Case(name, {}, sizes, lambda: function)

    agreed(cases(), working=300, refused=300)


@pytest.mark.parametrize(
    ("name", "function"), [("add", torch.add), ("mul", torch.mul), ("maximum", torch.maximum)]
)
def test_a_vector_beside_an_image_stands_for_one_position(
    name: str, function: Callable[..., torch.Tensor]
) -> None:
    def cases() -> Iterator[Case]:
        for c, d in product((1, 2, 3), repeat=2):
            sizes = ((2, c, 4, 5), (2, d))
            yield Case(name, {}, sizes, lambda: lambda x, y: function(x, y[:, :, None, None]))

    agreed(cases(), working=7, refused=2)


def test_concatenation_takes_tensors_that_differ_in_channels_only() -> None:
    rng = random.Random(0)

    def case() -> Case:
        rank = rng.randint(0, 3)
        size = [rng.randint(1, 3) for _ in range(rank)]
        sizes = []
        for _ in range(rng.randint(1, 4)):
            other = [n if rng.random() < 0.9 else rng.randint(1, 3) for n in size]
            sizes.append((2, rng.randint(1, 5), *other))
        return Case("concat", {}, tuple(sizes), lambda: lambda *x: torch.cat(x, 1))

    agreed([case() for _ in range(1000)], working=500, refused=100)


# --- resizing --------------------------------------------------------------------------------

MODES = {
    "nearest": {1: "nearest", 2: "nearest", 3: "nearest"},
    "linear": {1: "linear", 2: "bilinear", 3: "trilinear"},
    "cubic": {1: "bicubic", 2: "bicubic", 3: "bicubic"},
}


def resized(mode: str, rank: int, corners: bool, **to: Any) -> Callable[..., torch.Tensor]:
    """Interpolation; PyTorch does not take False for a mode without corners."""
    aligned = {} if mode == "nearest" and not corners else {"align_corners": corners}
    word = MODES[mode][rank]
    return lambda x: functional.interpolate(x, mode=word, **aligned, **to)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("corners", [False, True])
def test_resizing_gives_the_sizes_that_pytorch_gives(mode: str, corners: bool) -> None:
    def cases() -> Iterator[Case]:
        scales = (0.1, 0.29, 0.5, 0.75, 1, 1.5, 2, 2.7, 3)
        options = {"mode": mode, "align_corners": corners}
        for rank, n, scale in product((1, 2, 3), range(1, 13), scales):
            size = ((1, 2, n, *(4,) * (rank - 1)),)
            factors = [scale, *(1,) * (rank - 1)]
            given = [float(factor) for factor in factors]
            yield Case(
                "upsample",
                {"scale": factors, **options},
                size,
                lambda r=rank, g=given: resized(mode, r, corners, scale_factor=g),
            )
        for rank, n, m in product((1, 2, 3), range(1, 6), range(1, 6)):
            size = ((1, 2, n, *(3,) * (rank - 1)),)
            wanted = [m, *(4,) * (rank - 1)]
            yield Case(
                "upsample",
                {"size": wanted, **options},
                size,
                lambda r=rank, w=wanted: resized(mode, r, corners, size=w),
            )
            yield Case(
                "upsample",
                options,
                (*size, (1, 5, *wanted)),
                lambda r=rank, w=wanted: lambda x, _: resized(mode, r, corners, size=w)(x),
            )

    working = {"linear": 395, "cubic": 125, "nearest": 0 if corners else 395}[mode]
    refused = {"linear": 40, "cubic": 300, "nearest": 474 if corners else 40}[mode]
    agreed(cases(), working, refused)


def test_the_size_of_a_scaled_axis_is_rounded_as_pytorch_rounds() -> None:
    # The product is one of doubles: 0.29 of 100 is 28.999…
    def cases() -> Iterator[Case]:
        for n, hundredths in product(range(1, 130, 3), range(1, 300, 7)):
            scale = hundredths / 100
            if int(n * scale) >= 1:
                yield Case(
                    "upsample",
                    {"scale": scale},
                    ((1, 1, n),),
                    lambda s=scale: resized("nearest", 1, False, scale_factor=s),
                )

    agreed(cases(), working=1700)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("corners", [False, True])
def test_the_oracles_interpolation_has_pytorchs_weights(mode: str, corners: bool) -> None:
    """The positions that the oracle lists are those that PyTorch really reads."""
    if mode == "nearest" and corners:
        with pytest.raises(ValueError, match="align_corners"):
            resized(mode, 1, corners, size=4)(torch.zeros(1, 1, 2))
        return
    rank = 2 if mode == "cubic" else 1
    for n, m in product(range(1, 9), range(1, 13)):
        function = resized(mode, rank, corners, size=(m, *(1,) * (rank - 1)))
        matrix = function(torch.eye(n, dtype=torch.double).reshape(n, 1, n, *(1,) * (rank - 1)))
        for y in range(m):
            read = torch.nonzero(matrix[:, 0, y].flatten().abs() > 1e-9).flatten().tolist()
            at = oracle.place(y, n, m, corners)
            taps = oracle.resize_taps(mode, y, at, Fraction(n, m))
            assert read == sorted({min(max(i, 0), n - 1) for i in taps}), (n, m, y)
