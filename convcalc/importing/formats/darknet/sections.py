"""The sections of a darknet .cfg file, with the places of their options.

A line is a section's ``[name]``, an option ``key=value``, or a comment after ``#`` or ``;``. Of an
option that is given twice the first counts, and a number ends where its digits do, as darknet reads
them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from convcalc.diagnostics.diagnostic import Diagnostic, Place
from convcalc.importing.foreign import Unreadable

MOST_LINES = 200_000
LARGEST = 2**31 - 1  # of a number: darknet keeps an int
HEADS = ("net", "network")

_INTEGER = re.compile(r"[+-]?[0-9]{1,20}")
_COMMENT = re.compile(r"\s+[#;].*")


class Wrong(Exception):
    """An option cannot be what it is."""

    def __init__(self, diagnostic: Diagnostic) -> None:
        super().__init__(diagnostic.message)
        self.diagnostic = diagnostic


class Option(NamedTuple):
    """The value of an option, and where it stands."""

    text: str
    place: Place


class Section:
    """A section: its name, its options, and where it begins."""

    def __init__(self, name: str, place: Place) -> None:
        self.name = name
        self.place = place
        self.options: dict[str, Option] = {}

    def place_of(self, key: str) -> Place:
        """Where an option stands, or the section if it lacks it."""
        return self.options[key].place if key in self.options else self.place

    def word(self, key: str, default: str = "") -> str:
        """The text of an option."""
        return self.options[key].text if key in self.options else default

    def number(self, key: str, default: int, least: int = -LARGEST) -> int:
        """An integer; Wrong if it is none, or less than it can be."""
        if key not in self.options:
            return default
        return self._integer(key, self.options[key].text, least)

    def numbers(self, key: str) -> Sequence[int]:
        """Integers with commas between them; Wrong if the option is missing or empty."""
        if key not in self.options:
            raise self.wrong("missing-key", f"[{self.name}] needs the option '{key}'")
        parts = [part for part in self.options[key].text.split(",") if part.strip()]
        if not parts:
            raise self.wrong("wrong-type", f"{key} is empty, but integers are expected", key)
        return [self._integer(key, part, -LARGEST) for part in parts]

    def flag(self, key: str) -> bool:
        """Whether an option is there and not 0."""
        return self.number(key, 0) != 0

    def wrong(self, rule: str, message: str, key: str = "", advice: str = "") -> Wrong:
        """The problem of an option, or of the section."""
        place = self.place_of(key) if key else self.place
        return Wrong(Diagnostic(rule, message, place, advice))

    def _integer(self, key: str, text: str, least: int) -> int:
        found = _INTEGER.match(text.strip())
        if found is None:
            raise self.wrong("wrong-type", f"{key} is '{text}', but an integer is expected", key)
        value = int(found[0])
        if abs(value) > LARGEST:
            raise self.wrong("out-of-range", f"{key} is {value}, more than {LARGEST}", key)
        if value < least:
            raise self.wrong("out-of-range", f"{key} is {value}, but must be at least {least}", key)
        return value


def read_sections(text: str, file: str) -> Sequence[Section]:
    """The sections of a text, of which the first is the head; Unreadable if it has none."""
    found: list[Section] = []
    for section in _sections(text, file):
        if not found and section.name not in HEADS:
            raise Unreadable(f"it begins with [{section.name}]", "the first section is [net]")
        found.append(section)
    if not found:
        raise Unreadable("it has no section", "the first section is [net]")
    return found


def _sections(text: str, file: str) -> Iterator[Section]:
    section: Section | None = None
    lines = text.splitlines()
    if len(lines) > MOST_LINES:
        raise Unreadable(f"it has more than {MOST_LINES:,} lines")
    for number, line in enumerate(lines, 1):
        stripped = line.strip()
        if not stripped or stripped[0] in "#;":
            continue
        begin = len(line) - len(line.lstrip()) + 1
        if stripped[0] == "[":
            if section is not None:
                yield section
            name, _, _ = stripped[1:].partition("]")
            section = Section(
                "".join(name.split()), Place(file, number, begin, begin + len(stripped))
            )
            continue
        key, equals, value = stripped.partition("=")
        if section is None or not equals:
            raise Unreadable(f"line {number} is not a section, an option or a comment")
        value = _COMMENT.sub("", value)
        column = begin + len(key) + 1 + (len(value) - len(value.lstrip()))
        place = Place(file, number, column, column + max(len(value.strip()), 1))
        section.options.setdefault("".join(key.split()), Option(value.strip(), place))
    if section is not None:
        yield section
