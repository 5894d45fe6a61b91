"""``convcalc explain``: where the numbers of a layer, a block or a network come from."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from convcalc.cli import options
from convcalc.cli.console import Failure
from convcalc.errors import Error

if TYPE_CHECKING:
    from convcalc.language.sources.target import Target

FORMATS = ("table", "markdown", "json")


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
    set_from: options.ParamsFrom = [],  # noqa: B006
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
            help="Explain what another tool counts, and by which rules; NAME.NUMBER for one of "
            "several, such as calflops.macs or keras.params.",
        ),
    ] = "",
    versus: Annotated[
        str,
        typer.Option(
            "--versus",
            metavar="NAME",
            help="Itemise the difference to another --convention; convcalc is one too.",
        ),
    ] = "",
) -> int:
    """Explain where numbers come from: formulas, and the places of what goes into them.

    A layer: each formula in words, with its numbers, and where each field was written. A block
    or a network: what makes up its totals. An operator needs no file:

    convcalc explain conv_transpose out=1 k=4 s=3 -i 1x2x2
    """
    from convcalc.cli.commands._explaining import Explaining
    from convcalc.cli.loading import Reading, params_of
    from convcalc.cli.problems import print_problems
    from convcalc.language.expand.origins import Origins

    settings = ctx.obj
    form = settings.format(FORMATS)
    if versus and not convention:
        raise Failure("--versus needs a convention to compare", "name it with --convention")
    chosen, path = _target_and_path(target, parts or [], input)
    paths = (path, path.rpartition(".")[0]) if path else ()  # a further output is one of a layer
    origins = Origins(None if layers or path is None else frozenset(paths))
    sizes = [] if path is None else input
    variants = [variant] if variant else []
    reading = Reading(
        variants, sizes, batch, params_of(set, set_from), count, dtype, witness=origins
    )
    read = reading.reports([chosen])
    if len(read) > 1:
        raise Failure("explain takes one input", "name each --input once")
    network, report = read[0]
    if report.layers:
        explaining = Explaining(network, report, origins, form, settings, layers)
        try:
            settings.write(explaining.text(path, convention, versus))
        except Error:
            if code := print_problems([network], settings):  # why the layer is not there
                return code
            raise
    return print_problems([network], settings)


def _target_and_path(
    target: str, parts: Sequence[str], inputs: Sequence[str]
) -> tuple["str | Target", str | None]:
    """The target and the layer's path, which is None for an operator without a file."""
    from pathlib import Path

    from convcalc.cli.commands.layer import target_of_words
    from convcalc.model.operators.registry import operator_names

    is_file = Path(target).is_file()
    if target in operator_names() and not is_file:
        return target_of_words(target, parts, inputs), None
    if not is_file and _means_operator(target, parts):
        target_of_words(target, parts, [])  # raises the problem of its name
    if len(parts) > 1 or (parts and "=" in parts[0]):
        word = parts[-1]
        advice = "fields follow an operator, values of params --set"
        raise Failure(
            f"'{word}' is one word too many", "name one layer" if "=" not in word else advice
        )
    return target, parts[0] if parts else ""


def _means_operator(target: str, parts: Sequence[str]) -> bool:
    """Whether a word that is not the name of a network is, or is followed like, an operator."""
    from convcalc.language.sources.resolve import resolve
    from convcalc.language.sources.target import TargetError
    from convcalc.model.operators.words import operator_of

    if ":" in target or not (any("=" in part for part in parts) or operator_of(target)):
        return False
    try:
        resolve(target)
    except TargetError:
        return True
    return False
