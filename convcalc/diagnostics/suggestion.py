"""Suggestions for an unknown word: the closest valid one, or all valid ones."""

from __future__ import annotations

from collections.abc import Iterable

from convcalc.errors import Error


class UnknownName(Error, KeyError):
    """There is no operator, convention or rule of that name."""


def advise(word: str, choices: Iterable[str], otherwise: str = "") -> str:
    """A help text: ``use 'kernel_size'`` if one of the choices is close, else ``otherwise``.

    An ``otherwise`` that ends in a colon is followed by all the choices: ``valid keys:``.
    """
    choices = list(choices)
    if close := nearest(word, choices):
        return use(close)
    return f"{otherwise} {', '.join(choices) or 'none'}" if otherwise.endswith(":") else otherwise


def use(word: str) -> str:
    """A help text that says to write ``word``."""
    return f"use '{word}'"


def nearest(word: str, choices: Iterable[str]) -> str:
    """The choice closest to ``word``, or an empty string if none is close."""
    from difflib import get_close_matches  # a slow import, needed only for wrong input

    return next(iter(get_close_matches(word, list(choices), n=1, cutoff=0.65)), "")
