"""``convcalc sweep``: many configurations of a network, those that suit, and the best of them."""

from collections.abc import Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import typer

from convcalc.cli import options
from convcalc.cli.console import CLEAN, FINDINGS, INTERRUPTED, Failure, write_file
from convcalc.output.formats import FORMATS as TABLES

if TYPE_CHECKING:
    from convcalc.analysis.sweeps.parts import Sweep
    from convcalc.analysis.sweeps.plan import Plan
    from convcalc.analysis.sweeps.sweep_file import SweepFile
    from convcalc.cli.console import Settings
    from convcalc.cli.sweep_run import Elsewhere, Run
    from convcalc.language.sources.target import Target

FORMATS = (*TABLES, "jsonl")
ROW_FILES = {".parquet": "parquet", ".csv": "csv", ".jsonl": "jsonl"}
ALL = "all"
NO_NUMPY = (
    "numpy is not installed, so each configuration is computed by itself, which is slower: "
    "pip install 'convcalc[sweep]'"
)


def command(
    ctx: typer.Context,
    target: Annotated[
        str,
        typer.Argument(
            metavar="TARGET", help="Network file, FILE::VARIANT, name, or a file of a sweep."
        ),
    ],
    over: Annotated[
        list[str],
        typer.Option(
            "--over",
            metavar="NAME=VALUES",
            help="What is swept, input or a param: FROM:TO:STEP, A,B,C, or lists; repeatable.",
        ),
    ] = [],  # noqa: B006
    where: Annotated[
        list[str],
        typer.Option(
            "--where",
            metavar="CONDITION",
            help="Keep only what satisfies it: 'params <= 5M and macs <= 300M'. Repeatable.",
        ),
    ] = [],  # noqa: B006
    pareto: Annotated[
        str,
        typer.Option(
            "--pareto",
            metavar="A,B",
            help="Show the configurations that no other one beats in all of these; -A: more is "
            "better.",
        ),
    ] = "",
    top: Annotated[
        str,
        typer.Option("--top", metavar="N", help="How many rows to show, or all. [default: 20]"),
    ] = "",
    by: Annotated[
        str,
        typer.Option(
            "--by", metavar="A", help="What rows are sorted by, the least first; -A: the most."
        ),
    ] = "",
    metrics: Annotated[
        str,
        typer.Option(
            "--metrics",
            metavar="A,B",
            help="Numbers of each row. [default: params,macs,activations,memory,receptive_field]",
        ),
    ] = "",
    sample: Annotated[
        str,
        typer.Option("--sample", metavar="N", help="Draw so many different configurations."),
    ] = "",
    seed: Annotated[
        str, typer.Option("--seed", metavar="S", help="Which ones are drawn. [default: 0]")
    ] = "",
    shard: Annotated[
        str,
        typer.Option("--shard", metavar="I/N", help="Compute only the I-th of N shares of it."),
    ] = "",
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with the sweep in the folder of -o.")
    ] = False,
    chunk: Annotated[
        str,
        typer.Option(
            "--chunk", metavar="N", help="Rows computed and written at once. [default: 65536]"
        ),
    ] = "",
    jobs: Annotated[
        str,
        typer.Option("--jobs", metavar="N", help="Processes. [default: one for each core]"),
    ] = "",
    dask: Annotated[
        str,
        typer.Option(
            "--dask",
            metavar="ADDRESS",
            help="Compute on the Dask cluster whose scheduler is there, tcp://HOST:PORT.",
        ),
    ] = "",
    explain_plan: Annotated[
        bool,
        typer.Option(
            "--explain-plan", help="Say what would be computed, how, and about how long it takes."
        ),
    ] = False,
    plot: Annotated[
        bool, typer.Option("--plot", help="Draw the front, the first two columns of --pareto.")
    ] = False,
    svg: Annotated[
        str, typer.Option("--svg", metavar="FILE", help="Write the front as a figure.")
    ] = "",
    variant: options.Variant = "",
    batch: options.Batch = 1,
    count: options.Counted = "",
    dtype: options.DType = "",
) -> int:
    """Compute many configurations of a network and show the best of them.

    Every combination of the values of --over is a row. With -o FILE.csv, FILE.jsonl or
    FILE.parquet all rows that satisfy the conditions are written; with -o FOLDER/ in parts, so
    that --resume can go on with them later.

    convcalc sweep mobilenet_v2 --over width=0.5:1.4:0.1 --over input=96:224:32
    --where 'params <= 3M' --pareto macs,-receptive_field
    """
    settings = ctx.obj
    form = settings.format(FORMATS)
    asked = _Asked(
        tuple(over),
        tuple(where),
        tuple(_words(pareto)),
        tuple(_words(metrics)),
        by,
        top,
        sample,
        seed,
        _number(chunk, "chunk"),
    )
    how = _How(variant, batch, count, dtype)
    run = _Run(shard, resume, jobs, dask, explain_plan, plot, svg)
    return _sweep(settings, form, target, asked, how, run)


