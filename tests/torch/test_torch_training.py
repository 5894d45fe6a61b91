"""FLOPs of a training step, against those that PyTorch's counter sees in a backward pass."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import attending
import pytest
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from convcalc.analysis.analyse import analyse
from convcalc.language.reading import read_network
from convcalc.language.sources.target import Target


class Split(nn.Module):
    """A grouped convolution as one convolution per group.

    PyTorch's counter has the gradient of the weights g times too large for groups, so it cannot
    be asked for the grouped one itself.
    """

    def __init__(self, one: Callable[[], nn.Module], groups: int) -> None:
        super().__init__()
        self.parts = nn.ModuleList(one() for _ in range(groups))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        slices = x.chunk(len(self.parts), 1)
        return torch.cat([part(y) for part, y in zip(self.parts, slices, strict=True)], 1)


def frozen(module: nn.Module) -> nn.Module:
    return module.requires_grad_(False)


def conv(*sizes: int, **more: Any) -> nn.Module:
    return nn.Conv2d(*sizes, padding=1, **more)


class Gated(nn.Module):
    """Features times a gate, both of the same input."""

    def __init__(self) -> None:
        super().__init__()
        self.feature, self.gate = conv(8, 6, 3), conv(8, 6, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return nn.functional.elu(self.feature(x)) * self.gate(x).sigmoid()


class Octave(nn.Module):
    """The first octave convolution of a network, which returns both of its bands."""

    def __init__(self) -> None:
        super().__init__()
        self.high, self.low = conv(8, 4, 3, bias=False), conv(8, 4, 3, bias=False)
        self.pool = nn.AvgPool2d(2, ceil_mode=True)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.high(x).sum() + self.low(self.pool(x)).sum()


class Attention(nn.Module):
    """Plain self-attention of one head over the positions."""

    def __init__(self) -> None:
        super().__init__()
        self.qkv, self.out = nn.Linear(8, 24), nn.Linear(8, 8)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        q, k, v = self.qkv(x.flatten(2).mT).chunk(3, 2)
        return self.out((q @ k.mT).softmax(-1) @ v)


class Walked(nn.Module):
    """PyTorch's recurrent layer along the rows; each column is a sequence."""

    def __init__(self, made: nn.Module) -> None:
        super().__init__()
        self.made = made.double()  # in single precision the counter does not see its products

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        rows = x.double().permute(0, 3, 2, 1).flatten(0, 1)
        found: torch.Tensor = self.made(rows)[0]
        return found.unflatten(0, (len(x), -1)).permute(0, 3, 2, 1)


class Products(nn.Module):
    """The same tensor for every input of a module."""

    def __init__(self, module: nn.Module, inputs: int) -> None:
        super().__init__()
        self.module, self.inputs = module, inputs

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        found: torch.Tensor = self.module(*[x] * self.inputs)
        return found


def windows(position: str, cosine: bool) -> nn.Module:
    return attending.WindowAttention(
        8, [3, 3], 2, [1, 1], "window", position, 4, cosine, True, True, True
    )


