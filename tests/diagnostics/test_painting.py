"""Messages in colour and wrapped: the same words, and nobody else's colours."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from convcalc.diagnostics.diagnostic import Diagnostic, Place, Related
from convcalc.diagnostics.painting import lines_for_terminal
from convcalc.diagnostics.text import full_text
from convcalc.diagnostics.visible import fence

COLOR = re.compile(r"\x1b\[[\d;]*m")
SOURCE = {"net.yaml": "a: 1\nlayers: [{conv: {out: 8, k: 3, groups: 5, padding: 1, stride: 2}}]\n"}
FOUND = Diagnostic(
    "does-not-divide",
    "groups 5 does not divide in_channels 64 (+6.5 %)",
    Place("net.yaml", 2, 40, 41),
    "divisors of 64: 1, 2, 4, 8, 16, 32, 64",
    (Related(Place("net.yaml", 1, 1, 2), "in_channels comes from here"),),
    notes=("largest: a 58.6 %, b 27.8 %",),
)


def lines(width: int | None, *, color: bool) -> list[str]:
    return lines_for_terminal(full_text(FOUND, SOURCE, width).split("\n"), width, color=color)


def test_each_part_has_its_colour() -> None:
    text = "\n".join(lines(None, color=True))
    assert text.startswith("\x1b[1;31merror[CC103]\x1b[0m does-not-divide: ")
    assert "(\x1b[31m+6.5 %\x1b[0m)" in text
    assert "\x1b[1;31m^\x1b[0m" in text
    assert "\x1b[36m- in_channels comes from here\x1b[0m" in text
    assert "\x1b[36mhelp:\x1b[0m divisors" in text
    warning = lines_for_terminal(["warning[CC201] x: y (-<0.1 %)", "  | ^"], color=True)
    assert warning[0] == "\x1b[1;33mwarning[CC201]\x1b[0m x: y (\x1b[32m-<0.1 %\x1b[0m)"
    assert warning[1] == "\x1b[2m  |\x1b[0m \x1b[1;33m^\x1b[0m"


@pytest.mark.parametrize("width", [None, 120, 80, 60, 50])
def test_colour_changes_no_word_and_passes_the_fence(width: int | None) -> None:
    plain, colored = lines(width, color=False), lines(width, color=True)
    assert [COLOR.sub("", line) for line in colored] == plain
    assert fence("\n".join(colored), colored=True) == "\n".join(colored)


@pytest.mark.parametrize("width", range(44, 100, 7))
def test_nothing_is_wider_than_the_terminal_and_the_caret_stays_at_its_place(width: int) -> None:
    shown = lines(width, color=False)
    assert max(map(len, shown)) <= width
    (at,) = (index for index, line in enumerate(shown) if re.search(r"\| +\^", line))
    assert shown[at - 1][shown[at].index("^")] == "5"
    words = " ".join(" ".join(shown).split())
    assert FOUND.help in words
    assert FOUND.message in words


def test_a_note_that_does_not_fit_beside_its_mark_stands_below() -> None:
    found = FOUND._replace(related=(), measured="measured 25,557,032, which is more")
    text = full_text(found, SOURCE, 60).split("\n")
    assert text[4].strip(" |") == "^"
    assert text[5].endswith("measured 25,557,032, which is more")
    assert len(text[5]) <= 60


@given(st.text("a1 ,.|=^-\x1b[31m:erorhlp\u202e", max_size=60))
def test_a_strangers_text_has_no_colour_of_its_own(text: str) -> None:
    found = Diagnostic("unknown-key", text, Place("f", 1, 1, 2), text, notes=(text,))
    painted = "\n".join(lines_for_terminal(full_text(found, {"f": text}).split("\n"), color=True))
    plain = full_text(found, {"f": text})
    assert COLOR.sub("", painted) == plain
    assert "\x1b" not in plain


def test_lines_of_other_kinds_are_left_alone() -> None:
    trace = '  File "x.py", line 1, in a very long function name that goes on and on and on and on'
    assert lines_for_terminal([trace], 40, color=True) == [trace]
