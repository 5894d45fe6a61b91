"""Numbers as people write and read them; ``decimal`` is the oracle of rounding."""

from __future__ import annotations

import decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from convcalc.model.quantities.number_text import (
    PREFIXES,
    count_text,
    decimal_text,
    fraction_text,
    memory_text,
    percent_text,
)
from convcalc.model.quantities.unknown import UNKNOWN

FOUR_DIGITS = decimal.Context(prec=4, rounding=decimal.ROUND_HALF_EVEN)


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (0, "", "0"),
        (427, "", "427"),
        (999, "MAC", "999 MAC"),
        (1000, "", "1 k"),
        (9408, "", "9.408 k"),
        (53_120, "", "53.12 k"),
        (999_949, "", "999.9 k"),
        (999_950, "", "1.000 M"),  # rounding reaches the next prefix
        (25_557_032, "", "25.56 M"),
        (24_000_000, "", "24 M"),  # nothing was rounded
        (24_000_001, "", "24.00 M"),  # something was
        (4_089_184_256, "MAC", "4.089 GMAC"),
        (8_178_368_512, "FLOP", "8.178 GFLOP"),
        (-1_557_032, "", "-1.557 M"),
        (10**30, "", "1 Q"),
        (123_456 * 10**30, "", "123500 Q"),  # there is no prefix beyond
        (UNKNOWN, "MAC", "unknown"),
    ],
)
def test_counts_carry_a_prefix_and_four_digits(value: int, unit: str, text: str) -> None:
    assert count_text(value, unit) == text


@given(st.integers(1000, 10**32))
def test_a_count_is_rounded_once_and_zeros_at_the_end_mean_rounding(value: int) -> None:
    number, prefix = count_text(value).split(" ")
    shown = decimal.Decimal(number).scaleb(3 * PREFIXES.index(prefix))
    assert shown == FOUR_DIGITS.create_decimal(value)
    digits = number.replace(".", "")
    assert (
        (len(digits) >= 4)
        if shown != value
        else (digits.rstrip("0") == digits or "." not in number)
    )


def test_an_exact_count_has_thousands_separators_and_no_prefix() -> None:
    assert count_text(4_089_184_256, "MAC", exact=True) == "4,089,184,256 MAC"
    assert count_text(UNKNOWN, exact=True) == "unknown"


@given(st.fractions(Fraction(1, 10**9), 1))
def test_a_small_ratio_keeps_four_significant_digits(value: Fraction) -> None:
    exact = decimal.Decimal(value.numerator) / decimal.Decimal(value.denominator)
    assert decimal.Decimal(decimal_text(value)) == FOUR_DIGITS.plus(exact)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (Fraction(0), "0"),
        (Fraction(1, 2), "0.5"),
        (Fraction(123_456), "123456"),  # the whole part is never rounded away
        (Fraction(2469, 20), "123.4"),
        (Fraction(99_996, 10_000), "10.00"),
        (Fraction(-1, 3), "-0.3333"),
        (Fraction(99_999, 100_000), "1.000"),
        (Fraction(99_999, 1_000_000), "0.1000"),
    ],
)
def test_a_ratio_is_a_plain_decimal(value: Fraction, text: str) -> None:
    assert decimal_text(value) == text


def test_memory_is_in_the_unit_that_suits_it_or_exact_bytes() -> None:
    assert memory_text(102_440_608) == "97.69 MiB"
    assert memory_text(12 * 2**20) == "12 MiB"
    assert memory_text(0) == "0 B"
    assert memory_text(1023) == "1023 B"
    assert memory_text(-1024) == "-1 KiB"
    assert memory_text(896 * 2**10) == "896 KiB"
    assert memory_text(2**20 - 1) == "1.000 MiB"
    assert memory_text(2**30 - 2**18) == "0.9998 GiB"
    assert memory_text(3 * 2**40) == "3 TiB"
    assert memory_text(5 * 2**50) == "5120 TiB"
    assert memory_text(102_440_608, exact=True) == "102,440,608 B"
    assert memory_text(UNKNOWN) == "unknown"


def test_a_tiny_share_is_not_shown_as_none() -> None:
    assert percent_text(Fraction(586, 1000)) == "58.6 %"
    assert percent_text(Fraction(1)) == "100 %"
    assert percent_text(Fraction(1, 10**6)) == "<0.1 %"
    assert percent_text(Fraction(0)) == "0 %"
    assert percent_text(Fraction(999_999, 10**6)) == "100.0 %"


def test_a_fraction_is_a_decimal_only_where_that_is_exact() -> None:
    shown = [
        fraction_text(Fraction(text)) for text in ("32", "223/2", "1/8", "-1/2", "1/3", "1/16")
    ]
    assert shown == ["32", "111.5", "0.125", "-0.5", "1/3", "1/16"]
