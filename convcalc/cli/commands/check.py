"""``convcalc check``: problems, design rules, pins and budgets of many files; for CI."""

import os
import sys
from collections.abc import Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from convcalc.cli.console import CLEAN, COULD_NOT_RUN, FINDINGS, Failure, choose, environment, say

if TYPE_CHECKING:
    from convcalc.checking.configuration import Configuration
    from convcalc.checking.discovery import Found
    from convcalc.checking.run import Checked, Options
    from convcalc.cli.console import Settings

STDIN = "-"


def command(
    ctx: typer.Context,
    paths: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[PATHS]...",
            show_default=False,
            help="Folders, globs, network files, FILE::VARIANT, shipped names, or -; by default "
            "the current folder.",
        ),
    ] = None,
    select: Annotated[
        str,
        typer.Option(
            "--select",
            metavar="CODES",
            help="Only these rules, or beginnings of codes: CC2,CC301. [env: CONVCALC_SELECT]",
        ),
    ] = "",
    ignore: Annotated[
        str,
        typer.Option("--ignore", metavar="CODES", help="Not these. [env: CONVCALC_IGNORE]"),
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
            help="Budgets of the repository instead of the closest convcalc.budgets.yaml. "
            "[env: CONVCALC_BUDGETS]",
        ),
    ] = "",
    strict: Annotated[bool, typer.Option("--strict", help="Warnings make it fail too.")] = False,
    exit_zero: Annotated[
        bool, typer.Option("--exit-zero", help="Findings do not make it fail.")
    ] = False,
    statistics: Annotated[
        bool, typer.Option("--statistics", help="How often each rule was broken.")
    ] = False,
    show_passed: Annotated[
        bool, typer.Option("--show-passed", help="Show budgets that hold, too.")
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
        typer.Option("--stdin-filename", metavar="NAME", help="What - is called, and lies beside."),
    ] = "",
    force_exclude: Annotated[
        bool,
        typer.Option(
            "--force-exclude", help="'exclude' holds for files that are named, too (for hooks)."
        ),
    ] = False,
    add_ignore: Annotated[
        bool,
        typer.Option(
            "--add-ignore", help="Write a comment at every finding that silences it from now on."
        ),
    ] = False,
) -> int:
    """Check network files.

    Problems, rules of design, pinned numbers ('expect') and budgets. Exit code 0 if clean, 1 if
    something was found, 2 if a file could not be read.
    """
    from convcalc.checking.configuration import FORMATS, configuration_of
    from convcalc.output.findings.base import View

    settings = ctx.obj
    here = configuration_of(os.curdir)
    form = _format(settings, here, FORMATS)
    options, files = _options_and_files(
        paths or [os.curdir],
        (select, ignore, variant, budgets),
        stdin_filename,
        force_exclude=force_exclude,
    )
    if add_ignore:
        return _add_ignores(options, files, settings)
    view = View(show_passed, statistics, settings.style().color, settings.quiet)
    done = _write_results(options, files, form, view, settings)
    name = options.variant
    if name not in ("", "all") and not any(r.networks or r.findings for r in done):
        raise Failure(f"no file has the variant '{name}'", "write all, or the name of a variant")
    if summary_file:
        _append(summary_file, done, view)
    is_strict = strict or here.strict or environment("STRICT") not in ("", "0", "false")
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


def _options_and_files(
    paths: Sequence[str],
    words: tuple[str, str, str, str],
    stdin_filename: str,
    *,
    force_exclude: bool,
) -> tuple["Options", list["Found"]]:
    """The options of the check, and the files to be checked."""
    from convcalc.checking.configuration import check_codes
    from convcalc.checking.discovery import Found, discover
    from convcalc.checking.run import Options

    names = ("select", "ignore", "variant", "budgets")
    select, ignore, variant, budgets = (
        word or environment(name.upper()) for word, name in zip(words, names, strict=True)
    )
    options = Options(
        check_codes(_split_list(select), "--select"),
        check_codes(_split_list(ignore), "--ignore"),
        variant,
        budgets,
        debug=environment("DEBUG") not in ("", "0"),
    )
    if budgets and not os.path.isfile(budgets):  # noqa: PTH113 - one error, not one per network
        raise Failure(f"cannot read {budgets}: no such file", "--budgets names a file of budgets")
    if STDIN in paths:
        if len(paths) > 1:
            raise Failure("- stands beside other paths", "check stdin alone")
        return options._replace(stdin=_stdin()), [Found(stdin_filename or STDIN)]
    if stdin_filename:
        raise Failure("--stdin-filename without -", "write: convcalc check - --stdin-filename NAME")
    files = discover(paths, force_exclude=force_exclude)
    if not files and not force_exclude:
        shown = "the current folder" if list(paths) == [os.curdir] else ", ".join(paths)
        raise Failure(
            f"no network file in {shown}", "they end in .convcalc.yaml, and are not ignored"
        )
    return options, files


def _split_list(text: str) -> list[str]:
    return [word.strip() for word in text.split(",") if word.strip()]


def _stdin() -> bytes:
    """The bytes of stdin, at most one more than the limit, which is enough to refuse them."""
    from convcalc.checking.configuration import configuration_of
    from convcalc.language.reading import with_allowed

    if sys.stdin is None:
        raise Failure("standard input is closed")
    limits = with_allowed(configuration_of(os.curdir).limits)
    return sys.stdin.buffer.read(limits.document.bytes + 1)


# --- results -----------------------------------------------------------------------------------


def _write_results(
    options: "Options", files: Sequence["Found"], form: str, view: "object", settings: "Settings"
) -> list["Checked"]:
    """Checks files and writes the results, each as soon as it is ready; returns all of them."""
    from convcalc.checking.processes import jobs_for, map_in_order
    from convcalc.checking.run import Run, first_findings
    from convcalc.output.findings.base import chunks

    done: list[Checked] = []

    jobs = 1 if options.debug else jobs_for(len(files))

    def results() -> Iterator["Checked"]:
        for result in Run(options).check(files, partial(map_in_order, jobs=jobs)):
            done.append(first_findings(result))
            yield done[-1]

    choose(form, (form,), "output format")
    pieces = chunks(form, results(), view)  # type: ignore[arg-type]
    settings.write_all(pieces)
    return done


def _append(path: str, done: list["Checked"], view: "object") -> None:
    """Appends the summary to a file, to which other programs may write too."""
    from convcalc.output.findings.markdown import text

    try:
        with open(path, "a", encoding="utf-8", errors="backslashreplace") as file:  # noqa: PTH123
            file.write(text(done, view) + "\n")  # type: ignore[arg-type]
    except OSError as error:
        raise Failure(f"cannot write {path}: {error.strerror}") from None


def _add_ignores(options: "Options", files: Sequence["Found"], settings: "Settings") -> int:
    """Silences all present findings; returns the exit code for those that are left."""
    from convcalc.checking.baseline import silence
    from convcalc.checking.run import Run

    done = list(Run(options).check(files))
    added = silence(done)
    for path, error in added.failures.items():
        say(f"error: cannot write {path}: {error}")
    settings.note(f"Silenced {added.silenced:,} finding{'s' * (added.silenced != 1)}.")
    if added.failures:
        return COULD_NOT_RUN
    left = list(Run(options).check(files))
    for result in left:
        for found in result.findings:
            say(f"left: {found.place}: {found.severity}[{found.code}] {found.message}")
    return exit_code(left)
