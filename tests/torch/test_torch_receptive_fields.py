"""Receptive fields against the pattern of non-zero gradients, in double precision.

All weights are positive, so nothing cancels: a gradient is zero exactly where an output does not
read an input. Padding has no gradient; what a report says about it is compared where no layer on
the way reads any, and everywhere else the exact positions are compared instead.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Any, NamedTuple

import pytest
import torch
from small import network_of
from torch import nn

from convcalc.analysis.analyse import analyse
from convcalc.analysis.receptive_field.reach import Reach, propagate
from convcalc.diagnostics.diagnostic import NetworkError
from convcalc.model.graph.network import Network

Layers = list[tuple[dict[str, Any], nn.Module]]


def conv(rng: random.Random) -> tuple[dict[str, Any], nn.Module]:
    """A convolution with odd or even kernel, stride and dilation."""
    fields = {
        "kernel_size": rng.randint(1, 4),
        "stride": rng.choice((1, 1, 2, 3)),
        "padding": rng.randint(0, 2),
        "dilation": rng.choice((1, 1, 2, 3)),
    }
    return {"conv": {"out_channels": 1, **fields}}, nn.Conv1d(1, 1, **fields)


def transposed(rng: random.Random) -> tuple[dict[str, Any], nn.Module]:
    """A transposed convolution, some of whose outputs may read nothing."""
    stride = rng.randint(1, 3)
    fields = {
        "kernel_size": rng.randint(1, 4),
        "stride": stride,
        "padding": rng.randint(0, 1),
        "dilation": rng.choice((1, 1, 2)),
        "output_padding": rng.randint(0, stride - 1),
    }
    return {"conv_transpose": {"out_channels": 1, **fields}}, nn.ConvTranspose1d(1, 1, **fields)


def pool(rng: random.Random) -> tuple[dict[str, Any], nn.Module]:
    """An average pooling; the gradient of a maximum shows one of its taps only."""
    k = rng.randint(1, 4)
    fields = {"kernel_size": k, "stride": rng.randint(1, 3), "padding": rng.randint(0, k // 2)}
    return {"avg_pool": fields}, nn.AvgPool1d(**fields)


def resize(rng: random.Random) -> tuple[dict[str, Any], nn.Module]:
    """An interpolation, larger or smaller."""
    mode, scale = rng.choice(("nearest", "linear")), rng.choice((0.5, 1.5, 2, 3))
    return (
        {"upsample": {"scale": scale, "mode": mode}},
        nn.Upsample(scale_factor=float(scale), mode=mode),
    )


def chain(rng: random.Random, make: Sequence[Callable[..., Any]]) -> Layers:
    """A few layers in a row, with positive weights."""
    layers = [rng.choice(make)(rng) for _ in range(rng.randint(1, 5))]
    for _, module in layers:
        module.double()
        for parameter in module.parameters():
            nn.init.constant_(parameter, 1.0)
    return layers


def pattern(modules: Sequence[nn.Module], size: int) -> list[list[int]]:
    """The input positions with a gradient, for each output position."""
    x = torch.ones(1, 1, size, dtype=torch.double, requires_grad=True)
    output = nn.Sequential(*modules)(x).flatten()
    rows = [torch.autograd.grad(value, x, retain_graph=True)[0].flatten() for value in output]
    return [torch.nonzero(row).flatten().tolist() for row in rows]


class Seen(NamedTuple):
    """What one position depends on: inputs, and whether padding is among what was read."""

    positions: frozenset[int]
    padded: bool


def followed(network: Network) -> list[Seen]:
    """For each output position, what the exact reads of all layers lead to.

    Interpolation moves positions outside to the border; a window drops them.
    """
    (size,) = next(iter(network.inputs.values())).spatial
    seen = [Seen(frozenset([i]), False) for i in range(size)]
    for layer in network.layers:
        ((axis,),) = layer.analysis.axes
        (outputs,) = layer.analysis.output.spatial
        now = []
        for y in range(outputs):
            inside = [seen[t] for t in axis.taps(y) if 0 <= t < len(seen)]
            padded = len(inside) < len(axis.taps(y)) or any(read.padded for read in inside)
            now.append(Seen(frozenset().union(*(read.positions for read in inside)), padded))
        seen = now
    return seen


def reach_of(network: Network) -> Reach:
    """The reach of the output, from which the report's numbers are made."""
    reach = Reach()
    for layer in network.layers:
        ((axis,),) = layer.analysis.axes
        reach = propagate(axis, reach)
    return reach


@pytest.mark.parametrize(
    ("kind", "make"),
    [
        ("windows", (conv, pool)),
        ("stamps", (conv, transposed)),
        ("resizing", (conv, resize)),
        ("all", (conv, pool, transposed, resize)),
    ],
)
def test_gradients_are_where_the_receptive_field_says(kind: str, make: tuple[Any, ...]) -> None:
    rng = random.Random(kind)
    compared = unpadded = 0
    while compared < 100:
        layers, size = chain(rng, make), rng.randint(8, 30)
        try:
            network = network_of([fields for fields, _ in layers], [1, size])
        except NetworkError:  # a window does not fit; the shapes are compared elsewhere
            continue
        (outputs,) = network.layers[-1].analysis.output.spatial
        if outputs > 60:
            continue
        expected = pattern([module for _, module in layers], size)
        seen = followed(network)
        given = [fields for fields, _ in layers]
        assert [sorted(read.positions) for read in seen] == expected, (given, size)
        reach = reach_of(network)
        for y, read in enumerate(expected):
            if not seen[y].padded:
                hull = (read[0], read[-1]) if read else None
                assert reach.interval(y) == hull, (given, size, y)
                unpadded += 1
        assert_report(network, reach, outputs)
        compared += 1
    assert unpadded > 100


def assert_report(network: Network, reach: Reach, outputs: int) -> None:
    """The report's extents are those of the intervals that were compared."""
    field = analyse(network).receptive_field
    assert field is not None
    intervals = [reach.interval(y) for y in range(outputs)]
    extents = [0 if i is None else i[1] - i[0] + 1 for i in intervals]
    assert (field.size, field.size_min) == ((max(extents),), (min(extents),))
    assert field.jump == (reach.jump,)


@pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel lengths")
def test_the_paths_of_a_residual_block_are_all_seen() -> None:
    """Branches of different width: gradients of the sum, against the union."""
    for k, d, other in [(3, 1, 1), (3, 3, 5), (5, 2, 3), (4, 1, 1)]:
        body = {"conv": {"out": 1, "k": k, "d": d, "p": "same"}}
        side = {"conv": {"out": 1, "k": other, "p": "same"}}
        network = network_of([{"residual": [body], "shortcut": [side]}], [1, 31])
        one = nn.Conv1d(1, 1, k, dilation=d, padding="same").double()
        two = nn.Conv1d(1, 1, other, padding="same").double()
        for parameter in (*one.parameters(), *two.parameters()):
            nn.init.constant_(parameter, 1.0)
        x = torch.ones(1, 1, 31, dtype=torch.double, requires_grad=True)
        middle = (one(x) + two(x))[0, 0, 15]
        read = torch.nonzero(torch.autograd.grad(middle, x)[0].flatten()).flatten().tolist()
        field = analyse(network).receptive_field
        assert field is not None
        assert field.size == (read[-1] - read[0] + 1,)
        assert field.center[0] + 15 == Fraction(read[0] + read[-1], 2)
