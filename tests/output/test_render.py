"""Tables and JSON of reports; whole outputs are in ``tests/golden/render``.

``CONVCALC_UPDATE_GOLDEN=1 pytest tests/output/test_render.py`` writes them anew.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import pytest
from kept import kept
from places import TESTS
from reports import NAMES, broken, chosen, everything, hostile, layer, real, sample, shown, table_of

from convcalc.analysis.report.report import Report
from convcalc.analysis.report.rows import rows, rows_by_operator, top_rows
from convcalc.model.quantities.shape import Shape
from convcalc.model.quantities.unknown import UNKNOWN
from convcalc.output.cells import grid
from convcalc.output.columns import COLUMNS, DEFAULT, cell
from convcalc.output.formats import FORMATS
from convcalc.output.sorting import sorted_rows
from convcalc.output.table import Style, render
from convcalc.output.views.network import report_table

GOLDEN = TESTS / "golden" / "render"


# --- whole outputs -----------------------------------------------------------------------------

WHOLE: dict[str, tuple[Report, str, Sequence[str], dict[str, Any]]] = {
    "table.txt": (everything(), "table", DEFAULT, {}),
    "table-exact.txt": (everything(), "table", DEFAULT, {"exact": True}),
    "table-ascii.txt": (everything(), "table", DEFAULT, {"ascii": True}),
    "table-60.txt": (everything(), "table", DEFAULT, {"width": 60}),
    "table-color.txt": (everything(), "table", DEFAULT, {"color": True}),
    "table-all.txt": (everything(), "table", tuple(COLUMNS), {}),
    "table-all-100.txt": (everything(), "table", tuple(COLUMNS), {"width": 100}),
    "table-notes-70.txt": (
        everything(),
        "table",
        ("path", "params", "weight", "note"),
        {"width": 70},
    ),
    "table-broken.txt": (broken(), "table", DEFAULT, {}),
    "report.json": (everything(), "json", DEFAULT, {}),
    "broken.json": (broken(), "json", DEFAULT, {}),
    "all.csv": (everything(), "csv", tuple(COLUMNS), {}),
    "all.tsv": (everything(), "tsv", tuple(COLUMNS), {}),
    "default.md": (everything(), "markdown", DEFAULT, {}),
    "hostile.md": (hostile(), "markdown", ("path", "params", "note"), {}),
    "default.tex": (everything(), "latex", DEFAULT, {}),
    "hostile.tex": (hostile(), "latex", ("path", "params", "note"), {}),
    "default.html": (everything(), "html", DEFAULT, {}),
}


@pytest.mark.parametrize("name", WHOLE)
def test_the_whole_output_is_as_kept(name: str) -> None:
    report, form, keys, style = WHOLE[name]
    text = shown(report, form, keys, **style) + "\n"
    assert text == kept(GOLDEN / name, text)


# --- numbers -----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("how", ["depth 1", "depth 2", "all", "by operator", "top 3"])
def test_the_printed_rows_add_up_to_the_printed_totals(name: str, how: str) -> None:
    report = real(name)
    choices = {
        "depth 1": lambda: rows(report, 1),
        "depth 2": lambda: rows(report, 2),
        "all": lambda: rows(report, None),
        "by operator": lambda: rows_by_operator(report),
        "top 3": lambda: top_rows(sorted_rows(rows(report), lambda row: row.macs), 3),
    }
    keys = ("path", "params", "trainable", "buffers", "macs", "flops", "elementwise", "activations")
    table = report_table(report, chosen(keys), choices[how](), exact=True)
    text = render("table", table, None, Style(exact=True))
    body, rest = text.split("──\n")[1:3]
    lines = [integers(line) for line in body.splitlines() if "──" not in line]
    assert len(lines) == len(table.rows)
    assert [sum(column) for column in zip(*lines, strict=True)] == integers(rest.splitlines()[0])
    assert integers(rest.splitlines()[0])[0] == report.totals.params


def integers(line: str) -> list[int]:
    """The numbers of a printed row, without its path."""
    return [int(word.replace(",", "")) for word in line.split()[1:]]


def test_shares_add_up_to_one() -> None:
    report = real("resnet50")
    table = table_of(report)
    for key in ("macs_share", "params_share"):
        assert sum(cell(COLUMNS[key], row, table.totals) for row in table.rows) == 1


def test_a_share_of_an_unknown_total_is_unknown() -> None:
    table = table_of(everything())
    assert cell(COLUMNS["macs_share"], table.rows[0], table.totals) is UNKNOWN


@pytest.mark.parametrize("width", [*range(10, 130, 7), 500])
@pytest.mark.parametrize("exact", [False, True])
def test_a_number_is_never_cut(width: int, exact: bool) -> None:
    report = everything()
    table = table_of(report, tuple(COLUMNS), exact=exact)
    style = Style(exact=exact, width=width)
    text = render("table", table, None, style)
    text = " ".join(text.split())  # numbers are padded so that their decimal points line up
    hidden = re.search(r"hidden ([\w, ]*), at \d+ characters", text)
    gone = set(re.findall(r"\w+", hidden[1])) if hidden else set()
    cells = grid(table, style)
    kept = [column.key not in gone for column in table.columns]
    assert "…" not in text
    assert sum(kept) >= 3
    for row, column in zip(table.columns, zip(*cells.rows, strict=True), strict=True):
        if row.align == "right" and row.key not in gone:
            assert all(number in text for number in column), row.key


@pytest.mark.parametrize("width", range(45, 200, 13))
def test_no_line_is_wider_than_the_terminal(width: int) -> None:
    for report in (everything(), real("resnet50")):
        for keys in (DEFAULT, tuple(COLUMNS)):
            assert max(map(len, shown(report, keys=keys, width=width).splitlines())) <= width


def test_hidden_columns_are_named_and_come_back_with_room() -> None:
    text = shown(everything(), width=60)
    assert "hidden operator, jump, at 60 characters;" in " ".join(text.split())
    assert "hidden" not in shown(everything(), width=160)
    assert "hidden" not in shown(everything())


def test_an_unknown_is_told_from_none_and_from_nothing() -> None:
    lines = shown(everything(), keys=("path", "params", "macs", "kernel_size")).splitlines()
    found = {line.split()[0]: line.split()[1:] for line in lines if line.strip()}
    assert found["secret"] == ["5", "M", "unknown", "–"]
    assert found["up"] == ["0", "0", "–"]
    assert found["total"] == ["5.002", "M", "unknown"]


# --- the terminal ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "environment",
    [
        {"TERM": "dumb"},
        {"COLUMNS": "20", "LINES": "5"},
        {"FORCE_COLOR": "1"},
        {"NO_COLOR": "1"},
        {"TTY_COMPATIBLE": "1"},
    ],
)
@pytest.mark.parametrize("color", [False, True])
def test_the_table_does_not_ask_the_environment(
    environment: dict[str, str], color: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = shown(everything(), color=color)
    for key, value in environment.items():
        monkeypatch.setenv(key, value)
    assert shown(everything(), color=color) == expected
    assert ("\x1b" in expected) == color


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("ascii_only", [False, True])
def test_nothing_from_a_file_controls_the_terminal(form: str, ascii_only: bool) -> None:
    for report in (hostile(), everything()):
        text = shown(report, form, ("path", "operator", "note", "params"), ascii=ascii_only)
        assert all(character.isprintable() or character in "\n\t" for character in text)
        assert not ascii_only or text.isascii()


def test_rich_markup_in_a_path_is_shown_as_it_is() -> None:
    lines = shown(hostile(), keys=("path", "params")).splitlines()
    for text in ("[/]", "blocks[i].conv", "[bold]x[/bold]"):
        assert any(line.startswith(f"{text} ") for line in lines)


# --- columns -----------------------------------------------------------------------------------


def test_a_batch_is_part_of_a_shape_only_above_one() -> None:
    one = layer("a", "relu", Shape(1, 8, (4, 4)), None)
    eight = one.replace(output=Shape(8, 8, (4, 4)))
    found = rows(sample([one, eight.replace(path="b")]), None)
    assert [COLUMNS["output"].value(row) for row in found] == [(8, 4, 4), (8, 8, 4, 4)]
