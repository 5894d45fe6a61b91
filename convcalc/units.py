"""Numbers as people write and read them: ``25.56 M``, ``97.69 MiB``, ``58.6 %``, ``5M``.

Everything is done in exact integers and fractions, so a count of any size is rounded once
and correctly. Four significant digits are shown; zeros at the end are left out only where
nothing was rounded, so ``24 M`` is exactly 24,000,000 and ``24.00 M`` is not.
"""

from __future__ import annotations

import re
from fractions import Fraction

from convcalc.shape import known

PREFIXES = ("", "k", "M", "G", "T", "P", "E", "Z", "Y", "R", "Q")  # powers of 1000
UNKNOWN_WORD = "unknown"
MIB = 2**20

_BYTES = {"": 1, "B": 1, "KiB": 2**10, "MiB": MIB, "GiB": 2**30, "TiB": 2**40}
_COUNTS = {"": 1, "k": 10**3, "M": 10**6, "G": 10**9, "T": 10**12}
_QUANTITY = re.compile(r"([0-9]{1,24})(?:\.([0-9]{1,24}))?(?:e\+?([0-9]{1,2}))? ?([A-Za-z]*)")


# --- written -----------------------------------------------------------------------------------


def count_text(value: int, unit: str = "", *, exact: bool = False) -> str:
    """A count with an SI prefix, ``25.56 M`` or ``4.089 GMAC``; exact: ``25,557,032``."""
    if not known(value):
        return UNKNOWN_WORD
    if exact:
        return f"{value:,} {unit}".rstrip()
    size = abs(value)
    rounded = round(size, min(0, 4 - len(str(size))))
    group = min((len(str(rounded)) - 1) // 3, len(PREFIXES) - 1)
    whole, rest = divmod(rounded, 1000**group)
    places = max(0, 4 - len(str(whole))) if group else 0
    number = _point(whole, f"{rest:0{3 * group}}"[:places], trim=rounded == size)
    return f"{'-' * (value < 0)}{number} {PREFIXES[group]}{unit}".rstrip()


def memory_text(value: int, *, exact: bool = False) -> str:
    """Bytes in MiB; exact: in bytes."""
    if not known(value):
        return UNKNOWN_WORD
    return f"{value:,} B" if exact else f"{decimal_text(Fraction(value, MIB))} MiB"


def decimal_text(value: Fraction) -> str:
    """A number with four significant digits; the whole part is never rounded away."""
    size = abs(value)
    rounded = round(size, _places(size))
    places = _places(rounded)  # one less where 9.9996 became 10
    whole, rest = divmod(int(rounded * 10**places), 10**places)
    number = _point(whole, f"{rest:0{places}}"[:places], trim=rounded == size)
    return f"{'-' * (value < 0)}{number}"


def fraction_text(value: Fraction) -> str:
    """``32``, ``111.5``, or ``1/3`` where three decimals do not hold it exactly."""
    if 1000 % value.denominator:
        return str(value)
    return f"{float(value):.3f}".rstrip("0").rstrip(".")


def percent_text(value: Fraction) -> str:
    """A share between 0 and 1 as a percentage with one decimal; ``<0.1 %`` is not none."""
    if not known(value):
        return UNKNOWN_WORD
    tenths = round(value * 1000)
    if value and not tenths:
        return "<0.1 %"
    return f"{_point(tenths // 10, str(tenths % 10), trim=value * 1000 == tenths)} %"


def _point(whole: int, decimals: str, *, trim: bool) -> str:
    """Both parts of a number; ``trim`` leaves out zeros at the end."""
    if trim:
        decimals = decimals.rstrip("0")
    return f"{whole}.{decimals}" if decimals else str(whole)


def _places(value: Fraction) -> int:
    """Decimals of a number with four significant digits."""
    if value >= 1 or not value:
        return max(0, 4 - len(str(int(value))))
    zeros = 0  # between the point and the first digit
    while value * 10 ** (zeros + 1) < 1:
        zeros += 1
    return 4 + zeros


# --- read --------------------------------------------------------------------------------------


def parsed_count(text: str) -> int:
    """``5M``, ``1.2G``, ``300``, ``1e6`` as an integer; ValueError says what would be right."""
    return _parsed(text, _COUNTS, "k, M, G or T")


def parsed_bytes(text: str) -> int:
    """``12MiB``, ``1.5GiB``, ``4096`` (bytes) as an integer; ValueError as above."""
    return _parsed(text, _BYTES, "B, KiB, MiB, GiB or TiB")


def _parsed(text: str, units: dict[str, int], wanted: str) -> int:
    """The whole number that a decimal with a suffix stands for."""
    match = _QUANTITY.fullmatch(text.strip())
    if not match or match[4] not in units:
        raise ValueError(f"'{text}' is not a number with the suffix {wanted}")
    whole, decimals, exponent, suffix = match[1], match[2] or "", match[3] or "0", match[4]
    value = Fraction(int(whole + decimals), 10 ** len(decimals)) * 10 ** int(exponent)
    value *= units[suffix]
    if value.denominator != 1:
        raise ValueError(f"'{text}' is not a whole number")
    return int(value)
