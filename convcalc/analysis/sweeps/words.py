"""Reads what is swept from the words of a command line: ``width=0.35:1.4:0.01``."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from fractions import Fraction
from typing import Any

from convcalc.analysis.sweeps.space import Factor, SpaceError
from convcalc.model.quantities.number_text import parse_quantity

INPUT = "input"
MOST_VALUES = 1_000_000  # of one factor, or one part of it
_SHAPE = re.compile(r"\d{1,9}(?:[x×]\d{1,9}){1,3}", re.ASCII)
_PLAIN = re.compile(r"[+-]?\d+", re.ASCII)
RANGE_HELP = "a range is FROM:TO:STEP, for instance 96:320:32"


def factor(word: str) -> Factor:
    """The factor of a word such as ``input=96:320:32``; raises SpaceError.

    Behind the name stand values divided by commas: numbers, ranges with both ends, words, shapes
    such as ``3x224x224``, and lists in brackets, whose items may be ranges or choices divided by
    ``|``: ``depths=[1:3,2|4]`` has every combination of them.
    """
    name, equals, text = word.partition("=")
    name = name.strip()
    if not equals or not name or not text.strip():
        raise SpaceError(
            f"--over '{word}' does not say what is swept over which values",
            "write for instance width=0.35:1.4:0.01 or input=192,224,256",
        )
    values: list[Any] = []
    parts = _split(text, ",")
    if len(parts) == 1 and parts[0].startswith("["):
        return Factor(name, tuple(_choices(each, name) for each in _items(parts[0], name)), True)
    for part in parts:
        if part.startswith("["):
            values += _lists(part, name)
        else:
            values += _values(part, name)
    return listed(name, values)


def listed(name: str, values: Sequence[Any]) -> Factor:
    """The factor with these values, which are of one kind and all different."""
    if not values:
        raise SpaceError(f"'{name}' has no values", RANGE_HELP)
    if len(values) > MOST_VALUES:
        raise SpaceError(f"'{name}' has more than {MOST_VALUES:,} values", "take a larger step")
    kinds = {_kind(value) for value in values}
    if len(kinds) > 1:
        raise SpaceError(f"'{name}' has values of several kinds: {' and '.join(sorted(kinds))}")
    if kinds == {"number"} and any(isinstance(value, float) for value in values):
        values = [float(value) for value in values]
    seen: set[str] = set()
    for value in values:
        if repr(value) in seen:
            raise SpaceError(f"'{name}' has the value {value} twice", "leave one out")
        seen.add(repr(value))
    return Factor(name, (tuple(values),))


def span(first: Fraction, last: Fraction, step: Fraction, name: str) -> list[int | float]:
    """The numbers from ``first`` to ``last`` in steps, both ends included if a step reaches them.

    The steps are exact; each number is rounded once: 0.35, 0.36, never 0.36000000000000004.
    """
    check_ends(first, last, step, name)
    count = int((last - first) / step) + 1
    if count > MOST_VALUES:
        raise SpaceError(f"'{name}' has {count:,} values", f"at most {MOST_VALUES:,} are possible")
    exact = [first + k * step for k in range(count)]
    if all(each.denominator == 1 for each in (first, step)):
        return [int(each) for each in exact]
    return [float(each) for each in exact]


def _kind(value: Any) -> str:
    if isinstance(value, bool):
        return "true or false"
    if isinstance(value, int | float):
        return "number"
    return "list" if isinstance(value, list | tuple) else "word"


def _values(text: str, name: str) -> list[Any]:
    """The values of a part of a word that is not a list: a range, a number, a shape or a word."""
    if not text:
        raise SpaceError(f"'{name}' has an empty value", "divide values by one comma")
    if name == INPUT and _SHAPE.fullmatch(text):
        return [[int(size) for size in re.split("[x×]", text)]]
    ends = text.split(":")
    if len(ends) > 1 and all(parse_quantity(each) is not None for each in ends):
        return _range(ends, name)
    if text in ("true", "false"):
        return [text == "true"]
    found = parse_quantity(text)
    if name == INPUT and (found is None or found.denominator != 1 or found < 1):
        raise SpaceError(f"'{text}' is not an input", "write a size, 224, or all sizes, 3x224x224")
    if found is None:
        return [text]
    return [int(found) if _is_whole(text, found) else float(found)]


def check_ends(first: Fraction, last: Fraction, step: Fraction, name: str) -> None:
    """Raises SpaceError for a range without values."""
    if step <= 0:
        raise SpaceError(f"'{name}' has a step of {float(step):g}", "a step is above 0")
    if last < first:
        raise SpaceError(f"'{name}' ends below its beginning", RANGE_HELP)


def ends_of(ends: Sequence[str], name: str) -> tuple[Fraction, Fraction, Fraction]:
    """The first and the last value of ``FROM:TO:STEP`` and the step, 1 if it is left out."""
    numbers = [parse_quantity(each) for each in ends]
    if len(numbers) not in (2, 3) or None in numbers:
        raise SpaceError(f"'{name}' has the range {':'.join(ends)}", RANGE_HELP)
    first, last, step = [*(each for each in numbers if each is not None), Fraction(1)][:3]
    return first, last, step


def _range(ends: Sequence[str], name: str) -> list[Any]:
    found = span(*ends_of(ends, name), name)
    if name == INPUT and (isinstance(found[0], float) or found[0] < 1):
        raise SpaceError(f"'{name}' has the range {':'.join(ends)}", "sizes are whole, from 1 on")
    return found


def _is_whole(text: str, found: Fraction) -> bool:
    """Whether a number is meant as an int: 1.0 is a float."""
    return found.denominator == 1 and (_PLAIN.fullmatch(text) is not None or text[-1:].isalpha())


# --- lists ---------------------------------------------------------------------------------------


def _items(text: str, name: str) -> list[str]:
    if not text.endswith("]") or text.count("[") != 1 or not text[1:-1].strip():
        raise SpaceError(f"'{text}' is not a list", f"write for instance {name}=[2,2,6,2]")
    return _split(text[1:-1], ",")


def _choices(text: str, name: str) -> tuple[Any, ...]:
    """The choices for one item of a list: ``1|2|4``, ``1:4``, or one value."""
    found = [value for part in text.split("|") for value in _values(part.strip(), f"{name}[]")]
    return tuple(listed(name, found).parts[0])


def _lists(text: str, name: str) -> list[list[Any]]:
    """One list among several; each of its items has one value."""
    items = [_choices(each, name) for each in _items(text, name)]
    if any(len(each) > 1 for each in items):
        raise SpaceError(
            f"'{name}' has a list of choices among others", "sweep one list of choices, or lists"
        )
    return [[each[0] for each in items]]


def _split(text: str, mark: str) -> list[str]:
    """The parts of a text between marks outside brackets."""
    parts, depth, start = [], 0, 0
    for position, character in enumerate(text):
        depth += {"[": 1, "]": -1}.get(character, 0)
        if character == mark and depth == 0:
            parts.append(text[start:position].strip())
            start = position + 1
    return [*parts, text[start:].strip()]


def factors(words: Iterable[str]) -> list[Factor]:
    """The factors of several words; raises SpaceError if one is named twice."""
    return different([factor(word) for word in words])


def different(found: list[Factor]) -> list[Factor]:
    """The factors; raises SpaceError unless they have different names."""
    names = [each.name for each in found]
    for name in names:
        if names.count(name) > 1:
            raise SpaceError(f"'{name}' is swept twice", "give all its values at once")
    return found
