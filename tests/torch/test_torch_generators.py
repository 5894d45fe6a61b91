"""StyleGAN2 as NVlabs/stylegan2 has it, training/networks_stylegan2.py, with modulated weights."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from math import prod, sqrt

import pytest
import torch
from sized import report
from test_torch_segmentation import Tape, trimmed
from torch import nn
from torch.nn import functional
from torch.utils.flop_counter import FlopCounterMode

Tensor = torch.Tensor


class Learned(nn.Module):
    """Numbers that are added, multiplied or given as they are."""

    def __init__(self, *shape: int) -> None:
        super().__init__()
        self.value = nn.Parameter(torch.empty(shape))


class Styles(Tape):
    """Layers of StyleGAN2."""

    def learned(self, *shape: int) -> Tensor:
        layer = Learned(*shape)
        self.layers.append(layer)
        return layer.value

    def dense(self, x: Tensor, out: int) -> Tensor:
        return self(nn.Linear(x.shape[1], out), x)

    def modulated(
        self, x: Tensor, w: Tensor, out: int, k: int, up: bool = False, normed: bool = True
    ) -> Tensor:
        """``modulated_conv2d_layer`` for one image: its style changes the weight."""
        weight = self.learned(*((x.shape[1], out) if up else (out, x.shape[1])), k, k)
        weight = weight.transpose(0, 1) if up else weight
        weight = weight * (self.dense(w, x.shape[1]) + 1)[0, :, None, None]
        if normed:
            weight = weight * (weight.square().sum((1, 2, 3), keepdim=True) + 1e-8).rsqrt()
        if up:
            return smooth(functional.conv_transpose2d(x, weight.transpose(0, 1), stride=2), 1)
        return functional.conv2d(x, weight, padding=k // 2)

    def layer(self, x: Tensor, w: Tensor, out: int, up: bool = False) -> Tensor:
        x = self.modulated(x, w, out, 3, up)
        x = x + torch.randn(1, 1, *x.shape[2:]) * self.learned()
        return leaky(x + self.learned(out, 1, 1))

    def to_rgb(self, x: Tensor, w: Tensor) -> Tensor:
        return self.modulated(x, w, 3, 1, normed=False) + self.learned(3, 1, 1)


def leaky(x: Tensor) -> Tensor:
    return functional.leaky_relu(x, 0.2)


def smooth(x: Tensor, padding: int) -> Tensor:
    """``upfirdn_2d`` of the taps 1, 3, 3, 1 without resampling."""
    row = torch.tensor([1.0, 3, 3, 1])
    taps = (row[:, None] * row / 64).expand(x.shape[1], 1, 4, 4)
    return functional.conv2d(x, taps, padding=padding, groups=x.shape[1])


def channels(stage: int) -> int:
    return min((16 << 10) >> stage, 512)


def generator(tape: Styles, z: Tensor, levels: int) -> Tensor:
    """G_mapping and G_synthesis_stylegan2 of configuration F, without labels."""
    w = z * (z.square().mean(1, keepdim=True) + 1e-8).rsqrt()
    for _ in range(8):
        w = leaky(tape.dense(w, 512))
    x = tape.learned(channels(1), 4, 4).expand(len(z), -1, -1, -1)
    x = tape.layer(x, w, channels(1))
    y = tape.to_rgb(x, w)
    for res in range(3, levels + 1):
        x = tape.layer(x, w, channels(res - 1), up=True)
        x = tape.layer(x, w, channels(res - 1))
        y = functional.interpolate(y, scale_factor=2, mode="bilinear") + tape.to_rgb(x, w)
    return y


def discriminator(tape: Styles, x: Tensor, levels: int) -> Tensor:
    """D_stylegan2 of configuration F, without labels."""
    x = leaky(tape.conv(x, channels(levels - 1)))
    for res in range(levels, 2, -1):
        y = leaky(tape.conv(x, channels(res - 1), 3, p=1))
        y = leaky(tape.conv(smooth(y, 2), channels(res - 2), 3, 2))
        x = (y + tape.conv(smooth(x, 1), channels(res - 2), 1, 2, bias=False)) / sqrt(2)
    deviation = (x - x.mean(0)).square().mean(0).sqrt().mean()
    x = torch.cat([x, deviation.expand(len(x), 1, 4, 4)], 1)
    x = leaky(tape.conv(x, channels(1), 3, p=1)).flatten(1)
    return tape.dense(leaky(tape.dense(x, channels(0))), 1)


NETWORKS: dict[str, Callable[[Styles, Tensor], Tensor]] = {
    **{f"stylegan2_{2**n}": partial(generator, levels=n) for n in (8, 9, 10)},
    **{f"stylegan2_discriminator_{2**n}": partial(discriminator, levels=n) for n in (8, 9, 10)},
}


@pytest.mark.parametrize("name", NETWORKS)
def test_a_network_is_that_of_its_authors(name: str) -> None:
    ours = report(name)
    (x,) = ours.inputs.values()
    tape = Styles()
    with torch.device("meta"), FlopCounterMode(display=False) as counter, torch.no_grad():
        output = NETWORKS[name](tape, torch.empty(x.dims))
    theirs = sorted(trimmed(p.shape) for p in tape.layers.parameters())
    assert sorted(trimmed(s) for layer in ours.layers for s in layer.weights.values()) == theirs
    assert ours.totals.params == sum(map(prod, theirs))
    assert counter.get_total_flops() == ours.totals.flops
    assert [tuple(output.shape)] == [shape.dims for shape in ours.outputs.values()]


def test_enlarging_with_the_taps_is_the_interpolation_that_is_counted() -> None:
    """``upsample_2d``: zeros in between, then the taps times four; alike but for the border."""
    x = torch.rand(1, 3, 9, 9)
    spread = torch.zeros(1, 3, 18, 18)
    spread[..., ::2, ::2] = x
    spread = functional.pad(spread, (2, 1, 2, 1))
    filtered = 4 * smooth(spread, 0)
    bilinear = functional.interpolate(x, scale_factor=2, mode="bilinear")
    inside = (..., slice(1, -1), slice(1, -1))
    torch.testing.assert_close(filtered[inside], bilinear[inside])
