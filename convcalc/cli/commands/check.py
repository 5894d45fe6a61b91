"""``convcalc check``: problems, design rules, pins and budgets of many files; for CI."""

import os
import sys
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from convcalc.checking import FORMATS
from convcalc.cli.commands._policy import require_file
from convcalc.cli.console import (
    CLEAN,
    COULD_NOT_RUN,
    FINDINGS,
    Failure,
    append_file,
    choose,
    environment,
    is_set,
    say,
)
from convcalc.cli.options import Config, Inputs, Isolated, NoCache, Params, Policy

if TYPE_CHECKING:
    from convcalc.checking.configuration import Configuration
    from convcalc.checking.discovery import Found
    from convcalc.checking.run import Checked, Options, Run
    from convcalc.cli.console import Settings

STDIN = "-"


def command(
    ctx: typer.Context,
    paths: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[PATHS]...",
            show_default=False,
            help="Folders, globs, network files, FILE::VARIANT, built-in names, or -; by default "
            "the current folder.",
        ),
    ] = None,
    select: Annotated[
        str,
        typer.Option(
            "--select",
            metavar="CODES",
            help="Check only these rules; prefixes work too: CC2,CC301. [env: CONVCALC_SELECT]",
        ),
    ] = "",
    ignore: Annotated[
        str,
        typer.Option("--ignore", metavar="CODES", help="Skip these rules. [env: CONVCALC_IGNORE]"),
    ] = "",
    variant: Annotated[
        str,
        typer.Option(
            "--variant",
            metavar="NAME",
            show_default=False,
            help="all (the default), or one. [env: CONVCALC_VARIANT]",
        ),
    ] = "",
    budgets: Annotated[
        str,
        typer.Option(
            "--budgets",
            metavar="FILE",
            help="Use these budgets instead of the closest convcalc.budgets.yaml. "
            "[env: CONVCALC_BUDGETS]",
        ),
    ] = "",
    policy: Policy = "",
    config: Config = "",
    isolated: Isolated = False,
    strict: Annotated[bool, typer.Option("--strict", help="Fail on warnings too.")] = False,
    exit_zero: Annotated[
        bool, typer.Option("--exit-zero", help="Exit with 0 even if something was found.")
    ] = False,
    statistics: Annotated[
        bool, typer.Option("--statistics", help="Show how often each rule was broken.")
    ] = False,
    show_passed: Annotated[
        bool, typer.Option("--show-passed", help="Also show budgets that are met.")
    ] = False,
    summary_file: Annotated[
        str,
        typer.Option(
            "--summary-file",
            metavar="FILE",
            help='Append a summary in Markdown, for instance to "$GITHUB_STEP_SUMMARY".',
        ),
    ] = "",
    stdin_filename: Annotated[
        str,
        typer.Option("--stdin-filename", metavar="NAME", help="File name to assume for stdin."),
    ] = "",
    force_exclude: Annotated[
        bool,
        typer.Option("--force-exclude", help="Apply 'exclude' to named files too (for hooks)."),
    ] = False,
    with_users: Annotated[
        bool,
        typer.Option(
            "--with-users",
            help="Also check the networks that import a named file, or that its budgets are about "
            "(for hooks).",
        ),
    ] = False,
    allow_code: Annotated[
        bool,
        typer.Option(
            "--allow-code", help="Build models such as timm:NAME, which runs the code of a package."
        ),
    ] = False,
    input: Inputs = [],  # noqa: A002, B006 - typer copies it
    set: Params = [],  # noqa: A002, B006
    dtype: Annotated[
        str,
        typer.Option(
            "--dtype",
            metavar="TYPE",
            show_default=False,
            help="Type of the numbers in memory, for budgets that name none. [default: float32]",
        ),
    ] = "",
    no_cache: NoCache = False,
    add_ignore: Annotated[
        bool,
        typer.Option("--add-ignore", help="Write a comment at each finding that silences it."),
    ] = False,
) -> int:
    """Check network files.

    Problems, rules of design, pinned numbers ('expect') and budgets. With --policy, also
    reports where files weaken their requirements. Exit code 0 if clean, 1 if something was found, 2
    if a file could not be read or nothing was checked.
    """
    from convcalc.checking.run import Run
    from convcalc.output.findings.base import View

    settings = ctx.obj
    words = paths or [settings.root or os.curdir]
    chosen = _options((select, ignore, variant, budgets, policy, config), isolated=isolated)
    chosen = _at(chosen, input, set, dtype)
    run = Run(chosen._replace(keep=not (no_cache or is_set("NO_CACHE"))))
    run.own.configuration(os.curdir)  # if it is wrong, that is one error
    here = run.held.configuration(os.curdir)
    form = _format(settings, here, FORMATS)
    run.options, files = _files(
        run,
        words,
        stdin_filename,
        force_exclude=force_exclude,
        allow_code=allow_code,
        with_users=with_users,
    )
    if add_ignore:
        return _add_ignores(run, files, settings)
    style = settings.style()
    view = View(show_passed, statistics, style.color, settings.quiet, style.width)
    done = _write_results(run, files, words, form, view, settings)
    if not files:
        settings.note("'exclude' leaves out every file that is named.")
    if unmatched := next(run.unmatched_variants(files, done), None):
        raise Failure(*unmatched)
    if summary_file:
        _append(summary_file, done, view)
    is_strict = strict or here.strict or is_set("STRICT")
    return exit_code(done, strict=is_strict, exit_zero=exit_zero)


