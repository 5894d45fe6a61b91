"""Recurrent layers against PyTorch: weights, sizes, products, and what the steps depend on."""

from __future__ import annotations

import random
from collections.abc import Iterator
from itertools import product
from typing import Any

import pytest
import torch
from against import Case, agreed, analysed
from small import report_of
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from convcalc.model.operators.contract import WEIGHTS, Analysis

KINDS: dict[str, Any] = {"lstm": nn.LSTM, "gru": nn.GRU}
AXES = {1: ("length",), 2: ("height", "width"), 3: ("depth", "height", "width")}


class Walked(nn.Module):
    """PyTorch's layer along one axis; each position of the others is a sequence."""

    def __init__(self, kind: str, channels: int, dim: int, **fields: Any) -> None:
        super().__init__()
        made = KINDS[kind](channels, batch_first=True, **fields)
        for name, weight in made.named_parameters():
            self.register_parameter(name, weight)
        self.made, self.dim = [made], dim

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        rows = x.movedim(1, -1).movedim(self.dim - 1, -2)
        (made,) = self.made
        found = made(rows.flatten(0, -3))[0].unflatten(0, rows.shape[:-2])
        walked: torch.Tensor = found.movedim(-2, self.dim - 1).movedim(-1, 1)
        return walked


def cases(kind: str, count: int) -> Iterator[Case]:
    rng = random.Random(kind)
    for _ in range(count):
        rank = rng.randint(1, 3)
        size = (rng.randint(1, 2), rng.randint(1, 5), *(rng.randint(1, 4) for _ in range(rank)))
        axis = rng.randrange(rank)
        fields = {
            "hidden_size": rng.randint(1, 4),
            "num_layers": rng.randint(1, 3),
            "bidirectional": rng.random() < 0.5,
            "bias": rng.random() < 0.5,
        }
        if kind == "lstm":
            fields["proj_size"] = rng.randint(0, 4)
        theirs = {**fields, "kind": kind, "channels": size[1], "dim": axis + 2}
        yield Case(
            kind, {**fields, "axis": AXES[rank][axis]}, (size,), lambda t=theirs: Walked(**t)
        )


@pytest.mark.filterwarnings("ignore:LSTM with projections")
@pytest.mark.parametrize("kind", KINDS)
def test_recurrent_layers_have_pytorchs_weights_and_sizes(kind: str) -> None:
    agreed(cases(kind, 300), working=150, refused=20 if kind == "lstm" else 0)


@pytest.mark.filterwarnings("ignore:LSTM with projections")
@pytest.mark.parametrize("kind", KINDS)
def test_recurrent_layers_multiply_as_often_as_pytorchs(kind: str) -> None:
    compared = 0
    for case in cases(kind, 60):
        ours = analysed(case)
        if isinstance(ours, Analysis):
            module: Any = case.theirs().double()
            module.made[0].double()
            with FlopCounterMode(display=False) as counter, torch.no_grad():
                module(torch.zeros(case.sizes[0]).double())
            macs = sum(term.amount for term in ours.terms if term.kind == WEIGHTS)
            assert 2 * macs == counter.get_total_flops(), case[:3]
            compared += 1
    assert compared > 25


def walk(kind: str, x: torch.Tensor, hidden: int, seed: int = 0) -> torch.Tensor:
    """The recurrence over axis 2 step by step, from the equations, smooth and with positive
    weights; the number of products is in ``walk.products``."""
    generator = torch.Generator().manual_seed(seed)
    rank = x.dim() - 3
    convolve: Any = {1: nn.functional.conv1d, 2: nn.functional.conv2d}[rank]

    def drawn() -> torch.Tensor:
        size = (hidden, x.shape[1] + hidden, *[3] * rank)
        return torch.rand(size, generator=generator).double() / 20

    weights = [drawn() for _ in range(4 if kind == "conv_lstm" else 3)]
    shape = (x.shape[0], hidden, *x.shape[3:])
    h, cell = torch.ones(shape).double(), torch.ones(shape).double()
    states = []
    for step in x.unbind(2):
        both = torch.cat([h, step], 1)
        if kind == "conv_lstm":
            i, f, o, g = (convolve(both, w, padding=1) for w in weights)
            cell = f.sigmoid() * cell + i.sigmoid() * g.tanh()
            h = o.sigmoid() * cell.tanh()
        else:
            z, r = (convolve(both, w, padding=1).sigmoid() for w in weights[:2])
            q = convolve(torch.cat([r * h, step], 1), weights[2], padding=1).tanh()
            h = (1 - z) * h + z * q
        states.append(h)
    return torch.stack(states, 2)


@pytest.mark.parametrize(("kind", "rank"), [*product(("conv_lstm", "conv_gru"), (1, 2))])
def test_recurrent_convolutions_multiply_and_see_what_their_equations_do(
    kind: str, rank: int
) -> None:
    x = torch.rand(2, 3, 2, *[13] * rank).double().requires_grad_()
    with FlopCounterMode(display=False) as counter:
        y = walk(kind, x, 4)
    axis = "depth" if rank == 2 else "height"
    fields = {"hidden_channels": 4, "k": 3, "axis": axis, "bias": False}
    (layer,) = report_of([{kind: fields}], x.shape[1:], batch=2).layers
    assert layer.output.dims == tuple(y.shape)
    assert 2 * layer.macs == counter.get_total_flops()
    middle = (0, slice(None), -1, *[6] * rank)
    (gradient,) = torch.autograd.grad(y[middle].sum(), x)
    seen = gradient[0].abs().sum(0).nonzero()
    field = layer.receptive_field
    assert field is not None
    extents = (seen.amax(0) - seen.amin(0) + 1).tolist()
    assert list(field.size[1:]) == extents[1:]
    assert field.global_axes == (True, *[False] * rank)
    assert extents[0] == x.shape[2]
