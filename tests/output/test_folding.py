"""Rows that are alike are folded in tables of thousands of rows, and what is shown is true."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import product
from typing import Any, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from convcalc.output.columns import Column
from convcalc.output.folding import Folded, folded
from convcalc.output.table import MOST_ROWS, Style, Table, render


class Row(NamedTuple):
    """A row with a number that rows have in common if they are alike, and one that they need not
    have."""

    path: str
    params: Any
    seen: Any = 1


COLUMNS = (
    Column("path", "layer", lambda row: row.path),
    Column("params", "params", lambda row: row.params, align="right"),
    Column("seen", "RF", lambda row: row.seen, align="right", spans=True),
)


def table(rows: Sequence[Row]) -> Table:
    return Table("", COLUMNS, rows, unfolded="--no-fold shows all")


def shown(rows: Sequence[Row]) -> list[tuple[str, ...]]:
    """The cells of the folded table."""
    columns, folded_rows = folded(table(rows))[1:3]
    return [tuple(str(column.value(row)) for column in columns) for row in folded_rows]


def chain(count: int) -> list[Row]:
    """conv[0], relu[0], conv[1], …, which see ever more."""
    return [
        Row(f"{name}[{index}]", params, 2 * index + 3)
        for index in range(count)
        for name, params in (("conv", 9), ("relu", 0))
    ]


TWO = """\
layer                  params           RF
──────────────────────────────────────────
┌ conv[0…1000] ×1,001       9  3 … 2.003 k
└ relu[0…1000] ×1,001       0  3 … 2.003 k

