"""Patterns of paths in the syntax of ``.gitignore``.

``*`` and ``?`` match within one folder, ``**`` spans any number of folders, ``[a-z]`` is a class of
characters. Paths are separated by ``/``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import NamedTuple


@lru_cache(maxsize=1024)
def path_regex(pattern: str) -> re.Pattern[str]:
    """Return a regular expression for whole paths, relative to the folder of the pattern."""
    parts: list[str] = []
    folders = re.sub(r"(?:\*\*/)+", "**/", pattern.removeprefix("./")).split("/")
    for index, folder in enumerate(folders):
        is_last = index == len(folders) - 1
        if folder == "**":
            parts.append(".+" if is_last else "(?:[^/]+/)*")
        else:
            parts.append(_name_regex(folder) + ("" if is_last else "/"))
    return re.compile("".join(parts), re.DOTALL)


def _name_regex(name: str) -> str:
    """Return the regular expression of one part of a path."""
    found, at = "", 0
    while at < len(name):
        character = name[at]
        at += 1
        if character == "*":
            while name[at : at + 1] == "*":
                at += 1
            found += "[^/]*"
        elif character == "?":
            found += "[^/]"
        elif character == "[" and (end := _class_end(name, at)) > 0:
            found += _class_regex(name[at:end])
            at = end + 1
        elif character == "\\" and at < len(name):
            found += re.escape(name[at])
            at += 1
        else:
            found += re.escape(character)
    return found


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
    """One line of an ignore file; a ``negated`` one takes back what lines above it match."""

    regex: re.Pattern[str]
    anchored: bool
    folders_only: bool
    negated: bool

    def matches(self, path: str, is_folder: bool) -> bool:
        """Whether it matches a path that is relative to the folder of the pattern."""
        if self.folders_only and not is_folder:
            return False
        return self.regex.fullmatch(path if self.anchored else path.rpartition("/")[2]) is not None


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
    return (
        Pattern(path_regex(text.removeprefix("/")), anchored, folders_only, negated)
        if text
        else None
    )


def parse_patterns(lines: Iterable[str]) -> tuple[Pattern, ...]:
    """Return the patterns of a file's lines."""
    return tuple(found for found in map(parse_pattern, lines) if found is not None)


def is_matched(listed: Iterable[Pattern], path: str, is_folder: bool) -> bool | None:
    """Whether the last pattern that matches a path excludes it; None if none matches."""
    result: bool | None = None
    for each in listed:
        if each.matches(path, is_folder):
            result = not each.negated
    return result


def is_within(listed: Iterable[Pattern], path: str) -> bool:
    """Whether the patterns exclude a file or a folder above it."""
    listed = tuple(listed)
    parts = path.split("/")
    paths = ["/".join(parts[: k + 1]) for k in range(len(parts))]
    return any(is_matched(listed, each, each != path) for each in paths)