class _Asked(NamedTuple):
    """The words of the command line for the plan."""

    over: Sequence[str]
    where: Sequence[str]
    pareto: Sequence[str]
    metrics: Sequence[str]
    by: str
    top: str
    sample: str
    seed: str
    chunk: int | None


class _How(NamedTuple):
    """The options that hold for all configurations."""

    variant: str
    batch: int
    counted: str
    dtype: str


class _Run(NamedTuple):
    """How it is computed, and what is drawn."""

    shard: str
    resumes: bool
    jobs: str
    dask: str
    explains: bool
    plots: bool
    svg: str


def _sweep(settings: "Settings", form: str, word: str, asked: _Asked, how: _How, run: _Run) -> int:
    """Plans, computes and shows a sweep; returns the exit code."""
    from convcalc.analysis.sweeps.arrays import HAS_NUMPY
    from convcalc.analysis.sweeps.parts import NoFactor
    from convcalc.analysis.sweeps.sweep_file import ENDINGS
    from convcalc.cli.naming import target_of
    from convcalc.cli.sweep_target import print_problems_of, read_file, target_in
    from convcalc.diagnostics.diagnostic import Diagnostic, NetworkError
    from convcalc.diagnostics.work import current

    found: SweepFile | None = None
    if word.endswith(ENDINGS):
        found, code = read_file(word, settings)
        if found is None:
            return code
        target = target_in(found, word)
        how = _of_file(how, found)
    else:
        target = target_of(word)
    plan = _planned(asked, found)
    if not HAS_NUMPY:
        settings.note(f"note: {NO_NUMPY}")
    try:
        sweep = _opened(target, plan, how)
    except NetworkError as error:
        return _problems(settings, target, error)
    except NoFactor as error:
        if found is None or error.factor not in found.places:
            raise
        place = found.places[error.factor]
        problem = Diagnostic("unknown-name", error.message, place, error.help)
        return print_problems_of(word, found.text, [problem], settings)
    if (run.plots or run.svg) and len(plan.pareto) < 2:
        raise Failure("only a front of two columns can be drawn", "name them: --pareto params,macs")
    output, settings.output_file = _rows_to(settings, resumes=run.resumes)
    if run.explains:
        return _explain(settings, form, sweep, run)
    about = _about(sweep, how)
    elsewhere: Elsewhere | None = None
    if run.dask:
        from convcalc.cli.sweep_cluster import job_of, parts_on

        elsewhere = partial(parts_on, run.dask, job_of(target, sweep, dict(current().allowed)))
    return _computed(settings, form, sweep, about, output, run, elsewhere)


def _planned(asked: _Asked, found: "SweepFile | None") -> "Plan":
    """The plan of a command line, and of a file of a sweep, of which its words come first."""
    from convcalc.analysis.sweeps.plan import CHUNK, TOP, plan
    from convcalc.analysis.sweeps.words import factors

    own = factors(asked.over)
    where = asked.where
    if found is not None:
        named = {factor.name: factor for factor in own}
        held = [named.pop(factor.name, factor) for factor in found.factors]
        own, where = [*held, *named.values()], (*found.where, *where)
        given = {name: value for name, value in asked._asdict().items() if value}
        asked = asked._replace(**{**_said(found), **given})
    return plan(
        own,
        metrics=asked.metrics,
        where=where,
        pareto=asked.pareto,
        by=asked.by,
        top=None if asked.top == ALL else _number(asked.top, "top") or TOP,
        sample=_number(asked.sample, "sample"),
        seed=_number(asked.seed, "seed", least=0) or 0,
        chunk=asked.chunk or CHUNK,
    )


