"""Suggestions for an unknown word: the closest valid one, or all valid ones."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

from convcalc.diagnostics.work import current
from convcalc.errors import Error

LISTED = 60  # words in one help text
LONGEST = 80  # characters of a word that may be a slip
CUTOFF = 0.75  # of 1, how close a word must be
SHORT = 3  # letters of a word in which one may be wrong if the first is right
MOST = 1000  # words that one is compared with


class UnknownName(Error, KeyError):
    """There is no operator, convention or rule of that name."""


def advise(word: str, choices: Iterable[str], otherwise: str = "") -> str:
    """A help text: ``use 'kernel_size'`` if one of the choices is close, else ``otherwise``.

    An ``otherwise`` that ends in a colon is followed by the choices: ``valid keys:``.
    """
    lists = otherwise.endswith(":")
    if lists and not isinstance(choices, Collection):
        choices = list(choices)
    if close := nearest(word, choices):
        return use(close)
    if not lists:
        return otherwise
    assert isinstance(choices, Collection)
    return f"{otherwise} {listing(choices) or 'none'}"


def use(word: str) -> str:
    """A help text that says to write ``word``."""
    return f"use '{word}'"


def listing(words: Collection[str]) -> str:
    """Words as a list, divided by commas; the first ones of very many."""
    if len(words) <= LISTED:
        return ", ".join(words)
    first = [word for word, _ in zip(words, range(LISTED), strict=False)]
    return f"{', '.join(first)} and {len(words) - LISTED:,} more"


def nearest(word: str, choices: Iterable[str], cutoff: float = CUTOFF) -> str:
    """The choice closest to ``word``, or an empty string if none is close (``cutoff``, of 1).

    Also empty once the run has compared so many words that looking for more would take too long.
    """
    work = current()
    if len(word) > LONGEST or work.comparisons <= 0:
        return ""
    near = _of_similar_length(word, choices)
    work.comparisons -= len(near)
    from difflib import get_close_matches  # a slow import, needed only for wrong input

    work.spend(20 * len(near), "suggestions for unknown words")
    if close := get_close_matches(word, near, n=1, cutoff=cutoff):
        return close[0]
    if len(word) != SHORT or cutoff > CUTOFF:
        return ""
    begun = [each for each in near if each.startswith(word)]
    alike = begun or [each for each in near if each[:1] == word[0] and len(each) == SHORT]
    return next(iter(get_close_matches(word, alike, n=1, cutoff=0.6)), "")


def _of_similar_length(word: str, choices: Iterable[str]) -> Sequence[str]:
    """The choices that can be close by their length; of very many, those that begin alike."""
    # Words of a and b letters have at most min(a, b) in common; close are 2·common ÷ (a + b).
    least, most = len(word) * CUTOFF / (2 - CUTOFF), len(word) * (2 - CUTOFF) / CUTOFF
    found = [each for each in choices if least - 1 <= len(each) <= most + 1]
    if len(found) <= MOST:
        return found
    current().comparisons -= len(found) // 8
    return [each for each in found if each[:1] == word[:1]][:MOST]
