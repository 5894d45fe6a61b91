"""Axes moved, merged, split and cut, against PyTorch: sizes, and what outputs depend on."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from itertools import permutations, product
from math import prod
from typing import Any

import pytest
import torch
from against import Case, agreed
from small import network_of, report_of
from torch.nn import functional

from convcalc.analysis.receptive_field.preimage import positions
from convcalc.analysis.receptive_field.read_back import read_back
from convcalc.analysis.receptive_field.region import product as region_of
from convcalc.model.graph.network import Network

Tensor = torch.Tensor
NAMES = {
    1: ("channels", "length"),
    2: ("channels", "height", "width"),
    3: ("channels", "depth", "height", "width"),
}
CONV: dict[int, Any] = {1: functional.conv1d, 2: functional.conv2d, 3: functional.conv3d}

# --- sizes ---------------------------------------------------------------------------------------


def some_sizes(rng: random.Random, least: int = 1) -> tuple[int, ...]:
    return (2, *(rng.randint(1, 6) for _ in range(rng.randint(least, 3) + 1)))


def test_reshapes_take_what_pytorchs_take() -> None:
    rng = random.Random(1)

    def cases() -> Iterator[Case]:
        for _ in range(3000):
            size = some_sizes(rng, 0)
            shape = [
                rng.choice([-1, 1, 2, 3, 4, 6, prod(size[1:])]) for _ in range(rng.randint(1, 4))
            ]
            yield Case(
                "reshape", {"shape": shape}, (size,), lambda s=shape: lambda x: x.reshape(2, *s)
            )

    agreed(cases(), working=300, refused=300)


def test_permutations_take_what_pytorchs_take() -> None:
    def cases() -> Iterator[Case]:
        for size in ((2, 3), (2, 3, 4), (2, 3, 4, 5), (2, 3, 4, 5, 6)):
            for dims in permutations(range(1, len(size))):
                for named in (list(dims), [0, *dims]):
                    yield Case(
                        "permute",
                        {"dims": named},
                        (size,),
                        lambda d=dims: lambda x: x.permute(0, *d),
                    )
            twice = [1] * (len(size) - 1) or [2]
            if len(twice) > 1:
                yield Case(
                    "permute", {"dims": twice}, (size,), lambda d=twice: lambda x: x.permute(0, *d)
                )

    agreed(cases(), working=60, refused=3)


def test_slices_keep_as_many_as_pytorchs() -> None:
    rng = random.Random(2)

    def cases() -> Iterator[Case]:
        for _ in range(1500):
            size = some_sizes(rng)
            names = NAMES[len(size) - 2]
            dim = rng.randrange(len(names))
            n = size[dim + 1]
            start, stop = rng.randint(-n, n), rng.choice([None, rng.randint(-n, n)])
            step = rng.randint(1, 3)
            cut = [slice(None)] * len(size)
            cut[dim + 1] = slice(start, stop, step)
            fields = {"axis": names[dim], "start": start, "step": step}
            if stop is not None:
                fields["stop"] = stop
            yield Case("slice", fields, (size,), lambda c=tuple(cut): lambda x: x[c])

    agreed(cases(), working=500, refused=300)


def test_stacks_and_concatenations_have_pytorchs_sizes() -> None:
    rng = random.Random(3)

    def cases() -> Iterator[Case]:
        for _ in range(400):
            size = some_sizes(rng, 0)[:4]
            for dim, name in enumerate(NAMES[len(size) - 1], 1):
                yield Case(
                    "stack",
                    {"axis": name},
                    (size,) * rng.randint(1, 3),
                    lambda d=dim: lambda *xs: torch.stack(xs, d),
                )
            size = some_sizes(rng)
            dim = rng.randrange(1, len(size))
            other = list(size)
            other[rng.choice([dim, dim, rng.randrange(1, len(size))])] += 1
            yield Case(
                "concat",
                {"axis": NAMES[len(size) - 2][dim - 1]},
                (size, tuple(other)),
                lambda d=dim: lambda *xs: torch.cat(xs, d),
            )

    agreed(cases(), working=800, refused=40)


def test_pieces_are_those_of_chunk_and_split() -> None:
    rng = random.Random(4)
    for _ in range(200):
        size = some_sizes(rng)
        dim = rng.randrange(1, len(size))
        name, n = NAMES[len(size) - 2][dim - 1], size[dim]
        x = torch.zeros(size)
        if rng.random() < 0.5:
            count = rng.choice([m for m in range(1, n + 1) if n % m == 0])
            fields, pieces = {"chunks": count}, x.chunk(count, dim)
        else:
            first = rng.randint(1, n)
            sizes = [first, n - first] if n > first else [n]
            fields, pieces = {"sizes": sizes}, x.split(sizes, dim)  # type: ignore[no-untyped-call]
        report = report_of([{"chunk": {"axis": name, **fields}}], size[1:], batch=2)
        assert [layer.output.dims for layer in report.layers] == [tuple(p.shape) for p in pieces]


# --- what outputs depend on ----------------------------------------------------------------------


class Computed:
    """A network of moves, windows and linear maps, with positive weights."""

    def __init__(self, seed: int) -> None:
        self.generator = torch.Generator().manual_seed(seed)

    def drawn(self, *shape: int) -> Tensor:
        return torch.rand(shape, generator=self.generator, dtype=torch.double) + 0.5

    def conv(self, op: Any, x: Tensor) -> Tensor:
        weight = self.drawn(op.out_channels, x.shape[1], *op.kernel_size)
        pads = [before for before, _ in op.padding]
        return CONV[x.dim() - 2](x, weight, stride=op.stride, padding=pads) / weight[0].numel()

    def depthwise_conv(self, op: Any, x: Tensor) -> Tensor:
        weight = self.drawn(x.shape[1], 1, *op.kernel_size)
        pads = [before for before, _ in op.padding]
        return CONV[x.dim() - 2](x, weight, padding=pads, groups=x.shape[1])

    def linear(self, op: Any, x: Tensor) -> Tensor:
        weight = self.drawn(op.out_channels, x.shape[1])
        return torch.einsum("oc,bc...->bo...", weight, x)

    def add(self, op: Any, *xs: Tensor) -> Tensor:
        return torch.stack(xs).sum(0)

    def reshape(self, op: Any, x: Tensor) -> Tensor:
        return x.reshape(1, *op.shape)

    def permute(self, op: Any, x: Tensor) -> Tensor:
        return x.permute(0, *op.dims)

    def slice(self, op: Any, x: Tensor) -> Tensor:
        dim = NAMES[x.dim() - 2].index(op.axis) + 1
        start, stop, step = slice(op.start, op.stop, op.step).indices(x.shape[dim])
        return x.index_select(dim, torch.arange(start, stop, step))

    def stack(self, op: Any, *xs: Tensor) -> Tensor:
        return torch.stack(xs, NAMES[xs[0].dim() - 1].index(op.axis) + 1)

    def relu(self, op: Any, x: Tensor) -> Tensor:
        return x


def result(network: Network, x: Tensor) -> Tensor:
    made: Any = Computed(0)
    tensors = [x]
    for layer in network.layers:
        inputs = [tensors[number] for number in layer.inputs]
        tensors.append(getattr(made, layer.name)(layer.operator, *inputs))
        assert tuple(tensors[-1].shape) == layer.analysis.output.dims, layer.path
    return tensors[-1]


def by_gradients(
    network: Network, place: Sequence[int], sizes: Sequence[int]
) -> set[tuple[int, ...]]:
    """The input positions on which an output position depends, in any channel."""
    x = torch.ones(1, *sizes, dtype=torch.double, requires_grad=True)
    result(network, x)[(0, slice(None), *place)].sum().backward()
    assert x.grad is not None
    return {tuple(found) for found in x.grad[0].abs().sum(0).nonzero().tolist()}


def by_convcalc(network: Network, place: Sequence[int]) -> set[tuple[int, ...]]:
    tensor = len(network.inputs) + len(network.layers) - 1
    wanted = {tensor: region_of([(at, 1) for at in place])}
    region = read_back(network, wanted, bordered=True, strict=True)["input"]
    if len(network.inputs["input"].spatial) == 1:
        return {(at,) for at in positions(region)}
    return {(y, x) for rows, inner in region for y in positions(rows) for x in positions(inner)}


WINDOW = {"conv": {"out": 4, "k": 3, "p": 1, "bias": False}}
NETWORKS: dict[str, Callable[[], list[Any]]] = {
    "tokens there and back": lambda: [
        {"conv": {"out": 4, "k": [3, 2], "s": 2, "bias": False}},
        {"reshape": {"shape": [4, -1]}},
        {"linear": {"out": 6}},
        {"permute": {"dims": [2, 1]}},
        "relu",
        {"permute": {"dims": [2, 1]}},
        {"reshape": {"shape": [6, 4, 4]}},
        {"depthwise_conv": {"k": 3, "p": 1}},
    ],
    "height and width exchanged": lambda: [
        {"conv": {"out": 4, "k": [3, 1], "bias": False}},
        {"permute": {"dims": [1, 3, 2]}},
        {"conv": {"out": 4, "k": [1, 3], "s": [1, 2], "bias": False}},
        {"permute": {"dims": [1, 3, 2]}},
    ],
    "channels last": lambda: [
        WINDOW,
        {"permute": {"dims": [2, 3, 1]}},
        "relu",
        {"permute": {"dims": [3, 1, 2]}},
        WINDOW,
    ],
    "a mixer": lambda: [
        WINDOW | {"id": "x"},
        {"reshape": {"shape": [4, -1]}, "id": "tokens"},
        {"permute": {"dims": [2, 1]}},
        {"linear": {"out": 72}},
        {"permute": {"dims": [2, 1]}},
        {"add": ["prev", "tokens"]},
        {"reshape": {"shape": [4, 9, 8]}},
    ],
    "rows mixed alone": lambda: [
        {"permute": {"dims": [2, 1, 3]}},
        {"linear": {"out": 9}},
        {"permute": {"dims": [2, 1, 3]}},
        {"conv": {"out": 2, "k": [1, 3], "bias": False}},
    ],
    "slices": lambda: [
        {"slice": {"axis": "height", "start": 1, "step": 2}},
        WINDOW,
        {"slice": {"axis": "width", "start": -5}},
        {"slice": {"axis": "channels", "start": 1, "step": 2}},
    ],
    "a stack that a window mixes": lambda: [
        WINDOW | {"id": "near"},
        {"conv": {"out": 4, "k": 3, "p": 1, "bias": False}, "id": "far"},
        {"stack": {"axis": "depth"}, "from": ["near", "far"]},
        {"conv": {"out": 4, "k": [2, 3, 1], "bias": False}},
        {"reshape": {"shape": [4, 7, 8]}},
    ],
    "channels split among axes": lambda: [
        WINDOW,
        {"reshape": {"shape": [2, 2, 9, 8]}},
        {"conv": {"out": 3, "k": [2, 3, 3], "bias": False}},
        {"reshape": {"shape": [3, 7, 6]}},
    ],
}


@pytest.mark.parametrize("name", NETWORKS)
def test_outputs_depend_on_the_positions_that_are_read_through_moves(name: str) -> None:
    sizes = (3, 9, 8)
    network = network_of(NETWORKS[name](), sizes)
    spatial = network.layers[-1].analysis.output.spatial
    for place in product(*map(range, spatial)):
        assert by_convcalc(network, place) == by_gradients(network, place, sizes), place


def test_what_moves_cannot_be_followed_is_said_to_be_unknown() -> None:
    cases = {
        "cut": [WINDOW, {"reshape": {"shape": [4, 8, 9]}}],
        "windows": [WINDOW, {"reshape": {"shape": [4, 3, 3, 8]}}, "relu"],
        "a window over merged axes": [
            {"reshape": {"shape": [3, 72]}},
            {"conv": {"out": 4, "k": 3, "p": 1}},
        ],
        "arranged differently": [
            {"slice": {"axis": "height", "stop": 8}, "id": "x"},
            {"permute": {"dims": [1, 3, 2]}},
            {"add": ["prev", "x"]},
        ],
        "in turn": [
            {"conv": {"out": 3, "k": 3, "p": 1}, "id": "x"},
            {"concat": {"axis": "height"}, "from": ["x", "input"]},
        ],
        "out of a vector": ["flatten", {"reshape": {"shape": [3, 9, 8]}}],
    }
    for name, layers in cases.items():
        field = report_of(layers, [3, 9, 8]).layers[-1].receptive_field
        assert field is not None
        assert field.reason, name


def test_attention_over_tokens_sees_the_whole_image() -> None:
    layers = [
        {"conv": {"out": 8, "k": 4, "s": 4}},
        {"reshape": {"shape": [8, -1]}, "id": "tokens"},
        {"parameter": {"shape": [8, 1]}, "id": "class"},
        {"concat": {"axis": "length"}, "from": ["class", "tokens"]},
        {"attention": {"heads": 2}},
        {"slice": {"axis": "length", "stop": 1}},
    ]
    field = report_of(layers, [3, 16, 16]).layers[-1].receptive_field
    assert field is not None
    assert field.is_global
