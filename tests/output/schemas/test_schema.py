"""The schema of the network file accepts what the reader accepts, and rejects usual mistakes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cases import OPERATORS, working_rows
from jsonschema import Draft7Validator
from places import TESTS

from convcalc.cli.commands.new import FOLDER, template_text, templates
from convcalc.language.assertions.vocabulary import METRICS, Metric
from convcalc.language.reading import read_network
from convcalc.language.sources.shipped import shipped_folder
from convcalc.language.sources.target import Target
from convcalc.language.syntax import nodes, reader
from convcalc.model.operators.registry import fields_of, operator_class
from convcalc.output.schemas.budgets import budgets_schema
from convcalc.output.schemas.layout import schema_text
from convcalc.output.schemas.network import network_schema
from convcalc.output.schemas.receptive_field import receptive_field_schema
from convcalc.output.schemas.report import report_schema
from convcalc.output.schemas.settings import settings_schema
from convcalc.output.schemas.sweep import sweep_schema
from convcalc.output.schemas.verify import verify_schema

SCHEMA = network_schema()
VALIDATOR = Draft7Validator(SCHEMA)
SHIPPED = sorted(shipped_folder().rglob("*.convcalc.yaml"))
EXAMPLES = sorted((TESTS / "examples").glob("*.convcalc.yaml"))


def plain(node: nodes.Node | None) -> Any:
    """A node as JSON has it; that is how editors see a file."""
    if isinstance(node, nodes.Sequence):
        return [plain(item) for item in node.items]
    if isinstance(node, nodes.Mapping):
        return {key.text: plain(value) for key, value in node.entries}
    return node.value if node else None


def complaints(text: str) -> list[str]:
    root, problems = reader.read(text, "test")
    assert not problems
    return [error.message for error in VALIDATOR.iter_errors(plain(root))]


def network(layers: str) -> str:
    return f"convcalc: 1\ninput: [3, 32, 32]\nlayers:\n{layers}"


# --- what is right -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "schema",
    [SCHEMA, report_schema(), receptive_field_schema(), verify_schema()],
    ids=["network", "report", "receptive_field", "verify"],
)
def test_the_schemas_are_draft_7(schema: dict[str, Any]) -> None:
    Draft7Validator.check_schema(schema)
    assert schema["$schema"] == "http://json-schema.org/draft-07/schema#"


@pytest.mark.exhaustive
@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.name)
def test_a_file_that_ships_is_valid(path: Path) -> None:
    assert complaints(path.read_text("utf-8")) == []


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name)
def test_an_example_is_valid(path: Path) -> None:
    assert complaints(path.read_text("utf-8")) == []


@pytest.mark.parametrize("name", templates())
def test_a_template_is_valid_and_every_key_of_it_is_known(name: str) -> None:
    assert (FOLDER / f"{name}.convcalc.yaml").is_file()
    assert complaints(template_text(name, "mine")) == []


@pytest.mark.parametrize("operator", OPERATORS)
def test_the_fields_of_a_working_layer_are_valid(operator: str) -> None:
    for row in working_rows(operator):
        file = {"convcalc": 1, "input": [3], "layers": [{operator: row.fields}]}
        assert [error.message for error in VALIDATOR.iter_errors(file)] == [], row.name


@pytest.mark.parametrize(
    "layers",
    [
        "  - relu",
        "  - relu:",
        "  - concat: [input, prev]",
        "  - {conv: {out: c*2, k: [1, 7], p: [[0, 1], [2, 3]]}, repeat: n - 1}",
        "  - {conv: {out: '2 if i == 0 else 1', k: k, p: same, bias: norm}, if: not last}",
        "  - {b.ConvBn: {out: 64}, for: {c: [1, x, 2.5], n: depths}, id: stem}",
        "  - Stage",
        "  - Stage:",
        "  - {branches: [[], relu, [relu, {conv: {out: 8, k: 1}}]], split: [8, n], join: max}",
        "  - {residual: [relu], shortcut: [], join: mul}",
        "  - {adaptive_avg_pool: {output_size: [null, 8]}}",
        "  - {upsample: {scale: 1.5, mode: m}}",
        "  - {opaque: {output: [256, null], params: 1.2M, receptive_field: unknown}}",
        "  - {relu: {}, in: 3, shape: [3, null, 32], trainable: false, note: why, from: [a, b]}",
    ],
)
def test_everything_that_the_language_allows_is_valid(layers: str) -> None:
    assert complaints(network(layers)) == []


# --- what is wrong -----------------------------------------------------------------------------

MISTAKES = {
    "a mistyped operator": network("  - covn: {out: 8, k: 3}"),
    "a mistyped bare operator": network("  - rleu"),
    "an operator of PyTorch": network("  - Conv2d: {out: 8, k: 3}\nblock: {}"),
    "a mistyped field": network("  - conv: {out: 8, kernel: 3}"),
    "a required field that is missing": network("  - conv: {out: 8}"),
    "a bare operator that needs fields": network("  - conv"),
    "a field under both of its names": network("  - conv: {out: 8, k: 3, kernel_size: 3}"),
    "an optional field under both names": network("  - conv: {out: 8, k: 3, s: 2, stride: 2}"),
    "a kernel of 0": network("  - conv: {out: 8, k: 0}"),
    "a negative padding": network("  - conv: {out: 8, k: 3, p: -1}"),
    "half a channel": network("  - conv: {out: 8.5, k: 3}"),
    "a kernel as 3x3": network("  - conv: {out: 8, k: 3x3}"),
    "four axes": network("  - conv: {out: 8, k: [3, 3, 3, 3]}"),
    "three paddings of one axis": network("  - conv: {out: 8, k: 3, p: [[1, 1, 1], [1, 1]]}"),
    "an expression in braces": network('  - conv: {out: "${w}", k: 3}'),
    "a number for a flag": network("  - conv: {out: 8, k: 3, bias: 1}"),
    "a word of YAML 1.1 in quotes": network('  - conv: {out: 8, k: 3, bias: "yes"}'),
    "two layers in one item": network("  - conv: {out: 8, k: 3}\n    relu: {}"),
    "an operator and a block in one item": network("  - {relu: {}, Stage: {}}"),
    "an item without a type": network("  - {id: stem, repeat: 2}"),
    "a list as a layer": network("  - [relu, relu]"),
    "a mistyped sibling": network("  - {relu: {}, repaet: 2}"),
    "a shortcut beside seq": network("  - {seq: [relu], shortcut: [relu]}"),
    "an unknown join": network("  - {branches: [[relu]], join: sum}"),
    "a negative repeat": network("  - {relu: {}, repeat: -1}"),
    "fields of an operator that has none": network("  - relu: {alpha: 1}"),
    "a mistyped top key": network("  - relu\nlayer: []"),
    "no version": "input: [3]\nlayers: [relu]\n",
    "another version": "convcalc: 2\ninput: [3]\nlayers: [relu]\n",
    "no input": "convcalc: 1\nlayers: [relu]\n",
    "an input of five sizes": "convcalc: 1\ninput: [3, 8, 8, 8, 8]\nlayers: [relu]\n",
    "an input of size 0": "convcalc: 1\ninput: [3, 0, 8]\nlayers: [relu]\n",
    "a block in snake_case": network("  - relu\nblocks: {my_block: {layers: [relu]}}"),
    "a block without layers": network("  - relu\nblocks: {B: {params: {c: int}}}"),
    "a mistyped key of a block": network("  - relu\nblocks: {B: {layers: [relu], parms: {}}}"),
    "a param of a file without value": network("  - relu\nparams: {c: int}"),
    "a mistyped key of a param": network("  - relu\nparams: {c: {default: 1, mni: 0}}"),
    "a mistyped metric": network("  - relu\nname: n\nexpect: {n: {parms: 0}}"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_rejected(mistake: str) -> None:
    assert complaints(MISTAKES[mistake])


@pytest.mark.parametrize("mistake", MISTAKES)
def test_the_schema_is_no_stricter_than_the_reader(mistake: str) -> None:
    read = read_network(Target("test.convcalc.yaml", None, MISTAKES[mistake]))
    assert [problem for problem in read.problems if problem.severity == "error"]


def test_one_mistyped_operator_is_one_complaint_about_its_name() -> None:
    (error,) = VALIDATOR.iter_errors(plain(reader.read(MISTAKES["a mistyped operator"], "")[0]))
    (cause,) = [each for each in _below(error) if list(each.absolute_path) == ["layers", 0]]
    assert "'covn'" in cause.message


def _below(error: Any) -> Iterator[Any]:
    for cause in error.context or []:
        yield cause
        yield from _below(cause)


# --- what editors show -------------------------------------------------------------------------


LAYERS = SCHEMA["definitions"]["layer"]["properties"]


def resolved(schema: dict[str, Any]) -> dict[str, Any]:
    name = schema.get("$ref", "").removeprefix("#/definitions/")
    found: dict[str, Any] = SCHEMA["definitions"][name] if name else schema
    return found


@pytest.mark.parametrize("name", OPERATORS)
def test_an_operator_and_its_fields_are_described(name: str) -> None:
    assert LAYERS[name]["description"]
    fields = {key: resolved(form) for key, form in LAYERS[name]["properties"].items()}
    declared = fields_of(operator_class(name))
    shorts = {field.short for field in declared.values()} - {""}
    assert fields.keys() == declared.keys() | shorts
    for key, field in declared.items():
        assert fields[key]["description"] == field.doc
        if field.short:
            assert fields[field.short]["description"] == f"{key}: {field.doc}"


def test_a_short_name_means_one_field_everywhere() -> None:
    """So that one definition may say for all operators that no field stands under both."""
    declared = [fields_of(operator_class(name)) for name in OPERATORS]
    both = {(key, f.short) for fields in declared for key, f in fields.items() if f.short}
    assert len({short for _, short in both}) == len({key for key, _ in both}) == len(both)
    assert not [fields for fields in declared for pair in both if fields.keys() >= set(pair)]


def test_no_mapping_with_known_keys_takes_others() -> None:
    def check(schema: Any, where: str) -> None:
        if isinstance(schema, dict):
            if any(schema.get("properties", {}).values()):  # else it forbids what it names
                assert schema["additionalProperties"] is False, where
            for key, value in schema.items():
                check(value, f"{where}/{key}")
        elif isinstance(schema, list):
            for index, value in enumerate(schema):
                check(value, f"{where}/{index}")

    check(SCHEMA, "")


# --- how it is written -------------------------------------------------------------------------


def parts(schema: Any) -> Iterator[dict[str, Any]]:
    """All mappings within a schema."""
    if isinstance(schema, dict):
        yield schema
    for value in schema.values() if isinstance(schema, dict) else schema:
        if isinstance(value, dict | list):
            yield from parts(value)


SCHEMAS = {
    "network": SCHEMA,
    "report": report_schema(),
    "receptive_field": receptive_field_schema(),
    "verify": verify_schema(),
    "budgets": budgets_schema(),
    "settings": settings_schema(),
    "sweep": sweep_schema(),
}


@pytest.mark.parametrize("name", SCHEMAS)
def test_every_definition_is_used_and_every_used_one_is_there(name: str) -> None:
    used = {part["$ref"] for part in parts(SCHEMAS[name]) if isinstance(part.get("$ref"), str)}
    definitions = SCHEMAS[name].get("definitions", {})
    assert used == {f"#/definitions/{definition}" for definition in definitions}


@pytest.mark.parametrize("name", SCHEMAS)
def test_nothing_stands_beside_a_ref(name: str) -> None:
    """Draft 7 ignores it."""
    beside = [part for part in parts(SCHEMAS[name]) if "$ref" in part and len(part) > 1]
    assert not beside


@pytest.mark.parametrize("name", SCHEMAS)
def test_the_text_says_what_the_schema_says(name: str) -> None:
    assert json.loads(schema_text(SCHEMAS[name])) == SCHEMAS[name]


@pytest.mark.parametrize("name", OPERATORS)
def test_an_operator_adds_a_line_per_name_of_a_field_and_few_more(name: str) -> None:
    words = {f'"{w}"' for f in fields_of(operator_class(name)).values() for w in f.choices}
    lines = schema_text(LAYERS[name]).split("\n")
    others = [line for line in lines if line.strip().rstrip(",") not in words]
    assert len(others) <= 19 + len(LAYERS[name]["properties"])


def _like(name: str) -> str:
    """The first metric with the same bounds and the same keys beside them."""

    def taken(metric: Metric) -> tuple[Any, ...]:
        return metric.kind in ("shape", "seconds") and metric.kind, metric.keys, metric.bounds

    return next(each for each, metric in METRICS.items() if taken(metric) == taken(METRICS[name]))


def test_a_metric_adds_one_line() -> None:
    budgets = SCHEMA["properties"]["budgets"]["properties"]
    for name in METRICS.keys() - {"shapes"}:
        limits = f"#/definitions/limits_of_{_like(name)}"
        assert budgets[name] == {"anyOf": [{"$ref": limits}], "description": METRICS[name].doc}
