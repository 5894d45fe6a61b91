"""What every format writes is read back by others as the same cells."""

from __future__ import annotations

import csv
import io
import re
import subprocess
import sys
from html.parser import HTMLParser
from itertools import pairwise

import pytest
from markdown_it import MarkdownIt
from reports import everything, hostile, shown, table_of

from convcalc.analysis.report.report import Report
from convcalc.diagnostics.visible import fence
from convcalc.model.quantities.unknown import UNKNOWN
from convcalc.output.cells import grid
from convcalc.output.columns import COLUMNS, Column
from convcalc.output.formats import FORMATS
from convcalc.output.table import Style, Table, render
from convcalc.output.views.network import report_footer

PEOPLE = ("path", "operator", "params", "note")


def cells_of(report: Report) -> list[list[str]]:
    found = grid(table_of(report, PEOPLE), Style())
    return [found.header, *found.rows, found.totals or []]


@pytest.mark.parametrize("report", [hostile(), everything()], ids=["hostile", "everything"])
def test_markdown_reads_back_as_the_same_cells(report: Report) -> None:
    tokens = MarkdownIt("commonmark").enable("table").parse(shown(report, "markdown", PEOPLE))
    inline = [
        "".join(
            child.content
            for child in token.children or ()
            if child.type in ("text", "text_special", "code_inline")
        )
        for before, token in pairwise(tokens)
        if before.type in ("th_open", "td_open")
    ]
    expected = [" ".join(text.split()) for line in cells_of(report) for text in line]
    assert [" ".join(text.split()) for text in inline] == expected
    assert not any(token.type in ("html_block", "link_open") for token in tokens)


class Cells(HTMLParser):
    """The texts of the cells, and the tags that were met."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.texts: list[str] = []
        self.open = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.open = tag in ("th", "td")
        self.texts += [""] * self.open

    def handle_endtag(self, tag: str) -> None:
        self.open = False

    def handle_data(self, data: str) -> None:
        if self.open:
            self.texts[-1] += data


@pytest.mark.parametrize("report", [hostile(), everything()], ids=["hostile", "everything"])
def test_html_reads_back_as_the_same_cells_and_nothing_else(report: Report) -> None:
    text = shown(report, "html", PEOPLE)
    reader = Cells()
    reader.feed(text)
    expected = [text for line in cells_of(report) for text in line]
    expected += map(str, report_footer(report))
    assert reader.texts == expected
    assert reader.tags == {"table", "caption", "thead", "tbody", "tfoot", "tr", "th", "td"}
    assert text.isascii()


@pytest.mark.parametrize("report", [hostile(), everything()], ids=["hostile", "everything"])
def test_csv_and_tsv_hold_the_same_exact_values(report: Report) -> None:
    comma = list(csv.reader(io.StringIO(shown(report, "csv", tuple(COLUMNS)))))
    tab = [line.split("\t") for line in shown(report, "tsv", tuple(COLUMNS)).split("\n")]
    assert comma == tab
    assert comma[0] == list(COLUMNS)
    assert len(comma) == 1 + len(report.layers)
    for line, each in zip(comma[1:], report.layers, strict=True):
        read = dict(zip(comma[0], line, strict=True))
        assert read["params"] == str(each.params)
        assert read["macs"] == ("unknown" if each.macs is UNKNOWN else str(each.macs))


def test_latex_has_as_many_cells_as_columns_and_balanced_braces() -> None:
    for line in shown(hostile(), "latex", PEOPLE).splitlines():
        bare = re.sub(r"\\[\\{}&#%$_]", "", line)
        assert bare.count("{") == bare.count("}")
        if line.endswith(r"\\"):
            assert bare.count("&") == len(PEOPLE) - 1
            assert not line.startswith(("[", "*"))


def test_only_the_table_imports_rich() -> None:
    others = [f"convcalc.output.formats.{form}" for form in FORMATS if form != "table"]
    lines = ["import importlib, sys", f"[importlib.import_module(name) for name in {others}]"]
    lines += ["sys.exit('rich' in sys.modules)"]
    assert subprocess.run([sys.executable, "-c", "\n".join(lines)], check=False).returncode == 0


def table_of_texts(*texts: str) -> Table:
    """A table of one column of texts, and one of numbers below zero."""
    columns = (Column("path", "layer", str), Column("number", "number", lambda _: -1))
    return Table("", columns, texts)


def test_csv_keeps_a_text_that_is_a_command_of_a_ci_service_between_quotes() -> None:
    texts = ("::stop-commands::x", "  ::a,b::", '::"q"::', "x::y")
    written = render("csv", table_of_texts(*texts), None, Style())
    assert [row[0] for row in csv.reader(io.StringIO(written))] == ["path", *texts]
    assert fence(written) == written
    assert written.split("\n")[4] == "x::y,-1"


@pytest.mark.parametrize("form", ["csv", "tsv"])
def test_a_spreadsheet_computes_no_text(form: str) -> None:
    texts = ("=1+1", "+1", "-1", "@SUM(1)", "＝1", "a=1", "1-1")
    written = render(form, table_of_texts(*texts), None, Style())
    between = "," if form == "csv" else "\t"
    read = list(csv.reader(io.StringIO(written), delimiter=between))
    assert [row[0] for row in read[1:]] == [f"'{text}" for text in texts[:5]] + [*texts[5:]]
    assert {row[1] for row in read[1:]} == {"-1"}


def test_a_row_of_latex_does_not_begin_with_a_command_of_a_ci_service() -> None:
    written = render("latex", table_of_texts("::error::x"), None, Style())
    assert "\n{}::error::x & " in written
    assert fence(written) == written
