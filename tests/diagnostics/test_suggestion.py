"""One sentence for a word that is not known, assembled in one place."""

from __future__ import annotations

import pytest
from places import ROOT

from convcalc.diagnostics.suggestion import advise, nearest

CHOICES = ("kernel_size", "stride", "padding")
PACKAGE = ROOT / "convcalc"


@pytest.mark.parametrize(
    ("word", "otherwise", "text"),
    [
        ("kernal_size", "valid keys:", "use 'kernel_size'"),
        ("kernal_size", "", "use 'kernel_size'"),
        ("colour", "valid keys:", "valid keys: kernel_size, stride, padding"),
        ("colour", "leave it out", "leave it out"),
        ("colour", "", ""),
    ],
)
def test_a_close_word_is_an_instruction_and_else_it_is_said_what_there_is(
    word: str, otherwise: str, text: str
) -> None:
    assert advise(word, CHOICES, otherwise) == text
    assert advise(word, (each for each in CHOICES), otherwise) == text


def test_where_there_are_no_choices_none_are_listed() -> None:
    assert advise("width", (), "params:") == "params: none"
    assert nearest("width", ()) == ""


def test_no_other_module_words_the_suggestion_itself() -> None:
    texts = {path: path.read_text("utf-8") for path in PACKAGE.rglob("*.py")}
    worded = {
        path.stem
        for path, text in texts.items()
        for words in ("use '{", "did you mean")
        if words in text
    }
    assert worded == {"suggestion"}
