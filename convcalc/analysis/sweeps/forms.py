"""Closed forms: a count as a polynomial of a whole param, by exact interpolation.

Counts are sums of products of sizes. Where no size is rounded, they are polynomials of each param;
where sizes are divided and rounded, by strides say, they are polynomials of the sizes in each
residue class of a period. A form is found from few points, and held against many more.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from itertools import pairwise
from typing import Any, NamedTuple

from convcalc.analysis.sweeps.running import PROBLEM, Runner
from convcalc.analysis.sweeps.solving import Unknown

HIGHEST = 8  # degree
PERIODS = (1, 2, 4, 8, 16, 32, 64, 128, 3, 5, 6, 7, 9, 10, 12, 14, 20, 24, 28, 40, 48, 56, 60)
FURTHER = 6  # points of each class that a form must meet beside those that it was made of
POINTS = 1024
FEWEST = HIGHEST + 1 + FURTHER  # points that a form is made of and held against

Polynomial = tuple[Fraction, ...]  # coefficients, of degree 0 on


class Form(NamedTuple):
    """A count as a function of one param, for whole values from ``first`` on.

    ``classes`` holds the polynomial for each residue of the value by ``period``, which is empty
    where the network has a problem at those values. ``checked`` are the values from ``first`` on
    for which it was seen to be right.
    """

    metric: str
    name: str
    period: int
    classes: tuple[Polynomial, ...]
    first: int
    checked: int

    @property
    def degree(self) -> int:
        """The highest degree of its polynomials."""
        return max(len(each) for each in self.classes) - 1

    def at(self, value: int) -> Fraction:
        """The count at a value; ValueError where the network has a problem at such values."""
        if not self.classes[value % self.period]:
            raise ValueError(f"the network has a problem at {self.name}={value}")
        found = Fraction(0)
        for coefficient in reversed(self.classes[value % self.period]):
            found = found * value + coefficient
        return found


class NoForm(NamedTuple):
    """Why a count has no closed form."""

    metric: str
    name: str
    reason: str


def forms(runner: Runner, unknown: Unknown, metrics: Sequence[str]) -> list[Form | NoForm]:
    """The forms of metrics over a param, from the whole values that it may have."""
    name, first, points = unknown.name, int(unknown.first), POINTS
    if unknown.last is not None:
        points = min(points, max(0, int(unknown.last) - first + 1))
    if points < FEWEST:
        return [NoForm(each, name, f"it may have {points} whole values") for each in metrics]
    found = runner.run({name: list(range(first, first + points))})
    return [_form(metric, name, first, found[metric], found[PROBLEM]) for metric in metrics]


def _form(
    metric: str, name: str, first: int, numbers: Sequence[Any], problems: Sequence[str]
) -> Form | NoForm:
    if None in numbers:
        row = numbers.index(None)
        if not problems[row]:
            return NoForm(metric, name, f"at {name}={first + row} it is unknown")
        if all(problems):
            return NoForm(metric, name, problems[row])
        # Small values may be too small for the network.
        lacking = [row for row, number in enumerate(numbers) if number is None]
        if len(lacking) == lacking[-1] + 1:
            first, numbers, problems = first + len(lacking), numbers[len(lacking) :], []
    for period in PERIODS:
        if (HIGHEST + 1 + FURTHER) * period > len(numbers) and period > 1:
            continue
        classes = _classes(numbers, first, period)
        if classes is not None:
            return Form(metric, name, period, classes, first, len(numbers))
    steps = sum(a == b for a, b in pairwise(numbers))
    reason = f"it is not a polynomial of {name}, nor one for each rest by a number up to 128"
    if steps > len(numbers) // 4:
        reason = (
            f"it is rounded: at {steps:,} of {len(numbers) - 1:,} steps of {name} it stays the same"
        )
    return NoForm(metric, name, reason)


def _classes(
    numbers: Sequence[int | None], first: int, period: int
) -> tuple[Polynomial, ...] | None:
    """The polynomial of each residue class, in the order of residues; None if one has none."""
    found: dict[int, Polynomial] = {}
    for start in range(period):
        some = numbers[start::period]
        numbered = [number for number in some if number is not None]
        polynomial: Polynomial | None = ()
        if numbered:
            lacking = len(some) - len(numbered)  # at the beginning, where values are too small
            if None in some[lacking:]:
                return None
            at = first + start + lacking * period
            polynomial = _polynomial(numbered, at, period)
        if polynomial is None:
            return None
        found[(first + start) % period] = polynomial
    return tuple(found[residue] for residue in range(period))


def _polynomial(numbers: Sequence[int], start: int, step: int) -> Polynomial | None:
    """The polynomial through numbers at ``start``, ``start + step``, …; None if there is none of a
    low degree through all of them."""
    differences = [list(numbers)]
    while any(differences[-1]):
        if len(differences) > HIGHEST + 1 or len(differences[-1]) <= FURTHER:
            return None
        last = differences[-1]
        differences.append([b - a for a, b in pairwise(last)])
    # Newton: sum of Δ^k at the start times binomial((x - start) / step, k).
    result: list[Fraction] = [Fraction(0)]
    basis: list[Fraction] = [Fraction(1)]
    for k, column in enumerate(differences[:-1] or [[0]]):
        result = _sum(result, [Fraction(column[0]) * each for each in basis])
        # times ((x - start) / step - k) / (k + 1)
        shift = Fraction(-start, step) - k
        slope = Fraction(1, step)
        moved = _sum([shift * each for each in basis], [0, *(slope * each for each in basis)])
        basis = [each / (k + 1) for each in moved]
    while len(result) > 1 and not result[-1]:
        result.pop()
    return tuple(result)


def _sum(a: Sequence[Any], b: Sequence[Any]) -> list[Fraction]:
    longer, shorter = (a, b) if len(a) >= len(b) else (b, a)
    return [
        Fraction(each) + (shorter[k] if k < len(shorter) else 0) for k, each in enumerate(longer)
    ]


_POWERS = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")


def polynomial_text(polynomial: Polynomial, name: str) -> str:
    """A polynomial as people write it: ``99/2·width² + 61·width + 10``."""
    parts: list[str] = []
    for degree in range(len(polynomial) - 1, -1, -1):
        coefficient = polynomial[degree]
        if not coefficient:
            continue
        power = (
            "" if degree == 0 else name if degree == 1 else name + str(degree).translate(_POWERS)
        )
        size = abs(coefficient)
        number = f"{size.numerator:,}" + (f"/{size.denominator:,}" if size.denominator > 1 else "")
        text = power if size == 1 and power else f"{number}·{power}" if power else number
        sign = "-" if coefficient < 0 else "+"
        parts.append(f" {sign} {text}" if parts else f"-{text}" if sign == "-" else text)
    return "".join(parts) or "0"


def form_lines(form: Form) -> Mapping[str, str]:
    """The polynomials of a form by their class: ``width % 4 = 1``, or nothing for all values."""
    texts = [
        polynomial_text(each, form.name) if each else "a problem, no number"
        for each in form.classes
    ]
    if form.period == 1:
        return {"": texts[0]}
    grouped: dict[str, list[int]] = {}
    for residue, text in enumerate(texts):
        grouped.setdefault(text, []).append(residue)
    return {
        f"{form.name} % {form.period} = {', '.join(map(str, residues))}": text
        for text, residues in grouped.items()
    }
