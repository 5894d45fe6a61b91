"""Sizes as people write them: ``3x320x320``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from convcalc.errors import Error

Sizes = Sequence[int | None]
Given = Mapping[str, Sizes | str] | Sizes | str | None  # what a caller gives for inputs
UNKNOWN_WORDS = ("?", "null", "none")


class WrongSizes(Error, ValueError):
    """A text is not a list of sizes such as ``3x320x320``; a ValueError too."""


def sizes_of(text: str, what: str = "inputs") -> list[int | None]:
    """``3x512x512`` as channels and spatial sizes, without the batch.

    ``×`` and commas separate too; ``?`` is an unknown size, None. WrongSizes says what is wrong
    with ``what``.
    """
    words = text.strip("[]() ").lower().replace("×", "x").replace(",", "x").split("x")
    sizes = [_size(word.strip(), text, what) for word in words]
    if len(sizes) > 4:
        message = f"{what} '{text}' has {len(sizes)} sizes, but at most 4 are possible"
        advice = "channels and up to 3 spatial sizes; the batch is given by itself"
        raise WrongSizes(message, advice)
    return sizes


def given_sizes(inputs: Given) -> Mapping[str, Sizes] | Sizes | None:
    """Inputs as a caller gives them, with every text made into sizes."""
    if isinstance(inputs, str):
        return sizes_of(inputs)
    if isinstance(inputs, Mapping):
        return {
            name: sizes_of(each, f"input '{name}'") if isinstance(each, str) else each
            for name, each in inputs.items()
        }
    return inputs


def _size(word: str, text: str, what: str) -> int | None:
    if word in UNKNOWN_WORDS:
        return None
    if word.isdecimal() and word.isascii() and 0 < len(word) < 16 and int(word) > 0:
        return int(word)
    advice = "write channels and sizes, for instance 3x512x512, and ? for an unknown one"
    raise WrongSizes(f"{what} '{text}': '{word}' is not a size", advice)
