"""Comments that silence findings: ``# convcalc: ignore[CC201] reason``.

At the end of a line, a comment applies to that line; on a line of its own, to the next line that
is not a comment. ``ignore-file`` applies to all findings of a network, also to those in blocks
that it imports.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from convcalc.diagnostics.codes import RULES
from convcalc.diagnostics.diagnostic import Diagnostic, Place
from convcalc.diagnostics.suggestion import advise
from convcalc.diagnostics.work import current

_COMMENT = re.compile(
    r"(?:^|(?<=\s))#\s*+convcalc:\s*+ignore(-file)?+(?![\w-])\s*+(?:\[([^\]]*+)\])?"
)
UNUSED = "unused-ignore"


class Ignore(NamedTuple):
    """One code of one comment; it applies to ``line``, or to the whole file if that is 0."""

    code: str
    line: int
    place: Place


class Comments(NamedTuple):
    """The ignore comments of one file, by code and line, and their problems."""

    ignores: Mapping[tuple[str, int], Sequence[Ignore]] = {}
    problems: tuple[Diagnostic, ...] = ()


def read_comments(file: str, text: str) -> Comments:
    """Return all ignore comments of a file."""
    if "convcalc:" not in text:
        return Comments()
    lines = text.split("\n")
    following = _following(lines)
    ignores: dict[tuple[str, int], list[Ignore]] = {}
    problems: list[Diagnostic] = []
    current().spend(len(text) // 64, "comments")
    for number, line in enumerate(lines, 1):
        if "convcalc:" not in line:
            continue
        for found in _COMMENT.finditer(line):
            place = Place(file, number, found.start() + 1, found.end() + 1)
            is_alone = not line[: found.start()].strip()
            about = 0 if found[1] else following[number] if is_alone else number
            if not (found[2] or "").strip(" ,\t"):
                message = "this 'ignore' names no code"
                advice = "write for instance: # convcalc: ignore[CC204] reason"
                problems.append(Diagnostic(UNUSED, message, place, advice))
                continue
            for code, where in _codes(found, place):
                current().spend(2, "comments")
                if code in RULES:
                    ignores.setdefault((code, about), []).append(Ignore(code, about, where))
                else:
                    problems.append(_unknown(code, where))
    return Comments(ignores, tuple(problems))


def _following(lines: Sequence[str]) -> Sequence[int]:
    """For each line, by its number, that of the next one that is neither empty nor a comment."""
    found = [len(lines) + 1] * (len(lines) + 1)
    for number in range(len(lines) - 1, -1, -1):
        text = lines[number].lstrip()
        found[number] = found[number + 1] if not text or text[0] == "#" else number + 1
    return found


def _codes(found: re.Match[str], place: Place) -> Iterator[tuple[str, Place]]:
    """Yield the codes between the brackets with their places."""
    for word in re.finditer(r"[^\s,]+", found[2]):
        column = found.start(2) + word.start() + 1
        yield word[0], place._replace(column=column, end=column + len(word[0]))


def _unknown(code: str, place: Place) -> Diagnostic:
    advice = advise(code.upper(), RULES, "'convcalc list rules' shows them all")
    message = f"'{code[:40]}' is no rule"
    return Diagnostic(UNUSED, message, place, advice)


def can_be_silenced(found: Diagnostic) -> bool:
    """Whether a comment may silence a finding; not an error: nothing after it was computed."""
    return found.severity != "error" or found.code >= "CC2"


class Silence:
    """The ignore comments of all files of a run, and which of them silenced something."""

    def __init__(self) -> None:
        self.by_file: dict[str, Comments] = {}
        self.used: set[tuple[str, str, int]] = set()  # file, code and line

    def add(self, sources: Mapping[str, str]) -> None:
        """Read the comments of files that were not read yet."""
        for file, text in sources.items():
            if file not in self.by_file:
                self.by_file[file] = read_comments(file, text)

    def silences(self, found: Diagnostic, network: str) -> bool:
        """Whether a comment at its line, or one for the whole network file, silences a finding."""
        if not can_be_silenced(found):
            return False
        here = (found.place.file, found.code, found.place.line)
        wide = (network, found.code, 0)
        wanted = [key for key in (here, wide) if key[1:] in self._of(key[0])]
        self.used.update(wanted)
        return bool(wanted)

    def _of(self, file: str) -> Mapping[tuple[str, int], Sequence[Ignore]]:
        return self.by_file.get(file, Comments()).ignores

    def unused(self, file: str, active_codes: Iterable[str]) -> Iterator[Diagnostic]:
        """Yield the problems of the comments of a file, among them those that silenced nothing.

        Call it once all findings of the file are known; ``active_codes`` were looked for.
        """
        active = frozenset(active_codes)
        yield from self.by_file.get(file, Comments()).problems
        every = (each for ignores in self._of(file).values() for each in ignores)
        for ignore in sorted(every, key=lambda each: each.place):
            key = (file, ignore.code, ignore.line)
            if key not in self.used and ignore.code in active:
                message = f"nothing to ignore: no {ignore.code} ({RULES[ignore.code].name}) here"
                advice = f"remove '{ignore.code}'"
                yield Diagnostic(UNUSED, message, ignore.place, advice)
