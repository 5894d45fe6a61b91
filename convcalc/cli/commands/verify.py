"""``convcalc verify``: whether a design and a model are the same network, and where they differ."""

from typing import Annotated

import typer

from convcalc.cli import options
from convcalc.cli.console import COULD_NOT_RUN, FINDINGS, Failure

FORMATS = ("table", "json", "markdown")


def command(
    ctx: typer.Context,
    design: Annotated[
        str,
        typer.Argument(
            metavar="TARGET",
            show_default=False,
            help="The design: network file, FILE::VARIANT, name, REV:path in git, a model, or -.",
        ),
    ],
    model: Annotated[
        str,
        typer.Argument(
            metavar="MODEL",
            show_default=False,
            help="What to compare it with, such as model.onnx, model.pt2, timm:NAME, "
            "torch:package.module:callable; by default the model that the design names under "
            "'verify'.",
        ),
    ] = "",
    fold_norms: Annotated[
        str,
        typer.Option(
            "--fold-norms",
            metavar="WHEN",
            help="Ignore batch norms that can be folded: yes, no, or auto, if one side has "
            "folded them.",
        ),
    ] = "auto",
    input: options.Inputs = [],  # noqa: A002, B006 - typer copies it
    batch: options.Batch = 1,
    set: options.Params = [],  # noqa: A002, B006
    set_from: options.ParamsFrom = [],  # noqa: B006
) -> int:
    """Say whether a design and a model are the same network, and if not, where they differ.

    Layers are aligned along both graphs. Different ways to write one computation count as
    equal: folded norms, 1×1 convolutions and linear layers, composites, views, dropout. The design
    is read at the model's size unless --input says otherwise. Exit code 0 if they agree, 1 if
    anything differs, 2 if a side could not be read.
    """
    from convcalc.analysis.agreement.agreement import FOLDING, agreement
    from convcalc.cli.commands._pairs import opened
    from convcalc.cli.console import CLEAN, choose
    from convcalc.cli.loading import Reading, params_of
    from convcalc.cli.progress import progress
    from convcalc.output.table import Style, render

    settings = ctx.obj
    form = settings.format(FORMATS)
    choose(fold_norms, FOLDING, "--fold-norms")
    if len(input) > 1 and not all("=" in word for word in input):
        raise Failure("--input is given twice", "one size is compared at a time")
    reading = Reading((), input, batch, params_of(set, set_from))
    with progress("comparing", None, settings, design):
        pair = opened(design, model, reading, settings)
        if pair is None:
            return COULD_NOT_RUN
        found = agreement(pair.design, pair.model, fold_norms=fold_norms)
    if form == "json":
        from convcalc.analysis.agreement.to_json import agreement_payload

        settings.write(render(form, None, agreement_payload(found), Style()))
    else:
        from convcalc.output.views.agreement import text

        settings.write(text(found, (design, pair.name), form, settings.style()))
    return CLEAN if found.agrees else FINDINGS
