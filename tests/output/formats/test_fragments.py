"""What is written piece by piece is what would be written at once."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest
from shipped import report

from convcalc.analysis.report.rows import rows
from convcalc.analysis.report.to_json import report_payload, streamed_payload
from convcalc.output.columns import COLUMNS
from convcalc.output.formats import FORMATS
from convcalc.output.table import Style, fragments, render
from convcalc.output.views.network import report_table

NAMES = ("resnet18", "unet", "mobilenet_v2")


def as_text(payload: Any) -> str:
    """The JSON of a payload by its description: a line per key, and per object of a list."""

    def value(found: Any, margin: str) -> str:
        if isinstance(found, list) and any(isinstance(each, Mapping) for each in found):
            lines = ",\n".join(f"{margin} {json.dumps(each)}" for each in found)
            return f"[\n{lines}\n{margin}]"
        return json.dumps(found)

    if not isinstance(payload, dict):
        return value(payload, "")
    lines = [f" {json.dumps(key)}: {value(each, ' ')}" for key, each in payload.items()]
    return "{\n" + ",\n".join(lines) + "\n}"


@pytest.mark.parametrize("name", NAMES)
def test_streamed_json_has_the_bytes_of_json_dumps(name: str) -> None:
    found = report(name)
    assert render("json", None, streamed_payload(found), Style()) == as_text(report_payload(found))


def test_streamed_json_of_many_reports_is_one_line_each() -> None:
    found = [report(name) for name in NAMES]
    whole = as_text([report_payload(each) for each in found])
    assert render("json", None, [streamed_payload(each) for each in found], Style()) == whole
    assert whole.count("\n") == len(NAMES) + 1


@pytest.mark.parametrize("layers", [[], [{}], [{"a": []}, {"b": [{}]}]])
def test_streamed_lists_of_few_objects(layers: list[Any]) -> None:
    for payload, streamed in (
        ({"layers": layers, "x": 1}, {"layers": iter(layers), "x": 1}),
        ([{"layers": layers}], [{"layers": iter(layers)}]),
        (layers, iter(layers)),
    ):
        assert render("json", None, streamed, Style()) == as_text(payload)


def test_layers_are_made_when_they_are_written() -> None:
    made = []

    def layers() -> Any:
        for number in range(3):
            made.append(number)
            yield {"number": number}

    pieces = fragments("json", None, {"layers": layers()}, Style())
    assert made == []
    for piece in pieces:
        if "0" in piece:
            break
    assert made == [0]


@pytest.mark.parametrize("form", [each for each in FORMATS if each != "json"])
def test_a_table_comes_line_by_line(form: str) -> None:
    found = report("resnet18")
    table = report_table(found, list(COLUMNS.values()), rows(found, None))
    style = Style(width=120, color=True)
    pieces = list(fragments(form, table, None, style))
    assert "".join(pieces) == render(form, table, None, style)
    assert "\n" not in pieces[0]
    assert all(piece.count("\n") == 1 and piece.startswith("\n") for piece in pieces[1:])
    assert len(pieces) > len(table.rows)
