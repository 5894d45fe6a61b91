"""Times as people write them, read and written exactly."""

from __future__ import annotations

from fractions import Fraction

import pytest

from convcalc.model.quantities.number_text import parse_seconds, seconds_text
from convcalc.model.quantities.unknown import UNKNOWN


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("250us", Fraction(250, 10**6)),
        (" 2 ms ", Fraction(2, 10**3)),
        ("0.1s", Fraction(1, 10)),
        (".5µs", Fraction(1, 2 * 10**6)),
        ("7.ns", Fraction(7, 10**9)),
    ],
)
def test_a_time_is_read_exactly(text: str, seconds: Fraction) -> None:
    assert parse_seconds(text) == seconds


@pytest.mark.parametrize(
    "text", ["5", "us", "-1us", "1e3us", "1 min", "٣us", "1us2", "9" * 99 + "s", ""]
)
def test_what_has_no_unit_or_no_number_is_none(text: str) -> None:
    assert parse_seconds(text) is None


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (Fraction(0), "0 s"),
        (Fraction(1), "1 s"),
        (Fraction(3, 1000), "3 ms"),
        (Fraction(70_781_172, 10**12), "70.78 µs"),
        (Fraction(1, 10**6), "1 µs"),
        (Fraction(999, 10**9), "999 ns"),
        (Fraction(1, 3 * 10**12), "0.0003333 ns"),
    ],
)
def test_a_time_gets_the_prefix_that_fits(value: Fraction, text: str) -> None:
    assert seconds_text(value) == text


def test_an_exact_time_is_in_seconds_and_an_unknown_one_a_word() -> None:
    assert seconds_text(Fraction(1, 8), exact=True) == "1.25000000e-01 s"
    assert seconds_text(UNKNOWN) == "unknown"  # type: ignore[arg-type]
