"""``convcalc layer``: one layer without a file."""

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from convcalc.cli import options
from convcalc.cli.console import Failure

if TYPE_CHECKING:
    from convcalc.analysis.costs.models import Cost
    from convcalc.model.graph.network import Layer

NAME = re.compile(r"[A-Za-z_]\w*", re.ASCII)
_PLAIN = re.compile(r"-?[\w.][\w.+\-*/() ]*|\[[\w ,.\[\]]*\]", re.ASCII)
_LIST = re.compile(r"-?\d+(?:[,x×]-?\d+)+", re.ASCII)


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
    from convcalc.cli.loading import Reading
    from convcalc.cli.problems import tell
    from convcalc.language.sources.target import Target
    from convcalc.output.columns import COLUMNS, DEFAULT, beside
    from convcalc.output.formats import FORMATS
    from convcalc.output.table import Table, render
    from convcalc.output.views.layer_card import card

    settings = ctx.obj
    form = settings.format(FORMATS)
    target = Target("<layer>", None, network_text(operator, fields or [], input))
    reading = Reading(batch=batch, counted=count, dtype=dtype, support=True)
    reading = reading._replace(convention=convention, fuse_batch_norm=fuse_batch_norm)
    ((network, report),) = reading.reports([target])
    if report.layers:
        style = settings.style()
        layer, *ports = report.layers
        found = _costs(network.layers[0], cost) if cost else []
        payload = layer_payload(layer)
        columns = beside(report, [COLUMNS[key] for key in DEFAULT])
        table = Table("", tuple(columns), rows(report, None))
        shown = card(layer, report.counted, style, ports, report.convention)
        text = shown if form == "table" else ""
        if found:
            from convcalc.output.views.costs import cost_payload, cost_table

            payload["costs"] = cost_payload(found)
            table = cost_table(found, layer.macs)
            text += f"\n\n{render(form, table, None, style)}" if form == "table" else ""
        settings.write(text or render(form, table, payload, style))
    return tell([network], settings)


def _costs(layer: "Layer", ways: str) -> list["Cost"]:
    """The ways of computing the layer that are asked for."""
    from convcalc.analysis.costs import MODELS, costs, has_costs

    if not has_costs(layer.operator):
        kinds = "conv, pointwise_conv and depthwise_conv"
        raise Failure(f"--cost does not know {layer.name}", f"it compares {kinds}")
    names = MODELS if ways == "all" else tuple(word.strip() for word in ways.split(","))
    try:
        return costs(layer.operator, layer.shapes[0], names)
    except KeyError as error:
        close = f"did you mean '{error.args[0]}'? " if error.args[0] else ""
        advice = f"{close}ways: {', '.join(MODELS)}, or winograd<m> for another tile"
        raise Failure(f"--cost '{ways}' names no such way", advice) from None


def network_text(operator: str, fields: Sequence[str], inputs: Sequence[str]) -> str:
    """A network file of this one layer."""
    if not NAME.fullmatch(operator):
        raise Failure(f"'{operator}' is no operator's name", "see 'convcalc list operators'")
    shapes = _named_shapes(inputs)
    layer = f"{operator}: {{{', '.join(map(field_text, fields))}}}" if fields else operator
    if len(shapes) == 1:
        (shape,) = shapes.values()
        return f"convcalc: 1\ninput: {shape}\nlayers:\n  - {layer}\n"
    listed = ", ".join(f"{name}: {shape}" for name, shape in shapes.items())
    layer = layer if fields else f"{operator}: {{}}"
    return (
        f"convcalc: 1\ninputs: {{{listed}}}\nlayers:\n"
        f"  - {{{layer}, from: [{', '.join(shapes)}]}}\n"
    )


def _named_shapes(inputs: Sequence[str]) -> Mapping[str, str]:
    """The inputs as a network file writes them; those without a name are x1, x2, …"""
    from convcalc.cli.loading import shape_of

    if not inputs:
        raise Failure("a layer needs its input", "for instance -i 64x56x56")
    found: dict[str, str] = {}
    for number, word in enumerate(inputs, 1):
        name, _, sizes = word.rpartition("=")
        name = name or f"x{number}"
        if not NAME.fullmatch(name) or name in found:
            raise Failure(f"--input '{word}' has no name of its own", "write NAME=SHAPE")
        shape = ("null" if size is None else str(size) for size in shape_of(sizes))
        found[name] = f"[{', '.join(shape)}]"
    return found


def field_text(word: str) -> str:
    """``k=3x5`` as ``k: [3, 5]``; what YAML could misread is quoted."""
    name, equals, value = word.partition("=")
    name, value = name.strip(), value.strip()
    if not equals or not NAME.fullmatch(name):
        raise Failure(f"'{word}' is no field", "write FIELD=VALUE, for instance k=3")
    if _LIST.fullmatch(value):
        value = f"[{', '.join(re.split('[,x×]', value))}]"
    elif not _PLAIN.fullmatch(value):
        import json

        value = json.dumps(value, ensure_ascii=False)
    return f"{name}: {value}"
