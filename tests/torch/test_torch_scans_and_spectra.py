"""Selective scans, linear attention and spectra against their definitions, written out."""

from __future__ import annotations

import random
from itertools import product
from math import prod
from typing import Any

import pytest
import torch
from regions import listed
from small import network_of, report_of
from torch import Tensor
from torch.nn import functional

from convcalc.analysis.receptive_field.read_back import read_back
from convcalc.analysis.receptive_field.region import product as region_of


def drawn(*sizes: int) -> Tensor:
    return (torch.rand(sizes, dtype=torch.double) + 0.5).requires_grad_()


class Scan:
    """The recurrence of the paper's algorithm 2, one position after another; ``products`` counts
    its multiplications that add to a sum, ``others`` the rest of its operations."""

    def __init__(self, channels: int, state: int, rank: int, skip: bool) -> None:
        self.state, self.rank = state, rank
        self.weights = {
            "x_proj.weight": drawn(rank + 2 * state, channels),
            "dt_proj.weight": drawn(channels, rank),
            "dt_proj.bias": drawn(channels),
            "A_log": drawn(channels, state),
            **({"D": drawn(channels)} if skip else {}),
        }
        self.products = self.others = 0

    def __call__(self, x: Tensor) -> Tensor:
        """(B, C, N) to the same."""
        w, batch = self.weights, len(x)
        made = functional.linear(x.mT, w["x_proj.weight"])
        self.products += made.numel() * x.shape[1]
        low, b, c = made.split([self.rank, self.state, self.state], 2)
        step = functional.linear(low, w["dt_proj.weight"])
        self.products += step.numel() * self.rank
        delta = functional.softplus(step + w["dt_proj.bias"])
        self.others += 2 * step.numel()
        h, found = torch.zeros(batch, x.shape[1], self.state, dtype=x.dtype), []
        for n in range(x.shape[2]):
            decay = (-delta[:, n, :, None] * w["A_log"].exp()).exp()
            self.others += 2 * decay.numel()  # the product and exp; A itself is made once
            given = (delta[:, n] * x[:, :, n])[..., None] * b[:, n, None]
            self.others += delta[:, n].numel() + given.numel()
            h = decay * h + given
            self.products += h.numel()
            y = (h * c[:, n, None]).sum(-1)
            self.products += h.numel()
            if "D" in w:
                y = y + w["D"] * x[:, :, n]
                self.others += 2 * y.numel()
            found.append(y)
        return torch.stack(found, 2)


@pytest.mark.parametrize("skip", [True, False])
@pytest.mark.parametrize(("channels", "state", "rank"), [(3, 2, 1), (4, 1, 2), (5, 4, 3)])
def test_a_selective_scan_computes_what_its_recurrence_does(
    channels: int, state: int, rank: int, skip: bool
) -> None:
    x, scan = drawn(2, channels, 6), Scan(channels, state, rank, skip)
    y = scan(x)
    fields = {"state_size": state, "dt_rank": rank, "skip": skip}
    (layer,) = report_of([{"selective_scan": fields}], [channels, 6], batch=2).layers
    assert layer.output.dims == tuple(y.shape)
    assert {k: tuple(v.shape) for k, v in scan.weights.items()} == dict(layer.weights)
    assert layer.macs == scan.products
    assert layer.elementwise == scan.others
    network = network_of([{"selective_scan": fields}], [channels, 6])
    for place in range(6):
        (gradient,) = torch.autograd.grad(y[0, :, place].sum(), x, retain_graph=True)
        seen = {tuple(each) for each in gradient[0].abs().sum(0).nonzero().tolist()}
        region = read_back(network, {1: region_of([(place, 1)])}, bordered=True, strict=True)
        assert listed(region["input"], 1) == seen == {(n,) for n in range(place + 1)}


def test_a_cross_scan_is_four_scans_of_a_map() -> None:
    """Rows, columns, and both from the end, as VMamba's CrossScan lays them out."""
    x, ways = drawn(2, 4, 3, 5), [Scan(4, 2, 1, True) for _ in range(4)]
    rows, columns = x.flatten(2), x.mT.flatten(2)
    orders = [rows, columns, rows.flip(2), columns.flip(2)]
    first, second, third, last = (way(each) for way, each in zip(ways, orders, strict=True))
    y = (first + third.flip(2)).unflatten(2, (3, 5))
    y = y + (second + last.flip(2)).unflatten(2, (5, 3)).mT
    fields = {"state_size": 2, "dt_rank": 1, "directions": 4}
    (layer,) = report_of([{"selective_scan": fields}], [4, 3, 5], batch=2).layers
    assert layer.output.dims == tuple(y.shape)
    assert layer.macs == sum(way.products for way in ways)
    assert layer.elementwise == sum(way.others for way in ways) + 3 * y.numel()
    weights = [prod(weight.shape) for way in ways for weight in way.weights.values()]
    assert layer.params == sum(weights)
    assert layer.receptive_field is not None
    assert layer.receptive_field.is_global
    (gradient,) = torch.autograd.grad(y[0, :, 1, 2].sum(), x)
    assert gradient[0].abs().sum(0).all()