class Dead(nn.Module):
    """Two convolutions, the second of which nobody reads."""

    def __init__(self) -> None:
        super().__init__()
        self.live, self.dead = conv(8, 8, 3), conv(8, 8, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.live(x)
        self.dead(x)
        return x


NETWORKS: dict[str, tuple[str, Callable[[], list[nn.Module]]]] = {
    "two convolutions": (
        "[{conv: {out: 12, k: 3, p: 1}}, relu, {conv: {out: 8, k: 3, p: 1, s: 2}}]",
        lambda: [conv(8, 12, 3), nn.ReLU(), conv(12, 8, 3, stride=2)],
    ),
    "norm first": (
        "[batch_norm, {conv: {out: 12, k: 3, p: 1}}]",
        lambda: [nn.BatchNorm2d(8), conv(8, 12, 3)],
    ),
    "transposed": (
        "[{conv: {out: 12, k: 3, p: 1}}, {conv_transpose: {out: 6, k: 4, s: 2, p: 1}}]",
        lambda: [conv(8, 12, 3), nn.ConvTranspose2d(12, 6, 4, 2, 1)],
    ),
    "grouped": (
        "[{conv: {out: 12, k: 3, p: 1, g: 4}}, {conv: {out: 12, k: 3, p: 1, g: 2}}]",
        lambda: [Split(lambda: conv(2, 3, 3), 4), Split(lambda: conv(6, 6, 3), 2)],
    ),
    "grouped transposed": (
        "[{conv: {out: 12, k: 3, p: 1}}, {conv_transpose: {out: 6, k: 4, s: 2, p: 1, g: 2}}]",
        lambda: [conv(8, 12, 3), Split(lambda: nn.ConvTranspose2d(6, 3, 4, 2, 1), 2)],
    ),
    "frozen stem": (
        "[{conv: {out: 12, k: 3, p: 1}, trainable: false}, {conv: {out: 6, k: 3, p: 1}},"
        " {conv: {out: 6, k: 3, p: 1}}]",
        lambda: [frozen(conv(8, 12, 3)), conv(12, 6, 3), conv(6, 6, 3)],
    ),
    "frozen in between": (
        "[{conv: {out: 12, k: 3, p: 1}}, {conv: {out: 6, k: 3, p: 1}, trainable: false},"
        " {conv: {out: 6, k: 3, p: 1}}]",
        lambda: [conv(8, 12, 3), frozen(conv(12, 6, 3)), conv(6, 6, 3)],
    ),
    "classifier": (
        "[{conv: {out: 12, k: 3, p: 1}}, global_avg_pool, {linear: {out: 10}}]",
        lambda: [conv(8, 12, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(12, 10)],
    ),
    "gated": ("[{gated_conv: {out: 6, k: 3, p: 1}}]", lambda: [Gated()]),
    "gated behind a frozen stem": (
        "[{conv: {out: 8, k: 3, p: 1}, trainable: false}, {gated_conv: {out: 6, k: 3, p: 1}}]",
        lambda: [frozen(conv(8, 8, 3)), Gated()],
    ),
    "octave": (
        "[{octave_conv: {out: 8, k: 3, p: 1, alpha_out: 0.5}}]",
        lambda: [Octave()],
    ),
    "attention": ("[{attention: {heads: 1}}]", lambda: [Attention()]),
    "attention behind trained weights": (
        "[{conv: {out: 8, k: 3, p: 1}}, {attention: {heads: 1}}]",
        lambda: [conv(8, 8, 3), Attention()],
    ),
    "given queries": (
        "[{conv: {out: 8, k: 3, p: 1}, id: x},"
        " {dot_product_attention: {heads: 2}, from: [x, x, x]}]",
        lambda: [
            conv(8, 8, 3),
            Products(attending.DotProductAttention(2, None, False, None, False), 3),
        ],
    ),
    "a product": (
        "[{conv: {out: 8, k: 3, p: 1}, id: x}, {matmul: {transpose_b: true}, from: [x, x]}]",
        lambda: [conv(8, 8, 3), Products(attending.Matmul(False, True), 2)],
    ),
    "windows": (
        "[{window_attention: {w: 3, heads: 2, shift_size: 1}}]",
        lambda: [windows("table", False)],
    ),
    "windows with an mlp for positions": (
        "[{conv: {out: 8, k: 3, p: 1}}, {window_attention: {w: 3, heads: 2, shift_size: 1,"
        " cosine: true, relative_position: mlp, mlp_channels: 4}}]",
        lambda: [conv(8, 8, 3), windows("mlp", True)],
    ),
    "between channels": (
        "[{channel_attention: {heads: 2}}]",
        lambda: [attending.ChannelAttention(8, 2, None, True, True)],
    ),
    **{
        f"{kind} {'behind trained weights' * behind}": (
            f"[{'{conv: {out: 8, k: 3, p: 1}}, ' * behind}"
            f"{{{kind}: {{hidden_size: 6, axis: height, num_layers: 2, bidirectional: true}}}}]",
            lambda kind=kind, behind=behind: [
                *[conv(8, 8, 3)] * behind,
                Walked(
                    {"lstm": nn.LSTM, "gru": nn.GRU}[kind](
                        8, 6, num_layers=2, bidirectional=True, batch_first=True
                    )
                ),
            ],
        )
        for kind in ("lstm", "gru")
        for behind in (False, True)
    },
    "states made shorter": (
        "[{lstm: {hidden_size: 6, axis: height, proj_size: 2}}]",
        lambda: [Walked(nn.LSTM(8, 6, proj_size=2, batch_first=True))],
    ),
    "masked": (
        "[{conv: {out: 8, k: 3, p: 1, mask: B}}, {conv: {out: 8, k: 3, p: 1, mask: B}}]",
        lambda: [conv(8, 8, 3), conv(8, 8, 3)],
    ),
    "dead branch": (
        "[{conv: {out: 8, k: 3, p: 1}, id: a}, {conv: {out: 8, k: 3, p: 1}}]\noutputs: [a]",
        lambda: [Dead()],
    ),
    "separable": (
        "[{separable_conv: {out: 6, k: 3, p: 1}}]",
        lambda: [Split(lambda: conv(1, 1, 3), 8), nn.Conv2d(8, 6, 1)],
    ),
}


@pytest.mark.torch
@pytest.mark.parametrize("name", NETWORKS)
def test_a_training_step_has_the_flops_of_pytorchs_backward_pass(name: str) -> None:
    layers, modules = NETWORKS[name]
    text = f"convcalc: 1\ninput: [8, 9, 9]\nlayers: {layers}\n"
    network = read_network(Target("<test>", None, text.encode()), batch=2)
    assert not network.problems
    model = nn.Sequential(*modules())
    with FlopCounterMode(display=False) as counter:
        model(torch.zeros(2, 8, 9, 9)).sum().backward()
    assert analyse(network).totals.training == counter.get_total_flops()
