"""Windows of many taps are put together of windows of few, bit for bit as tap by tap."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from convcalc.analysis.receptive_field.domains import SUPPORTS, TOTALS, Paths
from convcalc.analysis.receptive_field.reach import Reach, _unite, _windows, propagate
from convcalc.model.geometry.axis_maps import Slide, Stamp

PATHS = Paths(64)
KINDS = {"supports": SUPPORTS, "paths": PATHS, "totals": TOTALS}


def positions(masks: list[int], firsts: list[int]) -> tuple[Any, ...]:
    """What phases see: sets that hold their first position, None where a phase reads nothing."""
    return tuple(
        (first, mask | 1) if mask else None for first, mask in zip(firsts, masks, strict=True)
    )


def counts(seen: tuple[Any, ...]) -> tuple[Any, ...]:
    """The same positions, with 1 to 4 paths to each."""
    spread = [
        each and (each[0], sum((1 + i % 4) << 64 * i for i in range(64) if each[1] >> i & 1))
        for each in seen
    ]
    return tuple(spread)


@st.composite
def reaches(draw: st.DrawFn) -> Reach:
    period = draw(st.integers(1, 7))
    masks = draw(st.lists(st.integers(0, 1 << 20), min_size=period, max_size=period))
    firsts = draw(st.lists(st.integers(-20, 20), min_size=period, max_size=period))
    return Reach(period, draw(st.integers(0, 9)), positions(masks, firsts))


def slides() -> st.SearchStrategy[Slide]:
    numbers = st.integers(1, 70), st.integers(1, 6), st.integers(-3, 40), st.integers(1, 9)
    return st.tuples(*numbers).map(lambda each: Slide(*each))


def stamps() -> st.SearchStrategy[Stamp]:
    numbers = st.integers(1, 9), st.integers(2, 5), st.integers(0, 4), st.integers(1, 3)
    return st.tuples(*numbers).map(lambda each: Stamp(*each))


@pytest.mark.parametrize("name", KINDS)
@given(reach=reaches(), axis=slides(), period=st.integers(1, 9))
def test_windows_are_those_of_all_taps(name: str, reach: Reach, axis: Slide, period: int) -> None:
    kind: Any = KINDS[name]
    if kind is PATHS:
        reach = reach._replace(seen=counts(reach.seen))
    elif kind is TOTALS:
        reach = reach._replace(seen=tuple(each and each[1] for each in reach.seen))
    plain = [_unite(axis.taps(y), reach, kind) for y in range(period)]
    assert _windows(axis, reach, period, kind) == plain


@given(axis=slides(), stamp=stamps())
def test_a_window_behind_upsampling_reads_what_its_taps_read(axis: Slide, stamp: Stamp) -> None:
    found = propagate(axis, propagate(stamp, Reach(seen=(SUPPORTS.start,)), SUPPORTS), SUPPORTS)
    for y in range(-7, 8):
        seen = found.at(y, SUPPORTS)
        read = {x for z in axis.taps(y) for x in stamp.taps(z)}
        assert read == (set() if seen is None else {seen[0] + i for i in _places(seen[1])})


def _places(bits: int) -> list[int]:
    return [i for i in range(bits.bit_length()) if bits >> i & 1]
