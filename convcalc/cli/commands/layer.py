"""``convcalc layer``: one layer without a file."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from convcalc.cli import options
from convcalc.cli.console import Failure
from convcalc.output.formats import FORMATS

if TYPE_CHECKING:
    from convcalc.analysis.costs.models import Cost
    from convcalc.language.sources.target import Target
    from convcalc.model.graph.network import Layer


def command(
    ctx: typer.Context,
    operator: Annotated[
        str, typer.Argument(metavar="OPERATOR", help="For instance conv; see 'list operators'.")
    ],
    fields: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[FIELD=VALUE]...", help="k=3, k=3x5, p=same, bias=false, p=[[0,1],[0,1]]."
        ),
    ] = None,
    input: options.Inputs = [],  # noqa: A002, B006
    batch: options.Batch = 1,
    count: options.Counted = "",
    dtype: options.DType = "",
    convention: options.Convention = "",
    fuse_batch_norm: options.Fused = False,
    columns: Annotated[
        str,
        typer.Option(
            "--columns",
            metavar="A,B",
            help="Show a table of these columns, or +A,B for the usual ones and these; see 'list "
            "columns'.",
        ),
    ] = "",
    exact: Annotated[
        bool, typer.Option("--exact", help="Print exact integers, and nothing rounded.")
    ] = False,
    cost: Annotated[
        str,
        typer.Option(
            "--cost",
            metavar="WAYS",
            show_default=False,
            help="Ways to compute a convolution, side by side: direct,im2col,winograd,fft; or all.",
        ),
    ] = "",
) -> int:
    """Show a single layer, without a file.

    Its output, weights, work and receptive field:

    convcalc layer conv out=128 k=3 s=2 p=1 -i 64x56x56
    """
    from convcalc.analysis.report.rows import rows
    from convcalc.analysis.report.to_json import layer_payload
    from convcalc.cli.commands.show import choose_columns
    from convcalc.cli.loading import Reading
    from convcalc.cli.problems import print_problems
    from convcalc.output.columns import DEFAULT
    from convcalc.output.table import Table, render
    from convcalc.output.views.layer_card import card

    settings = ctx.obj
    form = settings.format(FORMATS)
    target = target_of_words(operator, fields or [], input)
    reading = Reading(batch=batch, counted=count, dtype=dtype, support=True)
    reading = reading._replace(convention=convention, fuse_batch_norm=fuse_batch_norm)
    ((network, report),) = reading.reports([target])
    if report.layers:
        style = settings.style(exact=exact)
        layer, *ports = report.layers
        found = _costs(network.layers[0], cost) if cost else []
        payload = layer_payload(layer)
        chosen = choose_columns(columns, DEFAULT, report)
        table = Table("", tuple(chosen), rows(report, None))
        is_card = form == "table" and not columns
        text = card(layer, report.counted, style, ports, report.convention) if is_card else ""
        if form == "table" and columns:
            text = render(form, table, None, style)
        if found:
            from convcalc.output.views.costs import cost_payload, cost_table

            payload["costs"] = cost_payload(found)
            table = cost_table(found, layer.macs)
            text += f"\n\n{render(form, table, None, style)}" if form == "table" else ""
        settings.write(text or render(form, table, payload, style))
    return print_problems([network], settings)


def _costs(layer: "Layer", ways: str) -> list["Cost"]:
    """The costs of the requested ways to compute a layer; Failure for unknown ones."""
    from convcalc.analysis.costs import MODELS, costs, has_costs
    from convcalc.diagnostics.suggestion import UnknownName

    if not has_costs(layer.operator):
        kinds = "conv, pointwise_conv and depthwise_conv"
        raise Failure(f"--cost does not know {layer.name}", f"it compares {kinds}")
    names = MODELS if ways == "all" else tuple(word.strip() for word in ways.split(","))
    try:
        return costs(layer.operator, layer.shapes[0], names)
    except UnknownName as error:
        raise Failure(f"--cost '{ways}' names no such way", error.help) from None


def target_of_words(operator: str, fields: Sequence[str], inputs: Sequence[str]) -> "Target":
    """The network of one layer; ``-i`` may name its input: ``-i mask=1x8x8``."""
    from convcalc.cli.loading import shape_of
    from convcalc.language.one_layer import layer_target

    split = (word.rpartition("=") for word in inputs)
    return layer_target(operator, fields, [(name, shape_of(sizes)) for name, _, sizes in split])
