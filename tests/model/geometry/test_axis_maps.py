"""How maps of an axis repeat, follow one another and meet."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from itertools import product

import oracle
from axes import DILATIONS, KERNELS, STRIDES, moves_on

from convcalc.model.geometry import axis_maps
from convcalc.model.geometry.axis_maps import AxisMap, Partition, Resize, Slide, Stamp


def maps() -> Iterator[AxisMap]:
    """Maps of every kind, with small numbers."""
    for k, s, p, d in product(KERNELS, STRIDES, range(-1, 3), DILATIONS):
        yield Slide(k, s, p, d)
        yield Stamp(k, s, p, d)
    for n, m in product(range(1, 7), range(1, 7)):
        yield Partition(n, m)
        yield from (Resize(mode, Fraction(n, m)) for mode in ("nearest", "linear", "cubic"))
        yield Resize("linear", Fraction(n, m), corners=True)


def test_every_map_repeats_after_its_period_moved_by_its_shift() -> None:
    each = list(maps())
    assert [axis for axis in each if not moves_on(axis)] == []
    assert len(each) == 660


def test_a_chain_of_maps_reads_what_both_read_in_turn() -> None:
    small: list[AxisMap] = [
        Slide(3, 2, 1),
        Slide(2, 1, 0, 2),
        Slide(2, 3, 1),
        Stamp(3, 2, 1),
        Stamp(2, 3),
        Stamp(3, 2, 0, 2),
        Resize("linear", Fraction(2, 3)),
        Resize("nearest", Fraction(1, 2)),
        Partition(5, 3),
    ]
    for outer, inner in product(small, small):
        chain = axis_maps.compose(outer, inner)
        graph = {"out": [("mid", outer.taps)], "mid": [("in", inner.taps)]}
        for y in range(-3, 12):
            seen = sorted(oracle.seen(graph, "out", y).get("in", set()))
            assert list(chain.taps(y)) == seen, (outer, inner, y)
        assert moves_on(chain), (outer, inner)


def test_a_union_of_maps_reads_what_any_of_them_reads() -> None:
    # Side by side in one layer: all have the same stride, here 1/2.
    small: list[AxisMap] = [
        Stamp(3, 2, 1),
        Stamp(2, 2),
        Stamp(3, 2, 0, 3),
        Resize("linear", Fraction(1, 2)),
        Resize("nearest", Fraction(2, 4)),
    ]
    for one, two in product(small, small):
        union = axis_maps.Union((one, two))
        graph = {"out": [("in", one.taps), ("in", two.taps)]}
        for y in range(-3, 8):
            seen = sorted(oracle.seen(graph, "out", y).get("in", set()))
            assert list(union.taps(y)) == seen, (one, two, y)
        assert moves_on(union), (one, two)
