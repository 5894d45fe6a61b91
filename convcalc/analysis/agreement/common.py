"""The longest common subsequence of two lists, by arithmetic on whole rows.

A row of the table of lengths is one integer, whose bit j is 0 where the length grows at column j
(Hyyrö, "Bit-parallel LCS-length computation revisited", 2004): lists of thousands take
milliseconds.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Hashable, Iterator, Sequence


def common_order(old: Sequence[Hashable], new: Sequence[Hashable]) -> list[tuple[int, int]]:
    """The positions of a longest common subsequence, in both lists, in order."""
    start = 0
    while start < min(len(old), len(new)) and old[start] == new[start]:
        start += 1
    end = 0
    while end < min(len(old), len(new)) - start and old[-1 - end] == new[-1 - end]:
        end += 1
    middle = _common(old[start : len(old) - end], new[start : len(new) - end])
    return [
        *((at, at) for at in range(start)),
        *((start + one, start + other) for one, other in middle),
        *((len(old) - at, len(new) - at) for at in range(end, 0, -1)),
    ]


def _common(old: Sequence[Hashable], new: Sequence[Hashable]) -> list[tuple[int, int]]:
    """The same, of lists that begin and end differently."""
    where: dict[Hashable, int] = {}
    for column, key in enumerate(old):
        where[key] = where.get(key, 0) | 1 << column
    mask = (1 << len(old)) - 1
    state, states = mask, []
    for key in new:
        grown = state & where.get(key, 0)
        state = ((state + grown) | (state - grown)) & mask
        states.append(state)
    return [*_traced(states, len(old), len(new))][::-1]


def _traced(states: Sequence[int], column: int, row: int) -> Iterator[tuple[int, int]]:
    """The pairs of a longest common subsequence, the last one first."""
    while row and column:
        bit = 1 << (column - 1)
        if states[row - 1] & bit:
            column -= 1
            continue
        row -= 1
        if not row or states[row - 1] & bit:
            column -= 1
            yield column, row


def in_order(pairs: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """As many of the pairs, which are sorted, as keep the order on both sides."""
    ends: list[int] = []  # the least second member that a chain of each length ends with
    last: list[int] = []  # the pair that it is
    before: list[int] = []
    for number, (_, other) in enumerate(pairs):
        at = bisect_left(ends, other)
        before.append(last[at - 1] if at else -1)
        ends[at : at + 1] = [other]
        last[at : at + 1] = [number]
    chain: list[tuple[int, int]] = []
    number = last[-1] if last else -1
    while number >= 0:
        chain.append(pairs[number])
        number = before[number]
    return chain[::-1]
