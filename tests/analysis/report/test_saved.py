"""Saved reports: what was written comes back, and nothing else is taken for a report."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest
import shipped
from hypothesis import given
from hypothesis import strategies as st
from shipped import BASES
from small import report_of

from convcalc.analysis.analyse import analyse
from convcalc.analysis.report.from_json import load_report
from convcalc.analysis.report.report import Report
from convcalc.analysis.report.to_json import report_payload
from convcalc.language.reading import read_network
from convcalc.language.sources.resolve import resolve
from convcalc.language.sources.target import TargetError
from convcalc.model.quantities.unknown import UNKNOWN


def written(report: Report) -> bytes:
    return json.dumps(report_payload(report)).encode()


@pytest.mark.exhaustive
@pytest.mark.shipped
@pytest.mark.parametrize("name", BASES)
def test_what_was_saved_comes_back(name: str) -> None:
    report = shipped.report(name)
    back = load_report(written(report), "old.json")
    assert report_payload(back) == report_payload(report)
    assert back.totals.memory == report.totals.memory
    assert back.receptive_field == report.receptive_field
    assert [layer.terms for layer in back.layers] == [layer.terms for layer in report.layers]


def test_an_unknown_comes_back_as_unknown() -> None:
    report = analyse(read_network(resolve("unet"), inputs=[3, None, None]))
    back = load_report(written(report), "old.json")
    assert back.totals.macs is UNKNOWN
    assert back.layers[0].output.spatial == (UNKNOWN, UNKNOWN)
    assert report_payload(back) == report_payload(report)


def test_problems_come_back() -> None:
    report = report_of([{"conv": {"out": 8, "k": 2, "p": "same"}}], [3, 8, 8])
    assert report.problems
    assert report_payload(load_report(written(report), "x"))["problems"] == [
        {**problem} for problem in report_payload(report)["problems"]
    ]


def test_one_of_several_reports_is_chosen_by_its_network() -> None:
    names = ("resnet18", "resnet34")
    payloads = [report_payload(shipped.report(name)) for name in names]
    content = json.dumps(payloads).encode()
    assert load_report(content, "old.json", "resnet34").network == "resnet34"
    with pytest.raises(TargetError, match=r"old.json holds 2 reports") as caught:
        load_report(content, "old.json")
    assert caught.value.help == "name one of them, old.json::resnet18"
    with pytest.raises(TargetError, match="holds no report of 'resnet35'"):
        load_report(content, "old.json", "resnet35")


def refusal(content: bytes) -> str:
    with pytest.raises(TargetError) as caught:
        load_report(content, "old.json")
    assert caught.value.help == "save one by: convcalc show … -f json -o old.json"
    return caught.value.message.removeprefix("old.json is not a report of convcalc: ")


def test_what_is_no_json_says_so() -> None:
    assert refusal(b"convcalc: 1").startswith("it is not JSON (")
    assert refusal(b"\xff").startswith("it is not JSON (")
    assert refusal(b"[" * 100_000).startswith("it is not JSON (")
    assert refusal(b"9" * 10_000).startswith("it is not JSON (")
    assert refusal(b"NaN") == "NaN is not a number"
    assert refusal(b"3") == "it is not an object"
    assert refusal(b"{}") == "schema is missing"
    assert refusal(b'{"schema": "convcalc/report-v2"}') == "schema is not convcalc/report-v1"


@cache
def payload() -> dict[str, Any]:
    """A small report with every kind of value."""
    layers = [{"conv": {"out": 8, "k": 2, "p": "same"}}, {"opaque": {"output": [4, 8, 8]}}]
    return report_payload(report_of(layers, [3, 8, 8]))


def places(value: Any, path: str = "", free: bool = False) -> Iterator[tuple[Any, Any, str]]:
    """Every value below a payload: its parent, its key and its path; free forms left out."""
    if free or not isinstance(value, dict | list):
        return
    for key, each in list(value.items() if isinstance(value, dict) else enumerate(value)):
        below = f"{path}[{key}]" if isinstance(key, int) else f"{path}.{key}".lstrip(".")
        yield value, key, below
        yield from places(each, below, key in ("fields", "facts"))


def test_a_wrong_value_is_refused_at_its_place() -> None:
    damaged = json.loads(json.dumps(payload()))
    refused = 0
    for parent, key, path in places(damaged):
        whole = parent[key]
        for other in (None, "x", -1, 1.5, True, [], {}, [{}], {"x": -1}, "1/0"):
            parent[key] = other
            try:
                load_report(json.dumps(damaged).encode(), "old.json")
            except TargetError as error:
                assert path in error.message
                refused += 1
        parent[key] = whole
    assert refused > 1000


@given(st.data())
def test_a_damaged_file_is_a_report_or_an_error(data: st.DataObject) -> None:
    content = bytearray(json.dumps(payload()).encode())
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(content) - 1))
        content[at : at + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=3))
    try:
        load_report(bytes(content), "old.json")
    except TargetError as error:
        assert error.message.startswith("old.json ")
