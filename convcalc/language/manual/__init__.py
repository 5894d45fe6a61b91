"""The manual of the language: a section for each word of network files that is not an operator.

``pages/`` holds the parts in Markdown. A heading of the second level lists the words that its
section is about; docs/language.md and ``convcalc operator WORD`` are made from the same sections.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import NamedTuple

from convcalc.language.parse.tree import PARAM_KEYS
from convcalc.language.syntax.expressions import FUNCTIONS
from convcalc.language.syntax.sizes import SIZES

PARTS = ("file", "params", "layers", "names", "yaml", "limits")  # in the order of the manual
FOLDER = Path(__file__).parent / "pages"


class Section(NamedTuple):
    """The words that a section is about, and its text in Markdown, without the heading."""

    title: str
    text: str

    @property
    def words(self) -> tuple[str, ...]:
        """The words of the title."""
        return tuple(self.title.split(", "))

    @property
    def summary(self) -> str:
        """The first sentence."""
        paragraph = " ".join(self.text.partition("\n\n")[0].split())
        sentence, dot, _ = paragraph.partition(". ")
        return sentence + "." if dot else paragraph


class Part(NamedTuple):
    """A part of the manual: its title, what stands before its first section, and its sections."""

    title: str
    text: str
    sections: tuple[Section, ...]


@cache
def part(name: str) -> Part:
    """One of PARTS."""
    text = (FOLDER / f"{name}.md").read_text("utf-8")
    head, *rest = text.split("\n## ")
    title, _, lead = head.removeprefix("# ").partition("\n")
    pieces = (piece.partition("\n") for piece in rest)
    return Part(
        title, lead.strip(), tuple(Section(title, body.strip()) for title, _, body in pieces)
    )


@cache
def words() -> Mapping[str, Section]:
    """The section of each word, in the order of the manual; only single words have one."""
    return {
        word: section
        for name in PARTS
        for section in part(name).sections
        for word in section.words
        if " " not in word
    }


def section_of(word: str) -> Section | None:
    """The section about a word, a key of a param or a function; None if there is none."""
    found = words()
    if word in found:
        return found[word]
    if word in FUNCTIONS:
        return found["expressions"]
    if word in PARAM_KEYS:
        return found["params"]
    return found["in_channels"] if word in SIZES else None
