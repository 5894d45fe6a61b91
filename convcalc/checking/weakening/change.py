"""One change that weakens what a tree is held to."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from convcalc.diagnostics.codes import RULES
from convcalc.diagnostics.diagnostic import Diagnostic, Place, Related
from convcalc.language.sources.project import project

RANKS = ("ignore", "warning", "error")


class Change(NamedTuple):
    """A finding; if it is about something ``locked``, nothing silences it."""

    found: Diagnostic
    locked: bool = False


def change(
    name: str,
    message: str,
    place: Place,
    advice: str = "",
    origin: Place | None = None,
    *,
    locked: bool = False,
) -> Change:
    """Return a change; ``origin`` is where the policy says something else."""
    related = (Related(origin, "what it is held to"),) if origin else ()
    severity = "error" if locked else ""
    return Change(Diagnostic(name, message, place, advice, related, severity=severity), locked)


def limited(changes: Sequence[Change], most: int = 100) -> list[Change]:
    """Return at most so many changes, locked ones first; the last tells how many there are more."""
    found = sorted(changes, key=lambda each: not each.locked) if len(changes) > most else [*changes]
    more = len(found) - most
    if more > 0:
        last = found[most - 1]
        message = f"{last.found.message}, and {more:,} more changes like it"
        found[most - 1] = last._replace(found=last.found._replace(message=message))
    return found[:most]


def is_weaker(own: str, held: str) -> bool:
    """Whether a severity is below another."""
    return RANKS.index(own) < RANKS.index(held)


def severity_of(code: str, words: Mapping[str, str]) -> str:
    """Return the severity of a rule, by words for some codes, else its own."""
    return words.get(code) or RULES[code].severity


def listed(names: Sequence[str], most: int = 3) -> str:
    """Return the first of some names, and how many there are besides."""
    more = len(names) - most
    words = ", ".join(names[:most])
    return f"{words} and {more:,} more" if more > 0 else words


def shown_path(path: str) -> str:
    """Return a path as messages show it: from the current folder."""
    return os.path.relpath(path, project().start)


def line_place(file: str, text: str, *words: str, start: int = 0) -> Place:
    """Return the place of the last of the words that is found, each after the one before it."""
    at = start
    place = Place(file, 1, 1)
    for word in words:
        found = text.find(word, at)
        if found >= 0:
            line = text.count("\n", 0, found) + 1
            column = found - (text.rfind("\n", 0, found) + 1) + 1
            place = Place(file, line, column, column + len(word))
            at = found
    return place
