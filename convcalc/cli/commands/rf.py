"""``convcalc rf``: the receptive fields of a network's layers, and pictures of them."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import typer

from convcalc.cli import options
from convcalc.cli.console import Failure, write_file
from convcalc.output.formats import FORMATS

if TYPE_CHECKING:
    from convcalc.analysis.receptive_field.study import Study
    from convcalc.analysis.report.report import LayerReport, OutputReport, Report
    from convcalc.cli.console import Settings
    from convcalc.model.graph.network import Network
    from convcalc.output.table import Fact

SUGGESTED = 10  # stacks that are shown


def command(
    ctx: typer.Context,
    target: Annotated[
        str,
        typer.Argument(metavar="[TARGET]", help="Network file, FILE::VARIANT, name, or -."),
    ] = "",
    at: Annotated[
        str,
        typer.Option(
            "--at", metavar="ID", help="Layer or block to look at; else the first output."
        ),
    ] = "",
    position: Annotated[
        str,
        typer.Option("--position", metavar="Y,X", help="Output position; else one in the middle."),
    ] = "",
    path: Annotated[
        bool, typer.Option("--path", help="Show how the size comes about, layer by layer.")
    ] = False,
    strip: Annotated[
        bool, typer.Option("--strip", help="Draw each axis, one character per input position.")
    ] = False,
    map: Annotated[  # noqa: A002 - the option's name
        bool, typer.Option("--map", help="Draw both axes.")
    ] = False,
    svg: Annotated[
        str, typer.Option("--svg", metavar="FILE", help="Write the cone as a figure.")
    ] = "",
    stack: Annotated[
        str,
        typer.Option(
            "--stack", metavar="LAYERS", help="Layers without a file: 'k=3 d=1,2,3'; see above."
        ),
    ] = "",
    suggest: Annotated[
        str,
        typer.Option(
            "--suggest",
            metavar="WISH",
            help="Dilations without holes: 'k=3 layers=4 size>=31'.",
        ),
    ] = "",
    of: Annotated[
        str,
        typer.Option(
            "--of",
            metavar="ID",
            help="Which input, or the layer whose channels are counted.",
        ),
    ] = "",
    channel: Annotated[
        str,
        typer.Option("--channel", metavar="N", help="The channel to study, if channels differ."),
    ] = "",
    union: Annotated[
        bool, typer.Option("--union", help="Study all channels together, if they differ.")
    ] = False,
    depth: Annotated[
        str,
        typer.Option(
            "--depth", metavar="N", help="How many levels of blocks to expand: 1, 2, 3, all."
        ),
    ] = "1",
    columns: options.Columns = "",
    variant: options.Variant = "",
    input: options.Inputs = [],  # noqa: A002, B006
    set: options.Params = [],  # noqa: A002, B006
    set_from: options.ParamsFrom = [],  # noqa: B006
) -> int:
    """Show receptive fields: size, jump, center, coverage, holes, halo.

    One line per layer or block, then what the output sees. --stack takes groups of layers divided
    by semicolons, each an operator (conv if none is named) and lists of k, s, d, repeated n
    times: 'k=7 s=2; max_pool k=3 s=2; k=3 d=1,2,5 n=2'.
    """
    settings = ctx.obj
    if [bool(target), bool(stack), bool(suggest)].count(True) != 1:
        advice = "a stack is one word, so quote it: --stack 'k=3 d=1,2,3'"
        raise Failure("rf takes one of: a target, --stack, --suggest", advice)
    if suggest:
        return _suggest(settings, suggest)
    from convcalc.cli.loading import params_of
    from convcalc.cli.problems import print_problems
    from convcalc.cli.progress import progress

    variants = [variant] if variant else []
    with progress("analysing", None, settings, target or stack):
        network, report = _read(target, stack, variants, input, params_of(set, set_from))
        if report.layers:
            shown = _Shown(depth, columns, path, strip, map, svg, stack)
            found = _study(network, at, position, of, _channel(channel, union=union), union=union)
            _write(settings, network, _of_input(report, of), found, shown)
    return print_problems([network], settings)


class _Shown(NamedTuple):
    """The options that say what is shown."""

    depth: str
    columns: str
    path: bool
    strip: bool
    map: bool
    svg: str
    stack: str

    @property
    def pictures(self) -> bool:
        """Whether any output needs the exact positions."""
        return self.path or self.strip or self.map or bool(self.svg)


def _read(
    target: str, stack: str, variants: Sequence[str], inputs: Sequence[str], params: Sequence[str]
) -> tuple["Network", "Report"]:
    """Reads the target or the stack; returns the network and its report."""
    from convcalc.cli.loading import Reading

    reading = Reading(variants, inputs, 1, params, support=True)
    if stack:
        if variants or params:
            raise Failure("a stack has neither variants nor params")
        network = _read_stack(stack, inputs)
        return network, reading.report(network)
    found = reading.reports([target])
    if len(found) > 1:
        raise Failure("rf takes one input size", "name each --input once")
    return found[0]


def _read_stack(stack: str, inputs: Sequence[str]) -> "Network":
    """The network of a stack, on one channel of unknown size if no input is given."""
    from convcalc.cli.loading import input_shapes
    from convcalc.language.stack import stack_network

    shapes = input_shapes(inputs) or [[1, None, None]]
    sizes = shapes[0]
    if len(shapes) > 1 or not isinstance(sizes, list) or sizes[0] is None:
        raise Failure("a stack takes one input of known channels", "for instance -i 1x65x65")
    return stack_network(stack, sizes)


def _of_input(report: "Report", name: str) -> "Report":
    """The report, reduced to the receptive fields on one input if it is named."""
    if name not in report.inputs:
        return report

    def of_input(layer: "LayerReport") -> "LayerReport":
        found = {each: x for each, x in layer.receptive_fields.items() if each == name}
        return layer.replace(receptive_fields=found)

    def output_of_input(output: "OutputReport") -> "OutputReport":
        found = {each: x for each, x in output.receptive_fields.items() if each == name}
        return output.replace(receptive_fields=found)

    return report.replace(
        layers=tuple(map(of_input, report.layers)),
        per_output={each: output_of_input(x) for each, x in report.per_output.items()},
    )


def _study(
    network: "Network", at: str, position: str, of: str, channel: int | None, *, union: bool
) -> "Study | str":
    """The study of one tensor, or a sentence that says why there is none.

    By default the tensor is the first output that has a place on an input.
    """
    made = [name for name, tensor in network.outputs.items() if network.index(tensor) >= 0]
    first, *others = [at] if at or len(made) < 2 else made
    found = _study_of(network, first, position, of, channel, union=union)
    for name in others:
        if isinstance(found, str):
            another = _study_of(network, name, position, of, channel, union=union)
            found = found if isinstance(another, str) else another
    return found


def _study_of(
    network: "Network", at: str, position: str, of: str, channel: int | None, *, union: bool
) -> "Study | str":
    from convcalc.analysis.receptive_field.preimage import Unseen
    from convcalc.analysis.receptive_field.study import Placeless, study

    layer = of if of and of not in network.inputs and _is_layer(network, of) else ""
    name = "" if layer else of
    try:
        return study(
            network,
            at,
            _numbers(position),
            name,
            channel=channel,
            union=union,
            channels_of=layer,
        )
    except Placeless as error:
        return error.message
    except Unseen as error:
        return f"which positions are read is unknown: {error}"


def _is_layer(network: "Network", path: str) -> bool:
    from convcalc.model.graph.paths import PathError, paths_of

    try:
        paths_of(network).tensor(path)
    except PathError:
        return False
    return True


def _channel(text: str, *, union: bool) -> int | None:
    """The channel asked for; Failure if it is not a number, or all channels are asked for too."""
    if not text:
        return None
    if union:
        raise Failure("--channel asks for one channel, --union for all", "leave out one of them")
    if not (text.isdecimal() and text.isascii() and len(text) < 12):
        raise Failure(f"--channel '{text}' is not a channel", "a number from 0 on")
    return int(text)


def _numbers(text: str) -> list[int]:
    words = [word.strip() for word in text.replace("x", ",").split(",") if word.strip()]
    if not all(word.isdecimal() and word.isascii() and len(word) < 12 for word in words):
        raise Failure(f"--position '{text}' is not a position", "for instance 3,5")
    return [int(word) for word in words]


def _write(
    settings: "Settings", network: "Network", report: "Report", found: "Study | str", shown: _Shown
) -> None:
    """Writes the table and the pictures below it, or the same as data."""
    from convcalc.analysis.report.rows import output_rows, rows
    from convcalc.cli.commands.show import choose_columns, depth_of
    from convcalc.output.table import Fact, render
    from convcalc.output.views.network import incomplete, report_title
    from convcalc.output.views.receptive_field import (
        OF_STACK,
        SHOWN,
        receptive_field_facts,
        receptive_field_table,
    )
    from convcalc.output.views.receptive_field_data import receptive_field_payload
    from convcalc.output.views.receptive_field_flags import flags

    if isinstance(found, str) and shown.pictures:
        raise Failure(found)
    form = settings.format(FORMATS)
    style = settings.style()
    remarks = flags(network, report)
    facts = [Fact("", found)] if isinstance(found, str) else receptive_field_facts(found)
    listed = rows(report, depth_of(shown.depth))
    columns = choose_columns(shown.columns, OF_STACK if shown.stack else SHOWN, report)
    title = "" if shown.stack else f"{report_title(report)} · receptive fields"
    table = receptive_field_table(
        title,
        columns,
        listed,
        remarks,
        [*incomplete(report), *facts, *_stack_facts(shown.stack)],
        output_rows(report),
    )
    payload = receptive_field_payload(report, found, remarks) if form == "json" else None
    text = render(form, table, payload, style)
    if not isinstance(found, str):
        if form == "table":
            text = "\n".join([text, *_draw(found, shown, style)])
        if shown.svg:
            from convcalc.output.views.cone import cone_svg

            write_file(shown.svg, cone_svg(found) + "\n")
    settings.write(text)


def _draw(study: "Study", shown: _Shown, style: Any) -> list[str]:
    """The lines of the pictures; Failure if the positions are unknown."""
    from convcalc.analysis.receptive_field.preimage import Unseen

    try:
        return _pictures(study, shown, style)
    except Unseen as error:
        raise Failure(f"what is read cannot be drawn: {error}") from None


def _pictures(study: "Study", shown: _Shown, style: Any) -> list[str]:
    """The lines of the trace, the strip and the map, as requested."""
    lines: list[str] = []
    if shown.path:
        from convcalc.analysis.receptive_field.trace import trace
        from convcalc.output.views.trace import trace_lines

        for index, _ in _distinct_axes(study):
            steps = trace(study.levels(index))
            lines += ["", *trace_lines(steps, style)]
    if shown.strip:
        from convcalc.output.views.strip import strip

        for index, axis in _distinct_axes(study):
            if axis.seen:
                name = axis.name if len(_distinct_axes(study)) == study.rank else "every axis"
                lines += ["", name, *strip(study.paths(index), axis.seen, style)]
    if shown.map:
        if study.rank < 2:
            raise Failure("--map needs two axes", "--strip shows one")
        from convcalc.output.views.map import field_map

        lines += ["", *field_map(study, style)]
    return lines


def _distinct_axes(study: "Study") -> list[tuple[int, Any]]:
    """The axes with their indices; only the first if all are alike."""
    first, *others = study.axes
    alike = all(axis.seen == first.seen and axis.jump == first.jump for axis in others)
    return [(0, first)] if alike else list(enumerate(study.axes))


def _stack_facts(text: str) -> "list[Fact]":
    """The exact test of a stack for holes, and the rule of HDC; none for a network."""
    if not text:
        return []
    from convcalc.language.stack import parse_stack
    from convcalc.output.views.stack import verdict

    layers = parse_stack(text)
    if any("transpose" in layer.operator for layer in layers):
        return []  # the test is one of windows that slide
    return verdict([layer[1:] for layer in layers])


def _suggest(settings: "Settings", text: str) -> int:
    """Writes stacks of dilated convolutions without holes; returns the exit code."""
    from itertools import islice

    from convcalc.analysis.receptive_field.dilated_stacks import suggestions
    from convcalc.analysis.receptive_field.domains import TooWide
    from convcalc.cli.commands._suggestions import nothing_suggested, parse_wish
    from convcalc.output.table import render
    from convcalc.output.views.stack import suggestion_payload, suggestion_table

    wish = parse_wish(text)
    try:
        found = list(islice(suggestions(*wish), SUGGESTED))
    except TooWide as error:
        raise Failure(f"--suggest: {error}", "ask for fewer layers, or a smaller size") from None
    if not found:
        raise nothing_suggested(wish)
    form = settings.format(FORMATS)
    payload = suggestion_payload(found) if form == "json" else None
    settings.write(render(form, suggestion_table(found), payload, settings.style()))
    return 0
