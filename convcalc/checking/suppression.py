"""Comments that silence findings: ``# convcalc: ignore[CC201] reason``.

At the end of a line, a comment applies to that line; on a line of its own, to the next line that
is not a comment. ``ignore-file`` applies to all findings of a network, also to those in blocks
that it imports.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import NamedTuple

from convcalc.checking.alignment import earlier_lines
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
    """The ignore comments of one file, and their problems."""

    ignores: tuple[Ignore, ...] = ()
    problems: tuple[Diagnostic, ...] = ()


def read_comments(file: str, text: str) -> Comments:
    """Return all ignore comments of a file."""
    if "convcalc:" not in text:
        return Comments()
    lines = text.split("\n")
    targets = _target_lines(lines)
    ignores: list[Ignore] = []
    problems: list[Diagnostic] = []
    current().spend(len(text) // 64, "comments")
    for number, line in enumerate(lines, 1):
        if "convcalc:" not in line:
            continue
        for found in _COMMENT.finditer(line):
            place = Place(file, number, found.start() + 1, found.end() + 1)
            has_content = bool(line[: found.start()].strip())
            about = 0 if found[1] else number if has_content else targets[number]
            if not (found[2] or "").strip(" ,\t"):
                message = "this 'ignore' names no code"
                advice = "write for instance: # convcalc: ignore[CC204] reason"
                problems.append(Diagnostic(UNUSED, message, place, advice))
                continue
            for code, where in _codes(found, place):
                current().spend(2, "comments")
                if code in RULES:
                    ignores.append(Ignore(code, about, where))
                else:
                    problems.append(_unknown(code, where))
    return Comments(tuple(ignores), tuple(problems))


def _target_lines(lines: list[str]) -> list[int]:
    """Return for each index the number of the next line that is not a comment and not empty."""
    found = [len(lines) + 1] * (len(lines) + 1)
    for index in range(len(lines) - 1, -1, -1):
        text = lines[index].lstrip()
        found[index] = found[index + 1] if not text or text[0] == "#" else index + 1
    return found


def _codes(found: re.Match[str], place: Place) -> Iterator[tuple[str, Place]]:
    """Yield the codes between the brackets with their places."""
    for word in re.finditer(r"[^\s,]+", found[2]):
        column = found.start(2) + word.start() + 1
        yield word[0], place._replace(column=column, end=column + len(word[0]))


def _unknown(code: str, place: Place) -> Diagnostic:
    advice = advise(code.upper(), RULES, "'convcalc list rules' shows them all")
    message = f"'{code[:40]}' is not a rule"
    return Diagnostic(UNUSED, message, place, advice)


def added_ignores(ignores: Iterable[Ignore], text: str, before: str) -> Iterator[Ignore]:
    """Yield the ignores that silence something else than those of the text before.

    One is the same if it has the code of one that stood at the same line, or in the same file.
    """
    known = {(ignore.code, ignore.line) for ignore in read_comments("", before).ignores}
    lines, old_lines = ([_without_comment(x) for x in t.split("\n")] for t in (text, before))
    earlier = {at + 1: was + 1 for at, was in earlier_lines(lines, old_lines).items()} | {0: 0}
    for ignore in ignores:
        if (ignore.code, earlier.get(ignore.line, -1)) not in known:
            yield ignore


def _without_comment(line: str) -> str:
    """Return a line without its comment that silences, and with single blanks."""
    found = _COMMENT.search(line) if "convcalc:" in line else None
    return " ".join(line[: found.start() if found else None].split())


def can_be_silenced(found: Diagnostic) -> bool:
    """Whether a comment may silence a finding; not an error: nothing after it was computed."""
    return found.severity != "error" or found.code >= "CC2"


Before = Callable[[str], str | None]


class Silence:
    """The ignore comments of all files of a run, and which of them silenced something.

    ``before`` returns the text that a file has in the policy; None: all comments are allowed. What
    the policy does not silence is not silenced: such comments wait in ``added``.
    """

    def __init__(self, before: Before | None = None) -> None:
        self.before = before
        self.by_file: dict[str, Comments] = {}
        self.allowed: set[tuple[str, int, str]] = set()  # file, line and code
        self.used: set[tuple[str, int, str]] = set()
        self.added: dict[str, list[Ignore]] = {}  # by file

    def add(self, sources: Mapping[str, str]) -> None:
        """Read the comments of files that were not read yet."""
        for file, text in sources.items():
            if file not in self.by_file:
                found = read_comments(file, text)
                if self.before is not None and found.ignores:
                    new = set(added_ignores(found.ignores, text, self.before(file) or ""))
                    self.added[file] = [each for each in found.ignores if each in new]
                    kept = tuple(each for each in found.ignores if each not in new)
                    found = found._replace(ignores=kept)
                self.by_file[file] = found
                self.allowed.update((file, each.line, each.code) for each in found.ignores)

    def silences(self, found: Diagnostic, network: str) -> bool:
        """Whether a comment at its line, or one for the whole network file, silences a finding."""
        if not can_be_silenced(found):
            return False
        here = (found.place.file, found.place.line, found.code)
        wanted = {here, (network, 0, found.code)} & self.allowed
        self.used |= wanted
        return bool(wanted)

    def unused(self, file: str, active_codes: Iterable[str]) -> Iterator[Diagnostic]:
        """Yield the problems of the comments of a file, among them those that silenced nothing.

        Call it once all findings of the file are known; ``active_codes`` were looked for.
        """
        active = frozenset(active_codes)
        comments = self.by_file.get(file, Comments())
        yield from comments.problems
        for ignore in comments.ignores:
            if (file, ignore.line, ignore.code) not in self.used and ignore.code in active:
                message = f"nothing to ignore: no {ignore.code} ({RULES[ignore.code].name}) here"
                advice = f"remove '{ignore.code}'"
                yield Diagnostic(UNUSED, message, ignore.place, advice)
