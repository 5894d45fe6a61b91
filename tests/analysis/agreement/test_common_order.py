"""The longest common subsequence, held against the table of lengths."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise, product

import pytest
from hypothesis import given
from hypothesis import strategies as some

from convcalc.analysis.agreement.common import common_order, in_order

LISTS = some.lists(some.integers(0, 4), max_size=30)


def longest(old: Sequence[int], new: Sequence[int]) -> int:
    """The length by the recurrence of Wagner and Fischer."""
    row = [0] * (len(new) + 1)
    for one in old:
        last, row = row, [0]
        for at, other in enumerate(new):
            row.append(last[at] + 1 if one == other else max(row[at], last[at + 1]))
    return row[-1]


def check(old: Sequence[int], new: Sequence[int]) -> None:
    pairs = common_order(old, new)
    assert len(pairs) == longest(old, new)
    assert all(old[one] == new[other] for one, other in pairs)
    assert all(a < c and b < d for (a, b), (c, d) in pairwise(pairs))


@pytest.mark.parametrize(("m", "n"), [*product(range(5), repeat=2)])
def test_all_short_lists(m: int, n: int) -> None:
    for old in product(range(2), repeat=m):
        for new in product(range(3), repeat=n):
            check(old, new)


@given(LISTS, LISTS)
def test_longer_lists(old: list[int], new: list[int]) -> None:
    check(old, new)


@given(some.permutations(range(9)))
def test_as_many_pairs_as_keep_the_order(order: list[int]) -> None:
    pairs = list(enumerate(order))
    found = in_order(pairs)
    assert found == sorted(set(found)) and set(found) <= set(pairs)
    assert all(a[1] < b[1] for a, b in pairwise(found))
    assert len(found) == longest(order, sorted(order))
