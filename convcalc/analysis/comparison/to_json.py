"""A difference in JSON types: the public interface of ``diff -f json``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from convcalc.analysis.comparison.compare import (
    Change,
    Difference,
    LayerChange,
    OutputChange,
)
from convcalc.analysis.report.report import ReceptiveField, Report
from convcalc.analysis.report.to_json import layer_payloads, plain

SCHEMA = "convcalc/diff-v1"


def difference_payload(found: Difference) -> dict[str, Any]:
    """The difference in JSON types: a public interface, as the report's JSON is.

    The side of a missing network is null, and nothing is compared.
    """
    payload = streamed_payload(found)
    return {**payload, "layers": list(payload["layers"])}


def streamed_payload(found: Difference) -> dict[str, Any]:
    """The difference in JSON types but for its layers, an iterator that makes one after another."""
    comparison = found.comparison
    return {
        "schema": SCHEMA,
        "title": found.title,
        "old": _side(found.old) if found.old else None,
        "new": _side(found.new) if found.new else None,
        "same": found.is_same,
        "totals": {c.key: _change_payload(c) for c in comparison.totals} if comparison else {},
        "convention": {c.key: _change_payload(c) for c in comparison.of_tool} if comparison else {},
        "outputs": list(map(_output_payload, comparison.outputs)) if comparison else [],
        "layers": _layer_payloads(comparison.layers if comparison else ()),
    }


def _side(report: Report) -> dict[str, Any]:
    return {"network": report.network, "variant": report.variant, "source": report.source}


def _change_payload(change: Change) -> dict[str, Any]:
    old, new = (_plain(value) for value in (change.old, change.new))
    ratio = change.ratio
    return {
        "old": old,
        "new": new,
        "delta": None if change.delta is None else plain(change.delta),
        "ratio": None if ratio is None else float(ratio),
    }


def _plain(value: Any) -> Any:
    if not isinstance(value, ReceptiveField):
        return plain(value)
    return {
        "size": plain(value.size),
        "size_min": plain(value.size_min),
        "global": value.is_global,
        "unbounded": value.unbounded,
    }


def _output_payload(change: OutputChange) -> dict[str, Any]:
    values = {each.key: _change_payload(each) for each in change.changes}
    return {"name": change.new, "old_name": change.old, **values}


def _layer_payloads(changes: Sequence[LayerChange]) -> Iterator[dict[str, Any]]:
    layers = layer_payloads(change.layer for change in changes)
    for change, layer in zip(changes, layers, strict=True):
        yield {
            "change": change.kind,
            "path": change.layer.path,
            "old_path": change.old.path if change.old else None,
            "fields": _sides(change.fields),
            "parts": _sides(change.parts),
            "layer": layer,
        }


def _sides(differences: Mapping[str, tuple[Any, Any]]) -> dict[str, Any]:
    return {key: {"old": old, "new": new} for key, (old, new) in differences.items()}
