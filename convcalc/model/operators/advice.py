"""Advice for an unknown word: first by the table of synonyms, then by its letters.

Imported only once a word is unknown.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from operator import ne
from typing import NamedTuple

from convcalc.diagnostics.suggestion import CUTOFF, nearest, use
from convcalc.model.operators.synonyms import (
    FIELDS,
    KEYS,
    LACKING,
    OPAQUE,
    OPERATORS,
    REMOVED,
    SEVERAL,
    VALUES,
    WITH_FIELDS,
)

REMOVE = "-"  # what is meant by a word that can go

_MODULES = re.compile(
    r"^(torch|nn|functional|f|tf|keras|layers|tensorflow|torchvision|ops|mmcv|cnn|onnx|timm|"
    r"ai|flax|linen|mx|gluon|paddle|jax|lax)\.",
    re.IGNORECASE,
)
_MANY = 1000  # params of a block, of which none is looked for
_LONG = 5  # letters of a word that is compared with the words of others
_CAPITAL = 0.85  # of 1, how close a word that begins with a capital letter must be
_LACKS = "convcalc lacks it"
_OPAQUE = "'opaque' states the numbers of a layer that convcalc lacks"
_SEE = f"'convcalc list operators' shows them all, and {_OPAQUE}"


class Meant(NamedTuple):
    """An operator that a word probably means: its name, empty if there is none, and advice."""

    name: str
    advice: str


def bare_word(text: str) -> str:
    """The word without the module it comes from: ``nn.Conv2d`` is ``Conv2d``."""
    while found := _MODULES.match(text):
        text = text[found.end() :]
    return text


def plain_word(text: str) -> str:
    """The spelling by which names are compared: ``nn.Conv2DTranspose`` is ``convtranspose``."""
    whole = bare_word(text.strip())
    text = re.sub(r"_?[123][dD](?=[A-Z_]|$)", "", whole)
    return whole.lower() if whole.lower() in OPERATORS else re.sub(r"[_ -]", "", text.lower())


def meant_operator(word: str, names: Iterable[str]) -> Meant:
    """The one of these names that a word means in another tool, or one that is spelt alike."""
    plain = plain_word(word)
    ours = {name.replace("_", ""): name for name in names}
    if plain in WITH_FIELDS:
        name, field = WITH_FIELDS[plain]
        return Meant(name, f"{use(name)} with '{field}'")
    if known := ours.get(plain) or OPERATORS.get(plain):
        return Meant(known, use(known))
    if plain in SEVERAL:
        return Meant("", f"write {SEVERAL[plain]}")
    if plain in LACKING:
        return Meant("", f"{_LACKS}: {use(OPAQUE)} and state its output, params and macs")
    close = _spelt_alike(bare_word(word), plain, ours)
    return Meant(close, use(close) if close else _SEE)


def known_operator(word: str, names: Iterable[str]) -> str:
    """The one of these names that a word is, or means in another tool; its letters do not count."""
    plain = plain_word(word)
    ours = {name.replace("_", ""): name for name in names}
    return ours.get(plain) or OPERATORS.get(plain) or WITH_FIELDS.get(plain, ("",))[0]


def _one_differs(one: str, other: str) -> bool:
    """Whether two words differ in a single letter at its place, as konv and conv do."""
    return len(one) == len(other) and sum(map(ne, one, other)) == 1


def _spelt_alike(word: str, plain: str, ours: Mapping[str, str]) -> str:
    """The operator whose name looks like a word; empty if none does.

    A word that begins with a capital letter may be the name of a block, and few letters are alike
    by chance: ``Cell`` does not mean celu, nor ``stem`` lstm.
    """
    cutoff = _CAPITAL if word[:1].isupper() else CUTOFF
    close = nearest(word, ours.values(), cutoff) or ours.get(nearest(plain, ours, cutoff), "")
    if close and len(plain) < _LONG and close[0] != plain[0] and not _one_differs(close, plain):
        return ""
    if not close and len(plain) >= _LONG:
        close = OPERATORS.get(nearest(plain, OPERATORS, cutoff), "")
    return close


def field_advice(
    word: str, given: Iterable[str], valid: Sequence[str], shorts: Mapping[str, str], owner: str
) -> tuple[str, str]:
    """Advice for an unknown field, and the one that is meant: its name, REMOVE, or empty."""
    text = word.lower()
    taken = set(given)
    known = [name for name in FIELDS.get(text, ()) if name in valid]
    known = [name for name in known if name not in taken] or known
    if text in REMOVED and not known:
        return f"remove it: {REMOVED[text]}", REMOVE
    meant = known[0] if known else _field_spelt(word, taken, valid, shorts)
    if meant in taken:
        return f"remove it: '{meant}' is given already", REMOVE
    if meant:
        return use(meant), meant
    if not valid:
        return f"remove it: {owner} has no fields", REMOVE
    return f"valid keys: {', '.join(valid)}", ""


def _field_spelt(
    word: str, taken: Collection[str], valid: Sequence[str], shorts: Mapping[str, str]
) -> str:
    """The field that a word resembles, of those that are free if possible; empty if none."""
    if len(valid) > _MANY:
        return ""
    bare = word.lower().replace("_", "").replace("-", "")
    for name in valid:
        if name.replace("_", "") == bare:
            return name
    words = [*valid, *shorts]
    free = [each for each in words if shorts.get(each, each) not in taken]
    if close := nearest(word, free) or nearest(word, words):
        return shorts.get(close, close)
    names = FIELDS.get(nearest(word.lower(), FIELDS), ()) if len(word) >= _LONG else ()
    return next((name for name in names if name in valid), "")


def key_meant(word: str, choices: Iterable[str]) -> str:
    """The key of a file that a word means; empty if none is known or close."""
    choices = list(choices)
    found = [key for key in KEYS.get(word.lower(), ()) if key in choices]
    return found[0] if found else nearest(word, choices) or nearest(word.lower(), choices)


def value_meant(word: str, choices: Iterable[str]) -> str:
    """The word that a value means: by the table, whatever its case, or by its letters."""
    choices = list(choices)
    text = word.lower()
    if text in choices:
        return text
    found = [each for each in VALUES.get(text, ()) if each in choices]
    return found[0] if found else nearest(text, choices)
