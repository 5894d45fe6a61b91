"""Lanes: every operation, lane by lane, against Python's own numbers."""

from __future__ import annotations

import math
import operator
import random
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import pytest

pytest.importorskip("numpy", reason="numpy is not installed: lanes are not tested")

from convcalc.analysis.sweeps.lanes import Lanes, Split, column, each, gather, lanes_of
from convcalc.language.syntax.expressions import compile_expression
from convcalc.model.quantities.unknown import UNKNOWN

ARITHMETIC = (
    operator.add,
    operator.sub,
    operator.mul,
    operator.floordiv,
    operator.mod,
    operator.truediv,
)
UNARY = (operator.neg, operator.pos, abs, math.floor, math.ceil, math.trunc, round)
COMPARISONS = (operator.lt, operator.le, operator.gt, operator.ge, operator.eq, operator.ne)
# Around what fits into 64 bits, what a float holds exactly, and zero.
EDGES = (0, 1, -1, 2, 3, 7, 2**31, 2**53 - 1, 2**53 + 1, 2**61, 2**62 - 1, -(2**62), 2**70, 10**30)


def numbers(rng: random.Random, count: int, kind: str) -> list[Any]:
    if kind == "float":
        return [rng.choice((0.5, -2.25, 1e-9, rng.uniform(-1e6, 1e6), 3.0)) for _ in range(count)]
    if kind == "edges":
        return [rng.choice(EDGES) for _ in range(count)]
    return [rng.randint(-1000, 1000) for _ in range(count)]


def by_lane(function: Callable[..., Any], *columns: list[Any]) -> list[Any] | None:
    """The values by Python; None if it fails for any lane."""
    try:
        return [function(*values) for values in zip(*columns, strict=True)]
    except (ZeroDivisionError, OverflowError):
        return None


@pytest.mark.parametrize("seed", range(400))
def test_arithmetic_is_pythons(seed: int) -> None:
    rng = random.Random(seed)
    kinds = [rng.choice(("int", "edges", "float")) for _ in range(2)]
    a, b = (numbers(rng, 6, kind) for kind in kinds)
    if rng.random() < 0.3:
        b = [b[0]] * 6
    right: Any = b[0] if len(set(b)) == 1 else lanes_of(b)
    for apply in ARITHMETIC:
        wanted = by_lane(apply, a, b)
        if wanted is None or len(set(map(type, wanted))) > 1:
            continue
        found = column(apply(lanes_of(a), right), 6)
        assert list(map(repr, found)) == list(map(repr, wanted)), (apply, a, b)
        if not isinstance(right, Lanes):
            swapped = by_lane(apply, b, a)
            if swapped is not None:
                found = column(apply(right, lanes_of(a)), 6)
                assert list(map(repr, found)) == list(map(repr, swapped)), (apply, b, a)


@pytest.mark.parametrize("seed", range(200))
def test_functions_of_one_number_are_pythons(seed: int) -> None:
    rng = random.Random(seed)
    a = numbers(rng, 6, rng.choice(("int", "edges", "float")))
    for apply in UNARY:
        wanted = [apply(value) for value in a]
        found = column(apply(lanes_of(a)), 6)
        assert list(map(repr, found)) == list(map(repr, wanted)), (apply, a)


@pytest.mark.parametrize("seed", range(200))
def test_a_comparison_is_a_bool_or_parts_the_lanes(seed: int) -> None:
    rng = random.Random(seed)
    a = numbers(rng, 5, rng.choice(("int", "edges", "float")))
    b = rng.choice([a, [a[0]] * 5, numbers(rng, 5, rng.choice(("int", "edges", "float")))])
    for apply in COMPARISONS:
        wanted = [apply(x, y) for x, y in zip(a, b, strict=True)]
        try:
            found = apply(lanes_of(a), lanes_of(b))
        except Split as split:
            assert split.mask.tolist() == wanted
            assert len(set(wanted)) == 2
        else:
            assert [found] * 5 == wanted


def test_a_sum_beyond_64_bits_is_exact() -> None:
    large = lanes_of([2**61, 2**61 + 1])
    assert column(large + large + large, 2) == [3 * 2**61, 3 * 2**61 + 3]
    assert column(large * large, 2) == [2**122, (2**61 + 1) ** 2]
    assert column(large * large // 2**60 - 2**62, 2) == [
        2**122 // 2**60 - 2**62,
        (2**61 + 1) ** 2 // 2**60 - 2**62,
    ]


