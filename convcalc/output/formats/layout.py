"""Decides which columns of a table fit a terminal, and how wide each becomes.

Numbers are never cut: first the gaps narrow, then whole columns are hidden. Only if those that
must stay are still too wide, the first column is narrowed, since its paths can be wrapped.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

GAPS = (2, 1)  # blanks between columns
NARROWEST = 16  # characters per line that a wrapped path or text keeps at least


class Need(NamedTuple):
    """What a column needs: its full width, its least width, and its priority."""

    full: int
    least: int
    priority: int


class Layout(NamedTuple):
    """The indices of the columns that are shown, their widths, and those that are hidden."""

    shown: list[int]
    widths: list[int]
    hidden: list[int]
    gap: int


def fit(needs: Sequence[Need], width: int | None) -> Layout:
    """Return the layout that fits ``width`` characters; None shows everything in full."""
    everything = list(range(len(needs)))
    if width is None:
        return Layout(everything, [need.full for need in needs], [], GAPS[0])
    gap = GAPS[_least(needs, everything, GAPS[0]) > width]
    shown = _fitting(needs, width, gap)
    hidden = [index for index in everything if index not in shown]
    widths = _distribute(needs, shown, width - _least(needs, shown, gap))
    return Layout(shown, widths, hidden, gap)


def _least(needs: Sequence[Need], shown: Sequence[int], gap: int) -> int:
    return sum(needs[index].least for index in shown) + gap * (len(shown) - 1)


def _fitting(needs: Sequence[Need], width: int, gap: int) -> list[int]:
    """Return the columns that fit; those of high priority, rightmost first, are left out."""
    shown = list(range(len(needs)))
    for index in sorted(shown, key=lambda index: (needs[index].priority, index), reverse=True):
        if needs[index].priority and _least(needs, shown, gap) > width:
            shown.remove(index)
    return shown


def _distribute(needs: Sequence[Need], shown: Sequence[int], room: int) -> list[int]:
    """Return the widths of the columns.

    Spare room goes to columns that fold, the narrowest first; missing room is taken from the first
    column.
    """
    widths = {index: needs[index].least for index in shown}
    while room > 0:
        growing = [index for index in shown if widths[index] < needs[index].full]
        if not growing:
            break
        widths[min(growing, key=lambda index: widths[index])] += 1
        room -= 1
    if room < 0 and 0 in widths:
        widths[0] = min(widths[0], max(NARROWEST, widths[0] + room))
    return list(widths.values())
