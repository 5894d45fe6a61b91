"""Which positions are read, and by how many paths, against loops over single positions.

The oracle follows every single path: from one output position to each position that it reads of
the layer before, and so on to the input. With borders, what lies beyond a tensor is dropped, or
is found where the padding comes from.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from fractions import Fraction
from itertools import product
from math import floor
from typing import Any, NamedTuple

import pytest
from grids import Part
from reads import Step, random_graph, usable
from regions import Position, listed, members
from small import network_of, network_of_text

from convcalc.analysis.receptive_field import region as regions
from convcalc.analysis.receptive_field.domains import SUPPORTS, TOTALS, Paths
from convcalc.analysis.receptive_field.reach import Reaches, seen_together
from convcalc.analysis.receptive_field.read_back import read_back
from convcalc.analysis.receptive_field.unread import unread
from convcalc.analysis.receptive_field.walk import Walk
from convcalc.analysis.receptive_field.weights import Rounded
from convcalc.model.graph.network import Network

WIDTH = 64


def sights(found: Network, kind: Any) -> list[Reaches]:
    """What each layer of a network with one axis and one input sees."""
    walk = Walk(found, kind)
    return [walk.together(seen)["input"].axes[0] for _, seen in walk.layers()]


def counted(seen: tuple[int, int] | None) -> Counter[int]:
    """Path counts by position."""
    if seen is None:
        return Counter()
    return Counter({seen[0] + i: n for i, n in enumerate(Paths(WIDTH).counts(seen)) if n})


# --- one axis ------------------------------------------------------------------------------------

FIRST = usable(7)


@pytest.mark.exhaustive
@pytest.mark.parametrize("first", FIRST[::2], ids=lambda step: step.text)
def test_every_chain_of_two_layers_reads_and_counts_what_single_paths_say(first: Step) -> None:
    seconds = usable(first.size)
    lines = [f"- {{{first.text}, id: first}}", *(f"- {{{s.text}, from: first}}" for s in seconds)]
    found = network_of_text("input: [1, 7]\nlayers:\n" + "\n".join(lines))
    supports, paths = sights(found, SUPPORTS)[1:], sights(found, Paths(WIDTH))[1:]
    for support, path, step in zip(supports, paths, seconds, strict=True):
        for y in range(step.size):
            ways = Counter(x for middle in step.reads(y) for x in first.reads(middle))
            assert members(seen_together(support, y, SUPPORTS)) == set(ways)
            assert counted(seen_together(path, y, Paths(WIDTH))) == ways


@pytest.mark.exhaustive
@pytest.mark.parametrize("block", range(12))
def test_random_graphs_read_what_their_sets_say(block: int) -> None:
    for seed in range(block * 40, block * 40 + 40):
        graph = random_graph(seed, drift=seed % 4 == 0)
        found = network_of_text(graph.text)
        named = {layer.path: index for index, layer in enumerate(found.layers)}
        supports = sights(found, SUPPORTS)
        totals, paths = sights(found, TOTALS), sights(found, Paths(WIDTH))
        for index, node in enumerate(graph.nodes):
            reaches = supports[named[f"t{index}"]]
            if any(reach.reason for reach in reaches):
                continue
            for y in range(node.size):
                seen = seen_together(reaches, y, SUPPORTS)
                assert members(seen) == node.reads(y), (graph.text, index, y)
                ways = counted(seen_together(paths[named[f"t{index}"]], y, Paths(WIDTH)))
                assert set(ways) == node.reads(y)
                total = seen_together(totals[named[f"t{index}"]], y, TOTALS)
                assert sum(ways.values()) == (total or 0)


# --- several axes, with borders --------------------------------------------------------------


class Layer(NamedTuple):
    """A layer on several axes: what an output reads per axis, and what stands beyond."""

    item: dict[str, Any]
    reads: Callable[[int, int], Sequence[int]]  # by axis and position
    sizes: tuple[int, ...]
    border: str = "zeros"


def window(rng: random.Random, sizes: Position) -> Layer:
    """A convolution with padding of its own on every side, or a pooling."""
    rank = len(sizes)
    k, s, d = ([rng.choice(pool) for _ in sizes] for pool in ((1, 2, 3), (1, 1, 2), (1, 1, 2)))
    pads = [[rng.randint(0, 2), rng.randint(0, 2)] for _ in sizes]
    border = rng.choice(("zeros", "zeros", "reflect", "replicate", "circular"))
    fields: dict[str, Any] = {"k": k, "s": s, "d": d, "p": pads}
    if border == "zeros" and rng.random() < 0.3:
        item = {"max_pool": fields}
        for axis in range(rank):
            pads[axis] = [min(p, k[axis] // 2) for p in pads[axis]]
    else:
        item = {"conv": {"out": 1, **fields, "padding_mode": border}}
    outputs = tuple(
        len([x for x in range(-a, n + b, step) if x + dil * (taps - 1) < n + b])
        for n, taps, step, dil, (a, b) in zip(sizes, k, s, d, pads, strict=True)
    )

    def reads(axis: int, y: int) -> list[int]:
        return [s[axis] * y - pads[axis][0] + d[axis] * t for t in range(k[axis])]

    return Layer(item, reads, outputs, border)


def stamp(rng: random.Random, sizes: Position) -> Layer:
    k, s = [rng.choice((1, 2, 3)) for _ in sizes], [rng.choice((1, 2, 2)) for _ in sizes]
    p = [rng.randint(0, 1) for _ in sizes]
    item = {"conv_transpose": {"out": 1, "k": k, "s": s, "p": p}}

    def reads(axis: int, y: int) -> list[int]:
        near = range(y // s[axis] - 4, y // s[axis] + 5)
        return [x for x in near for t in range(k[axis]) if x * s[axis] - p[axis] + t == y]

    outputs = tuple((n - 1) * a + b - 2 * c for n, a, b, c in zip(sizes, s, k, p, strict=True))
    return Layer(item, reads, outputs)


def resizing(rng: random.Random, sizes: Position) -> Layer:
    mode = rng.choice(("nearest", "nearest_exact", "linear"))
    outputs = tuple(rng.choice((n, 2 * n, n + 1, max(1, n - 1))) for n in sizes)
    item = {"upsample": {"size": list(outputs), "mode": mode}}

    def reads(axis: int, y: int) -> list[int]:
        n, m = sizes[axis], outputs[axis]
        if n == m:
            return [y]
        if mode != "linear":
            return [floor((y + Fraction(mode == "nearest_exact", 2)) * Fraction(n, m))]
        at = (y + Fraction(1, 2)) * Fraction(n, m) - Fraction(1, 2)
        return sorted({floor(at), -floor(-at)})

    return Layer(item, reads, outputs, "clamp")


def moved_inside(x: int, n: int, border: str) -> int | None:
    """Where the value of a position beyond the ends comes from; None if it is no input's."""
    if 0 <= x < n:
        return x
    if border == "zeros":
        return None
    if border == "circular":
        return x % n
    if border == "reflect":
        return -x if x < 0 else 2 * (n - 1) - x
    return 0 if x < 0 else n - 1


