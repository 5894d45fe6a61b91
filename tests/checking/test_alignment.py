"""Which line was which: a comment that silences stays with its line, and goes nowhere else."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from convcalc.checking.alignment import earlier_lines
from convcalc.checking.suppression import added_ignores, read_comments

IGNORE = "  # convcalc: ignore[CC204]"
LINES = st.lists(st.sampled_from(["- relu", "- conv: {out: 8}", "- conv: {out: 9}", "", "a: x"]))


@given(LINES, LINES)
def test_lines_keep_their_order_and_are_equal_or_edited(old: list[str], new: list[str]) -> None:
    found = earlier_lines(new, old)
    pairs = sorted(found.items())
    assert [was for _, was in pairs] == sorted({was for _, was in pairs})
    assert all(new[at].split(":")[0] == old[was].split(":")[0] for at, was in pairs)
    assert earlier_lines(old, old) == {k: k for k in range(len(old))}


@given(LINES, st.integers(0, 20), st.sampled_from(["- new: 1", "", "# why"]))
def test_a_line_that_comes_in_between_moves_the_others(old: list[str], at: int, line: str) -> None:
    at = min(at, len(old))
    found = earlier_lines([*old[:at], line, *old[at:]], old)
    texts = {k: was for k, was in found.items() if k != at}
    if line not in old:
        assert texts == {k + (k >= at): k for k in range(len(old))}


def added(new: str, old: str) -> list[tuple[str, int]]:
    found = added_ignores(read_comments("x.yaml", new).ignores, new, old)
    return [(each.code, each.place.line) for each in found]


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (f"a: 1{IGNORE}", f"a: 1{IGNORE}", []),
        (f"a: 1{IGNORE}", f"a: 1   {IGNORE} as published", []),
        (f"a: 1{IGNORE}", f"b: 1\na: 1{IGNORE}", []),
        (f"a: 1{IGNORE}", f"a: 2{IGNORE}", []),
        (f"a: 1{IGNORE}", f"b: 2{IGNORE}", [("CC204", 1)]),
        (f"a: 1{IGNORE}\nb: 2", f"a: 1\nb: 2{IGNORE}", [("CC204", 2)]),
        (f"a: 1{IGNORE}\na: 1", f"a: 1\na: 1{IGNORE}", [("CC204", 2)]),
        (f"a: 1{IGNORE}\na: 1", f"a: 1{IGNORE}\na: 1{IGNORE}", [("CC204", 2)]),
        (f"a: 1{IGNORE}\na: 1", f"x: 0\na: 1\na: 1{IGNORE}", [("CC204", 3)]),
        ("# convcalc: ignore[CC204]\na: 1", f"a: 1{IGNORE}", []),
        (f"a: 1{IGNORE}", "a: 1", []),
        ("", f"a: 1{IGNORE}", [("CC204", 1)]),
        ("# convcalc: ignore-file[CC204]", "\n# convcalc: ignore-file[CC204]", []),
        (f"a: 1{IGNORE}", "# convcalc: ignore-file[CC204]\na: 1", [("CC204", 1)]),
        ("# convcalc: ignore[CC204]", "# convcalc: ignore-file[CC204]", [("CC204", 1)]),
        ("a: 1  # convcalc: ignore[CC204]", "a: 1  # convcalc: ignore[CC203]", [("CC203", 1)]),
    ],
)
def test_a_comment_is_new_where_nothing_was_silenced(
    old: str, new: str, expected: list[tuple[str, int]]
) -> None:
    assert added(new, old) == expected


def test_equal_lines_are_no_work() -> None:
    many = ["- relu"] * 50_000
    assert len(earlier_lines([*many, "x"], ["y", *many])) == 49_999
