"""What to write instead of a word that is not known: the one that was meant, or what there is."""

from __future__ import annotations

from collections.abc import Iterable

from convcalc.errors import Error


class UnknownName(Error, KeyError):
    """Nothing of that kind is called so: no operator, no convention, no rule."""


def advise(word: str, choices: Iterable[str], otherwise: str = "") -> str:
    """``use 'kernel_size'`` if one of the choices is close, else what else there is to say.

    An ``otherwise`` that ends in a colon is followed by all the choices: ``valid keys:``.
    """
    choices = list(choices)
    if close := nearest(word, choices):
        return use(close)
    return f"{otherwise} {', '.join(choices) or 'none'}" if otherwise.endswith(":") else otherwise


def use(word: str) -> str:
    """The instruction to write a word."""
    return f"use '{word}'"


def nearest(word: str, choices: Iterable[str]) -> str:
    """The closest of ``choices``, or an empty string if none is close."""
    from difflib import get_close_matches  # only wrong input pays for this import

    return next(iter(get_close_matches(word, list(choices), n=1, cutoff=0.65)), "")
