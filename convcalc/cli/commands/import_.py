"""``convcalc import``: a model of another program as a network file that a person can read."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from convcalc.cli import options
from convcalc.cli.console import CLEAN, FINDINGS, Failure, choose

if TYPE_CHECKING:
    from convcalc.cli.console import Settings
    from convcalc.exporting.source.importing import Source

TOGETHER = ("variants",)


def command(
    ctx: typer.Context,
    models: Annotated[
        list[str],
        typer.Argument(
            metavar="MODELS...",
            help="Models, such as model.onnx, model.pt2 or timm:NAME, or any target.",
        ),
    ],
    together: Annotated[
        str,
        typer.Option(
            "--as",
            metavar="variants",
            show_default=False,
            help="Several models as one file: the first is the base, each other a variant.",
        ),
    ] = "",
    input: options.Inputs = [],  # noqa: A002, B006 - typer copies it
    batch: options.Batch = 1,
    force: Annotated[bool, typer.Option("--force", help="Replace an existing file.")] = False,
) -> int:
    """Write a model as a network file, the way a person would write it.

    Modules become blocks, repeated neighbours become loops, and sums and concatenations become
    residuals and branches. The text is read again before it is written: it has the same layers in
    the same order, with the same shapes, parameters, work and receptive fields. A block for which
    that fails is written layer by layer, and a note counts them. Without -o it goes to stdout.
    Exit code 0 if the file was written, 1 if a model has a problem, 2 if it could not be written.
    """
    from convcalc.cli.loading import Reading
    from convcalc.cli.problems import print_problems
    from convcalc.cli.progress import progress
    from convcalc.exporting.source.alignment import Misfit
    from convcalc.exporting.source.importing import source_of
    from convcalc.language.file_facts import NetworkFile

    settings = ctx.obj
    if together:
        choose(together, TOGETHER, "--as")
    elif len(models) > 1:
        advice = "--as variants makes one file of several models"
        raise Failure(f"{len(models)} models, but one file is written", advice)
    path = settings.output_file
    if path not in ("", "-") and Path(path).exists() and not force:
        raise Failure(f"{path} already exists", "choose another name, or replace it with --force")
    with progress("importing", None, settings, ", ".join(models)):
        networks = Reading(inputs=input, batch=batch).networks(models)
        if print_problems(networks, settings) != CLEAN:
            return FINDINGS
        files = [network for network in networks if isinstance(network, NetworkFile)]
        try:
            source = source_of(files)
        except Misfit as error:
            raise Failure(f"no network file can be written: {error}") from None
    settings.write(source.text.removesuffix("\n"))
    _say_what_was_done(source, settings)
    return CLEAN


def _say_what_was_done(source: "Source", settings: "Settings") -> None:
    """How many layers became how many lines, and what had to be written out."""
    lines = source.text.count("\n")
    settings.note(f"{source.layers:,} layers in {lines:,} lines; read again, they are the same")
    if source.is_flat:
        settings.note("note: no block was found that describes it; each layer has a line")
    elif source.fallbacks:
        count = len(source.fallbacks)
        blocks = "1 block was" if count == 1 else f"{count} blocks were"
        settings.note(f"note: {blocks} written out: {', '.join(source.fallbacks)}")
