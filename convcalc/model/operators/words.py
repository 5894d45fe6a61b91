"""Checks the operator and field names that a user writes, and suggests corrections.

Network files and Python programs get the same messages.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

from convcalc.diagnostics.suggestion import nearest, use
from convcalc.model.operators.fields import Field
from convcalc.model.operators.registry import operator_names
from convcalc.model.operators.synonyms import FIELD_SYNONYMS, OPERATOR_SYNONYMS


class Vocabulary(NamedTuple):
    """The allowed words: full names, full names by short name, and the required names."""

    valid: Collection[str]
    shorts: Mapping[str, str] = {}
    required: Sequence[str] = ()


class Misfit(NamedTuple):
    """A problem with one of the given words.

    ``name`` is the rule that is broken, ``at`` the index of the word, -1 if a word is missing;
    ``first`` is the index of the word that it duplicates, or -1.
    """

    name: str
    message: str
    at: int
    help: str = ""
    first: int = -1


def field_vocabulary(fields: Mapping[str, Field]) -> Vocabulary:
    """The vocabulary of an operator's fields."""
    return Vocabulary(
        fields.keys(),
        {field.short: name for name, field in fields.items() if field.short},
        [name for name, field in fields.items() if field.required],
    )


def match_words(
    owner: str, words: Sequence[str], vocabulary: Vocabulary, *, whole: bool = True
) -> tuple[dict[str, int], list[Misfit]]:
    """Matches words to full names: the index of the word for each name, and all misfits.

    ``whole``: the words are complete, so a required name without a word is a misfit; False where
    words may have been lost to another problem.
    """
    found: dict[str, int] = {}
    misfits: list[Misfit] = []
    meant: list[str] = []
    for index, word in enumerate(words):
        name = vocabulary.shorts.get(word, word)
        if name not in vocabulary.valid:
            message, advice, close = unknown_word(word, words, vocabulary, f"in '{owner}'")
            misfits.append(Misfit("unknown-key", message, index, advice))
            meant.append(close)
        elif name in found:
            message = f"'{name}' is given twice"
            misfits.append(Misfit("duplicate-key", message, index, first=found[name]))
        else:
            found[name] = index
    missing = [name for name in vocabulary.required if name not in found and name not in meant]
    # A missing name was probably meant by an unknown word: one defect, one problem.
    if missing and whole and len(missing) > meant.count(""):
        listed = " and ".join(f"'{name}'" for name in missing)
        misfits.append(Misfit("missing-key", f"'{owner}' needs {listed}", -1))
    return found, misfits


def unknown_word(
    word: str, words: Sequence[str], vocabulary: Vocabulary, where: str
) -> tuple[str, str, str]:
    """Message and advice for an unknown word, and the name that was probably meant."""
    valid, shorts, _ = vocabulary
    given = {shorts.get(other, other) for other in words}
    text = word.lower()
    known = FIELD_SYNONYMS.get(text) or FIELD_SYNONYMS.get(nearest(text, FIELD_SYNONYMS), "")
    free = [name for name in valid if name not in given]
    close = nearest(word, [*free, *(short for short, name in shorts.items() if name in free)])
    meant = shorts.get(close, close)
    if not close and known in valid:
        close = meant = known
    if text in ("in_channels", "in_features"):
        meant, advice = "", "input channels are inferred; state them with 'in:' if you like"
    elif meant in given:
        meant, advice = "", f"'{meant}' is given already"
    elif close:
        advice = use(close)
    else:
        owner = where.removeprefix("in ")
        advice = f"valid keys: {', '.join(valid)}" if valid else f"{owner} has no fields"
    return f"unknown key '{word}' {where}", advice, meant


def unknown_operator(word: str, others: Sequence[str] = ()) -> tuple[str, str]:
    """Message and advice for an unknown operator; ``others`` are further valid names."""
    close = guess_operator(word) or nearest(word, [*operator_names(), *others])
    advice = use(close) if close else "'convcalc list operators' shows them all"
    return f"no operator is called '{word}'", advice


def guess_operator(text: str) -> str:
    """The operator that others call ``Conv2d`` or ``depth_to_space``; empty if none is known."""
    bare = re.sub(r"_?[123]d$", "", text.lower())
    for name in (bare, re.sub(r"(?<=[a-z])([A-Z])", r"_\1", text).lower()):
        if name in operator_names():
            return name
    return OPERATOR_SYNONYMS.get(bare, "")
