"""Numbers as people write them: ``25.56 M``, ``97.69 MiB``, ``58.6 %``.

All arithmetic is exact, in integers and fractions, so a count of any size is rounded once and
correctly. Four significant digits are shown; trailing zeros are left out only where nothing was
rounded, so ``24 M`` is exactly 24,000,000 and ``24.00 M`` is not.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from fractions import Fraction

from convcalc.model.quantities.unknown import known

PREFIXES = ("", "k", "M", "G", "T", "P", "E", "Z", "Y", "R", "Q")  # powers of 1000
UNKNOWN_WORD = "unknown"
_BINARY = ("B", "KiB", "MiB", "GiB", "TiB")  # powers of 1024
# Bits per element, by the name of the data type.
DTYPES: Mapping[str, int] = {
    "float64": 64,
    "float32": 32,
    "tfloat32": 32,
    "float16": 16,
    "bfloat16": 16,
    "float8": 8,
    "int8": 8,
    "int4": 4,
}
# Suffixes that a number in a file may have, and the factors that they stand for.
FACTORS = {
    "": Fraction(1),
    "%": Fraction(1, 100),
    "B": Fraction(1),
    **{prefix: Fraction(1000**power) for power, prefix in enumerate("kMGT", 1)},
    **{f"{prefix}iB": Fraction(1024**power) for power, prefix in enumerate("KMGT", 1)},
}
# A text, which is compiled where a quantity is read.
_QUANTITY = r"([+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d{1,2})?) ?([kMGT]|[KMGT]iB|B|%)?"


# --- reading -----------------------------------------------------------------------------------


def parse_quantity(text: str) -> Fraction | None:
    """``25.6M``, ``12 MiB``, ``20%`` or ``4.5e6`` as an exact number; None if it is none."""
    found = re.fullmatch(_QUANTITY, text.strip()) if len(text) <= _MAX_LENGTH else None
    if found is None or not text.isascii():
        return None
    return Fraction(found[1]) * FACTORS[found[2] or ""]


_MAX_LENGTH = 60  # characters


def parse_seconds(text: str) -> Fraction | None:
    """``250us``, ``2 ms`` or ``0.1 s`` as exact seconds; None if it is none. The unit is needed."""
    if len(text) > _MAX_LENGTH:
        return None
    found = re.fullmatch(r" *([0-9]+(?:\.[0-9]*)?|\.[0-9]+) ?(s|ms|us|µs|ns) *", text)  # rare
    return None if found is None else Fraction(found[1]) / _PER_SECOND[found[2]]


# Units of times, from the largest.
_PER_SECOND = {"s": 1, "ms": 10**3, "us": 10**6, "µs": 10**6, "ns": 10**9}


# --- writing -----------------------------------------------------------------------------------


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
    number = _join_decimals(whole, f"{rest:0{3 * group}}"[:places], trim=rounded == size)
    return f"{'-' * (value < 0)}{number} {PREFIXES[group]}{unit}".rstrip()


def at_least_text(text: str) -> str:
    """The text of a lower bound, by the text of the number."""
    return f"≥ {text}"


def memory_text(value: int, *, exact: bool = False) -> str:
    """A number of bytes in the unit that suits it, ``97.69 MiB``, ``896 B``; exact: in bytes."""
    if not known(value):
        return UNKNOWN_WORD
    if exact:
        return f"{value:,} B"
    power = min(max(abs(value).bit_length() - 1, 0) // 10, len(_BINARY) - 1)
    number = decimal_text(Fraction(value, 1024**power))
    if number.lstrip("-") == "1024" and power < len(_BINARY) - 1:  # rounded up to the next unit
        power += 1
        number = decimal_text(Fraction(value, 1024**power))
    return f"{number} {_BINARY[power]}"


def decimal_text(value: Fraction) -> str:
    """A number with four significant digits; the whole part is never rounded away."""
    size = abs(value)
    rounded = round(size, _decimal_places(size))
    places = _decimal_places(rounded)  # one less where 9.9996 became 10
    whole, rest = divmod(int(rounded * 10**places), 10**places)
    number = _join_decimals(whole, f"{rest:0{places}}"[:places], trim=rounded == size)
    return f"{'-' * (value < 0)}{number}"


def seconds_text(value: Fraction, *, exact: bool = False) -> str:
    """Seconds with the prefix that fits: ``70.78 µs``; exact: ``7.07811720e-05 s``."""
    if not known(value):
        return UNKNOWN_WORD
    if exact:
        return f"{float(value):.8e} s"
    fitting = (unit for unit, factor in _PER_SECOND.items() if unit != "us" and value * factor >= 1)
    unit = next(fitting, "ns")
    return f"{decimal_text(value * _PER_SECOND[unit])} {unit}" if value else "0 s"


def fraction_text(value: Fraction) -> str:
    """``32``, ``111.5``, or ``1/3`` where three decimals do not hold it exactly."""
    if 1000 % value.denominator:
        return str(value)
    return f"{float(value):.3f}".rstrip("0").rstrip(".")


def percent_text(value: Fraction) -> str:
    """A share between 0 and 1 as a percentage with one decimal; a tiny share is ``<0.1 %``."""
    if not known(value):
        return UNKNOWN_WORD
    tenths = round(value * 1000)
    if value and not tenths:
        return "<0.1 %"
    return f"{_join_decimals(tenths // 10, str(tenths % 10), trim=value * 1000 == tenths)} %"


def change_text(ratio: Fraction) -> str:
    """A relative change with its sign: ``+6.5 %``, ``-<0.1 %``; ``0 %`` for no change."""
    sign = "+" if ratio > 0 else "-" if ratio < 0 else ""
    return f"{sign}{percent_text(abs(ratio))}"


def _join_decimals(whole: int, decimals: str, *, trim: bool) -> str:
    """A number from its integer part and its decimals; ``trim`` drops trailing zeros."""
    if trim:
        decimals = decimals.rstrip("0")
    return f"{whole}.{decimals}" if decimals else str(whole)


def _decimal_places(value: Fraction) -> int:
    """Decimals of a number with four significant digits."""
    if value >= 1 or not value:
        return max(0, 4 - len(str(int(value))))
    zeros = 0  # between the point and the first digit
    while value * 10 ** (zeros + 1) < 1:
        zeros += 1
    return 4 + zeros
