"""The gate for text: what is shown, what is spelt out, and what no output can begin with."""

from __future__ import annotations

import json
import sys
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from convcalc.diagnostics.diagnostic import Diagnostic, Place, Related
from convcalc.diagnostics.text import full_text
from convcalc.diagnostics.visible import (
    LONGEST,
    break_brackets,
    break_commands,
    exact_json,
    fence,
    visible,
)

# All scripts with letters, and of those with thousands of ideographs some.
EVERY = "".join(
    chr(code)
    for code in range(sys.maxunicode + 1)
    if code < 0x3500
    or 0xA000 <= code < 0x11000
    or code % 0x10000 >= 0xFFF0
    or code % 997 == 0
    or 0x1F000 <= code < 0x20000
    or 0xE0000 <= code < 0xE1000
)
# Default_Ignorable_Code_Point, the blank of Braille and the sign for an object that is not there.
UNSEEN = {*"\u034f\u115f\u1160\u17b4\u17b5\u180f\u3164\uffa0\u2800\ufffc"}
UNSEEN |= {chr(code) for code in (*range(0x180B, 0x180E), *range(0xFE00, 0xFE10))}
UNSEEN |= {chr(code) for code in range(0xE0100, 0xE01F0)}


def test_of_all_characters_those_are_spelt_out_that_are_not_seen_or_deceive() -> None:
    shown = set(visible("".join(f"a{each}" for each in EVERY), 0))
    expected = {
        each
        for each in EVERY
        if each == " " or (unicodedata.category(each)[0] in "LMNPS" and each not in UNSEEN)
    }
    assert shown == expected


@given(st.text())
def test_an_escape_is_what_python_and_json_write(text: str) -> None:
    for character in text:
        shown = visible(f"a{character}")[1:]
        if shown != character:
            assert shown.encode().decode("unicode_escape") == character


@given(st.text(), st.integers(0, 40))
def test_what_is_shown_stays_as_it_is(text: str, most: int) -> None:
    shown = visible(text, 0)
    assert visible(shown, 0) == shown
    assert shown.isprintable()
    assert fence(shown) == shown.replace("::", r"\x3a:", shown.lstrip().startswith("::"))
    assert len(visible(text, most)) <= 2 * most + 100 or not most


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a\n::error::b", r"a\n::error::b"),
        ("\x1b[31m\x9b", r"\x1b[31m\x9b"),
        ("\u202egnp.exe\u2066", r"\u202egnp.exe\u2066"),
        ("a\u200bb\ufeff\u00ad", r"a\u200bb\ufeff\xad"),
        ("1\ufe0f\u20e3", r"1\ufe0f\u20e3"),
        ("\U000e0041", r"\U000e0041"),
        ("\ud800", r"\ud800"),
        ("é, ß, 日本語, עברית, हिन्दी, e\u0301", "é, ß, 日本語, עברית, हिन्दी, e\u0301"),
        ("'\u0338", r"'\u0338"),
        ("Z" + "\u0301" * 5, "Z" + "\u0301" * 3 + r"\u0301\u0301"),
        ("64×112 → 3·5 ≥ 2", "64×112 → 3·5 ≥ 2"),
        ("a\\n", "a\\n"),
    ],
)
def test_what_a_text_is_shown_as(text: str, shown: str) -> None:
    assert visible(text) == shown


def test_a_long_text_is_its_beginning_and_its_end() -> None:
    shown = visible("a" * 5000 + "b" * 5000)
    assert shown.startswith("aaa")
    assert shown.endswith("bbb")
    assert "[... 8,001 characters ...]" in shown
    assert len(visible("\x1b" * 10_000)) < 2.1 * LONGEST
    assert len(visible("x" * 10_000, 0)) == 10_000


@pytest.mark.parametrize(
    ("text", "fenced"),
    [
        ("::error::x", r"\x3a:error::x"),
        ("a ::error::x", "a ::error::x"),
        ("a\n \t ::error::x\nb", "a\n \t \\x3a:error::x\nb"),
        ("\n\n::x::", "\n\n\\x3a:x::"),
        ("a\r::x", r"a\r::x"),
        ("see ##[error]x", r"see #\x23[error]x"),
        ("##vso[a]##teamcity[b]###[c]", r"#\x23vso[a]#\x23teamcity[b]##\x23[c]"),
        ("## heading, ##x", "## heading, ##x"),
        ("a\tb\n", "a\tb\n"),
        ("\x1b[1mx\x1b[0m", r"\x1b[1mx\x1b[0m"),
    ],
)
def test_a_document_holds_no_command(text: str, fenced: str) -> None:
    assert fence(text) == fenced


def test_only_colours_of_convcalc_pass_the_fence_and_only_where_there_are_colours() -> None:
    own = "\x1b[1mtitle\x1b[0m \x1b[38;2;1;2;3;48;2;4;5;6m▀\x1b[0m"
    assert fence(own, colored=True) == own
    assert fence("\x1b[8mx\x1b]0;t\x07", colored=True) == r"\x1b[8mx\x1b]0;t\x07"
    assert fence("\x1b[1m ::x", colored=True) == "\x1b[1m \\x3a:x"


def test_only_annotations_of_convcalc_pass_the_fence() -> None:
    own = "::error title=convcalc (CC101),file=a::b"
    assert fence(own, commands=True) == own
    assert fence(own) == own.replace("::", r"\x3a:", 1)
    assert fence("::error ::x", commands=True) == r"\x3a:error ::x"
    assert break_commands("x\n::add-mask::y", own=True) == "x\n\\x3a:add-mask::y"


def test_lines_may_end_as_those_of_a_file_do() -> None:
    assert fence("a\r\nb\rc\r", returns=True) == "a\r\nb\\rc\r"
    assert fence("a\r\n ::b", returns=True) == "a\r\n \\x3a:b"


@given(st.text())
def test_json_is_exact_and_holds_no_command(text: str) -> None:
    for value in (text, f"##[{text}", {text: [f"{text}##vso[x]"]}):
        written = exact_json(value)
        assert written.isascii()
        assert "##[" not in written
        assert "##vso[" not in written
        assert json.loads(written) == value


@pytest.mark.parametrize(
    "text", ["#" * 50_000, "##a" * 20_000, " " * 50_000, "\n" * 50_000, ":" * 9]
)
def test_no_text_takes_long(text: str) -> None:
    assert len(break_brackets(text)) >= len(text)
    assert len(break_commands(text)) >= len(text)
    assert len(fence(text)) >= len(text)


def test_the_mark_stands_below_its_characters_where_others_are_spelt_out() -> None:
    hidden = Related(Place("f", 1, 2, 3), "b\n::c")
    found = Diagnostic("unknown-key", "x\ny", Place("f", 1, 5, 7), related=(hidden,))
    assert full_text(found, {"f": "a\u202eb\tcd"}).split("\n") == [
        r"error[CC003] unknown-key: x\ny",
        " --> f:1:5",
        "  |",
        r"1 | a\u202eb cd",
        "  |         " + " " * len(r"a\u202eb "[8:]) + "^^",
        r"1 | a\u202eb cd",
        r"  |  ------ b\n::c",
    ]
    long = full_text(Diagnostic("unknown-key", "x", Place("f", 1, 900)), {"f": "\x1b" * 5000})
    assert max(map(len, long.split("\n"))) < 600
