"""Pages and help texts avoid what a native engineer would not write; see phrases.py."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from phrases import found_in
from places import ROOT

from convcalc.language.manual import FOLDER as MANUAL

DOCS = ROOT / "docs"
# Pages that docs/generate.py makes of texts in the package, which are rewritten where they are
# declared; take a name out of this list once that is done.
MADE_OF_OTHER_TEXTS = ("operators.md", "conventions.md", "rules.md", "commands.md")
PAGES = sorted(
    [path for path in DOCS.glob("*.md") if path.name not in MADE_OF_OTHER_TEXTS]
    + [*MANUAL.glob("*.md")]
)


def prose(text: str) -> str:
    """The text outside of blocks of code, on one line per paragraph; numbers of lines are lost."""
    text = re.sub(r"^```.*?^```$", "", text, flags=re.MULTILINE | re.DOTALL)
    return re.sub(r"[ \t]*\n(?!\n)", " ", text)


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_a_page_avoids_the_phrases(path: Path) -> None:
    assert [*found_in(prose(path.read_text("utf-8")))] == []


@pytest.mark.parametrize(
    "text",
    [
        "A check that can be switched off is no check.",
        "Mend what was found.",
        "the key 'out' stands twice",
        "a network that ships",
        "no operator is called 'x'",
        "Numbers to the unit.",
    ],
)
def test_a_phrase_is_found(text: str) -> None:
    assert [*found_in(text)]


@pytest.mark.parametrize("text", ["There is no operator.", "It is no longer read.", "Recommended."])
def test_good_english_is_not_found(text: str) -> None:
    assert not [*found_in(text)]