class Tensor(NamedTuple):
    sizes: Position
    sources: list[tuple[Layer | None, int]]  # layer, and the number of the tensor it reads


def random_tensors(seed: int) -> tuple[list[Any], Position, list[Tensor]]:
    """A graph of small layers on one to three axes; branches meet where sizes agree."""
    rng = random.Random(seed)
    rank = rng.choice((1, 2, 2, 3))
    start = tuple(rng.randint(4, 7 if rank < 3 else 5) for _ in range(rank))
    tensors, items = [Tensor(start, [])], []
    for _ in range(rng.randint(2, 7)):
        fits = [
            (a, b)
            for b in range(len(tensors))
            for a in range(b)
            if tensors[a].sizes == tensors[b].sizes
        ]
        if fits and rng.random() < 0.7:
            a, b = rng.choice(fits)
            items.append({"add": [_name(a), _name(b)], "id": _name(len(tensors))})
            tensors.append(Tensor(tensors[a].sizes, [(None, a), (None, b)]))
            continue
        source = rng.randrange(len(tensors))
        make = rng.choice((window, window, window, stamp, resizing))
        layer = make(rng, tensors[source].sizes)
        least, most = min(layer.sizes), max(layer.sizes)
        reflected = layer.border in ("reflect", "circular") and min(tensors[source].sizes) < 3
        if least < 1 or most > 12 or reflected:
            continue
        items.append({**layer.item, "from": _name(source), "id": _name(len(tensors))})
        tensors.append(Tensor(layer.sizes, [(layer, source)]))
    return items, start, tensors


