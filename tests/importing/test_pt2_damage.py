"""Damaged programs are refused with a problem or read, never anything else."""

from __future__ import annotations

import pytest
from importing.damaged_programs import damaged, outcome


@pytest.mark.parametrize("first", range(0, 60, 20))
def test_a_damaged_program_is_refused_or_read(first: int) -> None:
    assert {outcome(number) for number in range(first, first + 20)} <= {"read", "refused"}


@pytest.mark.exhaustive
@pytest.mark.parametrize("first", range(60, 2060, 100))
def test_two_thousand_damaged_programs_are_refused_or_read(first: int) -> None:
    assert {outcome(number) for number in range(first, first + 100)} <= {"read", "refused"}


def test_the_damage_is_the_same_each_time_and_leaves_some_that_can_be_read() -> None:
    assert damaged(7) == damaged(7)
    outcomes = [outcome(number) for number in range(0, 30, 3)]
    assert "read" in outcomes
