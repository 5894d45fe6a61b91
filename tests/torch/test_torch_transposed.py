"""The realisations of a transposed convolution, each really done, and what is built on one."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import pytest
import torch
from against import Case, agreed, analysed, operator_of
from torch import nn
from torch.nn import functional
from torch.utils.flop_counter import FlopCounterMode

from convcalc.model.operators.contract import Analysis, Operator
from convcalc.model.quantities.shape import Shape

CONVOLUTIONS = {1: functional.conv1d, 2: functional.conv2d, 3: functional.conv3d}
TRANSPOSED: dict[int, Any] = {1: nn.ConvTranspose1d, 2: nn.ConvTranspose2d, 3: nn.ConvTranspose3d}


class Layer(NamedTuple):
    """A transposed convolution and an input."""

    module: Any
    x: torch.Tensor
    fields: dict[str, Any]

    sizes: tuple[int, ...]  # of the output

    @property
    def rank(self) -> int:
        return self.x.dim() - 2

    def ours(self, realisation: str) -> Analysis | str:
        fields = {**self.fields, "realisation": realisation}
        return analysed(Case("conv_transpose", fields, (tuple(self.x.shape),), lambda: self.module))


def layers(rank: int, count: int) -> Iterator[Layer]:
    """At random, with everything that makes a difference; only those that PyTorch accepts."""
    rng = random.Random(rank)

    def drawn(low: int, high: int) -> list[int]:
        return [rng.randint(low, high) for _ in range(rank)]

    for _ in range(count):
        groups = rng.choice((1, 1, 2, 3))
        stride, dilation = drawn(1, 4), drawn(1, 3)
        fields = {
            "out_channels": groups * rng.randint(1, 2),
            "kernel_size": drawn(1, 5 if rank < 3 else 3),
            "stride": stride,
            "padding": drawn(0, 3),
            "output_padding": [
                rng.randrange(max(s, d)) for s, d in zip(stride, dilation, strict=True)
            ],
            "dilation": dilation,
            "groups": groups,
            "bias": rng.random() < 0.5,
        }
        module = TRANSPOSED[rank](groups * rng.randint(1, 2), **fields).double()
        x = torch.randn(rng.randint(1, 2), module.in_channels, *drawn(1, 4)).double()
        try:
            with torch.no_grad():
                output = module(x)
        except RuntimeError:
            continue
        if output.numel():
            yield Layer(module, x, fields, tuple(output.shape[2:]))


# --- doing it ------------------------------------------------------------------------------------


def placed(full: torch.Tensor, layer: Layer) -> torch.Tensor:
    """The stamped strip without the padding, cut or filled up to the size, plus the bias."""
    before = layer.module.padding
    sides: list[int] = []
    for axis in reversed(range(layer.rank)):
        length = full.shape[2 + axis]
        sides += [-before[axis], before[axis] + layer.sizes[axis] - length]
    result = functional.pad(full, sides)
    if layer.module.bias is None:
        return result
    return result + layer.module.bias.reshape(1, -1, *[1] * layer.rank)


def swapped(weight: torch.Tensor, groups: int) -> torch.Tensor:
    """(in, out / g, …) to (out, in / g, …)."""
    parts = weight.chunk(groups)
    return torch.cat([part.transpose(0, 1) for part in parts])


def by_zero_insertion(layer: Layer) -> tuple[torch.Tensor, dict[str, Any]]:
    """Zeros between the inputs, then a convolution of stride 1 by the kernel turned round."""
    module, x, rank = layer.module, layer.x, layer.rank
    spatial = [(n - 1) * s + 1 for n, s in zip(x.shape[2:], module.stride, strict=True)]
    stretched = x.new_zeros(*x.shape[:2], *spatial)
    stretched[(..., *(slice(None, None, s) for s in module.stride))] = x
    sides: list[int] = []
    for axis in reversed(range(rank)):
        margin = module.dilation[axis] * (module.kernel_size[axis] - 1) - module.padding[axis]
        sides += [margin, margin + module.output_padding[axis]]
    weight = swapped(module.weight, module.groups).flip(*range(2, 2 + rank))
    result = CONVOLUTIONS[rank](
        functional.pad(stretched, sides),
        weight,
        module.bias,
        dilation=module.dilation,
        groups=module.groups,
    )
    return result, {"stretched_input": tuple(stretched.shape[1:])}


def by_subpixel(layer: Layer) -> tuple[torch.Tensor, dict[str, Any]]:
    """The kernel padded to a multiple of the stride, one convolution, a pixel shuffle."""
    module, x, rank = layer.module, layer.x, layer.rank
    weight = swapped(module.weight, module.groups)
    for done, (s, d) in enumerate(zip(module.stride, module.dilation, strict=True)):
        axis = 2 + 2 * done  # behind out, the phases so far, in, the taps so far
        taps = [i * d for i in range(weight.shape[axis])]
        length = -(-(taps[-1] + 1) // s) * s
        spread = weight.new_zeros(*weight.shape[:axis], length, *weight.shape[axis + 1 :])
        spread.index_copy_(axis, torch.tensor(taps), weight)
        # Place = tap of the phase · s + phase; the phases become channels.
        weight = spread.unflatten(axis, (length // s, s)).movedim(axis + 1, 1 + done)
    phases = weight.shape[1 : 1 + rank]
    flat = weight.flatten(0, rank).flip(*range(2, 2 + rank))
    margins = [m - 1 for m in flat.shape[2:]]
    convolved = CONVOLUTIONS[rank](x, flat, padding=margins, groups=module.groups)
    full = convolved.unflatten(1, (-1, *phases))
    order = [0, 1]
    for axis in range(rank):
        order += [2 + rank + axis, 2 + axis]
    sizes = [n * s for n, s in zip(convolved.shape[2:], phases, strict=True)]
    full = full.permute(order).reshape(x.shape[0], -1, *sizes)
    facts = {
        "convolution_weight": tuple(flat.shape),
        "convolution_output": tuple(convolved.shape[1:]),
        "padded_params": flat.numel(),
    }
    return placed(full, layer), facts


def by_matrix(layer: Layer) -> tuple[torch.Tensor, dict[str, Any]]:
    """The images of the unit vectors are the columns; counted are those that are not zero."""
    module, x = layer.module, layer.x
    inputs = x[0].numel()
    units = torch.eye(inputs, dtype=x.dtype).reshape(inputs, *x.shape[1:])
    silent = module(torch.zeros_like(x[:1]))
    matrix = (module(units) - silent).flatten(1).T
    result = (x.flatten(1) @ matrix.T).reshape(x.shape[0], *silent.shape[1:]) + silent
    nonzeros = int((matrix.abs() > 1e-12).sum())
    rows, columns = matrix.shape
    facts = {
        "matrix": (rows, columns),
        "matrix_nonzeros": nonzeros,
        "convolution_matrix": (columns, rows),
        "convolution_nonzeros": nonzeros,
        "dense_macs": x.shape[0] * rows * columns,
    }
    return result, facts


WAYS: dict[str, Callable[[Layer], tuple[torch.Tensor, dict[str, Any]]]] = {
    "scatter": lambda layer: (layer.module(layer.x), {}),
    "zero_insertion": by_zero_insertion,
    "subpixel": by_subpixel,
    "matrix": by_matrix,
}


@pytest.mark.parametrize("realisation", WAYS)
@pytest.mark.parametrize("rank", [1, 2, 3])
def test_a_realisation_gives_the_same_output_by_as_many_products(
    rank: int, realisation: str
) -> None:
    tried = 0
    for layer in layers(rank, 400):
        ours = layer.ours(realisation)
        assert isinstance(ours, Analysis), (layer.fields, ours)
        with torch.no_grad():
            expected = layer.module(layer.x)
            with FlopCounterMode(display=False) as counter:
                output, facts = WAYS[realisation](layer)
        torch.testing.assert_close(output, expected)
        assert ours.output.dims == tuple(expected.shape)
        assert {n: tuple(p.shape) for n, p in layer.module.named_parameters()} == ours.weights
        assert ours.facts == facts, layer.fields
        (weight, *_) = ours.terms
        products = (
            layer.x.shape[0] * facts["matrix_nonzeros"]
            if realisation == "matrix"
            else counter.get_total_flops() // 2
        )
        assert products == weight.amount, layer.fields
        tried += 1
    assert tried > 150


# --- linear upsampling -----------------------------------------------------------------------


def tent(factor: int) -> torch.Tensor:
    """Linear interpolation between the centres of cells, as taps."""
    size = 2 * factor - factor % 2
    centre = (size - 1) / 2
    return torch.tensor([1 - abs(i - centre) / factor for i in range(size)]).double()


@pytest.mark.parametrize("factor", [1, 2, 3, 4, 5, 8])
@pytest.mark.parametrize("rank", [1, 2])
def test_the_fixed_kernel_interpolates_as_pytorch_does_away_from_the_border(
    rank: int, factor: int
) -> None:
    channels, n = 3, 6
    operator: Operator = operator_of("bilinear_conv_transpose", rank, {"factor": factor})
    ours = operator.analyse([Shape(1, channels, (n,) * rank)])
    module = TRANSPOSED[rank](
        channels,
        channels,
        2 * factor - factor % 2,
        stride=factor,
        padding=-(-(factor - 1) // 2),
        groups=channels,
        bias=False,
    ).double()
    kernel = tent(factor)
    for _ in range(rank - 1):
        kernel = kernel[..., None] * tent(factor)
    with torch.no_grad():
        module.weight.copy_(kernel)
        x = torch.randn(1, channels, *[n] * rank).double()
        output = module(x)
        mode = ("linear", "bilinear")[rank - 1]
        expected = functional.interpolate(x, scale_factor=factor, mode=mode)
    assert ours.weights == {"weight": tuple(module.weight.shape)}
    assert ours.output.dims == tuple(output.shape) == (1, channels, *[factor * n] * rank)
    inner = (..., *[slice(factor, -factor)] * rank)
    torch.testing.assert_close(output[inner], expected[inner])


def test_bilinear_upsampling_is_this_transposed_convolution() -> None:
    def cases() -> Iterator[Case]:
        for rank, factor, n, grouped in [
            (r, f, n, g) for r in (1, 2, 3) for f in range(1, 7) for n in (1, 2, 3) for g in (0, 1)
        ]:
            fields = {"factor": factor, "grouped": bool(grouped)}
            size = (2, 3, *[n] * rank)
            yield Case(
                "bilinear_conv_transpose",
                fields,
                (size,),
                lambda r=rank, f=factor, g=3 if grouped else 1: TRANSPOSED[r](
                    3, 3, 2 * f - f % 2, stride=f, padding=-(-(f - 1) // 2), groups=g, bias=False
                ),
            )

    agreed(cases(), working=108)
