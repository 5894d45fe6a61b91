"""Writes the payload of a report as JSON.

It is ASCII with one layer per line, so that it survives every pipe and diffs well. The keys are in
:mod:`convcalc.analysis.report.to_json`, their schema is in :mod:`convcalc.output.schemas.report`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from convcalc.diagnostics.visible import exact_json as _dump

if TYPE_CHECKING:
    from convcalc.output.table import Style, Table


def text(_table: Table | None, payload: Any, _style: Style) -> str:
    """Return the payload with one key per line, and one line per object of a list."""
    if not isinstance(payload, Mapping):
        return _value_text(payload, "")
    lines = (f" {_dump(key)}: {_value_text(value, ' ')}" for key, value in payload.items())
    return "{\n" + ",\n".join(lines) + "\n}"


def _value_text(value: Any, margin: str) -> str:
    if not isinstance(value, list) or not any(isinstance(item, Mapping) for item in value):
        return _dump(value)
    lines = ",\n".join(f"{margin} {_dump(item)}" for item in value)
    return f"[\n{lines}\n{margin}]"
