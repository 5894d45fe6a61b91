"""Fields of random layers that many operators share."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence

from random_models import Fields

Sizes = tuple[int, ...]  # channels, then positions
Drawn = tuple[str, Fields]
Maker = Callable[[random.Random, Sizes], Drawn]


def axes(rng: random.Random, rank: int, choice: Sequence[int]) -> list[int]:
    return [rng.choice(choice) for _ in range(rank)]


def sides(rng: random.Random, rank: int, most: int = 2) -> list[list[int]]:
    return [[rng.randint(0, most), rng.randint(0, most)] for _ in range(rank)]


def divisor(rng: random.Random, *of: int) -> int:
    return rng.choice([n for n in range(1, min(of) + 1) if all(m % n == 0 for m in of)])


def window(rng: random.Random, rank: int, more: Sequence[int] = (1, 1, 2, 3)) -> Fields:
    k = axes(rng, rank, (1, 2, 3, 3, 4))
    fields: Fields = {"k": k, "d": axes(rng, rank, (1, 1, 2))}
    fields["s"] = axes(rng, rank, more)
    fields["p"] = rng.choice((sides(rng, rank), sides(rng, rank, 1), "same", "half", "causal"))
    return fields
