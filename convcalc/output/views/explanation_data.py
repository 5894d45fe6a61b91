"""Explanations as a table, one number per row, and as JSON."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from operator import attrgetter
from typing import Any, NamedTuple

from convcalc.analysis.explanation import LayerExplanation
from convcalc.analysis.explanation.worked import Worked
from convcalc.analysis.report.to_json import plain
from convcalc.diagnostics.diagnostic import Place
from convcalc.language.expand.origins import Origin
from convcalc.output.columns import Column
from convcalc.output.table import Table
from convcalc.output.views.explanation import place_text, result_text, title, value_text


class _Row(NamedTuple):
    part: str
    name: str
    formula: str
    numbers: str
    result: str
    source: str


def layer_table(explanation: LayerExplanation, folder: str) -> Table:
    """Return a table with one row per number."""
    found = [*_field_rows(explanation.fields, folder, "")]
    for section in explanation.sections:
        found += _worked_rows(section.title, section.lines, "")
    keys = ("part", "name", "formula", "numbers", "result", "source")
    columns = tuple(
        Column(key, key, attrgetter(key), align="right" if key == "result" else "left")
        for key in keys
    )
    return Table(title(explanation), columns, found)


def _field_rows(origins: Iterable[Origin], folder: str, above: str) -> Iterator[_Row]:
    for origin in origins:
        source = ", ".join(
            filter(None, (origin.how, place_text(origin.place, folder) if origin.place else ""))
        )
        name = f"{above}{origin.name}"
        yield _Row("fields", name, origin.text, "", value_text(origin), source)
        yield from _field_rows(origin.parts, folder, f"{name} / ")


def _worked_rows(part: str, lines: Iterable[Worked], above: str) -> Iterator[_Row]:
    for line in lines:
        name, result = f"{above}{line.label}", result_text(line.result)
        source = line.kind or (line.meaning if not line.words else "")
        yield _Row(part, name, line.words, line.numbers if line.words else "", result, source)
        yield from _worked_rows(part, line.where, f"{name} / ")


# --- JSON --------------------------------------------------------------------------------------


def layer_payload(explanation: LayerExplanation) -> dict[str, Any]:
    """Return the explanation of one layer as JSON."""
    return {
        "path": explanation.path,
        "operator": explanation.operator,
        "blocks": [{"path": group.path, "block": group.kind} for group in explanation.groups],
        "source": _place_payload(explanation.place),
        "inputs": [{"from": name, "shape": plain(shape)} for name, shape in explanation.sources],
        "output": plain(explanation.output),
        "fields": [_origin_payload(origin) for origin in explanation.fields],
        "sections": {
            section.title: [worked_payload(line) for line in section.lines]
            for section in explanation.sections
        },
    }


def _place_payload(place: Place | None) -> dict[str, Any] | None:
    if place is None:
        return None
    if place.element:
        return {"file": place.file, "element": place.element}
    return {"file": place.file, "line": place.line, "column": place.column}


def _origin_payload(origin: Origin) -> dict[str, Any]:
    return {
        "name": origin.name,
        "value": plain(origin.value),
        "text": origin.text,
        "from": origin.how,
        "source": _place_payload(origin.place),
        "parts": [_origin_payload(part) for part in origin.parts],
    }


def worked_payload(line: Worked) -> dict[str, Any]:
    """Return one number with its formula as JSON."""
    return {
        "name": line.label,
        "formula": line.words or None,
        "numbers": line.numbers or None,
        "result": plain(line.result),
        "meaning": line.meaning,
        "function": line.function or None,
        "kind": line.kind or None,
        "where": [worked_payload(part) for part in line.where],
    }
