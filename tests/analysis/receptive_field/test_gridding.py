"""Stacks of dilated convolutions: holes, path counts, the rule of HDC and where it is wrong."""

from __future__ import annotations

import random
from collections import Counter
from fractions import Fraction
from itertools import combinations_with_replacement, product

import pytest

from convcalc.analysis.receptive_field.dilated_stacks import (
    Window,
    evenness,
    field_size,
    gap,
    hdc,
    path_counts,
    stack_windows,
    suggestions,
)
from convcalc.analysis.receptive_field.domains import SUPPORTS, Bits
from convcalc.analysis.receptive_field.measures import (
    center_of,
    coverage,
    holes,
    nearest_holes,
    overlap,
    spacing,
)


def ways(windows: list[Window]) -> Counter[int]:
    """How many ways lead to each position: one tap of each layer, summed."""
    taps = [[step * tap for tap in range(k)] for step, k in windows]
    return Counter(sum(choice) for choice in product(*taps))


def dilated(rates: list[int], k: int = 3) -> list[Window]:
    return [Window(rate, k) for rate in rates]


def support(rates: list[int], k: int = 3) -> Bits:
    """What a stack reads."""
    seen: Bits = SUPPORTS.start
    for rate in rates:
        seen = SUPPORTS.window(seen, rate, k)
    return seen


# rates: size, positions read, M_2, whether there are no holes. Computed by brute force for three
# taps; the rates are those of the papers on HDC (arXiv 1702.08502), DeepLab and context modules.
STACKS = {
    (1, 1, 1): (7, 7, 1, True),
    (1, 2, 3): (13, 13, 2, True),
    (2, 2, 2): (13, 7, 2, False),
    (1, 2, 4): (15, 15, 2, True),
    (1, 2, 5): (17, 17, 2, True),
    (1, 2, 7): (21, 21, 3, True),
    (1, 2, 8): (23, 21, 4, False),
    (1, 2, 9): (25, 21, 5, False),
    (1, 5, 2): (17, 17, 8, True),
    (1, 3, 9): (27, 27, 3, True),
    (2, 3): (11, 9, 3, False),
    (2, 3, 7): (25, 23, 3, False),
    (2, 4, 8): (29, 15, 4, False),
    (2, 4, 6): (25, 13, 4, False),
    (6, 12, 18): (73, 13, 12, False),
    (1, 2, 5, 9): (35, 35, 2, True),
    (5, 9, 17): (63, 27, 9, False),
    (1, 1, 2, 3, 5): (25, 25, 1, True),
    (1, 1, 2, 4, 8, 16, 1): (67, 67, 1, True),
}


@pytest.mark.parametrize(("rates", "known"), STACKS.items())
def test_known_stacks(rates: tuple[int, ...], known: tuple[int, int, int, bool]) -> None:
    size, read, rule, whole = known
    windows = dilated(list(rates))
    assert field_size(windows) == size
    assert support(list(rates))[1].bit_count() == read == len(ways(windows))
    assert hdc(rates) == rule
    assert (gap(windows) is None) == whole == (coverage(support(list(rates))) == 1)


COUNTS = {
    (1, 1, 1): "1 3 6 7 6 3 1",
    (1, 2, 3): "1 1 2 2 3 3 3 3 3 2 2 1 1",
    (2, 2, 2): "1 0 3 0 6 0 7 0 6 0 3 0 1",
    (1, 2, 4): "1 1 2 1 3 2 3 1 3 2 3 1 2 1 1",
    (1, 2, 5): "1 1 2 1 2 2 2 2 1 2 2 2 2 1 2 1 1",
    (1, 2, 9): "1 1 2 1 2 1 1 0 0 1 1 2 1 2 1 1 0 0 1 1 2 1 2 1 1",
    (2, 3): "1 0 1 1 1 1 1 1 1 0 1",
}


@pytest.mark.parametrize(("rates", "counts"), COUNTS.items())
def test_known_path_counts(rates: tuple[int, ...], counts: str) -> None:
    assert path_counts(dilated(list(rates))) == list(map(int, counts.split()))


