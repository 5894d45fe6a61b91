"""The Pareto front, against every pair of points."""

from __future__ import annotations

from random import Random

import pytest

from convcalc.analysis.sweeps import pareto
from convcalc.analysis.sweeps.pareto import Objective, Point, front, objectives
from convcalc.analysis.sweeps.space import SpaceError
from convcalc.diagnostics.suggestion import UnknownName


def by_pairs(points: list[Point]) -> list[int]:
    """The points that none of the others beats."""
    return [
        number
        for number, point in enumerate(points)
        if not any(
            all(a <= b for a, b in zip(other, point, strict=True)) and other != point
            for other in points
        )
    ]


@pytest.mark.parametrize("has_numpy", [True, False])
@pytest.mark.parametrize("objective_count", [1, 2, 3, 4, 5])
def test_the_front_is_what_no_other_point_beats(
    objective_count: int, has_numpy: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pareto, "HAS_NUMPY", has_numpy)
    random = Random(objective_count)
    for _ in range(300):
        most = random.choice([1, 2, 5, 30, 2**80])
        points = [
            tuple(random.randint(-most, most) for _ in range(objective_count))
            for _ in range(random.randint(0, 50))
        ]
        assert front(points) == by_pairs(points)


def test_more_points_than_are_compared_at_once() -> None:
    random = Random(1)
    for _ in range(2):
        points: list[Point] = []
        for _ in range(1500):
            first, second, third = (random.randint(0, 60) for _ in range(3))
            points.append((first, second, third, 180 - first - second - third))
        assert front(points) == by_pairs(points)


def test_equal_points_are_on_the_front_together() -> None:
    assert front([(1, 2), (2, 1), (1, 2), (2, 2)]) == [0, 1, 2]
    assert front([(3,), (3,)]) == [0, 1]


def test_numbers_are_compared_exactly() -> None:
    large = 2**70
    assert front([(large + 1, 0), (large, 0)]) == [1]
    assert front([(2**53 + 1, 1), (float(2**53), 1)]) == [1]  # equal as floats


def test_a_minus_means_that_more_is_better() -> None:
    found = objectives(["params", "-receptive_field"], ["params", "receptive_field"])
    assert found == (Objective("params"), Objective("receptive_field", True))
    assert found[1].of(5) == -5
    assert str(found[1]) == "-receptive_field"


def test_objectives_are_columns_named_once() -> None:
    with pytest.raises(UnknownName) as error:
        objectives(["parms"], ["params"])
    assert error.value.help == "use 'params'"
    with pytest.raises(SpaceError, match="named twice"):
        objectives(["params", "-params"], ["params"])
