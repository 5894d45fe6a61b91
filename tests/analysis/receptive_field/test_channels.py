"""What single channels see, against sets of elements: every layer by its definition."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from itertools import product
from typing import Any

import pytest
from regions import listed
from small import network_of_text
from yaml import safe_dump

from convcalc.analysis.receptive_field.domains import SUPPORTS
from convcalc.analysis.receptive_field.histories import Histories
from convcalc.analysis.receptive_field.per_layer import phase_count
from convcalc.analysis.receptive_field.reach import seen_together
from convcalc.analysis.receptive_field.read_back import read_histories
from convcalc.analysis.receptive_field.region import product as region_of
from convcalc.analysis.receptive_field.region import projections
from convcalc.analysis.receptive_field.walk import WOVEN_UNEVENLY, Walk

Position = tuple[int, ...]
Reads = frozenset[Position]
Tensor = list[dict[Position, Reads]]  # for each channel and position, the input positions it reads

NOTHING: Reads = frozenset()


# --- layers by their definition ------------------------------------------------------------------


def union(parts: Any) -> Reads:
    return NOTHING.union(*parts)


def sizes_of(x: Tensor) -> Position:
    return tuple(max(axis) + 1 for axis in zip(*x[0], strict=True))


def grid(sizes: Position) -> list[Position]:
    return list(product(*map(range, sizes)))


def slide(
    x: Tensor, channels: Sequence[Sequence[int]], k: int, s: int = 1, p: int = 0, d: int = 1
) -> Tensor:
    """A window: ``channels`` are those that each output channel reads."""
    out = [(n + 2 * p - d * (k - 1) - 1) // s + 1 for n in sizes_of(x)]
    taps = list(product(range(k), repeat=len(out)))
    made: Tensor = []
    for reads in channels:
        made.append({})
        for y in grid(tuple(out)):
            places = [
                tuple(s * at - p + d * t for at, t in zip(y, tap, strict=True)) for tap in taps
            ]
            made[-1][y] = union(x[c].get(place, NOTHING) for c in reads for place in places)
    return made


def grouped(count: int, groups: int, outputs: int) -> list[range]:
    each, makes = count // groups, outputs // groups
    return [range(c // makes * each, (c // makes + 1) * each) for c in range(outputs)]


def every(x: Tensor) -> Reads:
    return union(reads for channel in x for reads in channel.values())


class Graph:
    """A random network, as layers in YAML and as tensors of sets."""

    def __init__(self, seed: int) -> None:
        self.rng = random.Random(seed)
        rank = self.rng.choice((1, 1, 2))
        sizes = (12,) if rank == 1 else (8, 8)
        channels = self.rng.choice((1, 2, 4))
        self.items: list[Any] = []
        self.input = [channels, *sizes]
        self.tensors: list[Tensor] = [[{y: frozenset({y}) for y in grid(sizes)}] * channels]
        while len(self.items) < self.rng.randint(4, 9):
            self.add()

    def add(self) -> None:
        source = self.rng.randrange(max(0, len(self.tensors) - 3), len(self.tensors))
        x = self.tensors[source]
        makers = (self.conv, self.conv, self.rearranged, self.rearranged, self.joined, self.odd)
        found = next(self.rng.choice(makers)(x, source))
        if found is None or len(found[1]) > 64 or 0 in (sizes := sizes_of(found[1])):
            return
        if min(sizes) < 2 or max(sizes) > 24:
            return
        item, tensor, *sources = found
        item = {item: {}} if isinstance(item, str) else item
        names = ["input" if n == 0 else f"t{n}" for n in sources or [source]]
        item = {
            **item,
            "id": f"t{len(self.tensors)}",
            "from": names if len(names) > 1 else names[0],
        }
        self.items.append(item)
        self.tensors.append(tensor)

    @property
    def text(self) -> str:
        return safe_dump({"input": self.input, "layers": self.items}, sort_keys=False)

    def conv(self, x: Tensor, source: int) -> Iterator[Any]:
        count, rng = len(x), self.rng
        groups = rng.choice([g for g in (1, 2, 4, count) if count % g == 0])
        out = groups * rng.choice((1, 2)) if groups > 1 else rng.choice((1, 2, 4, 8))
        k, s, d = rng.choice((1, 2, 3)), rng.choice((1, 1, 1, 2)), rng.choice((1, 1, 2))
        p = d * (k - 1) // 2
        if min(sizes_of(x)) + 2 * p < d * (k - 1) + 1:
            yield None
        fields = {"out": out, "k": k, "s": s, "p": p, "d": d, "groups": groups}
        yield {"conv": fields}, slide(x, grouped(count, groups, out), k, s, p, d)

    def rearranged(self, x: Tensor, source: int) -> Iterator[Any]:
        count, rng, rank = len(x), self.rng, len(sizes_of(x))
        kind = rng.randrange(6)
        if kind == 0:
            start = rng.randrange(count)
            stop = rng.randint(start + 1, count)
            yield {"channel_slice": {"start": start, "stop": stop}}, x[start:stop]
        if kind == 1:
            chosen = [rng.randrange(count) for _ in range(rng.randint(1, 6))]
            yield {"channel_select": {"indices": chosen}}, [x[c] for c in chosen]
        if kind == 2:
            groups = rng.choice([g for g in range(1, count + 1) if count % g == 0])
            each = count // groups
            order = [c % groups * each + c // groups for c in range(count)]
            yield {"channel_shuffle": {"groups": groups}}, [x[c] for c in order]
        if kind in (3, 4) and all(n % 2 == 0 for n in sizes_of(x)):
            phases = list(product((0, 1), repeat=rank))
            half = grid(tuple(n // 2 for n in sizes_of(x)))
            yield (
                {"pixel_unshuffle": {"factor": 2}},
                [
                    {y: c[tuple(2 * a + b for a, b in zip(y, phase, strict=True))] for y in half}
                    for c in x
                    for phase in phases
                ],
            )
        if kind == 5 and count % 2**rank == 0:
            twice = grid(tuple(2 * n for n in sizes_of(x)))
            phases = list(product((0, 1), repeat=rank))
            yield (
                {"pixel_shuffle": {"factor": 2}},
                [
                    {
                        y: x[c * 2**rank + phases.index(tuple(a % 2 for a in y))][
                            tuple(a // 2 for a in y)
                        ]
                        for y in twice
                    }
                    for c in range(count // 2**rank)
                ],
            )
        yield None

    def joined(self, x: Tensor, source: int) -> Iterator[Any]:
        other = self.rng.randrange(len(self.tensors))
        z = self.tensors[other]
        if sizes_of(z) != sizes_of(x):
            yield None
        if self.rng.random() < 0.7 or len(z) != len(x):
            yield {"concat": {}}, [*x, *z], source, other
        both = [{y: a[y] | b[y] for y in a} for a, b in zip(x, z, strict=True)]
        yield {"add": {}}, both, source, other

    def odd(self, x: Tensor, source: int) -> Iterator[Any]:
        count, rng = len(x), self.rng
        kind = rng.randrange(7)
        if kind == 0:
            size = rng.choice((1, 2, 3, 5))
            made = [
                {
                    y: union(
                        x[i][y]
                        for i in range(c - size // 2, c + (size - 1) // 2 + 1)
                        if 0 <= i < count
                    )
                    for y in x[c]
                }
                for c in range(count)
            ]
            yield {"local_response_norm": {"size": size}}, made
        if kind == 1 and count % 2 == 0:
            half = count // 2
            yield "glu", [{y: x[c][y] | x[c + half][y] for y in x[c]} for c in range(half)]
        if kind == 2 and count >= 2:
            first = (count + 1) // 2 if count % 2 else count // 2
            first = count - count // 2
            small = slide(x, [[c] for c in range(first)], 1)
            large = slide(x, [[c] for c in range(first, count)], 3, 1, 1)
            yield {"mix_conv": {"k": [1, 3]}}, [*small, *large]
        if kind == 3 and count % 2 == 0:
            half = count // 2
            made = slide(x, [range(half)] * half, 3, 1, 1)
            yield {"partial_conv": {"k": 3, "n_div": 2}}, [*made, *x[half:]]
        if kind == 4:
            out = rng.randint(1, 5)
            own = -(-out // 2)
            primary = slide(x, [range(count)] * own, 1)
            cheap = slide(primary, [[c] for c in range(own)], 3, 1, 1)
            yield {"ghost_conv": {"out": out}}, [*primary, *cheap][:out]
        if kind == 5:
            yield (
                {"upsample": {"scale": 2, "mode": "nearest"}},
                [
                    {
                        y: c[tuple(a // 2 for a in y)]
                        for y in grid(tuple(2 * n for n in sizes_of(x)))
                    }
                    for c in x
                ],
            )
        if kind == 6:
            yield "relu", x
        yield None


# --- what convcalc says --------------------------------------------------------------------------


@pytest.mark.exhaustive
@pytest.mark.parametrize("block", range(16))
def test_every_channel_reads_what_its_elements_read(block: int) -> None:
    apart = 0
    for seed in range(block * 25, block * 25 + 25):
        graph = Graph(seed)
        network = network_of_text(graph.text)
        assert not network.problems, (seed, graph.text, network.problems)
        histories = Histories(network)
        for number, tensor in enumerate(graph.tensors[1:], 1):
            rng = random.Random(seed)
            apart += len(histories.tensors[number]) > 1
            for channel, elements in enumerate(tensor):
                history = histories.tensors[number].of(channel)
                assert history is not None
                for y in rng.sample(list(elements), 2):
                    wanted = {history: region_of([(at, 1) for at in y])}
                    found = read_histories(histories, wanted, bordered=True).get("input")
                    assert listed(found, len(y)) == elements[y], (graph.text, number, channel, y)
    assert apart > 10


@pytest.mark.exhaustive
@pytest.mark.parametrize("block", range(8))
def test_the_walk_forward_says_what_the_walk_back_says(block: int) -> None:
    for seed in range(block * 25, block * 25 + 25):
        network = network_of_text(Graph(seed).text)
        histories = Histories(network)
        walk = Walk(network, SUPPORTS, histories)
        for index, (layer, seen) in enumerate(walk.layers()):
            own = histories.tensors[1 + index].histories
            for history, sights in zip(own, seen, strict=True):
                assert_same(histories, history, sights["input"].axes, layer.analysis.output.spatial)


def assert_same(histories: Histories, history: int, axes: Any, spatial: Position) -> None:
    """The reaches on each axis are the projections of what is read, at any position."""
    reasons = {reach.reason for reaches in axes for reach in reaches} - {""}
    if reasons:
        assert reasons == {WOVEN_UNEVENLY}
        return
    counts = [phase_count(reaches, n)[0] for reaches, n in zip(axes, spatial, strict=True)]
    for y in product(*map(range, counts)):
        wanted = {history: region_of([(at, 1) for at in y])}
        region = read_histories(histories, wanted).get("input")
        found = [seen_together(reaches, at, SUPPORTS) for reaches, at in zip(axes, y, strict=True)]
        assert found == list(projections(region, len(y)) if region else [None] * len(y))
