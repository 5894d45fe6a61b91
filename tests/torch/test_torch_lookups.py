"""Windows as channels, sums of windows, look-ups and grids, against PyTorch."""

from __future__ import annotations

import random
from collections.abc import Iterator
from itertools import product

import torch
from against import Case, agreed, analysed
from small import network_of
from torch import nn
from torch.nn import functional

from convcalc.analysis.receptive_field.histories import Histories
from convcalc.analysis.receptive_field.preimage import positions
from convcalc.analysis.receptive_field.read_back import read_histories
from convcalc.analysis.receptive_field.region import product as region_of
from convcalc.model.operators.contract import Analysis


def windows(count: int) -> Iterator[tuple[tuple[int, ...], dict[str, list[int]]]]:
    rng = random.Random(count)
    for _ in range(count):
        size = (2, rng.randint(1, 3), rng.randint(1, 7), rng.randint(1, 7))
        yield (
            size,
            {
                "kernel_size": [rng.randint(1, 3) for _ in range(2)],
                "stride": [rng.randint(1, 3) for _ in range(2)],
                "padding": [rng.randint(0, 2) for _ in range(2)],
                "dilation": [rng.randint(1, 2) for _ in range(2)],
            },
        )


def test_windows_are_unfolded_as_by_pytorch() -> None:
    def cases() -> Iterator[Case]:
        for size, window in windows(500):
            yield Case("unfold", window, (size,), lambda w=window: nn.Unfold(**w))

    agreed(cases(), working=250, refused=50)


def test_windows_are_folded_as_by_pytorch() -> None:
    def cases() -> Iterator[Case]:
        rng = random.Random(2)
        for size, window in windows(600):
            try:
                x = functional.unfold(torch.zeros(size), **window)
            except RuntimeError:
                continue
            more = rng.choice([0, 0, 1])  # a window too many
            given = (*x.shape[:2], x.shape[2] + more)
            fields = {"output_size": list(size[2:]), **window}
            yield Case("fold", fields, (given,), lambda f=fields: nn.Fold(**f))

    agreed(cases(), working=200, refused=80)


def test_every_channel_of_unfold_reads_its_own_tap() -> None:
    for k, s, p, d in product((1, 2, 3), (1, 2), (0, 1), (1, 2)):
        n = 9
        fields = {"kernel_size": [k], "stride": [s], "padding": [[p, p]], "dilation": [d]}
        network = network_of([{"unfold": fields}], [2, n])
        x = torch.zeros(1, 2, 1, n, requires_grad=True)
        rows = {"kernel_size": (1, k), "stride": (1, s), "padding": (0, p), "dilation": (1, d)}
        y = functional.unfold(x, **rows)  # type: ignore[arg-type]
        assert tuple(y.shape) == network.layers[-1].analysis.output.dims
        histories = Histories(network)
        for channel, place in product(range(y.shape[1]), range(y.shape[2])):
            (gradient,) = torch.autograd.grad(y[0, channel, place], x, retain_graph=True)
            history = histories.tensors[1].of(channel)
            assert history is not None
            wanted = {history: region_of([(place, 1)])}
            region = read_histories(histories, wanted, bordered=True).get("input")
            read = set(positions(region)) if region else set()
            assert read == set(gradient[0].abs().sum((0, 1)).nonzero().flatten().tolist())


def test_sums_of_windows_on_one_axis_read_the_windows_that_reach_them() -> None:
    for k, s, p, d in product((1, 2, 3), (1, 2, 3), (0, 1), (1, 2)):
        row = {"kernel_size": (1, k), "stride": (1, s), "padding": (0, p), "dilation": (1, d)}
        made = functional.unfold(torch.zeros(1, 1, 1, 10), **row)  # type: ignore[arg-type]
        x = torch.zeros(made.shape, requires_grad=True)
        y = functional.fold(x, (1, 10), **row)  # type: ignore[arg-type]
        fields = {"output_size": [10], "k": [k], "s": [s], "p": [p], "d": [d]}
        ours = analysed(Case("fold", fields, (tuple(x.shape),), lambda: torch.sum))
        assert isinstance(ours, Analysis)
        ((axis,),) = ours.axes
        for place in range(10):
            (gradient,) = torch.autograd.grad(y[0, 0, 0, place], x, retain_graph=True)
            read = set(gradient[0].sum(0).nonzero().flatten().tolist())
            assert {t for t in axis.taps(place) if 0 <= t < x.shape[2]} == read


class Looked(nn.Embedding):
    """PyTorch's, with the vectors as channels."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        indices = x.long() if x.dim() == 2 else x.long().squeeze(1)
        return super().forward(indices).movedim(-1, 1)


def test_vectors_are_looked_up_as_by_pytorch() -> None:
    def cases() -> Iterator[Case]:
        for count, width in product((1, 5), (1, 4)):
            for size in ((2, 7), (2, 1, 7), (2, 1, 3, 4), (2, 1, 2, 3, 4)):
                fields = {"num_embeddings": count, "embedding_dim": width}
                yield Case("embedding", fields, (size,), lambda a=(count, width): Looked(*a))

    agreed(cases(), working=16)


def test_features_are_scattered_to_a_grid() -> None:
    def cases() -> Iterator[Case]:
        for size in ((7,), (3, 4), (2, 3, 4)):

            def scattered(x: torch.Tensor, size: tuple[int, ...] = size) -> torch.Tensor:
                grid = torch.zeros(*x.shape[:2], torch.Size(size).numel())
                places = torch.arange(x.shape[2]).expand(x.shape)
                return grid.scatter(2, places, x).unflatten(2, size)

            yield Case("scatter", {"size": list(size)}, ((2, 3, 5),), lambda f=scattered: f)

    agreed(cases(), working=3)
