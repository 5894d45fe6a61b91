"""Shared by layers that multiply a spectrum: Fourier transforms, counted as by their inventors."""

from __future__ import annotations

from math import prod

from convcalc.model.operators.composing import function
from convcalc.model.operators.contract import ELEMENTWISE, NOTHING, Part, Term
from convcalc.model.quantities.formula import formula
from convcalc.model.quantities.shape import Shape
from convcalc.model.quantities.unknown import UNKNOWN, known

_MOST = 1 << 32  # positions on one axis whose factors are looked for


def transform(name: str, source: int | str, x: Shape, output: Shape) -> Part:
    """A transform over all positions of ``x``, forward or back."""
    amount = transform_work(x.numel, tuple(map(radices, x.spatial)))
    term = Term(name, ELEMENTWISE, amount)
    return function(name, (source,), output, term, keeps=NOTHING)


@formula
def transform_work(elements: int, radices: tuple[int, ...]) -> int:
    """For each element and axis, the sum of the prime factors of the axis."""
    return elements * sum(radices)


def radices(size: int) -> int:
    """The sum of the prime factors of a size, each as often as it divides; 0 for 1."""
    if not known(size) or size > _MOST:
        return UNKNOWN
    found, factor, left = 0, 2, int(size)
    while factor * factor <= left:
        while left % factor == 0:
            found, left = found + factor, left // factor
        factor += 1
    return found + (left if left > 1 else 0)


@formula
def half_spectrum(size: int) -> int:
    """Frequencies of real numbers: the others are their conjugates."""
    return size // 2 + 1


@formula
def complex_products(batch: int, weight: tuple[int, ...]) -> int:
    """Four real products for each complex one; ``weight`` counts real and imaginary parts."""
    return batch * 2 * prod(weight)
