"""Look up a value of a report by path: ``totals.params``, ``layers[3].macs``, ``layer[0].output``.

A path is one within the JSON report, or the path of a layer or block followed by a key of it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from convcalc.analysis.report.report import LayerReport, Report
from convcalc.diagnostics.suggestion import advise, nearest
from convcalc.model.graph.network import Layer
from convcalc.model.graph.paths import Part, PathError, paths_of
from convcalc.model.quantities.counts import COUNTS
from convcalc.model.quantities.unknown import known

_STEP = re.compile(r"([^.\[\]]+)|\[(\d+)\]")
LISTED = 24  # keys in a message


def value_at(report: Report, path: str) -> Any:
    """The value at a path, in JSON types; None if it is unknown.

    Raises PathError if there is nothing at the path.
    """
    from convcalc.analysis.report.to_json import layer_payload, report_payload

    if indexed := re.match(r"layers\[(\d+)\]\.?", path):
        number = int(indexed[1])
        if number >= len(report.layers):
            advice = f"layers[0] to layers[{len(report.layers) - 1}]"
            raise PathError(f"there is no layers[{number}]", advice)
        return _walk(layer_payload(report.layers[number]), path, indexed.end())
    head = re.split(r"[.\[]", path, maxsplit=1)[0]
    if owner := _owner(report, path, head):
        return _value_of_part(report, *owner, path)
    # A report without its layers converts faster.
    whole = report if head == "layers" else report.replace(layers=())
    payload = report_payload(whole)
    if head not in payload:
        raise _unknown(report, path, payload)
    payload["variant"] = payload["variant"] or ""
    return _walk(payload, path, 0)


def full_path(layers: Iterable[Layer | LayerReport], path: str) -> str:
    """The path that is meant: the name of a total alone, ``macs``, is that of the network.

    Keys of the report come first, then layers and blocks of that name.
    """
    totals = {count.json for count in COUNTS.values()} | {"memory"}
    is_total = path.lower() in totals and not any(path in layer.path for layer in layers)
    return f"totals.{path.lower()}" if is_total else path


def _walk(value: Any, path: str, start: int) -> Any:
    """Follow ``path`` from character ``start``, beginning at ``value``."""
    at = start
    while step := _STEP.search(path, at):
        key, index = step.groups()
        before, at = path[:at].rstrip("."), step.end()
        if value is None:
            return None
        if index is None and isinstance(value, Mapping):
            key, at = _longest_key(value, path, step) or (key, at)
            if key not in value:
                raise _no_such(key, list(value), f" in {before}" if before else "")
            value = value[key]
        elif index is not None and isinstance(value, list):
            if int(index) >= len(value):
                raise PathError(f"there is no {path[:at]}", f"{before} has {len(value)} entries")
            value = value[int(index)]
        else:
            raise PathError(f"{before} has no parts", _without_parts(before))
    if at < len(path):
        raise PathError(
            f"'{path}' cannot be read after '{path[:at]}'", "write for instance totals.params"
        )
    return value


def _longest_key(
    value: Mapping[str, Any], path: str, step: re.Match[str]
) -> tuple[str, int] | None:
    """The longest key that the path goes on with, and its end; names of outputs have dots."""
    rest = path[step.start() :]
    fitting = [
        key for key in value if rest.startswith(key) and rest[len(key) :][:1] in ("", ".", "[")
    ]
    longest = max(fitting, key=len, default=None)
    return None if longest is None else (longest, step.start() + len(longest))


# --- layers and blocks ---------------------------------------------------------------------------


def _owner(report: Report, path: str, head: str) -> tuple[Part, int] | None:
    """The layer or block whose path is the longest prefix of ``path``, and the prefix length."""
    if not any(head in layer.path for layer in report.layers):
        return None
    return paths_of(report).longest_prefix(path)


def _value_of_part(report: Report, part: Part, end: int, path: str) -> Any:
    """Follow the rest of ``path``, after the ``end`` characters that name a layer or block."""
    values = _values(report, part)
    step = _STEP.match(path, end + 1)
    if step and step[1] and step[1] not in values:
        raise _unknown_in(report, path, end, step[1], list(values))
    return _walk(values, path, end + 1)


def _values(report: Report, part: Part) -> dict[str, Any]:
    """The values of a layer or block, by key."""
    from convcalc.analysis.report.rows import part_row
    from convcalc.analysis.report.to_json import (
        bounds_payload,
        counts_payload,
        layer_payload,
        plain,
    )

    layers = [report.layers[index] for index in part.layers]
    if part.is_layer:
        return layer_payload(layers[0])
    row = part_row(part.path, part.kind, layers)
    found = {
        "path": row.path,
        "block": row.operator,
        "layers": row.layers,
        "inputs": plain(row.inputs),
        "output": plain(row.output),
        **counts_payload(row),
        "at_least": bounds_payload(row.at_least),
    }
    if row.bounds:
        from convcalc.analysis.report.bounds_json import row_bounds

        found |= row_bounds(row)
    return found


# --- sums that something is missing from ---------------------------------------------------------


def lower_bound_at(report: Report, path: str) -> tuple[int, str]:
    """Return what the sum at a path is at least, and the path where that stands; 0 if there is
    none.
    """
    owner, key = _owner_and_key(path)
    where = f"{owner}.at_least.{key}"
    try:
        return value_at(report, where) or 0, where
    except PathError:
        return 0, ""


def unknown_parts(report: Report, path: str) -> list[str]:
    """The layers whose part of the sum at a path is unknown, each as ``layer: key``."""
    owner, key = _owner_and_key(path)
    kind, _, name = key.rpartition(".")
    by_json = {count.json: each for each, count in COUNTS.items()}
    name = name if kind else by_json.get(name, "")
    try:
        numbers = paths_of(report).part(owner).layers if owner != "totals" else None
    except PathError:
        return []
    layers = report.layers if numbers is None else [report.layers[each] for each in numbers]
    return [
        f"{layer.path}: {key}"
        for layer in layers
        if not known(getattr(layer, kind or "counts").get(name, 0))
    ]


def _owner_and_key(path: str) -> tuple[str, str]:
    """Return what has the sum, and its key, ``macs`` or ``convention.flops``."""
    owner, _, key = path.rpartition(".")
    head, _, kind = owner.rpartition(".")
    return (head, f"{kind}.{key}") if kind in ("convention", "fused") else (owner, key)


def _without_parts(path: str) -> str:
    """Return what to write instead of a part of a value that has none."""
    head, _, name = path.partition(".")
    more = f", or a key of per_output.{name}" if head == "outputs" else ""
    return f"get {path}{more}"


# --- errors --------------------------------------------------------------------------


def _no_such(key: str, valid: Sequence[str], where: str = "") -> PathError:
    listed = ", ".join(valid[:LISTED]) + (", …" if len(valid) > LISTED else "")
    return PathError(f"there is no '{key}'{where}", advise(key, valid, f"there are: {listed}"))


def _unknown(report: Report, path: str, keys: Iterable[str]) -> PathError:
    """The error for a path that begins with neither a key of the report nor a layer or block."""
    asked, paths, keys = _before_key(report, path, 0), paths_of(report), [*keys]
    close = nearest(asked, [*paths.index.names(), *keys])
    return _no_such(asked, keys) if close in keys else paths.no_such_path(asked, keys)


def _unknown_in(report: Report, path: str, end: int, key: str, keys: Sequence[str]) -> PathError:
    """The error for what follows a layer or block: neither a key of it nor a path within it."""
    asked, paths = _before_key(report, path, end), paths_of(report)
    is_path = asked != path or (not nearest(key, keys) and nearest(path, paths.index.names()))
    return paths.no_such_path(asked) if is_path else _no_such(key, keys, f" in {path[:end]}")


def _before_key(report: Report, path: str, end: int) -> str:
    """The part of ``path`` meant as a layer or block: all before the first key of a layer."""
    from convcalc.analysis.report.to_json import layer_payload

    keys = {"block", "layers", *(layer_payload(report.layers[0]) if report.layers else ())}
    steps = (step for step in _STEP.finditer(path, end) if step.start() > end and step[1] in keys)
    first = next(steps, None)
    return path[: first.start()].rstrip(".") if first else path