folded  2,002 rows into 2: ×N means N rows alike, with the numbers of one; rows behind ┌ │ └\
 repeat in turn; --no-fold shows all"""
NESTED = """\
layer                              params  RF
---------------------------------------------
stem                                    7   1
// a[0...99].b[0...9].conv x1,000       9   1
|\\ a[0...99].b[0...9].relu x1,000       0   1
\\  a[0...99].out x100                   5   1
head                                    7   1"""


def test_a_period_of_rows_is_folded_and_the_footer_says_so() -> None:
    text = render("table", table(chain(1001)), None, Style())
    assert text == TWO
    plain = render("table", table(chain(1001)), None, Style(ascii=True))
    assert "/ conv[0...1000] x1,001" in plain
    assert "\\ relu[0...1000] x1,001" in plain
    assert plain.isascii()


def test_what_repeats_within_what_repeats_is_folded_first() -> None:
    rows = [Row("stem", 7)]
    for stage in range(100):
        rows += [
            Row(f"a[{stage}].b[{cell}].{name}", params)
            for cell in range(10)
            for name, params in (("conv", 9), ("relu", 0))
        ]
        rows.append(Row(f"a[{stage}].out", 5))
    rows.append(Row("head", 7))
    text = render("table", table(rows), None, Style(ascii=True))
    body, _, footer = text.partition("\n\n")
    assert body == NESTED
    assert footer.startswith("folded  2,102 rows into 5: xN")


def test_up_to_a_number_of_rows_none_is_folded() -> None:
    few, many = (table([Row(f"x[{i}]", 1) for i in range(count)]) for count in (2000, 2001))
    assert len(few.rows) == MOST_ROWS
    assert render("table", few, None, Style()).count("\n") == 2001
    assert "x[0…2000] ×2,001" in render("table", many, None, Style())
    for form in ("csv", "tsv", "markdown", "html", "latex"):
        assert "1999]" in render(form, many, None, Style()), form
    assert "x[1999]" in render("table", many._replace(unfolded=""), None, Style())


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([("x[0]", 1), ("x[1]", 2), ("x[2]", 1)], ["x[0]", "x[1]", "x[2]"]),
        ([("x[0]", 1), ("x[1]", 1), ("x[3]", 1)], ["x[0…1] ×2", "x[3]"]),
        ([("a_0", 1), ("b_1", 0), ("a_2", 1), ("b_3", 0)], ["┌ a_0…2 ×2", "└ b_1…3 ×2"]),
        ([("x[2]", 1), ("x[1]", 1), ("x[0]", 1)], ["x[2…0] ×3"]),
        ([("a0.b0", 1), ("a0.b1", 1), ("a1.b0", 1), ("a1.b1", 1)], ["a0…1.b0…1 ×4"]),
        ([("a[0].b[1]", 1), ("a[1].b[0]", 1)], ["a[0].b[1]", "a[1].b[0]"]),
        ([("x01", 1), ("x02", 1)], ["x01", "x02"]),
        ([("x٣", 1), ("x٤", 1)], ["x٣", "x٤"]),
        ([("same", 1), ("same", 1)], ["same", "same"]),
        ([("x[0]", True), ("x[1]", None), ("x[2]", {"w": (1,)})], ["x[0]", "x[1]", "x[2]"]),
        ([("x[0]", {"w": (1,)}), ("x[1]", {"w": (1,)})], ["x[0…1] ×2"]),
        ([], []),
    ],
)  # fmt: skip
def test_which_rows_are_alike(rows: list[tuple[str, Any]], expected: list[str]) -> None:
    assert [path for path, *_ in shown([Row(*row) for row in rows])] == expected


def test_values_that_differ_are_shown_as_the_first_and_the_last() -> None:
    rows = [Row("x[0]", 1, 3), Row("x[1]", 1, 5), Row("x[2]", 1, 3)]
    assert [cells[2] for cells in shown(rows)] == ["(3, 3)"]
    assert [cells[2] for cells in shown([row._replace(seen=3) for row in rows])] == ["3"]


# --- whatever the rows are -----------------------------------------------------------------------


def unfolded(items: Sequence[Any]) -> Iterator[tuple[str, Any]]:
    """The paths and params that the rows of a folded table stand for, in no order."""
    for item in items:
        if not isinstance(item, Folded):
            yield item.path, item.params
            continue
        label, _, times = item.path.rpartition(" ×")
        ranges = re.split(r"(\d+…\d+)", label.lstrip("┌│└ "))
        choices = [range(*sorted_range(part)) if "…" in part else [part] for part in ranges]
        paths = ["".join(map(str, parts)) for parts in product(*choices)]
        assert len(paths) == int(times.replace(",", ""))
        yield from ((path, item.params) for path in paths)


def sorted_range(text: str) -> tuple[int, int]:
    low, high = sorted(map(int, text.split("…")))
    return low, high + 1


NETS = st.recursive(
    st.tuples(st.sampled_from("ab"), st.integers(1, 2)),
    lambda part: st.tuples(st.sampled_from("xy"), st.integers(1, 4), st.lists(part, min_size=1)),
    max_leaves=8,
)


def expanded(part: Any, before: str = "") -> Iterator[Row]:
    name, count, *inner = part
    if not inner:
        yield Row(f"{before}{name}", count)
        return
    for index in range(count):
        for number, each in enumerate(inner[0]):
            yield from expanded(each, f"{before}{name}[{index}].{number}_")


@given(NETS)
def test_every_row_is_in_one_folded_row(part: Any) -> None:
    rows = list(expanded(part))
    found = folded(table(rows))
    assert sorted(unfolded(found.rows)) == sorted(row[:2] for row in rows)


@given(st.lists(st.tuples(st.integers(0, 30), st.integers(0, 2)), unique=True, max_size=30))
def test_any_order_of_rows_can_be_folded(numbers: list[tuple[int, int]]) -> None:
    rows = [Row(f"x[{number}]", params) for number, params in dict(numbers).items()]
    folded_rows = folded(table(rows)).rows
    assert sum(getattr(row, "times", 1) for row in folded_rows) == len(rows)


def test_rows_that_repeat_almost_take_no_longer_than_others() -> None:
    """Long groups that differ at their ends only are not compared again and again."""
    rows = [Row(f"x[{i}]", i % 700 == 699 and i) for i in range(0, 60_000, 2)]
    found = folded(
        table([row._replace(path=f"{'ab'[i % 3 == 0]}[{i}]") for i, row in enumerate(rows)])
    )
    assert sum(getattr(row, "times", 1) for row in found.rows) == len(rows)


@pytest.mark.parametrize(
    "name", ["a\x1b[31mb", "a\nb", "a\u202eb", "::error::", "##[group]", "=1+1"]
)
def test_hostile_names_are_as_harmless_as_elsewhere(name: str) -> None:
    text = render("table", table([Row(f"{name}[{i}]", 1) for i in range(2001)]), None, Style())
    body = text.split("\n")
    assert len(body) == 5
    assert body[2].count("[0…2000] ×2,001") == 1
    assert body[2].isprintable()
    assert "\u202e" not in text
