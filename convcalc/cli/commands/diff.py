"""``convcalc diff``: what changed from one network to another, in totals and layer by layer."""

from collections.abc import Iterable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from convcalc.cli import options
from convcalc.cli.console import Failure

if TYPE_CHECKING:
    from convcalc.analysis.comparison.compare import Difference
    from convcalc.cli.console import Settings
    from convcalc.output.views.layer_differences import View

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
    new: Annotated[
        str,
        typer.Argument(metavar="NEW", show_default=False, help="What to compare it with."),
    ],
    depth: Annotated[
        str,
        typer.Option(
            "--depth",
            metavar="N",
            help="Levels of blocks to expand: 1, 2, 3, all, or auto for a few rows.",
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
    set_from: options.ParamsFrom = [],  # noqa: B006
    count: options.Counted = "",
    dtype: options.DType = "",
    convention: options.Convention = "",
    memory: options.Memory = "",
    variant: Annotated[
        str,
        typer.Option(
            "--variant",
            metavar="NAME",
            help="The variant of both networks, or the only one of each file of two folders.",
        ),
    ] = "",
    exact: Annotated[bool, typer.Option("--exact", help="Print exact integers.")] = False,
    policy: options.Policy = "",
    config: options.Config = "",
    isolated: options.Isolated = False,
) -> int:
    """Show what changed from one network to another, or between the networks of two folders.

    Layers are matched by path, files in folders by path and variant; REV:folder/ is a folder at
    a revision, REV:./ the current one. JSON holds every layer that changed. Markdown is made for a
    comment on a pull request, and is empty if nothing changed. Settings say which files of a folder
    are left out, those of the tree or of --policy.
    """
    from convcalc.analysis.comparison.tolerance import WrongTolerance, excesses, parse_tolerance
    from convcalc.cli.commands._policy import chosen_policy
    from convcalc.cli.commands._sides import Sides
    from convcalc.cli.commands.show import depth_of
    from convcalc.cli.console import FINDINGS, environment, say
    from convcalc.cli.loading import Reading, params_of
    from convcalc.cli.progress import progress
    from convcalc.diagnostics.visible import visible
    from convcalc.output.views.layer_differences import View

    settings = ctx.obj
    form = settings.format(FORMATS)
    view = View(0 if depth == "auto" else depth_of(depth), exact)
    try:
        limits = [parse_tolerance(each) for each in fail_on]
    except WrongTolerance as error:
        raise Failure(f"--fail-on {error.message}", error.help) from None
    params = params_of(set, set_from)
    reading = Reading((variant,) * bool(variant), input, batch, params, count, dtype)
    reading = reading._replace(convention=convention, memory=memory)
    revision = policy or environment("POLICY")
    sides = Sides(reading, settings, partial(chosen_policy, config, revision, isolated=isolated))
    with progress("comparing", None, settings, f"{old} → {new}"):
        differences, code = sides.differences(old, new)
    if all(each.is_same for each in differences) and (quiet_if_same or form == "markdown" or code):
        settings.write_nothing()
    else:
        settings.write_fragments(
            _fragments(differences, view, form, settings, f"{visible(old)} → {visible(new)}")
        )
    found = [
        f"{sentence} in {each.title}" if len(differences) > 1 else sentence
        for each in differences
        for limit in limits
        if each.comparison
        for sentence in excesses(limit, each.comparison)
    ]
    for sentence in found:
        say(f"error: {sentence}")
    is_changed = any(not each.is_same for each in differences)
    return FINDINGS if found or (exit_code and is_changed) else code


def _fragments(
    differences: "Sequence[Difference]",
    view: "View",
    form: str,
    settings: "Settings",
    title: str,
) -> Iterable[str]:
    """The changes; as JSON an object for two networks, a list for two folders."""
    from convcalc.analysis.comparison.to_json import streamed_payload
    from convcalc.output.table import Style, fragments
    from convcalc.output.views.differences import text

    if form == "json":
        payloads = [streamed_payload(each) for each in differences]
        return fragments(form, None, payloads[0] if len(payloads) == 1 else payloads, Style())
    changed = [each for each in differences if not each.is_same]
    shown = text(changed, view, form, settings.style(exact=view.exact))
    return (shown or f"{title}\nnothing changed",)