def test_lanes_are_numbers_for_isinstance_and_not_for_c() -> None:
    ints, floats = lanes_of([1, 2]), lanes_of([1.5, 2])
    assert isinstance(ints, int)
    assert not isinstance(ints, float | bool)
    assert isinstance(floats, float)
    for use in (range, [5, 6, 7].__getitem__, int, Fraction, math.isqrt, bool):
        with pytest.raises(Split):
            use(lanes_of([0, 1]))
    assert len(range(lanes_of([4, 4]))) == 4
    assert int(lanes_of([4, 4])) == 4


def test_a_division_by_zero_parts_the_lanes_or_is_one() -> None:
    for apply in (operator.floordiv, operator.mod, operator.truediv):
        with pytest.raises(Split) as found:
            apply(6, lanes_of([2, 0, 3]))
        assert found.value.mask.tolist() == [False, True, False]
        with pytest.raises(ZeroDivisionError):
            apply(lanes_of([2, 3]), 0)


def test_an_unknown_size_stays_unknown() -> None:
    lanes = lanes_of([1, 2])
    assert lanes + UNKNOWN is UNKNOWN
    assert UNKNOWN * lanes is UNKNOWN
    assert not lanes < UNKNOWN
    assert not lanes != UNKNOWN  # noqa: SIM202
    assert not lanes == UNKNOWN  # noqa: SIM201


def test_equal_lanes_are_one_key() -> None:
    keys = {lanes_of([1, 2]): "a", (lanes_of([3, 4]), 5): "b"}
    assert keys[lanes_of([1, 2])] == "a"
    assert keys[lanes_of([3, 4]), 5] == "b"
    assert lanes_of([1, 3]) not in keys
    assert repr(lanes_of([1, 2])) == repr(lanes_of([1, 2])) != repr(lanes_of([2, 1]))


def test_a_text_tells_lanes_apart_only_as_a_name() -> None:
    assert f"{lanes_of([1, 2])}" == "…"
    Lanes.named = True
    try:
        with pytest.raises(Split):
            f"{lanes_of([1, 2])}"
        assert f"{lanes_of([2, 2])}" == "2"
    finally:
        Lanes.named = False


def test_a_function_that_fails_for_some_lanes_parts_them() -> None:
    def third(value: int) -> int:
        return 6 // (value - 3)

    with pytest.raises(Split) as found:
        each(third, lanes_of([1, 3, 5]))
    assert found.value.mask.tolist() == [False, True, False]
    with pytest.raises(ZeroDivisionError):
        each(third, lanes_of([3, 3]))
    assert column(gather([4, 5], lanes_of([0, 1, 1]).values), 3) == [4, 5, 5]


def together(values: list[Any]) -> Any:
    """Many values as one number."""
    return values[0] if len(values) == 1 else lanes_of(values)


EXPRESSIONS = (
    "make_divisible(v*a)",
    "make_divisible(32*v, 4)",
    "max(a, 8)",
    "min(a, b, 5)",
    "int(v*a)",
    "round(v*b)",
    "ceil(v*a) + floor(v*b)",
    "a*b if a == a else 1",
    "sum([a, b, 3])",
    "abs(a - b)**2",
    "a // 4 * 4 + b % 3",
    "(a + b) / 2",
    "2**(a % 5)",
    "a if a > b else b",
    "[1, 2, 3][a % 3]",
    "a > 3 and b > 2",
    "10 // (a - 4)",
)


@pytest.mark.parametrize("text", EXPRESSIONS)
def test_an_expression_is_that_of_each_lane(text: str) -> None:
    rng = random.Random(text)
    rows = [
        {"a": rng.randint(1, 60), "b": rng.randint(1, 9), "v": round(rng.uniform(0.1, 2), 2)}
        for _ in range(40)
    ]
    code = compile_expression(text)
    waiting, found = [list(range(40))], [None] * 40
    while waiting:
        chosen = waiting.pop()
        scope = {name: together([rows[k][name] for k in chosen]) for name in "abv"}
        try:
            for k, value in zip(chosen, column(code.evaluate(scope), len(chosen)), strict=True):
                found[k] = value
        except Split as split:
            sides = list(zip(chosen, split.mask.tolist(), strict=True))
            waiting += [[k for k, first in sides if first is side] for side in (True, False)]
        except Exception as error:
            for k in chosen:
                found[k] = str(error)
    wanted = []
    for row in rows:
        try:
            wanted.append(code.evaluate(row))
        except Exception as error:
            wanted.append(str(error))
    kinds = [repr(value) for value in wanted if not isinstance(value, str)]
    assert [repr(value) for value in found if not isinstance(value, str)] == kinds