@pytest.mark.parametrize("causal", [False, True])
def test_linear_attention_is_attention_with_a_product_of_features(causal: bool) -> None:
    """Products from the right are those from the left, pair by pair, with fewer multiplications."""
    n, d = 7, 3
    query, key, value = (functional.elu(drawn(n, d)) + 1 for _ in range(3))
    pairs = query @ key.T
    pairs = pairs.tril() if causal else pairs
    expected = (pairs @ value) / pairs.sum(1, keepdim=True)
    context = key[:, :, None] * value[:, None]  # n · d · d products
    sums = key.cumsum(0) if causal else key.sum(0).expand(n, d)
    context = context.cumsum(0) if causal else context.sum(0).expand(n, d, d)
    found = (query[:, :, None] * context).sum(1) / (query * sums).sum(1, keepdim=True)
    assert torch.allclose(found, expected)
    fields = {"heads": 1, "causal": causal}
    (layer,) = report_of([{"linear_attention": fields}], [d, n]).layers
    terms = {term.name: term.amount for term in layer.terms}
    assert terms["context"] == terms["aggregate"] == n * d * d
    assert terms["normaliser"] == query.numel()


def frequencies(n: int) -> Tensor:
    """The matrix of a Fourier transform."""
    at = torch.arange(n, dtype=torch.double)
    return torch.exp(-2j * torch.pi * at[:, None] * at / n)


@pytest.mark.parametrize("sizes", [(6,), (7,), (4, 6), (5, 4), (2, 3, 4)])
def test_a_global_filter_is_a_circular_convolution_of_each_channel(sizes: tuple[int, ...]) -> None:
    x, axes = drawn(1, 2, *sizes), list(range(2, 2 + len(sizes)))
    half = (*sizes[:-1], sizes[-1] // 2 + 1)
    kernel = torch.rand(2, *sizes, dtype=torch.double)
    spectrum = torch.fft.rfftn(kernel, dim=[axis - 1 for axis in axes])
    assert spectrum.shape[1:] == half
    y = torch.fft.irfftn(torch.fft.rfftn(x, dim=axes) * spectrum, s=sizes, dim=axes)
    for place in product(*map(range, sizes)):
        total = torch.zeros(1, 2, dtype=torch.double)
        for other in product(*map(range, sizes)):
            tap = tuple((a - b) % n for a, b, n in zip(place, other, sizes, strict=True))
            total = total + x[(..., *other)] * kernel[(..., *tap)]
        assert torch.allclose(y[(..., *place)], total)
    (layer,) = report_of([{"global_filter": {}}], [2, *sizes]).layers
    assert dict(layer.weights) == {"complex_weight": (*half, 2, 2)}
    assert layer.macs == 4 * spectrum.numel()  # a complex product is four real ones
    assert layer.receptive_field is not None
    assert layer.receptive_field.is_global


def test_a_spectral_conv_mixes_low_frequencies_and_no_others() -> None:
    n, m, inputs, outputs = 8, 3, 2, 3
    x, weight = drawn(1, inputs, n), torch.rand(inputs, outputs, m, dtype=torch.cdouble)
    spectrum = torch.fft.rfft(x)
    assert torch.allclose(spectrum, x.cdouble() @ frequencies(n)[:, : n // 2 + 1])
    mixed, products = torch.zeros(1, outputs, n // 2 + 1, dtype=torch.cdouble), 0
    for i, o, k in product(range(inputs), range(outputs), range(m)):
        mixed[:, o, k] += spectrum[:, i, k] * weight[i, o, k]
        products += 4
    y = torch.fft.irfft(mixed, n)
    (layer,) = report_of([{"spectral_conv": {"out": outputs, "modes": m}}], [inputs, n]).layers
    assert layer.output.dims == tuple(y.shape)
    assert layer.macs == products
    assert layer.params == torch.view_as_real(weight).numel()
    (gradient,) = torch.autograd.grad(y[0, 0, 0], x)
    assert gradient.abs().gt(1e-12).all()


def radix_transform(x: list[complex], count: list[int]) -> list[complex]:
    """Cooley and Tukey's by the smallest factor; ``count`` products with a sum."""
    n = len(x)
    if n == 1:
        return x
    r = next(p for p in range(2, n + 1) if n % p == 0)
    parts = [radix_transform(x[start::r], count) for start in range(r)]
    turns = frequencies(n)
    found = []
    for k in range(n):
        total = 0j
        for start, part in enumerate(parts):
            total += complex(turns[k, start]) * part[k % (n // r)]
            count[0] += 1
        found.append(total)
    return found


def test_transforms_take_the_operations_that_their_inventors_counted() -> None:
    rng = random.Random(5)
    for n in (1, 2, 6, 7, 8, 12, 15, 16, 18):
        x, count = [rng.random() for _ in range(n)], [0]
        found = radix_transform([complex(each) for each in x], count)
        assert torch.allclose(
            torch.tensor(found), torch.fft.fft(torch.tensor(x)).cfloat(), atol=1e-4
        )
        (layer,) = report_of([{"global_filter": {}}], [1, n]).layers
        terms: dict[str, Any] = {term.name: term.amount for term in layer.terms}
        assert terms["fft"] == terms["ifft"] == count[0]
