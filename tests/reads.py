"""What small layers read, by definition, and random graphs of them: the oracle of receptive fields.

It knows one thing per layer: which input positions an output position reads. It follows those
sets backwards through the graph, one output position at a time, and imports nothing from
convcalc.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from fractions import Fraction
from math import ceil, floor
from typing import NamedTuple

Reads = Callable[[int], set[int]]


class Step(NamedTuple):
    """One layer on one axis: its text, what outputs read, its stride, the output's size."""

    text: str
    reads: Reads
    stride: Fraction
    size: int


def conv(n: int, k: int, s: int, p: int, d: int, name: str = "conv") -> Step:
    channels = "out: 1, " if name == "conv" else ""
    text = f"{name}: {{{channels}k: {k}, s: {s}, p: {p}, d: {d}}}"
    starts = [x for x in range(-p, n + p, s) if x + d * (k - 1) < n + p]
    return Step(text, lambda y: {s * y - p + d * t for t in range(k)}, Fraction(s), len(starts))


def conv_transpose(n: int, k: int, s: int, p: int, d: int, more: int = 0) -> Step:
    text = f"conv_transpose: {{out: 1, k: {k}, s: {s}, p: {p}, d: {d}, output_padding: {more}}}"

    def reads(y: int) -> set[int]:  # every input position x stamps s·x - p + d·t
        near = range((y + p) // s - k * d - 1, (y + p) // s + 2)
        return {x for x in near for t in range(k) if s * x - p + d * t == y}

    last = s * (n - 1) + d * (k - 1)  # of all stamps, before p are cut off on both sides
    return Step(text, reads, Fraction(1, s), last + 1 - 2 * p + more)


def resize(n: int, mode: str, m: int) -> Step:
    ratio = Fraction(n, m)

    def reads(y: int) -> set[int]:
        if mode == "nearest":
            return {floor(y * ratio)}
        at = (y + Fraction(1, 2)) * ratio - Fraction(1, 2)
        if at.denominator == 1:
            return {int(at)}
        return {floor(at), ceil(at)}

    return Step(f"upsample: {{size: {m}, mode: {mode}}}", reads, ratio, m)


def pad(n: int, before: int, after: int) -> Step:
    text = f"pad: {{p: [[{before}, {after}]]}}"
    return Step(text, lambda y: {y - before}, Fraction(1), n + before + after)


def crop(n: int, before: int, after: int) -> Step:
    text = f"crop: {{margins: [[{before}, {after}]]}}"
    return Step(text, lambda y: {y + before}, Fraction(1), n - before - after)


def adaptive(n: int, m: int) -> Step:
    text = f"adaptive_avg_pool: {{output_size: {m}}}"

    def reads(y: int) -> set[int]:
        return set(range(floor(Fraction(y * n, m)), ceil(Fraction((y + 1) * n, m))))

    return Step(text, reads, Fraction(n, m), m)


def all_steps(n: int) -> Iterator[Step]:
    """Every small layer on an axis of n positions."""
    for k in (1, 2, 3, 4):
        for s in (1, 2, 3):
            for d in (1, 2):
                for p in (0, 1, 2):
                    yield conv(n, k, s, p, d)
                    if p <= 1:
                        yield conv_transpose(n, k, s, p, d, min(s - 1, d, p))
            if k > 1:
                yield conv(n, k, s, k // 2, 1, "max_pool")
    for mode in ("nearest", "linear"):
        sizes = {2 * n, 3 * n, 3 * n // 2, 2 * n // 3 + 1}
        yield from (resize(n, mode, m) for m in sorted(sizes))
    yield from (pad(n, 2, 1), pad(n, 0, 3), crop(n, 1, 2), crop(n, 3, 0))
    # Into a single part it counts as a global pooling, which has tests of its own.
    yield from (adaptive(n, m) for m in (5, (n + 1) // 2) if m > 1)


def usable(n: int) -> list[Step]:
    return [step for step in all_steps(n) if step.size >= 1]


class Node(NamedTuple):
    """A tensor: which input positions its positions read, its stride and its size."""

    reads: Reads
    stride: Fraction
    size: int


def after(node: Node, step: Step) -> Node:
    def reads(y: int) -> set[int]:
        return set().union(*(node.reads(t) for t in step.reads(y)))

    return Node(reads, node.stride * step.stride, step.size)


IDENTITY = Node(lambda y: {y}, Fraction(1), 0)


# --- random graphs -------------------------------------------------------------------------


class Graph(NamedTuple):
    text: str
    nodes: list[Node]  # one per layer
    aligned: list[bool]


def random_graph(seed: int, *, drift: bool) -> Graph:
    """Layers on random tensors, joined wherever two tensors have the same size."""
    rng = random.Random(seed)
    n = rng.randint(6, 14)
    tensors = {"input": (IDENTITY._replace(size=n), True)}
    lines = [f"input: [1, {n}]", "layers:"]
    for index in range(rng.randint(3, 9)):
        name = f"t{index}"
        joined = _join(rng, tensors, drift) if rng.random() < 0.45 else None
        if joined:
            names, node, aligned = joined
            if rng.random() < 0.3:  # back to one channel, so that everything can be added
                lines.append(f"- {{concat: [{', '.join(names)}]}}")
                lines.append(f"- {{pointwise_conv: {{out: 1}}, id: {name}}}")
            else:
                kind = rng.choice(("add", "mul", "maximum"))
                lines.append(f"- {{{kind}: [{', '.join(names)}], id: {name}}}")
            tensors[name] = (node, aligned)
            continue
        source = rng.choice(list(tensors))
        node, aligned = tensors[source]
        choices = [step for step in usable(node.size) if step.size <= 40]
        step = rng.choice(choices)
        lines.append(f"- {{{step.text}, from: {source}, id: {name}}}")
        tensors[name] = (after(node, step), aligned)
    found = [value for name, value in tensors.items() if name != "input"]
    return Graph("\n".join(lines), [node for node, _ in found], [ok for _, ok in found])


def _join(
    rng: random.Random, tensors: dict[str, tuple[Node, bool]], drift: bool
) -> tuple[list[str], Node, bool] | None:
    """Two or three tensors of one size, and what their union reads."""
    first = rng.choice(list(tensors))
    node, _ = tensors[first]
    fits = [
        name
        for name, (other, _) in tensors.items()
        if name != first and other.size == node.size and (drift or other.stride == node.stride)
    ]
    if not fits:
        return None
    names = [first, *rng.sample(fits, min(len(fits), rng.randint(1, 2)))]
    parts = [tensors[name][0] for name in names]
    aligned = all(tensors[name][1] for name in names) and len({p.stride for p in parts}) == 1

    def reads(y: int) -> set[int]:
        return set().union(*(part.reads(y) for part in parts))

    return names, Node(reads, node.stride, node.size), aligned
