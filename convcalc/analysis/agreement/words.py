"""Differences in words, for a table and for a finding."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from convcalc.analysis.agreement.differing import CHANGED, MISSING, Change, Difference
from convcalc.analysis.agreement.unit import Unit
from convcalc.model.quantities.unknown import known

MOST_NAMED = 4  # layers that are named of those that only one side has


def place(units: Sequence[Unit]) -> str:
    """The path of a layer, or of the block that layers in a row are; a dash for none."""
    if not units:
        return "–"
    if len(units) == 1:
        return units[0].path
    shared = _shared(units)
    return shared or f"{units[0].path} … {units[-1].path}"


def _shared(units: Sequence[Unit]) -> str:
    """The innermost block around all of some layers, if they are more than one."""
    chains = [[group.path for group in unit.groups] for unit in units]
    found = ""
    for paths in zip(*chains, strict=False):
        if len(set(paths)) > 1:
            break
        found = paths[0]
    first, last = units[0].path, units[-1].path
    return f"{found}: {_below(first, found)} … {_below(last, found)}" if found else ""


def _below(path: str, block: str) -> str:
    return path.removeprefix(f"{block}.")


def sentence(found: Difference) -> str:
    """Return what differs, in words."""
    if found.kind == CHANGED:
        said = ", ".join(f"{change.key} {_side(change)}" for change in found.changes)
        return f"{said} ({found.why})" if found.why else said
    where = "missing in the model" if found.kind == MISSING else "only in the model"
    kinds = [unit.kind for unit in found.units]
    names = ", ".join(kinds[:MOST_NAMED]) + (", …" if len(kinds) > MOST_NAMED else "")
    many = f"{len(kinds)} layers: {names}" if len(kinds) > 1 else names
    if kinds == ["tensor"]:
        many = f"tensor {trait_text('sizes', found.units[0].traits['sizes'])}"
    return f"{where}: {many}{f' ({found.why})' if found.why else ''}"


def _side(change: Change) -> str:
    return f"{trait_text(change.key, change.old)} ↔ {trait_text(change.key, change.new)}"


_PLAIN: Mapping[str, str] = {
    "kernel_size": "1",
    "stride": "1",
    "dilation": "1",
    "padding": "0",
    "groups": "1",
    "depth_multiplier": "1",
    "padding_mode": "zeros",
    "ceil_mode": "false",
    "weight_norm": "none",
    "mask": "none",
    "count_include_pad": "true",
}


def trait_text(key: str, value: Any) -> str:
    """A value of a layer as a file writes it; of all axes where they agree."""
    if value is None:
        return _PLAIN.get(key, "none")
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, tuple):
        parts = [trait_text("", each) for each in value]
        if key in ("", "sizes"):
            return ("×" if key else "+").join(parts)
        return parts[0] if len(set(parts)) == 1 else "×".join(parts)
    return str(value) if known(value) else "?"
