"""Fourier units, and the networks that are made of them, as their authors' code has them."""

from __future__ import annotations

from functools import partial
from math import prod

import pytest
import torch
from sized import Size, at_sizes, report
from small import report_of
from test_torch_segmentation import Tape
from test_torch_yolo import Network, compare
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d, max_pool2d
from torch.utils.flop_counter import FlopCounterMode

# Two maps that go side by side, of local and of global channels; the last stage has no global ones.
Maps = tuple[Tensor, Tensor | None]


def unit(tape: Tape, x: Tensor, out: int, groups: int = 1) -> Tensor:
    """FourierUnit: real and imaginary parts are channels, one after the other for each channel."""
    axes = list(range(2, x.dim()))
    pairs = torch.view_as_real(torch.fft.rfftn(x, dim=axes, norm="ortho"))
    spectrum = pairs.movedim(-1, 2).flatten(1, 2)
    rank = len(axes)
    conv = (nn.Conv1d, nn.Conv2d, nn.Conv3d)[rank - 1]
    norm = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d)[rank - 1]
    made = tape(conv(2 * x.shape[1], 2 * out, 1, groups=groups, bias=False), spectrum)
    made = tape(norm(2 * out), made).relu().unflatten(1, (out, 2)).movedim(2, -1)
    whole = torch.view_as_complex(made.contiguous())
    return torch.fft.irfftn(whole, s=x.shape[2:], dim=axes, norm="ortho")


@pytest.mark.parametrize(
    ("channels", "out", "groups", "sizes"),
    [
        (3, 4, 1, (7,)),
        (4, 6, 2, (6, 5)),
        (2, 2, 4, (4, 9)),
        (2, 3, 1, (2, 3, 5)),
        (1, 1, 2, (1, 1)),
    ],
)
def test_a_fourier_unit_is_a_convolution_between_two_transforms(
    channels: int, out: int, groups: int, sizes: tuple[int, ...]
) -> None:
    fields = {"out": out, "groups": groups}
    (layer,) = report_of([{"fourier_unit": fields}], [channels, *sizes], batch=2).layers
    tape, x = Tape(), torch.rand(2, channels, *sizes)
    with FlopCounterMode(display=False) as counter:
        y = unit(tape, x, out, groups)
    assert layer.output.dims == tuple(y.shape)
    assert list(layer.weights.values()) == [tuple(p.shape) for p in tape.layers.parameters()]
    assert layer.flops == counter.get_total_flops()
    assert layer.receptive_field is not None
    assert layer.receptive_field.is_global


def transform(tape: Tape, x: Tensor, out: int, s: int, groups: int, lfu: bool) -> Tensor:
    """SpectralTransform; the local unit works on four quarters of a quarter of the channels."""
    x = avg_pool2d(x, 2, 2) if s == 2 else x
    x = tape.norm(tape.conv(x, out // 2, groups=groups, bias=False)).relu()
    y = x + unit(tape, x, out // 2, groups)
    if lfu:
        part = x[:, : x.shape[1] // 4]
        for axis in (2, 3):
            part = torch.cat(part.chunk(2, axis), 1)
        y = y + unit(tape, part, out // 2, groups).repeat(1, 1, 2, 2)
    return tape.conv(y, out, groups=groups, bias=False)


def ffc(
    tape: Tape,
    x: Maps,
    out: int,
    k: int,
    s: int,
    to_global: bool,
    act: bool,
    groups: int,
    lfu: bool,
) -> Maps:
    """FFC_BN_ACT at a ratio of a half."""
    local, whole = x
    conv = partial(tape.conv, k=k, s=s, p=k // 2, groups=groups, bias=False)
    seen = None
    if to_global:
        seen = conv(local, out // 2)
        if whole is not None:
            seen = seen + transform(tape, whole, out // 2, s, max(1, groups // 2), lfu)
        seen = tape.norm(seen)
        seen = seen.relu() if act else seen
    out -= out // 2 if to_global else 0
    own = conv(local, out)
    if whole is not None:
        own = own + conv(whole, out)
    own = tape.norm(own)
    return own.relu() if act else own, seen


def joined(x: Maps, y: Maps) -> Maps:
    whole = None if x[1] is None or y[1] is None else (x[1] + y[1]).relu()
    return (x[0] + y[0]).relu(), whole


def resnet(
    tape: Tape, x: Tensor, depths: tuple[int, ...], basic: bool, groups: int, width: int, lfu: bool
) -> list[Tensor]:
    x = max_pool2d(tape.conv_bn(x, 64, 7, 2).relu(), 3, 2, 1)
    maps: Maps = (x, None)
    for stage, (c, n) in enumerate(zip((64, 128, 256, 512), depths, strict=True)):
        for i in range(n):
            s = 2 if stage > 0 and i == 0 else 1
            layer = partial(ffc, tape, to_global=stage < 3, lfu=lfu)
            plain = {"s": 1, "act": True, "groups": 1}
            out = c if basic else 4 * c
            end = plain | {"act": False}
            above = layer(maps, out, 1, **end | {"s": s}) if i == 0 else maps
            if basic:
                maps = layer(layer(maps, c, 3, **plain | {"s": s}), c, 3, **end)
            else:
                inner = c * width // 64 * groups
                maps = layer(maps, inner, 1, **plain)
                maps = layer(maps, inner, 3, s=s, act=True, groups=groups)
                maps = layer(maps, out, 1, **end)
            maps = joined(maps, above)
    return [tape(nn.Linear(maps[0].shape[1], 1000), maps[0].mean((2, 3)))]


SIZES: dict[str, tuple[tuple[int, ...], bool, int, int]] = {
    "ffc_resnet18": ((2, 2, 2, 2), True, 1, 64),
    "ffc_resnet34": ((3, 4, 6, 3), True, 1, 64),
    "ffc_resnet26": ((2, 2, 2, 2), False, 1, 64),
    "ffc_resnet50": ((3, 4, 6, 3), False, 1, 64),
    "ffc_resnet101": ((3, 4, 23, 3), False, 1, 64),
    "ffc_resnet152": ((3, 8, 36, 3), False, 1, 64),
    "ffc_resnet200": ((3, 24, 36, 3), False, 1, 64),
    "ffc_resnext50_32x4d": ((3, 4, 6, 3), False, 32, 4),
    "ffc_resnext101_32x8d": ((3, 4, 32, 3), False, 32, 8),
}


def network(name: str) -> Network:
    depths, basic, groups, width = SIZES[name.removesuffix("_lfu")]
    lfu = name.endswith("_lfu")
    return partial(resnet, depths=depths, basic=basic, groups=groups, width=width, lfu=lfu)


FOURIER = [f"{name}{lfu}" for name in SIZES for lfu in ("", "_lfu")]


@at_sizes(FOURIER, [(128, 192)])
def test_a_network_of_fourier_units_is_that_of_its_authors(name: str, size: Size) -> None:
    compare(name, size, network(name))


def test_each_layer_sees_the_whole_image() -> None:
    layers = report("ffc_resnet50").layers
    first = next(n for n, layer in enumerate(layers) if layer.operator == "fourier_unit")
    assert layers[first].path == "unit[0].b.g.spectral.whole"
    assert prod(layers[first].output.dims) == 16 * 56 * 56