def exit_code(done: Sequence["Checked"], *, strict: bool = False, exit_zero: bool = False) -> int:
    """The exit code: 2 if a file could not be checked, 1 for findings that count, else 0."""
    if any(result.unreadable for result in done):
        return COULD_NOT_RUN
    counted = sum(result.errors + result.warnings * strict for result in done)
    return FINDINGS if counted and not exit_zero else CLEAN


def _format(settings: "Settings", here: "Configuration", formats: Sequence[str]) -> str:
    """The output format: from a flag, the environment or the project's settings, in that order."""
    given = settings.output_format or environment("OUTPUT_FORMAT")
    if not given and here.output_format:
        return here.output_format
    return settings.format(formats)


def _options(words: tuple[str, ...], *, isolated: bool) -> "Options":
    """The options of the check, by flags or else by the environment."""
    from convcalc.checking.configuration import check_codes
    from convcalc.checking.run import Options

    names = ("select", "ignore", "variant", "budgets", "policy", "config")
    select, ignore, variant, budgets, policy, config = (
        word or environment(name.upper()) for word, name in zip(words, names, strict=True)
    )
    options = Options(
        check_codes(_split_list(select), "--select"),
        check_codes(_split_list(ignore), "--ignore"),
        variant,
        budgets,
        debug=environment("DEBUG") not in ("", "0"),
        policy=policy,
        config=config,
        isolated=isolated or is_set("ISOLATED"),
    )
    if select and not options.select:
        raise Failure("--select names no rule", "for instance --select CC2,CC301")
    for flag, path, kind in (("--budgets", budgets, "budgets"), ("--config", config, "settings")):
        require_file(path, flag, kind)
    return options


def _at(options: "Options", inputs: Sequence[str], params: Sequence[str], dtype: str) -> "Options":
    """The options with the input, the params and the type at which the networks are checked."""
    if not (inputs or params or dtype):
        return options
    from convcalc.cli.loading import assignment, input_shapes
    from convcalc.model.quantities.number_text import DTYPES

    if dtype:
        choose(dtype, DTYPES, "--dtype")
    shapes = input_shapes(inputs) or [None]
    if len(shapes) > 1:
        raise Failure("check takes one input", "name each --input once")
    if options.policy:
        advice = "a policy is about the files as they are"
        raise Failure("--policy with --input, --set or --dtype", advice)
    return options._replace(inputs=shapes[0], params=tuple(map(assignment, params)), dtype=dtype)