def _name(number: int) -> str:
    return f"t{number}" if number else "input"


def followed(tensors: list[Tensor], number: int, y: Position, *, bordered: bool) -> set[Position]:
    """Every input position that a position reads, path by path."""
    if not tensors[number].sources:
        return {y}
    found: set[Position] = set()
    for layer, source in tensors[number].sources:
        if layer is None:
            found |= followed(tensors, source, y, bordered=bordered)
            continue
        for read in product(*(layer.reads(axis, at) for axis, at in enumerate(y))):
            inside: Sequence[int | None] = read
            if bordered:
                sizes = tensors[source].sizes
                inside = [
                    moved_inside(x, n, layer.border) for x, n in zip(read, sizes, strict=True)
                ]
            if None not in inside:
                place = tuple(x for x in inside if x is not None)
                found |= followed(tensors, source, place, bordered=bordered)
    return found


def graphs(seeds: Iterable[int]) -> Iterator[tuple[int, Network, list[Tensor]]]:
    for seed in seeds:
        items, start, tensors = random_tensors(seed)
        if items:
            yield seed, network_of(items, [1, *start]), tensors


@pytest.mark.parametrize("bordered", [False, True])
def test_regions_on_several_axes_hold_what_single_paths_reach(bordered: bool, part: Part) -> None:
    checked = partial = 0
    seeds = part(range(1200))
    for seed, found, tensors in graphs(seeds):
        rng = random.Random(seed)
        number = len(tensors) - 1
        rank = len(tensors[0].sizes)
        for _ in range(4):
            y = tuple(rng.randrange(n) for n in tensors[number].sizes)
            wanted = regions.product([(at, 1) for at in y])
            read = read_back(found, {number: wanted}, bordered=bordered).get("input")
            expected = followed(tensors, number, y, bordered=bordered)
            assert listed(read, rank) == expected, (seed, y)
            if read is not None:
                assert regions.count(read, rank) == len(expected)
                box = [{place[axis] for place in expected} for axis in range(rank)]
                assert [members(bits) for bits in regions.projections(read, rank)] == box
                partial += len(expected) < len(list(product(*box)))
            checked += 1
    assert checked > 3 * len(seeds)
    assert partial > len(seeds) // 60  # branches of different shapes, which are no product of sets


def test_what_no_output_reads_is_what_is_left_of_all_outputs_together(part: Part) -> None:
    some = 0
    seeds = part(range(150))
    for seed, found, tensors in graphs(seeds):
        sizes, number = tensors[0].sizes, len(tensors) - 1
        outputs = product(*map(range, tensors[number].sizes))
        read = set().union(*(followed(tensors, number, y, bordered=True) for y in outputs))
        left = unread(found, "input")
        assert left is not None
        every = set(product(*map(range, sizes)))
        assert (left.number, left.total) == (len(every - read), len(every)), seed
        for axis, lines in enumerate(left.lines):
            assert set(lines) == set(range(sizes[axis])) - {place[axis] for place in read}
        some += left.number > 0
    assert some > len(seeds) // 8


# --- more paths than are counted exactly ---------------------------------------------------------


def test_rounded_paths_are_the_exact_ones_divided_by_their_sum(part: Part) -> None:
    for seed in part(range(200)):
        graph = random_graph(seed, drift=False)
        found = network_of_text(graph.text)
        both = zip(sights(found, Paths(WIDTH)), sights(found, Rounded()), strict=True)
        for exact, rounded in both:
            for y in range(4):
                ways = counted(seen_together(exact, y, Paths(WIDTH)))
                share = seen_together(rounded, y, Rounded())
                if share is None:
                    assert not ways
                    continue
                assert share.paths == sum(ways.values())
                for index, value in enumerate(share.shares):
                    expected = ways[share.first + index] / share.paths
                    assert value == pytest.approx(expected, rel=1e-12, abs=1e-15)
