"""Reports as JSON, and their schema."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import jsonschema
import pytest
from reports import NAMES, broken, everything, hostile, real, shown

from convcalc.analysis.report.report import Report
from convcalc.analysis.report.to_json import layer_payload, report_payload
from convcalc.output.schemas.report import report_schema


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
    free += ("totals.convention", "].convention", "at_least", "at_least.convention")
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
