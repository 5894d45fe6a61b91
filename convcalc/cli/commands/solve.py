"""``convcalc solve``: the value of a param that meets limits, or counts as closed forms of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from shlex import join
from typing import TYPE_CHECKING, Annotated, Any

import typer

from convcalc.cli import options
from convcalc.cli.console import Failure, say

if TYPE_CHECKING:
    from convcalc.analysis.sweeps.running import Runner
    from convcalc.analysis.sweeps.solving import Answer

FORMATS = ("text", "json")
_RANGE = "NAME, or NAME=FROM:TO:STEP"


def command(
    ctx: typer.Context,
    target: Annotated[
        str, typer.Argument(metavar="TARGET", help="Network file, FILE::VARIANT, or name.")
    ],
    limits: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="LIMIT", help="A condition on a metric, 'params <= 5M'; several must all hold."
        ),
    ] = None,
    largest: Annotated[
        str, typer.Option("--max", metavar="NAME", help=f"Find the largest value: {_RANGE}.")
    ] = "",
    smallest: Annotated[
        str, typer.Option("--min", metavar="NAME", help=f"Find the smallest value: {_RANGE}.")
    ] = "",
    nearest: Annotated[
        str,
        typer.Option(
            "--nearest", metavar="NAME", help="Find the value nearest to one limit, 'params = 5M'."
        ),
    ] = "",
    also: Annotated[
        list[str] | None,
        typer.Option("--and", metavar="NAME", help=f"Choose this value too: {_RANGE}. Repeatable."),
    ] = None,
    step: Annotated[
        str, typer.Option("--step", metavar="STEP", help="The step of the first value.")
    ] = "",
    form: Annotated[
        str,
        typer.Option("--form", metavar="NAME", help="Print metrics as closed forms of a param."),
    ] = "",
    metrics: Annotated[
        str,
        typer.Option(
            "--metrics", metavar="NAMES", help="Also print these metrics. [default: params,macs]"
        ),
    ] = "",
    variant: options.Variant = "",
    batch: options.Batch = 1,
    set: options.Params = [],  # noqa: A002, B006
    count: options.Counted = "",
    dtype: options.DType = "",
) -> int:
    """Find the value of a param, or of the input, that meets limits.

    Every step is tried, many at once, so that the answer is exact. Exit code 1 if nothing meets
    the limits. Needs numpy, which convcalc[sweep] installs.
    """
    from convcalc.cli.sweeping import fixed_values, runner_of

    settings = ctx.obj
    shown = settings.format(FORMATS)
    goals = {"max": largest, "min": smallest, "nearest": nearest}
    given = [name for name, word in goals.items() if word]
    if form:
        if given or limits:
            raise Failure("--form takes no limits", "leave out either")
        wanted = _metrics(metrics) or ["params", "macs"]
        runner = runner_of(target, wanted, variant, batch, count, dtype, fixed_values(set))
        return _write_forms(settings, shown, runner, form, wanted)
    if len(given) != 1:
        advice = "one of --max NAME, --min NAME, --nearest NAME, or --form NAME"
        raise Failure("solve needs to know what to find", advice)
    from convcalc.analysis.sweeps.solving import limit, solve, unknown
    from convcalc.diagnostics.visible import exact_json
    from convcalc.output.views.solving import answer_payload, answer_text

    conditions = [limit(text) for text in limits or []]
    wanted = [*dict.fromkeys([*(each.metric for each in conditions), *(_metrics(metrics) or [])])]
    if not metrics:
        wanted = [*dict.fromkeys([*wanted, "params", "macs"])]
    runner = runner_of(target, wanted, variant, batch, count, dtype, fixed_values(set))
    words = [goals[given[0]], *(also or [])]
    unknowns = [
        unknown(runner, word, step if not number else "", endless=len(words) == 1)
        for number, word in enumerate(words)
    ]
    answer = solve(runner, given[0], unknowns, conditions)
    if shown == "json":
        settings.write(exact_json(answer_payload(answer)))
    else:
        words = ["convcalc", "show", target, *_options(runner, answer, set, variant, batch)]
        settings.write(answer_text(answer, join(words)))
    if answer.best is None:
        say("error: nothing meets the limits")
        return 1
    return 0


def _options(
    runner: Runner, answer: Answer, fixed: Sequence[str], variant: str, batch: int
) -> Iterator[str]:
    """The options that set what was given and what was found."""
    from convcalc.analysis.sweeps.running import INPUT

    if variant:
        yield from ("--variant", variant)
    if batch > 1:
        yield from ("--batch", str(batch))
    for word in fixed:
        yield from ("--set", word)
    for name, value in answer.best.values.items() if answer.best else ():
        if name == INPUT:
            yield from ("-i", "x".join(map(str, runner.input_sizes(value))))
        else:
            yield from ("--set", f"{name}={value}")


def _metrics(text: str) -> list[str]:
    return [name for name in (each.strip() for each in text.split(",")) if name]


def _write_forms(
    settings: Any, shown: str, runner: Runner, name: str, metrics: Sequence[str]
) -> int:
    from convcalc.analysis.sweeps.forms import NoForm, forms
    from convcalc.analysis.sweeps.solving import unknown
    from convcalc.diagnostics.visible import exact_json
    from convcalc.output.views.solving import forms_payload, forms_text

    found = forms(runner, unknown(runner, name, "", endless=True), metrics)
    settings.write(exact_json(forms_payload(found)) if shown == "json" else forms_text(found))
    return 1 if all(isinstance(each, NoForm) for each in found) else 0