def test_holes_spacing_and_overlap_of_known_stacks() -> None:
    assert holes(support([2, 2, 2])) == (1, 3, 5, 7, 9, 11)  # ±1, ±3, ±5 about 6
    assert holes(support([1, 2, 9])) == (7, 8, 16, 17)  # ±4, ±5 about 12
    assert holes(support([1, 2, 3])) == ()
    assert [spacing(support(rates)) for rates in ([2, 2, 2], [6, 12, 18], [1, 2, 3])] == [2, 6, 1]
    for rates, shared in (([2, 2, 2], Fraction(0)), ([1, 2, 5], Fraction(16, 18))):
        seen = support(rates)
        assert overlap(seen, SUPPORTS.shift(seen, 1)) == shared


def test_the_nearest_holes_come_first_and_the_rest_is_counted() -> None:
    rng = random.Random(0)
    for _ in range(2000):
        size = rng.randint(1, 14)
        seen = (rng.randint(-5, 5), rng.getrandbits(size) | 1 | 1 << (size - 1))
        distances = {hole - center_of(seen) for hole in holes(seen)}
        found, left = nearest_holes(seen, 3)
        assert [abs(hole.value) for hole in found] == sorted(set(map(abs, distances)))[:3]
        assert left == len(set(map(abs, distances))) - len(found)
        for hole in found:
            assert hole.value in distances
            assert hole.mirrored == (hole.value != 0 and -hole.value in distances)


def random_windows(rng: random.Random) -> list[Window]:
    """A chain with strides."""
    layers = [
        (rng.randint(1, 5), rng.randint(1, 3), rng.randint(1, 6)) for _ in range(rng.randint(1, 5))
    ]
    return stack_windows(*(list(part) for part in zip(*layers, strict=True)))


def test_the_test_for_holes_is_exact() -> None:
    rng = random.Random(0)
    whole = 0
    for _ in range(3000):
        windows = random_windows(rng)
        found = ways(windows)
        assert (gap(windows) is None) == (len(found) == max(found) + 1), windows
        assert field_size(windows) == max(found) + 1
        assert path_counts(windows) == [found[x] for x in range(max(found) + 1)]
        whole += gap(windows) is None
    assert 300 < whole < 2700


def test_hdc_is_exact_for_three_taps_in_ascending_order_from_one_only() -> None:
    for n in (2, 3):
        for rates in combinations_with_replacement(range(1, 16), n - 1):
            assert (hdc((1, *rates)) <= 3) == (gap(dilated([1, *rates])) is None), rates
    for k, missed, alarms in ((2, (1, 1, 4), None), (4, None, (1, 1, 7)), (5, None, (1, 1, 8))):
        if missed:
            assert hdc(missed) <= k
            assert gap(dilated(list(missed), k)) is not None
        if alarms:
            assert hdc(alarms) > k
            assert gap(dilated(list(alarms), k)) is None


# --- suggestions -------------------------------------------------------------------------------


@pytest.mark.parametrize(("k", "layers", "least"), [(3, 4, 31), (3, 3, 20), (2, 5, 20), (5, 2, 13)])
def test_suggestions_are_all_stacks_without_holes_in_order_of_size(
    k: int, layers: int, least: int
) -> None:
    most = least + 2 * (k - 1)
    found = list(suggestions(k, layers, least, most))
    every = {
        rates: len(counts)
        for rates in combinations_with_replacement(range(1, most), layers)
        if field_size(dilated(list(rates), k)) <= most
        and field_size(dilated(list(rates), k)) >= least
        and len(counts := ways(dilated(list(rates), k))) == max(counts) + 1
    }
    assert {each.dilations: each.size for each in found} == every
    assert [each.size for each in found] == sorted(each.size for each in found)
    for each in found:
        counts = ways(dilated(list(each.dilations), k)).values()
        assert (each.least_paths, each.most_paths) == (min(counts), max(counts))
        assert each.evenness == Fraction(sum(counts), len(counts) * max(counts))


def test_a_size_is_reached_up_to_the_powers_of_the_kernel_and_no_further() -> None:
    (last,) = suggestions(3, 4, 81)
    assert (last.dilations, last.evenness) == ((1, 3, 9, 27), 1)
    assert list(suggestions(3, 4, 82)) == []
    assert all(max(each.dilations) <= 6 for each in suggestions(3, 4, 25, 31, largest=6))


def test_evenness_is_one_where_every_position_has_as_many_paths() -> None:
    assert evenness(path_counts(dilated([1, 3, 9]))) == 1
    assert evenness(path_counts(dilated([1, 1, 1]))) == Fraction(27, 49)
