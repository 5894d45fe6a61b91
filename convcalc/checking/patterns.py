"""Patterns of paths in the syntax of ``.gitignore``.

``*`` and ``?`` match within one folder, ``**`` spans any number of folders, ``[a-z]`` is a class of
characters. Paths are separated by ``/``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property, lru_cache
from typing import NamedTuple

from convcalc.diagnostics.work import current

LONGEST = 4096  # characters of a pattern; no path is longer
_PART = "patterns of paths"  # what their work is called


@lru_cache(maxsize=1024)
def path_regex(pattern: str) -> re.Pattern[str]:
    """Return a regular expression for whole paths, relative to the folder of the pattern.

    What stands between two stars is looked for from the left and kept where it was found first, in
    an atomic group: to look further on could find nothing more, but would take for ever.
    """
    if len(pattern) > LONGEST:
        return _NOTHING
    current().spend(200 + 4 * len(pattern), _PART)
    folders = pattern.removeprefix("./").split("/")
    groups: list[str] = [""]  # the folders between two **, as regular expressions
    for index, folder in enumerate(folders):
        is_last = index == len(folders) - 1
        if folder == "**" and is_last:
            groups[-1] += ".+"
        elif folder == "**":
            if groups[-1] or len(groups) == 1:  # several in a row are one
                groups.append("")
        else:
            groups[-1] += _name_regex(folder) + ("" if is_last else "/")
    first, *others = groups
    if not others:
        return re.compile(first, re.DOTALL)
    *between, last = others
    found = "".join(f"(?>(?:[^/]++/)*?{each})" for each in between)
    return re.compile(f"{first}{found}(?:[^/]++/)*{last}", re.DOTALL)


_NOTHING = re.compile("(?!)")


def _name_regex(name: str) -> str:
    """Return the regular expression of one part of a path."""
    parts, at = [""], 0  # what stands between the stars
    while at < len(name):
        character = name[at]
        at += 1
        if character == "*":
            while name[at : at + 1] == "*":
                at += 1
            parts.append("")
        elif character == "?":
            parts[-1] += "[^/]"
        elif character == "[" and (end := _class_end(name, at)) > 0:
            parts[-1] += _class_regex(name[at:end])
            at = end + 1
        elif character == "\\" and at < len(name):
            parts[-1] += re.escape(name[at])
            at += 1
        else:
            parts[-1] += re.escape(character)
    first, *others = parts
    if not others:
        return first
    *between, last = others
    return f"{first}{''.join(f'(?>[^/]*?{each})' for each in between)}[^/]*{last}"


def _class_end(name: str, at: int) -> int:
    """Return the index of the bracket that closes a class; one right at its start is a member."""
    start = at + 1 if name[at : at + 1] in ("!", "^") else at
    return name.find("]", start + 1)


def _class_regex(inside: str) -> str:
    negated = inside[:1] in ("!", "^")
    body = re.sub(r"([\\\[&~|^])", r"\\\1", inside[1:] if negated else inside)
    try:
        re.compile(f"[{body}]")
    except re.error:
        return "(?!)"  # a range that runs backwards matches nothing
    return f"(?!/)[{'^' if negated else ''}{body}]"


class Pattern(NamedTuple):
    """One line of an ignore file; a ``negated`` one takes back what lines above it match.

    ``text`` is what is matched with the path, or, if not ``anchored``, with its last part.
    """

    text: str
    anchored: bool
    folders_only: bool
    negated: bool

    @property
    def is_literal(self) -> bool:
        """Whether it matches its own text only."""
        return not _MAGIC.search(self.text)

    def matches(self, path: str, is_folder: bool) -> bool:
        """Whether it matches a path that is relative to the folder of the pattern."""
        if self.folders_only and not is_folder:
            return False
        return path_regex(self.text).fullmatch(self.seen(path)) is not None

    def seen(self, path: str) -> str:
        """The part of a path that the pattern is matched with."""
        return path if self.anchored else path.rpartition("/")[2]


_MAGIC = re.compile(r"[*?\[\\]|^\./")


class Patterns(tuple[Pattern, ...]):
    """The patterns of a file, in order. Those without stars, mostly many, are looked up at once."""

    def last_match(self, path: str, is_folder: bool) -> Pattern | None:
        """The last pattern that matches a path, which decides."""
        literals, others = self._index
        name = path.rpartition("/")[2]
        places = (*literals.get((True, path), ()), *literals.get((False, name), ()))
        fitting = [k for k in places if is_folder or not self[k].folders_only]
        best = max(fitting, default=-1)
        current().spend(len(others) // 4, _PART)
        for place in others:
            if place < best:
                break
            if self[place].matches(path, is_folder):
                return self[place]
        return self[best] if best >= 0 else None

    @cached_property
    def _index(self) -> tuple[Mapping[tuple[bool, str], Sequence[int]], Sequence[int]]:
        """The places of literal patterns by their text, and those of the others, last first."""
        literals: dict[tuple[bool, str], list[int]] = {}
        others: list[int] = []
        for place, each in enumerate(self):
            if each.is_literal:
                literals.setdefault((each.anchored, each.text), []).append(place)
            else:
                others.append(place)
        return literals, others[::-1]


def parse_pattern(line: str) -> Pattern | None:
    """Return the pattern of a line; None for an empty line or a comment."""
    text = line.rstrip("\r\n")
    if not text.endswith("\\ "):
        text = text.rstrip(" ")
    if not text or text.startswith("#"):
        return None
    negated = text.startswith("!")
    text = text[1:] if negated else text
    folders_only = text.endswith("/")
    text = text.rstrip("/") if folders_only else text
    anchored = "/" in text
    return Pattern(text.removeprefix("/"), anchored, folders_only, negated) if text else None


def parse_patterns(lines: Iterable[str]) -> Patterns:
    """Return the patterns of a file's lines."""
    return Patterns(found for found in map(parse_pattern, lines) if found is not None)


def is_matched(listed: Iterable[Pattern], path: str, is_folder: bool) -> bool | None:
    """Whether the last pattern that matches a path excludes it; None if none matches."""
    patterns = listed if isinstance(listed, Patterns) else Patterns(listed)
    found = patterns.last_match(path, is_folder)
    return None if found is None else not found.negated


def is_within(listed: Iterable[Pattern], path: str) -> bool:
    """Whether the patterns exclude a file or a folder above it."""
    patterns = listed if isinstance(listed, Patterns) else Patterns(listed)
    ends = [at for at, character in enumerate(path) if character == "/"]
    paths = [*(path[:end] for end in ends), path]
    return any(is_matched(patterns, each, each != path) for each in paths)
