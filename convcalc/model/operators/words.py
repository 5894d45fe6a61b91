"""Checks the operator and field names that a user writes, and suggests corrections.

Network files and Python programs get the same messages.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple

from convcalc.model.operators.fields import Field
from convcalc.model.operators.registry import operator_names

if TYPE_CHECKING:
    from convcalc.model.operators.advice import Meant

_MOST = 1000  # blocks of which one may be meant


class Vocabulary(NamedTuple):
    """The allowed words: full names, full names by short name, and the required names."""

    valid: Collection[str]
    shorts: Mapping[str, str] = {}
    required: Sequence[str] = ()


class Misfit(NamedTuple):
    """A problem with one of the given words.

    ``name`` is the rule that is broken, ``at`` the index of the word, -1 if a word is missing;
    ``first`` is the index of the word that it duplicates, or -1. ``clear``: what was meant is
    clear, so that reading can go on with it.
    """

    name: str
    message: str
    at: int
    help: str = ""
    first: int = -1
    clear: bool = False


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

    A word that is unknown stands for the name that it clearly means. ``whole``: the words are
    complete, so a required name without a word is a misfit; False where words may have been lost
    to another problem.
    """
    found: dict[str, int] = {}
    misfits: list[Misfit] = []
    unclear = 0
    unknown: list[int] = []
    for index, word in enumerate(words):
        name = vocabulary.shorts.get(word, word)
        if name not in vocabulary.valid:
            unknown.append(index)
        elif name in found:
            message = f"'{name}' is given twice"
            misfits.append(Misfit("duplicate-key", message, index, "", found[name], clear=True))
        else:
            found[name] = index
    for index in unknown:
        message, advice, meant = unknown_word(words[index], found, vocabulary, f"in '{owner}'")
        misfits.append(Misfit("unknown-key", message, index, advice, clear=bool(meant)))
        unclear += not meant
        if meant in vocabulary.valid and meant not in found:
            found[meant] = index
    missing = [name for name in vocabulary.required if name not in found]
    # A missing name was probably meant by an unknown word: one defect, one problem.
    if missing and whole and len(missing) > unclear:
        *first, last = (f"'{name}'" for name in missing)
        listed = f"{', '.join(first)} and {last}" if first else last
        misfits.append(Misfit("missing-key", f"'{owner}' needs {listed}", -1))
    if len(misfits) > 1:
        misfits.sort(key=lambda wrong: wrong.at if wrong.at >= 0 else len(words))
    return found, misfits


def unknown_word(
    word: str, given: Collection[str], vocabulary: Vocabulary, where: str
) -> tuple[str, str, str]:
    """Message and advice for an unknown word, and the name that was probably meant.

    ``given`` are the full names that are taken. The name is empty if none is clear, and no name at
    all (``advice.REMOVE``) if the word can go.
    """
    from convcalc.model.operators.advice import field_advice  # for errors alone

    owner = where.removeprefix("in ")
    advice, meant = field_advice(word, given, list(vocabulary.valid), vocabulary.shorts, owner)
    return f"unknown key '{word}' {where}", advice, meant


def unknown_operator(word: str, others: Sequence[str] = ()) -> tuple[str, str]:
    """Message and advice for an unknown operator; ``others`` are further valid names."""
    return f"unknown operator '{word}'", _meant(word, others).advice


def guess_operator(text: str) -> str:
    """The operator that others call ``Conv2d`` or ``depth_to_space``; empty if none is known."""
    return _meant(text).name


def operator_of(word: str) -> str:
    """The operator that a word is, or is in another tool, such as ``deconv``; empty if none is."""
    from convcalc.model.operators.advice import known_operator

    return known_operator(word, operator_names())


def _meant(word: str, others: Sequence[str] = ()) -> Meant:
    from convcalc.model.operators.advice import meant_operator  # for errors alone

    return meant_operator(word, [*operator_names(), *islice(others, _MOST)])


def key_advice(word: str, choices: Collection[str], otherwise: str = "valid keys:") -> str:
    """Advice for an unknown key of a file."""
    from convcalc.diagnostics.suggestion import listing, use

    if meant := meant_key(word, choices):
        return use(meant)
    return f"{otherwise} {listing(choices)}" if otherwise.endswith(":") else otherwise


def meant_key(word: str, choices: Collection[str]) -> str:
    """The key of a file that an unknown one means; empty if none is clear."""
    from convcalc.model.operators.advice import key_meant

    return key_meant(word, choices)
