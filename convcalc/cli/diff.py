"""``convcalc diff``: what changed from one network to another, in totals and layer by layer."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from convcalc.cli import options
from convcalc.cli.settings import Failure

if TYPE_CHECKING:
    from convcalc.cli.settings import Settings
    from convcalc.cli.targets import Reading
    from convcalc.comparison import Comparison
    from convcalc.render.changes import View
    from convcalc.report import Report

FORMATS = ("table", "json", "markdown")


def command(
    ctx: typer.Context,
    old: Annotated[
        str,
        typer.Argument(
            metavar="OLD",
            show_default=False,
            help="Network file, FILE::VARIANT, name, REV:path in git, a saved JSON report, or -.",
        ),
    ],
    new: Annotated[str, typer.Argument(metavar="NEW", show_default=False, help="The same.")],
    depth: Annotated[
        str,
        typer.Option(
            "--depth",
            metavar="N",
            help="How far blocks are opened: 1, 2, 3, all, or auto, as far as the rows are few.",
        ),
    ] = "auto",
    exit_code: Annotated[
        bool, typer.Option("--exit-code", help="Exit with 1 if anything changed.")
    ] = False,
    fail_on: Annotated[
        list[str],
        typer.Option(
            "--fail-on",
            metavar="METRIC:CHANGE",
            help="Exit with 1 if a total changes by more: params:+2%, macs:+10M, "
            "memory:+1MiB, receptive_field:-0. Repeatable.",
        ),
    ] = [],  # noqa: B006 - typer copies it
    quiet_if_same: Annotated[
        bool, typer.Option("--quiet-if-same", help="Print nothing if nothing changed.")
    ] = False,
    input: options.Inputs = [],  # noqa: A002, B006
    batch: options.Batch = 1,
    set: options.Params = [],  # noqa: A002, B006
    count: options.Counted = "",
    dtype: options.DType = "",
    exact: Annotated[bool, typer.Option("--exact", help="Numbers to the unit.")] = False,
) -> int:
    """Show what changed from one network to another.

    Layers are matched by path. JSON holds every layer that changed. Markdown is made for a
    comment on a pull request, and is empty if nothing changed.
    """
    from convcalc.cli.settings import CLEAN, FINDINGS, say
    from convcalc.cli.show import depth_of
    from convcalc.cli.targets import Reading
    from convcalc.comparison import compared
    from convcalc.render.changes import View
    from convcalc.tolerance import WrongTolerance, excesses, tolerance

    settings = ctx.obj
    form = settings.format(FORMATS)
    view = View(f"{old} → {new}", 0 if depth == "auto" else depth_of(depth), exact)
    try:
        limits = [tolerance(each) for each in fail_on]
    except WrongTolerance as error:
        raise Failure(f"--fail-on {error.message}", error.advice) from None
    sides = _reports(Reading((), input, batch, set, count, dtype), (old, new), settings)
    if sides is None:
        return FINDINGS
    comparison = compared(*sides)
    if comparison.is_same and (quiet_if_same or form == "markdown"):
        settings.write_nothing()
    else:
        settings.write(_text(comparison, view, form, settings))
    found = [sentence for limit in limits for sentence in excesses(limit, comparison)]
    for sentence in found:
        say(f"error: {sentence}")
    return FINDINGS if found or (exit_code and not comparison.is_same) else CLEAN


def _reports(
    reading: "Reading", words: Sequence[str], settings: "Settings"
) -> "list[Report] | None":
    """Both reports; None if a network has errors, which are told."""
    from convcalc.cli.problems import tell

    found: list[Report] = []
    code = 0
    for word in words:
        if saved := _saved(word):
            found.append(saved)
            continue
        ((network, report),) = reading.reports([word])
        code = tell([network], settings, warnings=False) or code
        found.append(report)
    if code:
        return None
    _require_same_counting(*found)
    return found


def _saved(word: str) -> "Report | None":
    """The report that a JSON file holds; None if the word names something else."""
    file, _, name = word.partition("::")
    if not file.endswith(".json"):
        return None
    from pathlib import Path

    from convcalc.library import TargetError
    from convcalc.saved import saved_report

    try:
        report = saved_report(Path(file).read_bytes(), file, name or None)
    except OSError as error:
        raise Failure(f"cannot read {file}: {(error.strerror or str(error)).lower()}") from None
    except TargetError as error:
        raise Failure(error.message, error.help) from None
    if not report.complete:
        raise Failure(f"{file} is the report of a network with errors", "mend it and save it anew")
    return report


def _require_same_counting(old: "Report", new: "Report") -> None:
    """Numbers that mean different things are not compared."""
    for option, one, other in (
        ("--count", ",".join(old.counted), ",".join(new.counted)),
        ("--dtype", old.totals.memory.dtype, new.totals.memory.dtype),
    ):
        if one != other:
            raise Failure(
                f"the reports were made with {option} {one} and with {option} {other}",
                f"give {option} as the saved report has it",
            )


def _text(comparison: "Comparison", view: "View", form: str, settings: "Settings") -> str:
    from convcalc.comparison import comparison_payload
    from convcalc.render import Style, render
    from convcalc.render.changes import text

    if form == "json":
        return render(form, None, comparison_payload(comparison), Style())
    return text(comparison, view, form, settings.style(exact=view.exact))
