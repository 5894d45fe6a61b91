"""``convcalc get``: one value of a report, raw, for shell scripts."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any

import typer

from convcalc.cli import options
from convcalc.cli.console import Failure, say

if TYPE_CHECKING:
    from convcalc.analysis.report.report import Report
    from convcalc.analysis.report.rows import Row

_STEP = re.compile(r"([^.\[\]]+)|\[(\d+)\]")


def command(
    ctx: typer.Context,
    path: Annotated[
        str,
        typer.Argument(
            metavar="PATH",
            help="totals.params, receptive_field.size[0], layers[3].macs, or the path of a "
            "layer or block and a key of it: layer[0].output.",
        ),
    ],
    target: Annotated[
        str, typer.Argument(metavar="TARGET", help="Network file, FILE::VARIANT, name, or -.")
    ],
    variant: options.Variant = "",
    input: options.Inputs = [],  # noqa: A002, B006
    batch: options.Batch = 1,
    set: options.Params = [],  # noqa: A002, B006
    count: options.Counted = "",
    dtype: options.DType = "",
    convention: options.Convention = "",
    fuse_batch_norm: options.Fused = False,
) -> int:
    """Print one number of a network.

    Exact and without decoration. The paths are those of the JSON report. A value that is
    not known is an error (exit 1).
    """
    from convcalc.cli.loading import Reading
    from convcalc.cli.problems import tell

    settings = ctx.obj
    variants = [variant] if variant else []
    if convention and "convention" not in path.split("."):
        advice = "another tool's numbers are under convention: totals.convention.macs"
        raise Failure(f"{path} is convcalc's own number, whatever the convention", advice)
    support = bool(re.search(r"coverage|holes|receptive_fields?$", path))  # which takes longer
    reading = Reading(variants, input, batch, set, count, dtype, support)
    reading = reading._replace(convention=convention, fuse_batch_norm=fuse_batch_norm)
    found = reading.reports([target])
    if len(found) > 1:
        raise Failure("get takes one input", "name each --input once")
    network, report = found[0]
    if code := tell([network], settings, warnings=False):
        return code
    form = settings.format(("raw", "json"))
    value = value_at(report, path)
    if value is None or (isinstance(value, list) and value and not any(map(_is_known, value))):
        say(f"error: {path} of {report.network} is unknown{_reason(report)}")
        return 1
    settings.write(raw(value) if form == "raw" else as_json(value))
    return 0


def raw(value: Any) -> str:
    """A number or a text as it is; lists and mappings as JSON."""
    if isinstance(value, str):
        return value
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return as_json(value)


def as_json(value: Any) -> str:
    """For programs that read JSON."""
    import json

    return json.dumps(value)


def _is_known(value: Any) -> bool:
    return value is not None


def _reason(report: "Report") -> str:
    listed = "; ".join(report.totals.unknown[:3])
    return f" ({listed})" if listed else ""


# --- paths -------------------------------------------------------------------------------------


def value_at(report: "Report", path: str) -> Any:
    """The value that a path leads to, in JSON's types; None if it is not known."""
    from convcalc.analysis.report.to_json import layer_payload, report_payload

    head = re.split(r"[.\[]", path, maxsplit=1)[0]
    if indexed := re.match(r"layers\[(\d+)\]\.?", path):
        number = int(indexed[1])
        if number >= len(report.layers):
            raise Failure(
                f"there is no layers[{number}]", f"layers[0] to layers[{len(report.layers) - 1}]"
            )
        return _walked(layer_payload(report.layers[number]), path, indexed.end())
    if owner := _owner(report, path):
        return _walked(_parts(report, owner), path, len(owner) + 1)
    # Without its layers a report is quickly written.
    whole = report if head == "layers" else replace(report, layers=())
    payload = report_payload(whole)
    if head not in payload:
        raise _no_such(path, [*payload, *_paths(report)])
    payload["variant"] = payload["variant"] or ""
    return _walked(payload, path, 0)


def _walked(value: Any, path: str, start: int) -> Any:
    """From ``value`` along the rest of the path."""
    at = start
    for step in _STEP.finditer(path, start):
        key, index = step.groups()
        before, at = path[:at].rstrip("."), step.end()
        if value is None:
            return None
        if index is None and isinstance(value, Mapping):
            if key not in value:
                raise _no_such(key, list(value), f" in {before}" if before else "")
            value = value[key]
        elif index is not None and isinstance(value, list):
            if int(index) >= len(value):
                raise Failure(f"there is no {path[:at]}", f"{before} has {len(value)} entries")
            value = value[int(index)]
        else:
            raise Failure(f"{before} has no parts", f"get {before}")
    if at < len(path):
        raise Failure(
            f"'{path}' cannot be read after '{path[:at]}'", "write for instance totals.params"
        )
    return value


def _no_such(key: str, valid: Sequence[str], where: str = "") -> Failure:
    from convcalc.diagnostics.suggestion import nearest

    close = nearest(key, valid)
    listed = ", ".join(valid[:24]) + (", …" if len(valid) > 24 else "")
    return Failure(
        f"there is no '{key}'{where}", f"use '{close}'" if close else f"there are: {listed}"
    )


def _paths(report: "Report") -> list[str]:
    """Every layer and block by its path."""
    found: dict[str, None] = {}
    for layer in report.layers:
        found.update(dict.fromkeys(group.path for group in layer.groups))
        found[layer.path] = None
    return list(found)


def _owner(report: "Report", path: str) -> str:
    """The longest path of a layer or block with which ``path`` begins."""
    begins = [each for each in _paths(report) if path == each or path.startswith(f"{each}.")]
    return max(begins, key=len, default="")


def _parts(report: "Report", owner: str) -> dict[str, Any]:
    """What a layer has, or of that what a block has too."""
    from convcalc.analysis.report.to_json import counts_payload, layer_payload, plain

    for layer in report.layers:
        if layer.path == owner:
            return layer_payload(layer)
    row = _block_row(report, owner)
    return {
        "path": row.path,
        "block": row.operator,
        "layers": row.layers,
        "inputs": plain(row.inputs),
        "output": plain(row.output),
        **counts_payload(row),
    }


def _block_row(report: "Report", owner: str) -> "Row":
    from convcalc.analysis.report.rows import rows

    depth = next(
        depth
        for layer in report.layers
        for depth, group in enumerate(layer.groups, 1)
        if group.path == owner
    )
    return next(row for row in rows(report, depth) if row.path == owner)