def _files(
    run: "Run",
    paths: Sequence[str],
    stdin_filename: str,
    *,
    force_exclude: bool,
    allow_code: bool,
    with_users: bool = False,
) -> tuple["Options", list["Found"]]:
    """The files to be checked, and the options with the text of stdin if that is one of them."""
    from convcalc.checking.discovery import Found, discover
    from convcalc.language.limits import with_allowed

    options = run.options._replace(allow_code=allow_code)
    if STDIN in paths:
        if len(paths) > 1:
            raise Failure("- is given beside other paths", "check stdin alone")
        limits = with_allowed(run.held.configuration(os.curdir).limits)
        text = _stdin(limits.document.bytes)
        return options._replace(stdin=text), [Found(stdin_filename or STDIN)]
    if stdin_filename:
        raise Failure("--stdin-filename without -", "write: convcalc check - --stdin-filename NAME")
    files = discover(
        paths,
        force_exclude=force_exclude,
        policy=run.held,
        allow_code=allow_code,
        with_users=with_users,
    )
    if not files and not (force_exclude and all(map(_is_named_file, paths))):
        shown = "the current folder" if list(paths) == [os.curdir] else ", ".join(paths)
        advice = "they end in .convcalc.yaml, and are not ignored"
        raise Failure(f"no network file in {shown}", advice)
    return options, files


def _is_named_file(path: str) -> bool:
    return os.path.lexists(path) and not os.path.isdir(path)  # noqa: PTH112 - a word


def _split_list(text: str) -> list[str]:
    return [word.strip() for word in text.split(",") if word.strip()]


def _stdin(most: int) -> bytes:
    """The bytes of stdin, at most one more than the limit, which is enough to refuse them."""
    if sys.stdin is None:
        raise Failure("standard input is closed")
    return sys.stdin.buffer.read(most + 1)


# --- results -----------------------------------------------------------------------------------


def _write_results(
    run: "Run",
    files: Sequence["Found"],
    words: Sequence[str],
    form: str,
    view: "object",
    settings: "Settings",
) -> list["Checked"]:
    """Checks files and writes the results, each as soon as it is ready; returns all of them."""
    from convcalc.checking.processes import jobs_for, map_in_order
    from convcalc.checking.run import first_findings
    from convcalc.cli.progress import progress
    from convcalc.output.findings.base import chunks

    done: list[Checked] = []

    jobs = 1 if run.options.debug else jobs_for(len(files))

    def results(step: Callable[[str], None]) -> Iterator["Checked"]:
        for result in run.check(files, partial(map_in_order, jobs=jobs), words):
            step(result.file)
            done.append(first_findings(result))
            yield done[-1]

    choose(form, (form,), "output format")
    with progress("checking", len(files), settings) as step:
        pieces = chunks(form, results(step), view)  # type: ignore[arg-type]
        settings.write_all(pieces, commands=form == "github")
    return done


def _append(path: str, done: list["Checked"], view: "object") -> None:
    """Appends the summary to a file, to which other programs may write too."""
    from convcalc.diagnostics.visible import fence
    from convcalc.output.findings.markdown import text

    append_file(path, fence(text(done, view)) + "\n")  # type: ignore[arg-type]


def _add_ignores(run: "Run", files: Sequence["Found"], settings: "Settings") -> int:
    """Silences all present findings; returns the exit code for those that are left.

    They are those of the tree itself: under a policy, the new comments would be findings.
    """
    from convcalc.checking.baseline import silence
    from convcalc.checking.run import Run

    options = run.options._replace(policy="", keep=False)
    done = _checked_alone(Run(options), files, settings)
    added = silence(done)
    for path, error in added.failures.items():
        say(f"error: cannot write {path}: {error}")
    settings.note(f"Silenced {added.silenced:,} finding{'s' * (added.silenced != 1)}.")
    if run.options.policy and added.silenced:
        settings.note(f"With --policy they count once {run.options.policy} has the comments.")
    if added.failures:
        return COULD_NOT_RUN
    left = _checked_alone(Run(options), files, settings)
    for result in left:
        for found in result.findings:
            say(f"left: {found.place}: {found.severity}[{found.code}] {found.message}")
    return exit_code(left)


def _checked_alone(run: "Run", files: Sequence["Found"], settings: "Settings") -> list["Checked"]:
    """The results of all files, of this process alone."""
    from convcalc.cli.progress import progress

    done = []
    with progress("checking", len(files), settings) as step:
        for result in run.check(files):
            step(result.file)
            done.append(result)
    return done
