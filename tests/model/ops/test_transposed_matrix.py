"""The non-zeros of a transposed convolution's matrix, stamp by stamp."""

from __future__ import annotations

from itertools import product

import oracle

from convcalc.model.ops.convolution._transposed import floor_sum, landings


def test_the_stamps_that_land_are_those_of_the_definition() -> None:
    tried = 0
    for n, k, s, p, d, more in product(
        range(1, 6), range(1, 5), range(1, 5), range(4), (1, 2, 3), (0, 1, 2)
    ):
        strip = oracle.stamped(n, (p, p), k, s, d, more)
        if strip:
            assert landings(n, len(strip), k, s, p, d) == sum(map(len, strip)), (n, k, s, p, d)
            tried += 1
    assert tried > 2500


def test_sums_of_quotients() -> None:
    for count, step, start, divisor in product(range(8), range(9), range(9), range(1, 9)):
        terms = [(start + step * j) // divisor for j in range(count)]
        assert floor_sum(count, step, start, divisor) == sum(terms)


def test_a_matrix_is_counted_without_being_walked_through() -> None:
    wide = 10**12
    assert landings(wide, 4 * wide - 3, wide, 3, 0, 1) == wide**2  # no padding: all land
    assert 0 < landings(wide, 2 * wide - 3, wide, 3, wide, 1) < wide**2
