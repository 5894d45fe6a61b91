"""Tables and JSON of reports; whole outputs are in ``tests/golden/render``.

``CONVCALC_UPDATE_GOLDEN=1 pytest tests/test_render.py`` writes them anew.
"""

from __future__ import annotations

import csv
import io
import json
import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from fractions import Fraction
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from kept import kept
from markdown_it import MarkdownIt

from convcalc.analysis.analyse import analyse
from convcalc.analysis.report.report import LayerReport, Memory, ReceptiveField, Report, Totals
from convcalc.analysis.report.rows import rows, rows_by_operator, top_rows
from convcalc.analysis.report.to_json import layer_payload, report_payload
from convcalc.diagnostics.diagnostic import Diagnostic, Place
from convcalc.language.reading import read_network
from convcalc.language.sources.resolve import resolve
from convcalc.model.graph.network import Group
from convcalc.model.operators.contract import Term
from convcalc.model.quantities.counts import COUNTS
from convcalc.model.quantities.shape import Shape
from convcalc.model.quantities.unknown import UNKNOWN
from convcalc.output.cells import grid
from convcalc.output.columns import COLUMNS, DEFAULT, Column, cell
from convcalc.output.formats import FORMATS
from convcalc.output.schemas.report import report_schema
from convcalc.output.sorting import sorted_rows
from convcalc.output.table import Style, Table, render
from convcalc.output.views.network import report_footer, report_table

GOLDEN = Path(__file__).parent / "golden" / "render"
HOSTILE = (
    "[/]",
    "blocks[i].conv",
    "[bold]x[/bold]",
    "a|b",
    "<script>",
    "\x1b[31mred",
    "#%&_$^~{}\\",
)
NAMES = ("resnet50", "vgg16", "alexnet")


# --- reports -----------------------------------------------------------------------------------


def field(size: int, jump: Fraction | int, **more: Any) -> ReceptiveField:
    """A receptive field that is the same on two axes."""
    center = Fraction(jump - 1, 2)
    least = more.pop("least", size)
    axes = ((size,) * 2, (least,) * 2, (Fraction(jump),) * 2, (center,) * 2)
    return ReceptiveField(*axes, **more)


def layer(
    path: str, operator: str, output: Shape, seen: ReceptiveField | None, **counts: Any
) -> LayerReport:
    """A layer with the given counts; those that are left out are 0."""
    macs = counts.pop("macs", 0)
    params = counts.get("params", 0)
    given: dict[str, Any] = {
        "groups": (),
        "fields": {},
        "inputs": (output,),
        "weights": {},
        "terms": (Term("weight", "weights", macs),),
        "receptive_fields": {"image": seen} if seen else {},
        "source": Place("net.convcalc.yaml", 3, 5),
        "counts": {
            **dict.fromkeys(COUNTS, 0),
            "trainable": params,
            "macs": macs,
            "flops": 2 * macs,
            "training": 6 * macs,
            **{key: counts.pop(key) for key in COUNTS if key in counts},
        },
        **counts,
    }
    return LayerReport(
        path=path,
        operator=operator,
        output=output,
        **given,
    )


def sample(layers: Sequence[LayerReport], **more: Any) -> Report:
    """A report of these layers, added up here and not by convcalc."""
    sums = {key: sum(each.counts[key] for each in layers) for key in COUNTS}
    unknown = tuple(f"{each.path}: macs" for each in layers if each.macs is UNKNOWN)
    memory = Memory("float32", 4 * sums["params"], 3_000_000)
    given: dict[str, Any] = {
        "variant": None,
        "description": "",
        "source": "net.convcalc.yaml",
        "inputs": {"image": Shape(1, 3, (32, 32))},
        "outputs": {"head": layers[-1].output},
        "counted": ("weights", "dynamic"),
        "receptive_field": layers[-1].receptive_field,
        "global_from": "",
        **more,
    }
    return Report(
        network="sample",
        totals=Totals(len(layers), sums, memory=memory, unknown=unknown),
        layers=tuple(layers),
        **given,
    )


def everything() -> Report:
    """One of each thing that a table can show."""
    encoder = (Group("enc", "Encoder"),)
    weight = {"weight": (64, 3, 3, 3), "bias": (64,)}
    kernel = {"kernel_size": (3, 3), "stride": (2, 2), "padding": ((0, 1), (0, 1)), "groups": 1}
    wide = ReceptiveField(
        (7, 5), (7, 5), (Fraction(2), Fraction(1, 2)), (Fraction(1, 2), Fraction(-1, 3))
    )
    return sample(
        [
            layer(
                "enc.conv",
                "conv",
                Shape(1, 64, (16, 16)),
                field(3, 2),
                groups=encoder,
                params=1792,
                macs=442_368,
                elementwise=16_384,
                activations=16_384,
                moved=85_000,
                weights=weight,
                fields=kernel,
            ),
            layer(
                "enc.relu",
                "relu",
                Shape(1, 64, (16, 16)),
                field(3, 2),
                groups=encoder,
                elementwise=16_384,
                moved=131_072,
            ),
            layer(
                "again",
                "conv",
                Shape(1, 64, (16, 8)),
                wide,
                macs=221_184,
                shares="enc.conv",
                activations=8192,
                moved=60_000,
            ),
            layer(
                "up",
                "upsample",
                Shape(1, 64, (32, 32)),
                field(204, Fraction(1, 2), least=188),
                sampling=262_144,
                moved=393_216,
            ),
            layer(
                "secret",
                "opaque",
                Shape(1, 8, (32, 32)),
                field(UNKNOWN, 1, reason="not stated"),
                params=5_000_000,
                trainable=4_000_000,
                macs=UNKNOWN,
                moved=UNKNOWN,
                declared=True,
                note="from the paper; see table 3, which is long",
            ),
            layer(
                "head",
                "linear",
                Shape(1, 10),
                field(427, 32, is_global=True),
                params=90,
                macs=80,
                activations=10,
                moved=500,
            ),
        ],
        global_from="head",
        problems=(
            Diagnostic(
                "even-kernel-same",
                "kernel_size 4 is even",
                Place("n.yaml", 4, 2),
                severity="warning",
            ),
        ),
    )


