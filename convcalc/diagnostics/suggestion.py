"""The word that a misspelt one was meant to be."""

from __future__ import annotations

from collections.abc import Iterable


def nearest(word: str, choices: Iterable[str]) -> str:
    """The closest of ``choices``, or an empty string if none is close."""
    from difflib import get_close_matches  # only wrong input pays for this import

    return next(iter(get_close_matches(word, list(choices), n=1, cutoff=0.65)), "")
