"""A bound is weaker exactly if it lets something pass that the other one does not.

Whether it does is asked of what judges the budgets, for every value of a small range.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from fractions import Fraction
from itertools import product
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from convcalc.checking.budgets.judging import judge
from convcalc.checking.budgets.measuring import Measured
from convcalc.checking.budgets.merging import united
from convcalc.checking.budgets.strictness import by_subject, demands, weaker_bounds
from convcalc.diagnostics.diagnostic import Place
from convcalc.language.assertions.vocabulary import LIMITS, Assertion, Bound, Budget, Compare
from convcalc.model.quantities.unknown import UNKNOWN

HERE = Place("x.yaml", 1, 1)
LEVELS = {"warning": 1, "error": 2}
PARTS = [Fraction(k, 4) for k in range(5)]
VALUES: dict[str, Sequence[Any]] = {
    "params": [*range(8), UNKNOWN],
    "coverage": [*PARTS, UNKNOWN],
    "receptive_field": [*product(range(7), repeat=2), (UNKNOWN, 1), (0, UNKNOWN)],
    "output": [*product(range(3), repeat=2), (0,), (1,), (UNKNOWN, 1)],
}


def bounds(metric: str) -> st.SearchStrategy[list[Assertion]]:
    """Bounds of one metric, in one assertion or in two."""
    whole = st.integers(0, 5)
    value: st.SearchStrategy[Any] = {
        "params": whole,
        "coverage": st.sampled_from(PARTS),
        "receptive_field": st.tuples(whole) | st.tuples(whole, whole),
        "output": st.tuples(st.none() | st.integers(0, 2), st.none() | st.integers(0, 2)),
    }[metric]
    kinds = ("equals",) if metric == "output" else LIMITS

    def assertion(found: dict[str, Any]) -> Assertion:
        listed = (
            Bound(kind, found[kind], HERE, str(found[kind])) for kind in kinds if kind in found
        )
        return Assertion(metric, tuple(listed), HERE)

    one = st.dictionaries(st.sampled_from(kinds), value, min_size=1, max_size=3).map(assertion)
    return st.lists(one, max_size=2)


def level(assertions: Iterable[Assertion], value: Any, before: Any = None) -> int:
    """0 if a value passes, 1 with a warning, 2 with an error."""
    base = None if before is None else lambda: Measured(before, before)
    found = [f for a in assertions for f in judge(a, Measured(value, value), base, "base")]
    return max((LEVELS[f.severity] for f in found), default=0)


@pytest.mark.parametrize("metric", VALUES)
def test_a_limit_is_weaker_if_some_value_gets_through(metric: str) -> None:
    @given(bounds(metric), bounds(metric))
    def check(held: list[Assertion], own: list[Assertion]) -> None:
        through = [v for v in VALUES[metric] if level(own, v) < level(held, v)]
        assert bool(list(weaker_bounds(held, own))) == bool(through), (held, own, through)

    check()


CHANGE = [
    Assertion("params", (Bound(kind, Fraction(amount), HERE, "", relative),), HERE)
    for kind in ("max_increase", "max_decrease")
    for relative, amounts in ((False, (0, 1, 3)), (True, (0, 0.25, 0.5)))
    for amount in amounts
]


@pytest.mark.parametrize("held", CHANGE, ids=lambda a: str(a.bounds[0][:2] + a.bounds[0][4:]))
def test_a_change_is_weaker_if_some_growth_gets_through(held: Assertion) -> None:
    pairs = [*product(range(0, 40, 1), range(0, 20)), (UNKNOWN, 3)]
    for own in ([], *([each] for each in CHANGE)):
        through = any(level(own, now, then) < level([held], now, then) for now, then in pairs)
        assert bool(list(weaker_bounds([held], own))) == through, own


def test_what_is_measured_elsewhere_covers_nothing() -> None:
    (bound,) = [Bound("max", 5, HERE, "5")]
    held = Assertion("params", (bound,), HERE)
    assert demands([held], held)
    assert not demands([], held)
    for other in (
        held._replace(at="stem"),
        held._replace(convention="fvcore"),
        held._replace(metric="macs"),
        held._replace(batch=2),
    ):
        assert len(by_subject([other, held])) == 2
    assert len(by_subject([held, held._replace(message="x", place=Place("y", 2, 2))])) == 1


# --- both together -------------------------------------------------------------------------------


@pytest.mark.parametrize("metric", ["params", "receptive_field"])
def test_united_budgets_demand_what_both_do_and_each_demand_once(metric: str) -> None:
    @given(bounds(metric), bounds(metric))
    def check(held: list[Assertion], own: list[Assertion]) -> None:
        both = united([Budget("b", HERE, tuple(own))], [Budget("b", HERE, tuple(held))], HERE)
        found = [assertion for budget in both for assertion in budget.assertions]
        for value in VALUES[metric]:
            assert level(found, value) == max(level(own, value), level(held, value))
        if all(demands(own, each) for each in held):
            assert found == own

    check()


def test_a_demand_points_at_what_stands_in_its_place() -> None:
    def budget(limit: int, place: Place, **more: Any) -> Budget:
        bound = Bound("max", limit, place, str(limit))
        return Budget("b", place, (Assertion("params", (bound,), place),), **more)

    there, here, home = Place("main:b.yaml", 9, 9), Place("b.yaml", 3, 7), Place("net.yaml", 1, 1)
    (kept, more) = united([budget(9, here)], [budget(5, there, locked=True)], home)
    assert kept.assertions == ()
    (assertion,) = more.assertions
    assert (assertion.bounds[0].value, assertion.bounds[0].place) == (5, here)
    assert (assertion.origin, more.locked) == ("main:b.yaml:9:9", True)
    (alone,) = united([], [budget(5, there)], home)
    assert alone.assertions[0].bounds[0].place == home
    (same,) = united([budget(5, here)], [budget(5, there, locked=True)], home)
    assert (same.locked, same.place) == (True, here)


def test_growth_against_another_base_is_judged_against_both() -> None:
    bound = Bound("max_increase", Fraction(1), HERE, "1")
    budget = Budget("b", HERE, (Assertion("params", (bound,), HERE),), Compare("main", HERE))
    other = budget._replace(compare=Compare("HEAD", HERE))
    both = united([other], [budget], HERE)
    assert [each.compare and each.compare.base for each in both] == ["HEAD", "main"]
    assert united([budget], [budget], HERE) == [budget]


# --- patterns ------------------------------------------------------------------------------------


def test_samples_of_random_patterns_are_matched_by_them() -> None:
    from convcalc.checking.patterns import path_regex
    from convcalc.checking.weakening.budgets import samples

    rng = random.Random(7)
    parts = ["*", "**", "a", "a*", "[ab]x", "?b", "deep"]
    for _ in range(300):
        folders = [rng.choice(parts) for _ in range(rng.randint(0, 3))]
        pattern = "/".join([*folders, rng.choice(["*", "**", "*.convcalc.yaml", "n*.yaml"])])
        for path in samples(pattern):
            assert path_regex(pattern).fullmatch(path), (pattern, path)