def _said(found: "SweepFile") -> dict[str, Any]:
    """Return what a file says that a flag could have said."""
    names = ("pareto", "metrics", "by", "top", "sample", "seed")
    return {name: getattr(found, name) for name in names}


def _of_file(how: _How, found: "SweepFile") -> _How:
    """Return the options that hold for all configurations; flags come first."""
    return _How(
        how.variant or found.variant,
        found.batch if how.batch == 1 else how.batch,
        how.counted or found.counted,
        how.dtype or found.dtype,
    )


def _opened(target: "Target", plan: "Plan", how: _How) -> "Sweep":
    """The sweep of a network file; raises Failure for a model, NetworkError for a broken file."""
    from convcalc.analysis.sweeps.measuring import Assumptions
    from convcalc.analysis.sweeps.parts import Sweep
    from convcalc.cli.console import choose
    from convcalc.cli.loading import counted_kinds
    from convcalc.importing.opening import open_source
    from convcalc.language.reading import NetworkSource
    from convcalc.model.quantities.number_text import DTYPES

    counted = counted_kinds(how.counted or options.default("count") or "weights,dynamic")
    dtype = choose(how.dtype or options.default("dtype") or "float32", DTYPES, "--dtype")
    if how.variant and target.variant and how.variant != target.variant:
        message = f"--variant {how.variant}, but the target is variant {target.variant}"
        raise Failure(message, "name the variant once")
    if not isinstance(open_source(target), NetworkSource):
        advice = "'convcalc import' makes a network file of it"
        raise Failure(f"{target.file} is a model, of which nothing can be swept", advice)
    return Sweep(
        plan,
        lambda: NetworkSource(target),
        Assumptions(counted, dtype),
        variant=how.variant or target.variant,
        batch=how.batch,
    )


def _problems(settings: "Settings", target: "Target", error: Any) -> int:
    """Prints the problems of a file that cannot be swept."""
    from convcalc.cli.problems import print_problems
    from convcalc.language.file_facts import NetworkFile
    from convcalc.language.reading import NetworkSource

    sources = NetworkSource(target).sources
    broken = NetworkFile("", None, "", target.file, {}, {}, (), error.diagnostics, 0, sources)
    return print_problems([broken], settings)


def _about(sweep: "Sweep", how: _How) -> dict[str, Any]:
    """Return what the sweep is, with a digest of every file that was read for it."""
    from convcalc.output.views.sweep import about_sweep

    files = sorted(
        (path.replace("\\", "/").rpartition("/")[2], digest)
        for (path, *_), digest in sweep.reads.found.items()
    )
    more = {
        "variant": sweep.runner.variant,
        "batch": how.batch,
        "dtype": sweep.runner.how.dtype,
        "count": list(sweep.runner.how.counted),
    }
    return about_sweep(sweep.name, sweep.plan, files, more)


def _explain(settings: "Settings", form: str, sweep: "Sweep", run: _Run) -> int:
    """Says what would be done."""
    from convcalc.analysis.sweeps.explained import explained
    from convcalc.output.views.sweep import plan_text

    numbers = _shared(sweep.parts, run.shard)
    steps = explained(sweep, numbers, min(_jobs(run.jobs), max(len(numbers), 1)))
    settings.write(plan_text(form, sweep.name, sweep.plan, steps, settings.style()))
    return CLEAN


# --- computing and writing -----------------------------------------------------------------------


class _Output(NamedTuple):
    """Where all rows go: a file of a format, a folder of parts, or nowhere."""

    path: str = ""
    kind: str = ""
    is_folder: bool = False


