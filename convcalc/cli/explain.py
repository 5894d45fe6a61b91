"""``convcalc explain``: where the numbers of a layer, a block or a network come from."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import typer

from convcalc.cli import options
from convcalc.cli.settings import Failure, Settings

if TYPE_CHECKING:
    from convcalc.conventions import Convention, Count
    from convcalc.graph import Network
    from convcalc.library import Target
    from convcalc.origins import Origins
    from convcalc.render import Style
    from convcalc.report import LayerReport, Report

FORMATS = ("table", "markdown", "json")
SCHEMA = "convcalc/explanation-v1"


def command(
    ctx: typer.Context,
    target: Annotated[
        str,
        typer.Argument(
            metavar="TARGET", help="Network file, FILE::VARIANT, name, -, or an operator."
        ),
    ],
    parts: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[LAYER]",
            help="The path of a layer or block; after an operator its fields: k=3 s=2.",
        ),
    ] = None,
    variant: options.Variant = "",
    input: options.Inputs = [],  # noqa: A002, B006
    batch: options.Batch = 1,
    set: options.Params = [],  # noqa: A002, B006
    count: options.Counted = "",
    dtype: options.DType = "",
    layers: Annotated[
        bool, typer.Option("--layers", help="Every layer of the block or network in full.")
    ] = False,
    convention: Annotated[
        str,
        typer.Option(
            "--convention",
            metavar="NAME",
            help="Explain what another tool counts, and by which rules.",
        ),
    ] = "",
    versus: Annotated[
        str,
        typer.Option(
            "--versus", metavar="NAME", help="Itemise the difference to another --convention."
        ),
    ] = "",
) -> int:
    """Explain where numbers come from: formulas, and the places of what goes into them.

    A layer: each formula in words, with its numbers, and where each field was written. A block
    or a network: what makes up its totals. An operator needs no file:

    convcalc explain conv_transpose out=1 k=4 s=3 -i 1x2x2
    """
    from convcalc.cli.problems import tell
    from convcalc.cli.targets import Reading
    from convcalc.origins import Origins

    settings = ctx.obj
    form = settings.format(FORMATS)
    if versus and not convention:
        raise Failure("--versus needs a convention to compare", "name it with --convention")
    wanted, path = _wanted(target, parts or [], input)
    paths = (path, path.rpartition(".")[0]) if path else ()  # a further output is one of a layer
    origins = Origins(None if layers or path is None else frozenset(paths))
    sizes = [] if path is None else input
    variants = [variant] if variant else []
    reading = Reading(variants, sizes, batch, set, count, dtype, witness=origins)
    read = reading.reports([wanted])
    if len(read) > 1:
        raise Failure("explain takes one input", "name each --input once")
    network, report = read[0]
    if report.layers:
        explaining = Explaining(network, report, origins, form, settings, layers)
        try:
            settings.write(explaining.text(path, convention, versus))
        except Failure:
            if code := tell([network], settings):  # why the layer is not there
                return code
            raise
    return tell([network], settings)


def _wanted(
    target: str, parts: Sequence[str], inputs: Sequence[str]
) -> tuple["str | Target", str | None]:
    """The target, and the path of the layer; that is None for an operator without a file."""
    from pathlib import Path

    from convcalc.cli.layer import network_text
    from convcalc.library import Target
    from convcalc.operator import operator_names

    if target in operator_names() and not Path(target).is_file():
        return Target("<layer>", None, network_text(target, parts, inputs)), None
    if len(parts) > 1 or (parts and "=" in parts[0]):
        word = parts[-1]
        advice = "fields follow an operator, values of params --set"
        raise Failure(
            f"'{word}' is one word too many", "name one layer" if "=" not in word else advice
        )
    return target, parts[0] if parts else ""


class Explaining(NamedTuple):
    """One network that is explained."""

    network: "Network"
    report: "Report"
    origins: "Origins"
    form: str
    settings: Settings
    in_full: bool = False  # every layer, not the totals

    def text(self, path: str | None, convention: str, versus: str) -> str:
        """What was asked for."""
        if versus:
            return self.of_difference(path, convention, versus)
        return self.of_rules(path, convention) if convention else self.of(path)

    def of(self, path: str | None) -> str:
        """The layer or block of that path; all of an empty one; the only layer of None."""
        index, depth = self.found(path)
        if index is not None:
            return self.of_layer(index)
        return self.of_each(path or "") if self.in_full else self.of_layers(depth, path or "")

    def found(self, path: str | None) -> tuple[int | None, int]:
        """The index of a layer, or None and the depth of the block, which is 0 of the network."""
        paths = [layer.path for layer in self.report.layers]
        if path is None or path in paths:
            return paths.index(path) if path else 0, 0
        if not path:
            return None, 0
        for layer in self.report.layers:
            for depth, group in enumerate(layer.groups, 1):
                if group.path == path:
                    return None, depth
        raise self.no_layer(path)

    def within(self, path: str) -> list["LayerReport"]:
        """The layers of a block; of an empty path all."""
        return [
            layer
            for layer in self.report.layers
            if not path or any(group.path == path for group in layer.groups)
        ]

    def no_layer(self, path: str) -> Failure:
        """What the path may have meant."""
        from convcalc.diagnostics import nearest

        found: dict[str, None] = {}
        for layer in self.report.layers:
            found |= dict.fromkeys([*(group.path for group in layer.groups), layer.path])
        close = nearest(path, found)
        top = ", ".join(each for each in found if "." not in each)
        advice = f"use '{close}'" if close else f"there are: {top}"
        return Failure(f"{self.report.network} has no layer '{path}'", advice)

    # --- a layer ------------------------------------------------------------------------------

    def of_layer(self, index: int) -> str:
        """Its fields and formulas."""
        return self.written([index], lambda payloads: {"layer": payloads[0]})

    def of_each(self, path: str) -> str:
        """The same of every layer of a block; of an empty path all."""
        inside = {layer.path for layer in self.within(path)}
        indices = [k for k, layer in enumerate(self.report.layers) if layer.path in inside]
        return self.written(indices, lambda payloads: {"path": path or None, "layers": payloads})

    def written(self, indices: Sequence[int], payload: Callable[[list[Any]], Any]) -> str:
        """Some layers, one after another."""
        from convcalc.explanation import layer_explanation
        from convcalc.render import Table, render
        from convcalc.render.explanation import layer_payload, layer_table, layer_text

        found = [
            layer_explanation(self.network, self.report, index, self.origins.found)
            for index in indices
        ]
        if self.form == "json":
            whole = self.payload(**payload([layer_payload(each) for each in found]))
            return render("json", Table("", (), ()), whole, self.style)
        if self.form == "table":
            return "\n\n".join(layer_text(each, self.folder, self.style) for each in found)
        tables = (layer_table(each, self.folder) for each in found)
        return "\n\n".join(render(self.form, table, None, self.style) for table in tables)

    @property
    def name(self) -> str:
        """The network, or the operator without a file."""
        name = self.report.network
        return self.report.layers[0].operator if name.startswith("<") else name

    @property
    def folder(self) -> str:
        """The folder of the network, which the places leave out."""
        head, slash, _ = self.report.source.rpartition("/")
        return head + slash

    @property
    def style(self) -> "Style":
        return self.settings.style(exact=True)

    # --- totals -------------------------------------------------------------------------------

    def of_layers(self, depth: int, path: str) -> str:
        """What makes up each total of a block, and how the sums lead to each other."""
        from convcalc.explanation import total_lines
        from convcalc.render import render
        from convcalc.render.explanation import listing, worked_lines, worked_payload
        from convcalc.render.shares import share_payload, share_tables

        layers = self.within(path)
        tables = share_tables(self.report, layers, depth + 1, path)
        lines = total_lines(self.report, layers, self.report.totals.memory.dtype)
        if self.form == "json":
            payload = self.payload(
                path=path or None,
                totals=[worked_payload(line) for line in lines],
                **share_payload(tables),
            )
            return render("json", tables[0], payload, self.style)
        texts = [render(self.form, table, None, self.style) for table in tables]
        listed = "\n".join(listing(worked_lines(lines), self.style))
        texts.append(listed if self.form == "table" else f"```text\n{listed}\n```")
        return "\n\n".join(texts)

    # --- other tools --------------------------------------------------------------------------

    def of_rules(self, path: str | None, name: str) -> str:
        """By which rules another tool counts, and what they give."""
        from convcalc.counting import by_rule, rule_lines
        from convcalc.render import render
        from convcalc.render.counting import rules_payload, rules_table

        index, _ = self.found(path)
        chosen, count = _number(name, "--convention")
        single = index is not None
        inside = [self.report.layers[index]] if index is not None else self.within(path or "")
        paths = {layer.path for layer in inside}
        lines = [line for line in rule_lines(self.network, chosen, count) if line.path in paths]
        lines = lines if single else by_rule(lines)
        title = " · ".join(filter(None, (self.name, path, name)))
        table = rules_table(title, chosen, count, lines, single=single)
        payload = self.payload(path=path or None, **rules_payload(name, chosen, count, lines))
        return render(self.form, table, payload, self.style)

    def of_difference(self, path: str | None, name: str, other: str) -> str:
        """Why two tools give different numbers for the network."""
        from convcalc.render import render
        from convcalc.render.counting import versus_payload, versus_table
        from convcalc.versus import differences

        if path:
            raise Failure("--versus compares whole networks", f"leave out '{path}'")
        _number(name, "--convention")
        _number(other, "--versus")
        found = differences(self.network, name, other)
        table = versus_table(f"{self.name} · {name} - {other}", found)
        return render(self.form, table, self.payload(**versus_payload(found)), self.style)

    def payload(self, **more: Any) -> dict[str, Any]:
        """What every explanation as JSON begins with."""
        from convcalc._version import __version__

        return {
            "schema": SCHEMA,
            "tool": {"name": "convcalc", "version": __version__},
            "network": None if self.report.source.startswith("<") else self.report.network,
            "variant": self.report.variant,
            **more,
        }


def _number(name: str, option: str) -> tuple["Convention", "Count"]:
    """A convention and its number by the word on the command line."""
    from convcalc.conventions import convention_names, number

    try:
        return number(name)
    except KeyError as error:
        close = error.args[0]
        advice = f"use '{close}'" if close else f"conventions: {', '.join(convention_names())}"
        raise Failure(f"{option} '{name}' is no convention", advice) from None
