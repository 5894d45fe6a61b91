"""Every row of every operator's table, through the whole pipeline from YAML text to report."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest
from cases import OPERATORS, TABLES, Row, rows, table

from convcalc.analysis.analyse import analyse
from convcalc.analysis.report.report import LayerReport
from convcalc.diagnostics.codes import BY_NAME
from convcalc.diagnostics.diagnostic import Diagnostic
from convcalc.language.reading import read_network
from convcalc.language.sources.target import Target
from convcalc.model.operators.registry import fields_of, operator_class
from convcalc.model.quantities.unknown import known

GIVEN = {"reason", "source", "input", "inputs", "batch", "fields"}
COUNTS = ("params", "trainable", "buffers", "macs", "elementwise", "sampling")
EXPECTED = {"output", *COUNTS, "terms", "weights", "receptive_field", "jump", "facts", "ports"}
PROBLEM = {"problem", "field"}


def line_of(row: Row, field: str) -> int:
    """The line of a field, under whichever of its names it stands there; else the layer's."""
    names = {field, fields_of(operator_class(row.operator))[field].short} if field else set()
    written = [name for name in row.fields if name in names]
    start = f"{written[0]}:" if written else f"- {row.operator}:"
    lines = enumerate(row.text.split("\n"), 1)
    found = [number for number, line in lines if line.lstrip().startswith(start)]
    assert len(found) == 1, row.text
    return found[0]


def plain(value: Any) -> Any:
    """A result as the tables write it: lists, None for what is unknown, fractions as text."""
    if isinstance(value, tuple):
        return [plain(item) for item in value]
    if isinstance(value, Mapping):
        return {key: plain(item) for key, item in value.items()}
    return value if known(value) else None


def results(layer: LayerReport) -> dict[str, Any]:
    """Everything a row may expect, in the form in which the tables write it."""
    field = layer.receptive_field
    return {
        "output": plain(layer.output.dims[1:]),
        **{key: plain(getattr(layer, key)) for key in COUNTS},
        "terms": {term.name: plain(term.amount) for term in layer.terms},
        "weights": plain(layer.weights),
        "receptive_field": field and plain(field.size),
        "jump": field and [str(jump) for jump in field.jump],
        "facts": plain(layer.facts or {}),
    }


@pytest.mark.parametrize("operator", OPERATORS)
def test_a_layer_gives_the_numbers_of_each_row(operator: str) -> None:
    found = {row.name: differences(row) for row in rows(operator)}
    assert {name: what for name, what in found.items() if what} == {}


def differences(row: Row) -> Any:
    """What a layer gives that is not as its row says; nothing if all is."""
    network = read_network(Target("case.yaml", None, row.text), batch=row.batch)
    if not row.works:
        return wrong_problems(network.problems, row)
    errors = [str(problem) for problem in network.problems if problem.severity == "error"]
    if errors:
        return errors
    layer, *ports = analyse(network).layers
    shapes = {port.path.removeprefix("case."): plain(port.output.dims[1:]) for port in ports}
    measured = {**results(layer), "ports": shapes}
    expected = {key: value for key, value in row.content.items() if key in EXPECTED}
    return {
        key: {"expected": value, "measured": measured[key]}
        for key, value in expected.items()
        if measured[key] != value
    }


def wrong_problems(problems: tuple[Diagnostic, ...], row: Row) -> list[str]:
    """What is missing or too much: the row's problem was met, at its field, and no other error."""
    name, field = row.content["problem"], row.content.get("field")
    found = [problem for problem in problems if problem.name == name]
    wrong = [str(p) for p in problems if p.severity == "error" and p.name != name]
    if not found:
        wrong.append(f"there is no {name}")
    elif field is not None and line_of(row, field) not in {p.place.line for p in found}:
        wrong.append(f"{name} is not at the line of {field!r}")
    return wrong


@pytest.mark.parametrize("operator", OPERATORS)
def test_every_operator_has_a_table_of_three_rows_with_reason_and_source(operator: str) -> None:
    found = table(operator)
    assert len(found) >= 3
    for row in found:
        assert isinstance(row.get("reason"), str) and row["reason"], row
        assert isinstance(row.get("source"), str) and row["source"], row


def test_every_table_belongs_to_an_operator() -> None:
    assert sorted(path.stem for path in TABLES.iterdir()) == OPERATORS


@pytest.mark.parametrize("operator", OPERATORS)
def test_a_row_holds_only_known_keys_and_expects_something(operator: str) -> None:
    for row in table(operator):
        allowed = GIVEN | (PROBLEM if "problem" in row else EXPECTED)
        assert set(row) <= allowed, row
        assert ("input" in row) != ("inputs" in row), row
        assert set(row) - GIVEN, row
        assert row.get("problem", "syntax") in BY_NAME, row
        assert row.get("field", "") in {"", *fields_of(operator_class(operator))}, row


@pytest.mark.parametrize("operator", OPERATORS)
def test_no_row_is_there_twice(operator: str) -> None:
    given = [
        json.dumps({k: v for k, v in row.items() if k in ("input", "inputs", "batch", "fields")})
        for row in table(operator)
    ]
    assert len(set(given)) == len(given)
