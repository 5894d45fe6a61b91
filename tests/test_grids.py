"""How the cases of a grid are chosen: a quarter always, the others in turn."""

from __future__ import annotations

import pytest
from grids import quarter, with_share


@pytest.mark.parametrize("shares", [1, 2, 3, 7])
@pytest.mark.parametrize("count", [1, 5, 103])
def test_every_case_has_its_turn(count: int, shares: int) -> None:
    cases = [f"case {number}" for number in range(count)]
    always = set(quarter(cases))
    turns = [with_share(cases, turn=turn, shares=shares) for turn in range(shares)]
    assert all(always <= set(turn) for turn in turns)
    assert all(turn == sorted(turn, key=cases.index) for turn in turns)
    others = [case for turn in turns for case in turn if case not in always]
    assert sorted(others) == sorted(set(cases) - always)  # each once
    assert with_share(cases, turn=shares, shares=shares) == turns[0]
