"""Learned tensors that no product uses: parameters, scales, shifts, against PyTorch."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

import pytest
import torch
from against import Case, agreed
from small import report_of
from torch import nn

SPATIAL = [(), (3,), (2, 3), (1, 2, 2)]


class Learned(nn.Module):
    """A product with, or a sum of, the input and a learned tensor."""

    def __init__(self, name: str, size: int) -> None:
        super().__init__()
        self.register_parameter(name, nn.Parameter(torch.ones(size)))
        self.is_sum = name == "bias"

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        (learned,) = self.parameters()
        learned = learned.reshape(1, -1, *[1] * (x.dim() - 2))
        return x + learned if self.is_sum else x * learned


def test_scales_and_shifts_learn_one_number_per_channel_or_one() -> None:
    def cases() -> Iterator[Case]:
        for c, spatial, per in product((1, 3, 8), SPATIAL, ("channel", "tensor")):
            size, count = ((2, c, *spatial),), c if per == "channel" else 1
            for operator, name in (("scale", "weight"), ("shift", "bias")):
                yield Case(operator, {"per": per}, size, lambda n=name, m=count: Learned(n, m))

    agreed(cases(), working=48)


@pytest.mark.parametrize("join", ["add", "mul", "maximum"])
@pytest.mark.parametrize("rank", [1, 2, 3])
def test_a_learned_tensor_is_broadcast_as_by_pytorch(join: str, rank: int) -> None:
    x = torch.zeros(4, 6, *range(3, 3 + rank))
    function = {"add": torch.add, "mul": torch.mul, "maximum": torch.maximum}[join]
    for keep in product((True, False), repeat=rank + 1):
        sizes = [n if kept else 1 for n, kept in zip(x.shape[1:], keep, strict=True)]
        learned = nn.Parameter(torch.zeros(1, *sizes))
        layers = [
            {"parameter": {"shape": sizes}, "id": "learned"},
            {join: ["input", "learned"]},
        ]
        report = report_of(layers, x.shape[1:], batch=4)
        expected = function(x, learned)
        assert report.layers[-1].output.dims == tuple(expected.shape)
        assert report.layers[-1].elementwise == expected.numel()
        assert report.totals.params == learned.numel()


def test_a_class_token_is_expanded_by_the_concatenation() -> None:
    tokens, token = torch.zeros(4, 6, 9), nn.Parameter(torch.zeros(1, 2, 9))
    expected = torch.cat([token.expand(4, -1, -1), tokens], 1)
    layers = [{"parameter": {"shape": [2, 9]}, "id": "token"}, {"concat": ["token", "input"]}]
    report = report_of(layers, tokens.shape[1:], batch=4)
    assert report.layers[-1].output.dims == tuple(expected.shape)


def test_the_constant_of_a_generator_is_repeated_for_each_sample() -> None:
    constant = nn.Parameter(torch.zeros(1, 5, 4, 4))
    conv = nn.Conv2d(5, 7, 3, padding=1)
    expected = conv(constant.repeat(3, 1, 1, 1))
    layers = [
        {"parameter": {"shape": [5, 4, 4]}, "from": "input"},
        {"conv": {"out": 7, "k": 3, "p": 1}},
    ]
    report = report_of(layers, [16], batch=3)
    assert report.layers[-1].output.dims == tuple(expected.shape)
    assert report.totals.macs == 3 * 16 * conv.weight.numel()
    alone = report_of([layers[0] | {"from": []}, layers[1]], [16], batch=3)
    assert alone.totals.macs == 16 * conv.weight.numel()


def test_a_learned_tensor_gets_a_gradient_and_takes_no_memory_beside_itself() -> None:
    layers = [
        {"parameter": {"shape": [3, 5, 5]}, "id": "learned"},
        {"mul": ["input", "learned"], "id": "product"},
        {"conv": {"out": 4, "k": 3, "bias": False}},
    ]
    report = report_of(layers, [3, 5, 5], batch=2)
    x, learned = torch.zeros(2, 3, 5, 5), torch.ones(1, 3, 5, 5, requires_grad=True)
    conv = nn.Conv2d(3, 4, 3, bias=False)
    y = x * learned
    y.retain_grad()
    conv(y).sum().backward()
    assert learned.grad is not None
    assert y.grad is not None  # so the convolution computes the gradient of its input too
    assert report.layers[-1].training == 3 * 2 * report.layers[-1].macs
    alone = report_of([{"sigmoid": {}}, layers[-1]], [3, 5, 5], batch=2)
    assert report.totals.memory.activations_peak == alone.totals.memory.activations_peak
