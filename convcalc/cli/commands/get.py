"""``convcalc get``: one value of a report, raw, for shell scripts."""

import re
from collections.abc import Collection
from typing import TYPE_CHECKING, Annotated, Any

import typer

from convcalc.cli import options
from convcalc.cli.console import Failure, say
from convcalc.diagnostics.visible import exact_json, visible

if TYPE_CHECKING:
    from convcalc.analysis.report.report import Report


FORMATS = ("raw", "json")
LISTED = 3  # layers in a message


def command(
    ctx: typer.Context,
    path: Annotated[
        str,
        typer.Argument(
            metavar="PATH",
            help="totals.params or just params, receptive_field.size[0], layers[3].macs, "
            "per_output.mask.shape, or the path of a layer or block and a key: layer[0].output.",
        ),
    ],
    target: Annotated[
        str, typer.Argument(metavar="TARGET", help="Network file, FILE::VARIANT, name, or -.")
    ],
    variant: options.Variant = "",
    input: options.Inputs = [],  # noqa: A002, B006
    batch: options.Batch = 1,
    set: options.Params = [],  # noqa: A002, B006
    set_from: options.ParamsFrom = [],  # noqa: B006
    count: options.Counted = "",
    dtype: options.DType = "",
    convention: options.Convention = "",
    fuse_batch_norm: options.Fused = False,
    memory: options.Memory = "",
    device: options.Device = "",
    runtime: options.Runtime = "",
) -> int:
    """Print one number of a network.

    Exact and without decoration. The paths are those of the JSON report. A value that is
    not known is an error (exit 1).
    """
    from convcalc.analysis.report.lookup import full_path, value_at
    from convcalc.cli.loading import Reading, params_of
    from convcalc.cli.problems import print_problems

    settings = ctx.obj
    variants = [variant] if variant else []
    if convention and "convention" not in path.split("."):
        advice = "another tool's numbers are under convention: totals.convention.macs"
        raise Failure(f"{path} is convcalc's own number, whatever the convention", advice)
    if "bounds" in path.split(".") and not device:
        raise Failure(f"{path} needs a device", "add for instance --device a100")
    support = bool(
        re.search(r"coverage|holes|receptive_fields?$|^per_output$", path)
    )  # which takes longer
    reading = Reading(variants, input, batch, params_of(set, set_from), count, dtype, support)
    reading = reading._replace(
        convention=convention,
        fuse_batch_norm=fuse_batch_norm,
        memory=memory,
        device=device,
        runtime=runtime,
    )
    found = reading.networks([target])
    if len(found) > 1:
        raise Failure("get takes one input", "name each --input once")
    network = found[0]
    path = full_path(network.layers, path)
    report = reading._replace(parts=_parts_read(path)).report(network)
    if code := print_problems([network], settings, warnings=False):
        return code
    form = settings.format(FORMATS)
    value = value_at(report, path)
    if value is None or (isinstance(value, list) and value and not any(map(_is_known, value))):
        say(f"error: {path} of {report.network} is unknown{_reason(report, path)}")
        return 1
    settings.write(raw(value) if form == "raw" else as_json(value))
    return 0


def _parts_read(path: str) -> Collection[str]:
    """The parts of a report that a path leads to: one of the sums needs at most its own."""
    from convcalc.analysis.analyse import MEMORY, PARTS, TRAINING
    from convcalc.model.quantities.counts import COUNTS

    first, _, rest = path.partition(".")
    if first != "totals":
        return PARTS
    sums = {count.json for count in COUNTS.values()} - {COUNTS[TRAINING].json}
    return () if rest in sums else (TRAINING, MEMORY)


def raw(value: Any) -> str:
    """The raw text of a value: numbers and texts as they are, lists and mappings as JSON.

    A character of a text that is not seen is spelt out.
    """
    if isinstance(value, str):
        return visible(value, 0)
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return as_json(value)


def as_json(value: Any) -> str:
    """A value as JSON."""
    return exact_json(value)


def _is_known(value: Any) -> bool:
    return value is not None


def _reason(report: "Report", path: str) -> str:
    """Why it is unknown: the layers whose part of a sum is, and what the others add up to."""
    from convcalc.analysis.report.lookup import lower_bound_at, unknown_parts

    if report.roofline and "bounds" in path.split("."):
        why = "; ".join(
            f"{report.roofline.device} states no {each}" for each in report.roofline.missing
        )
        return f" ({why})" if why else ""
    listed = unknown_parts(report, path) or report.totals.unknown
    more = f" and {len(listed) - LISTED} more" if len(listed) > LISTED else ""
    because = f" ({'; '.join(listed[:LISTED])}{more})" if listed else ""
    bound, where = lower_bound_at(report, path)
    return f"{because}; it is at least {bound:,}: get {where}" if bound else because