def _rows_to(settings: "Settings", *, resumes: bool) -> tuple[_Output, str]:
    """Where all rows go, and where what is shown goes."""
    import os

    path = settings.output_file
    kind = next((each for ending, each in ROW_FILES.items() if path.endswith(ending)), "")
    is_there = bool(path) and os.path.isdir(path)  # noqa: PTH112 - as the user writes it
    if path.endswith("/") or is_there or (resumes and path and not kind):
        from convcalc.output.row_files import has_parquet

        return _Output(path, "parquet" if has_parquet() else "csv", is_folder=True), ""
    if resumes:
        raise Failure("--resume goes on with the sweep of a folder", "name it: -o FOLDER/")
    return (_Output(path, kind), "") if kind else (_Output(), path)


def _computed(
    settings: "Settings",
    form: str,
    sweep: "Sweep",
    about: dict[str, Any],
    output: _Output,
    asked: _Run,
    elsewhere: "Elsewhere | None",
) -> int:
    from convcalc.cli.sweep_run import Run

    numbers = _shared(sweep.parts, asked.shard)
    run = Run(sweep, numbers, settings, _jobs(asked.jobs), elsewhere)
    if output.is_folder:
        _write_folder(run, about, output, resumes=asked.resumes)
    elif output.kind:
        write_file(output.path, _pieces(run, about, output.kind))
    else:
        for _ in run.parts(with_rows=False):
            pass
    _show(settings, form, run, about, plots=asked.plots)
    if asked.svg:
        from convcalc.output.views.front import front_svg
        from convcalc.output.views.sweep import sweep_title

        title = sweep_title(sweep.name, sweep.plan)
        write_file(asked.svg, front_svg(sweep.plan, run.tally.best, title) + "\n")
    if run.is_stopped:
        done = run.tally.counts.rows
        settings.note(f"stopped after {done:,} of {sweep.rows.count:,} configurations")
        return INTERRUPTED
    return FINDINGS if run.tally.counts.problems == run.tally.counts.rows else CLEAN


def _write_folder(run: "Run", about: dict[str, Any], output: _Output, *, resumes: bool) -> None:
    from convcalc.cli.sweep_folder import Folder

    folder = Folder(output.path, run.sweep.plan, about, output.kind)
    folder.begin(resumes=resumes)
    for part in run.parts(with_rows=True, found=folder.found):
        if part.columns:
            folder.keep(part)


def _pieces(run: "Run", about: dict[str, Any], kind: str) -> Iterator[bytes]:
    """The bytes of a file of all rows, each when it is made."""
    from convcalc.output.row_files import row_file

    writer = row_file(kind, run.sweep.plan, about)
    yield writer.begin()
    for part in run.parts(with_rows=True):
        yield writer.rows(part.columns)
    yield writer.end()


def _show(
    settings: "Settings", form: str, run: "Run", about: dict[str, Any], *, plots: bool
) -> None:
    from convcalc.output.views.sweep import sweep_text, sweep_title

    title = sweep_title(about["network"], run.sweep.plan)
    style = settings.style()
    text = sweep_text(form, title, about, run.tally, style)
    if plots and form == "table":
        from convcalc.output.views.front import plot_lines

        lines = plot_lines(run.sweep.plan, run.tally.best, style)
        text = "\n".join([text, "", *lines])
    if text:
        settings.write(text)
    else:
        settings.write_nothing()


# --- words ---------------------------------------------------------------------------------------


def _words(text: str) -> list[str]:
    return [word.strip() for word in text.split(",") if word.strip()]


def _number(text: str, name: str, least: int = 1) -> int | None:
    """The whole number of an option; None if it is not given."""
    if not text:
        return None
    if text.isdecimal() and text.isascii() and len(text) < 20 and int(text) >= least:
        return int(text)
    raise Failure(f"--{name} is '{text}', which is not a number from {least} on")


def _jobs(text: str) -> int:
    """How many processes compute."""
    import os

    if not hasattr(os, "fork"):
        return 1
    if found := _number(text, "jobs"):
        return min(found, 64)
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 1


def _shared(parts: int, shard: str) -> range:
    """The numbers of the parts of one share of them; of all without one."""
    if not shard:
        return range(parts)
    first, slash, count = shard.partition("/")
    share, shares = _number(first, "shard"), _number(count, "shard")
    if not slash or share is None or shares is None or share > shares:
        raise Failure(f"--shard is '{shard}'", "write which one of how many: 3/64")
    return range(parts * (share - 1) // shares, parts * share // shares)
