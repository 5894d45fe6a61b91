"""Whether a norm takes out the bias before it, tried in double precision."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import nn

from convcalc.checking.rules import bias_before_norm
from convcalc.model.graph.builder import Builder

CHANNELS, SIZE = 4, 6


class ChannelNorm(nn.LayerNorm):
    """Layer norm over the channels of each position."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return super().forward(x.movedim(1, -1)).movedim(-1, 1)


LAYERS: dict[str, tuple[dict[str, Any], Callable[[], nn.Module]]] = {
    "conv": ({"kernel_size": 3, "padding": 1}, lambda: nn.Conv2d(3, CHANNELS, 3, padding=1)),
    "conv_transpose": (
        {"kernel_size": 3, "stride": 2, "padding": 1},
        lambda: nn.ConvTranspose2d(3, CHANNELS, 3, 2, 1),
    ),
    "pointwise_conv": ({}, lambda: nn.Conv2d(3, CHANNELS, 1)),
    "separable_conv": (
        {"kernel_size": 3, "padding": 1},
        lambda: nn.Sequential(nn.Conv2d(3, 3, 3, padding=1, groups=3), nn.Conv2d(3, CHANNELS, 1)),
    ),
}
NORMS: dict[str, tuple[str, dict[str, Any], Callable[[int], nn.Module]]] = {
    "batch": ("batch_norm", {}, lambda _: nn.BatchNorm2d(CHANNELS)),
    "untracked": (
        "batch_norm",
        {"track_running_stats": False},
        lambda _: nn.BatchNorm2d(CHANNELS, track_running_stats=False),
    ),
    "instance": ("instance_norm", {}, lambda _: nn.InstanceNorm2d(CHANNELS)),
    "tracked": (
        "instance_norm",
        {"track_running_stats": True},
        lambda _: nn.InstanceNorm2d(CHANNELS, track_running_stats=True),
    ),
    **{
        f"group {groups}": (
            "group_norm",
            {"groups": groups},
            lambda _, groups=groups: nn.GroupNorm(groups, CHANNELS),
        )
        for groups in (1, 2, CHANNELS)
    },
    "layer": ("layer_norm", {}, lambda _: ChannelNorm(CHANNELS)),
    "spatial": ("layer_norm", {"spatial": True}, lambda n: nn.LayerNorm([CHANNELS, n, n])),
}


def is_lost(layer: nn.Module, norm: nn.Module, x: torch.Tensor) -> bool:
    """Whether the output of the norm is the same for any biases; statistics as in training."""
    before = norm(layer(x))
    with torch.no_grad():
        for name, bias in layer.named_parameters():
            if name.endswith("bias"):
                bias.add_(torch.randn_like(bias))
    return torch.allclose(before, norm(layer(x)), atol=1e-9)


@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize("layer", LAYERS)
def test_the_rule_names_a_bias_exactly_where_it_has_no_effect(layer: str, norm: str) -> None:
    torch.manual_seed(3)
    fields, theirs = LAYERS[layer]
    name, norm_fields, their_norm = NORMS[norm]
    x = torch.randn(2, 3, SIZE, SIZE, dtype=torch.double)
    module = theirs().double()
    size = module(x).shape[-1]
    builder = Builder("net")
    tensor = builder.add(
        layer, builder.input("x", [3, SIZE, SIZE]), out_channels=CHANNELS, **fields
    )
    builder.add(name, tensor, **norm_fields)
    found = list(bias_before_norm.findings(builder.network()))
    assert bool(found) is is_lost(module, their_norm(size).double(), x)