def hostile() -> Report:
    """Every text that a file can bring along is one of ``HOSTILE``."""
    return sample(
        [layer(text, text, Shape(1, 8, (4, 4)), field(3, 1), note=text) for text in HOSTILE]
    )


def broken() -> Report:
    """An error, and layers that could not be computed after it."""
    error = Diagnostic(
        "does-not-divide", "groups 3 does not divide in_channels 64", Place("n.yaml", 9, 13)
    )
    first = layer("conv", "conv", Shape(1, 64, (16, 16)), field(3, 2), params=1792, macs=442_368)
    return sample([first], problems=(error,), skipped=3, outputs={}, receptive_field=None)


def real(name: str) -> Report:
    return analyse(read_network(resolve(name)))


def chosen(keys: Sequence[str]) -> list[Column]:
    return [COLUMNS[key] for key in keys]


def table_of(report: Report, keys: Sequence[str] = DEFAULT, *, exact: bool = False) -> Table:
    return report_table(report, chosen(keys), rows(report, None), exact=exact)


def shown(report: Report, form: str = "table", keys: Sequence[str] = DEFAULT, **style: Any) -> str:
    table = table_of(report, keys, exact=style.get("exact", False))
    return render(form, table, report_payload(report), Style(**style))


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
    hidden = re.search(r"hidden at \d+ characters:([^;]*)", " ".join(text.split()))
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
    assert "columns hidden at 60 characters: operator, jump;" in " ".join(text.split())
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


# --- escaping, read back by others ---------------------------------------------------------------

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
            if child.type in ("text", "text_special")
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
    expected = [text for line in cells_of(report) for text in line] + report_footer(report)
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


# --- JSON --------------------------------------------------------------------------------------


def payload_of(report: Report) -> Any:
    """The printed JSON, read back."""
    return json.loads(shown(report, "json"))


def test_the_schema_is_a_schema() -> None:
    jsonschema.Draft7Validator.check_schema(report_schema())


@pytest.mark.parametrize("report", [everything(), hostile(), broken(), *map(real, NAMES)])
def test_printed_reports_match_the_schema(report: Report) -> None:
    jsonschema.Draft7Validator(report_schema()).validate(payload_of(report))


def objects(value: Any, path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Every object in a payload whose keys are fixed, with where it is."""
    free = ("inputs", "outputs", "weights", "fields", "facts", "receptive_fields", "fused")
    free += ("totals.convention", "].convention")
    if isinstance(value, list):
        for item in value[:1]:
            yield from objects(item, f"{path}[0]")
    if isinstance(value, dict):
        if not path.endswith(free):
            yield path, value
        for key, item in value.items():
            yield from objects(item, f"{path}.{key}")


def test_a_key_too_many_or_too_few_anywhere_is_no_report() -> None:
    validator = jsonschema.Draft7Validator(report_schema())
    payload = payload_of(everything())
    found = list(objects(payload))
    assert len(found) >= 10
    for path, inner in found:
        inner["parms"] = 0
        assert not validator.is_valid(payload), path
        del inner["parms"]
        for key in list(inner):
            value = inner.pop(key)
            assert not validator.is_valid(payload), f"{path}.{key}"
            inner[key] = value
    assert validator.is_valid(payload)


def test_a_count_that_is_no_integer_is_no_report() -> None:
    payload = payload_of(everything())
    payload["totals"]["params"] = "25.56 M"
    assert not jsonschema.Draft7Validator(report_schema()).is_valid(payload)


def test_an_unknown_count_is_null_and_listed() -> None:
    payload = payload_of(everything())
    assert payload["totals"]["macs"] is None
    assert payload["totals"]["unknown"] == ["secret: macs"]
    secret = payload["layers"][4]
    assert secret["macs"] is None
    assert secret["declared"] is True
    assert secret["receptive_field"]["size"] == [None, None]
    assert secret["receptive_field"]["unknown"] == "not stated"


def test_json_keeps_fractions_shapes_and_places_exactly() -> None:
    again = payload_of(everything())["layers"][2]
    assert again["receptive_field"]["jump"] == ["2", "1/2"]
    assert again["receptive_field"]["center"] == ["1/2", "-1/3"]
    assert again["output"] == [1, 64, 16, 8]
    assert again["shares"] == "enc.conv"
    assert again["receptive_field"]["size"] == again["receptive_field"]["size_min"] == [7, 5]
    assert again["source"] == {"file": "net.convcalc.yaml", "line": 3, "column": 5}


def test_json_tells_the_largest_from_the_smallest_phase() -> None:
    up = payload_of(everything())["layers"][3]["receptive_field"]
    assert (up["size"], up["size_min"]) == ([204, 204], [188, 188])


def test_one_layer_alone_is_an_entry_of_layers() -> None:
    report = everything()
    assert [layer_payload(each) for each in report.layers] == report_payload(report)["layers"]


# --- columns -----------------------------------------------------------------------------------


def test_a_batch_is_part_of_a_shape_only_above_one() -> None:
    one = layer("a", "relu", Shape(1, 8, (4, 4)), None)
    eight = replace(one, output=Shape(8, 8, (4, 4)))
    found = rows(sample([one, replace(eight, path="b")]), None)
    assert [COLUMNS["output"].value(row) for row in found] == [(8, 4, 4), (8, 8, 4, 4)]
