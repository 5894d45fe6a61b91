"""Minimal filtering F(m, r): m outputs of an r-tap filter by m + r - 1 products.

    y = result · ((kernel · g) ∘ (data · d)),   g the r taps, d the m + r - 1 inputs

Toom and Cook multiply polynomials at m + r - 1 points, one of them infinity; Winograd's filter
is that algorithm transposed. The denominators of the interpolation are in ``kernel``, so that
the other two hold integers for integer points. More axes nest: the matrices are applied along
each axis in turn.

Source: Winograd, "Arithmetic Complexity of Computations" (1980); Lavin & Gray, arXiv 1509.09308.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from functools import cache
from itertools import islice
from math import prod
from typing import NamedTuple

Matrix = tuple[tuple[Fraction, ...], ...]


class Algorithm(NamedTuple):
    """The three matrices of F(m, r)."""

    data: Matrix  # (m + r - 1) × (m + r - 1), "Bᵀ"
    kernel: Matrix  # (m + r - 1) × r, "G"
    result: Matrix  # m × (m + r - 1), "Aᵀ"


@cache
def algorithm(m: int, r: int) -> Algorithm:
    """F(m, r) at the points 0, 1, -1, 2, -2, 1/2, -1/2, …, infinity; one tap needs none."""
    if r == 1:
        return Algorithm(_identity(m), ((Fraction(1),),) * m, _identity(m))
    points = list(islice(_points(), m + r - 2))
    others = [[b for b in points if b != a] for a in points]
    data = [_polynomial(rest, m + r - 1) for rest in [*others, points]]
    kernel = [
        [a**power / prod((a - b for b in rest), start=Fraction(1)) for power in range(r)]
        for a, rest in zip(points, others, strict=True)
    ]
    kernel.append([Fraction(power == r - 1) for power in range(r)])
    result = [[*(a**power for a in points), Fraction(power == m - 1)] for power in range(m)]
    return Algorithm(_matrix(data), _matrix(kernel), _matrix(result))


def _points() -> Iterator[Fraction]:
    """Small numbers first: they keep the matrices simple and the rounding errors low."""
    yield Fraction(0)
    size = 1
    while True:
        for point in dict.fromkeys((Fraction(size), Fraction(1, size))):
            yield from (point, -point)
        size *= 2


def _polynomial(roots: Sequence[Fraction], length: int) -> list[Fraction]:
    """The coefficients of the product of all (x - root), lowest power first."""
    coefficients = [Fraction(1)]
    for root in roots:
        shifted = [Fraction(0), *coefficients]
        scaled = [*(root * c for c in coefficients), Fraction(0)]
        coefficients = [a - b for a, b in zip(shifted, scaled, strict=True)]
    return coefficients + [Fraction(0)] * (length - len(coefficients))


def _matrix(rows: Sequence[Sequence[Fraction]]) -> Matrix:
    return tuple(map(tuple, rows))


def _identity(size: int) -> Matrix:
    return tuple(tuple(Fraction(i == j) for j in range(size)) for i in range(size))


# --- the arithmetic of the transforms ----------------------------------------------------------


def additions(matrix: Matrix) -> int:
    """Additions of a product with a vector: per row, one less than its nonzero entries."""
    return sum(sum(entry != 0 for entry in row) - 1 for row in matrix)


def scalings(matrix: Matrix) -> int:
    """Products with a constant other than 1 and -1."""
    return sum(entry not in (0, 1, -1) for row in matrix for entry in row)


def nested_additions(matrices: Sequence[Matrix]) -> int:
    """Additions of one tile, no partial sum being used twice (hand-made code saves some)."""
    return _nested(matrices, [additions(matrix) for matrix in matrices])


def nested_scalings(matrices: Sequence[Matrix]) -> int:
    """Products with constants of one tile; many are by powers of two."""
    return _nested(matrices, [scalings(matrix) for matrix in matrices])


def _nested(matrices: Sequence[Matrix], each: Sequence[int]) -> int:
    """The total along one axis after another, for all lines of the tile at its current size."""
    tile = [len(matrix[0]) for matrix in matrices]
    total = 0
    for axis, (matrix, amount) in enumerate(zip(matrices, each, strict=True)):
        total += amount * (prod(tile) // tile[axis])
        tile[axis] = len(matrix)
    return total
