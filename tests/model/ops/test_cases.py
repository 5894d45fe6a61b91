"""Every row of every operator's table, through the whole pipeline from YAML text to report."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest
import yaml
from places import TESTS

from convcalc.analysis.analyse import analyse
from convcalc.analysis.report.report import LayerReport
from convcalc.diagnostics.codes import RULES
from convcalc.diagnostics.diagnostic import Diagnostic
from convcalc.language.reading import read_network
from convcalc.language.sources.target import Target
from convcalc.model.operators.registry import fields_of, operator_class, operator_names
from convcalc.model.quantities.unknown import known

LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # libyaml where it exists: faster
TABLES = TESTS / "cases"

GIVEN = {"reason", "source", "input", "inputs", "batch", "fields"}
COUNTS = ("params", "trainable", "buffers", "macs", "elementwise", "sampling")
EXPECTED = {"output", *COUNTS, "terms", "weights", "receptive_field", "jump", "facts", "ports"}
PROBLEM = {"problem", "field"}


def table(operator: str) -> list[dict[str, Any]]:
    """The rows of one operator; a missing file has none."""
    path = TABLES / f"{operator}.yaml"
    return (yaml.load(path.read_text("utf-8"), LOADER) or []) if path.is_file() else []


def rows() -> list[Any]:
    """Every row with its operator, named by what it is there for."""
    return [
        pytest.param(operator, row, id=f"{operator}-{index}-{row.get('reason', '')}")
        for operator in operator_names()
        for index, row in enumerate(table(operator))
    ]


def network_text(operator: str, row: Mapping[str, Any]) -> str:
    """A network file of one layer, every field on a line of its own."""
    several = row.get("inputs")
    inputs = dict(zip("abcdefgh", several, strict=False)) if several else {}
    lines = ["convcalc: 1", "name: case"]
    lines += (
        [f"inputs: {json.dumps(inputs)}"] if several else [f"input: {json.dumps(row['input'])}"]
    )
    fields = row.get("fields", {})
    lines += ["layers:", f"  - {operator}:" + ("" if fields else " {}")]
    lines += [f"      {name}: {json.dumps(value)}" for name, value in fields.items()]
    lines += ["    id: case"]
    lines += [f"    from: [{', '.join(inputs)}]"] if several else []
    return "\n".join([*lines, ""])


def line_of(text: str, operator: str, row: Mapping[str, Any], field: str) -> int:
    """The line of a field, under whichever of its names it stands there; else the layer's."""
    names = {field, fields_of(operator_class(operator))[field].short} if field else set()
    written = [name for name in row.get("fields", {}) if name in names]
    start = f"{written[0]}:" if written else f"- {operator}:"
    found = [n for n, line in enumerate(text.split("\n"), 1) if line.lstrip().startswith(start)]
    assert len(found) == 1, text
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


@pytest.mark.parametrize(("operator", "row"), rows())
def test_a_layer_gives_the_numbers_of_its_row(operator: str, row: dict[str, Any]) -> None:
    text = network_text(operator, row)
    network = read_network(Target("case.yaml", None, text), batch=row.get("batch", 1))
    if "problem" in row:
        assert_problem(network.problems, operator, row, text)
        return
    errors = [problem for problem in network.problems if problem.severity == "error"]
    assert errors == []
    layer, *ports = analyse(network).layers
    expected = {key: value for key, value in row.items() if key in EXPECTED}
    shapes = {port.path.removeprefix("case."): plain(port.output.dims[1:]) for port in ports}
    measured = {**results(layer), "ports": shapes}
    assert {key: measured[key] for key in expected} == expected


def assert_problem(
    problems: tuple[Diagnostic, ...], operator: str, row: Mapping[str, Any], text: str
) -> None:
    """The row's problem was met, at its field, and no other error."""
    name = row["problem"]
    found = [problem for problem in problems if problem.name == name]
    assert found, [(problem.name, problem.message) for problem in problems]
    assert [p.message for p in problems if p.severity == "error" and p.name != name] == []
    if "field" in row:
        line = line_of(text, operator, row, row["field"])
        assert line in {problem.place.line for problem in found}


@pytest.mark.parametrize("operator", operator_names())
def test_every_operator_has_a_table_of_three_rows_with_reason_and_source(operator: str) -> None:
    found = table(operator)
    assert len(found) >= 3
    for row in found:
        assert isinstance(row.get("reason"), str) and row["reason"], row
        assert isinstance(row.get("source"), str) and row["source"], row


def test_every_table_belongs_to_an_operator() -> None:
    assert sorted(path.stem for path in TABLES.iterdir()) == operator_names()


@pytest.mark.parametrize("operator", operator_names())
def test_a_row_holds_only_known_keys_and_expects_something(operator: str) -> None:
    for row in table(operator):
        allowed = GIVEN | (PROBLEM if "problem" in row else EXPECTED)
        assert set(row) <= allowed, row
        assert ("input" in row) != ("inputs" in row), row
        assert set(row) - GIVEN, row
        assert row.get("problem", "syntax") in RULES.values(), row
        assert row.get("field", "") in {"", *fields_of(operator_class(operator))}, row


@pytest.mark.parametrize("operator", operator_names())
def test_no_row_is_there_twice(operator: str) -> None:
    given = [
        json.dumps({k: v for k, v in row.items() if k in ("input", "inputs", "batch", "fields")})
        for row in table(operator)
    ]
    assert len(set(given)) == len(given)
