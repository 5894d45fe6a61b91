"""The command ``convcalc``: runs one command, importing only its module; errors set exit codes."""

# The modules of commands have no ``from __future__ import annotations``: typer reads the
# annotations, and to evaluate their text at each start costs more than they do.

import os
from collections.abc import Sequence
from copy import copy
from importlib import import_module
from keyword import iskeyword
from typing import Annotated, Any

import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_command

from convcalc.cli.console import COULD_NOT_RUN, INTERRUPTED, Failure, Settings, print_text, say
from convcalc.diagnostics.visible import visible
from convcalc.diagnostics.work import LIMITS, TooMuchWork
from convcalc.errors import Error
from convcalc.language.sources.project import use_project
from convcalc.output.formats import FORMATS

# In the order of the help page. The module is convcalc/cli/commands/<name>.py; it has a function
# ``command``, whose docstring is the help text.
COMMANDS = (
    "show",
    "check",
    "diff",
    "verify",
    "pin",
    "layer",
    "rf",
    "explain",
    "import",
    "get",
    "sweep",
    "solve",
    "list",
    "operator",
    "convention",
    "device",
    "rule",
    "schema",
    "new",
    "export",
    "cache",
    "version",
    "help",
)
# The options that every command takes.
FORMAT = "output_format"  # which a command without formats does not take
SHARED = (FORMAT, "output_file", "color", "quiet", "root", "allow_outside", "limit")

VERBOSE = "--verbose"

UsageError: Any = typer.BadParameter.__mro__[1]  # click is vendored by some typers, not by all


def run(arguments: Sequence[str] | None = None) -> int:
    """Runs the command line; returns the exit code."""
    try:
        if "_CONVCALC_COMPLETE" in os.environ:  # a script that an earlier version installed
            completion: Any = import_module("typer.completion")
            completion.completion_init()
        code = command_line().main(arguments, "convcalc", standalone_mode=False, obj=Settings())
        return int(code or 0)
    except typer.Abort:
        return INTERRUPTED
    except UsageError as error:
        path = error.ctx.command_path if error.ctx else "convcalc"
        message = error.format_message().rstrip(".")
        return _fail(message[:1].lower() + message[1:], f"see '{path} -h'")
    except TooMuchWork as error:
        return _fail(f"too large: {error}", error.help)
    except Error as error:
        return _fail(error.message, error.help)
    finally:
        use_project(None)


def command_line() -> Any:
    """The whole command line, a group of commands as click has them."""
    return get_command(_build_app(convcalc, Commands))


def app_of(name: str) -> Any:
    """A command as typer has it, without the options that all commands share."""
    module = import_module(f"convcalc.cli.commands.{module_of(name)}")
    return get_command(_build_app(module.command))


def _fail(message: str, advice: str) -> int:
    say(f"error: {visible(message)}", *([f"  = help: {visible(advice)}"] if advice else []))
    return COULD_NOT_RUN


class PrintsHelp:
    """Help pages go to stdout as all results do, and fail as they do."""

    def get_help_option(self, ctx: Any) -> Any:
        """The option ``--help``."""
        option: Any = super().get_help_option(ctx)  # type: ignore[misc]
        if option is not None:
            option.callback = _print_help
        return option


def _print_help(ctx: Any, _option: Any, asked: bool) -> None:
    if asked and not ctx.resilient_parsing:
        print_text(ctx.get_help())
        ctx.exit()


class Verb(PrintsHelp, TyperCommand):
    """A command, whose help page goes to stdout."""


class Commands(PrintsHelp, TyperGroup):
    """Imports and builds a command only when it is called, to keep start-up short."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Reads the arguments; ``--version --verbose`` is the command ``version``."""
        if VERBOSE in args and not {*args} - {VERBOSE, "-V", "--version"}:
            args = ["version", VERBOSE]
        rest: list[str] = super().parse_args(ctx, args)
        return rest

    def list_commands(self, ctx: Any) -> list[str]:
        """All names, for the help page and for completion."""
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """The command of that name, which takes the shared options too."""
        if cmd_name not in COMMANDS:
            return None if ctx.resilient_parsing else _unknown_command(cmd_name)
        command: Any = app_of(cmd_name)
        command.name = cmd_name
        module = import_module(f"convcalc.cli.commands.{module_of(cmd_name)}")
        formats: Sequence[str] = getattr(module, "FORMATS", ())
        command.params += [
            _with_formats(param, formats) if param.name == FORMAT else param
            for param in self.params
            if param.name in SHARED and (formats or param.name != FORMAT)
        ]
        function = command.callback

        def with_settings(**values: Any) -> Any:
            ctx.obj.update(*(values.pop(name, "") for name in SHARED))
            use_project(ctx.obj.project())
            with ctx.obj.work():
                return function(**values)

        command.callback = with_settings
        return command


def _with_formats(option: Any, formats: Sequence[str]) -> Any:
    """The option of the output format, whose help lists the formats of a command."""
    own = copy(option)
    own.help = f"{', '.join(formats[:-1])} or {formats[-1]}. [env: CONVCALC_OUTPUT_FORMAT]"
    return own


def _build_app(function: Any, group: Any = None) -> typer.Typer:
    """A typer application of one function: that of the group, or that of one command."""
    app = typer.Typer(
        cls=group,
        add_completion=False,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    (app.callback(invoke_without_command=True) if group else app.command(cls=Verb))(function)
    return app


def module_of(name: str) -> str:
    """The module of a command: ``import_`` for a name that is a word of Python."""
    return f"{name}_" if iskeyword(name) else name


def _unknown_command(name: str) -> None:
    """Raises Failure; a file or network in place of a command suggests a forgotten ``show``."""
    from convcalc.diagnostics.suggestion import advise
    from convcalc.language.sources.resolve import resolve
    from convcalc.language.sources.target import TargetError

    advice = advise(name, COMMANDS, "commands:")
    try:
        resolve(name)
        advice = f"write 'convcalc show {name}'"
    except TargetError:
        pass
    raise Failure(f"unknown command '{name}'", advice)


def convcalc(
    ctx: typer.Context,
    output_format: Annotated[
        str,
        typer.Option(
            "-f",
            "--output-format",
            metavar="FORMAT",
            show_default=False,
            help=f"{', '.join(FORMATS)} and others; the help of each command lists its own. "
            "[env: CONVCALC_OUTPUT_FORMAT]",
        ),
    ] = "",
    output_file: Annotated[
        str,
        typer.Option(
            "-o",
            "--output-file",
            metavar="FILE",
            show_default=False,
            help="Write the result to this file, not to stdout. [env: CONVCALC_OUTPUT_FILE]",
        ),
    ] = "",
    color: Annotated[
        str,
        typer.Option(
            "--color",
            metavar="WHEN",
            show_default=False,
            help="auto (respects NO_COLOR and FORCE_COLOR), always or never. [env: CONVCALC_COLOR]",
        ),
    ] = "",
    quiet: Annotated[
        bool,
        typer.Option(
            "-q",
            "--quiet",
            help="Print results and errors only, and no remarks below tables. "
            "[env: CONVCALC_QUIET]",
        ),
    ] = False,
    root: Annotated[
        str,
        typer.Option(
            "--root",
            metavar="FOLDER",
            show_default=False,
            help="The project; files outside it are not read. By default the nearest folder upward "
            "with .git, pyproject.toml or convcalc.toml. [env: CONVCALC_ROOT]",
        ),
    ] = "",
    allow_outside: Annotated[
        bool,
        typer.Option("--allow-outside", help="Also follow links and paths that leave the project."),
    ] = False,
    limit: Annotated[
        str,
        typer.Option(
            "--limit",
            metavar="NAME=N",
            show_default=False,
            help=f"Allow more, or less: {', '.join(LIMITS)}. [env: CONVCALC_LIMIT]",
        ),
    ] = "",
    version: Annotated[
        bool,
        typer.Option(
            "-V", "--version", help="Show the version; with --verbose, also what it runs on."
        ),
    ] = False,
    install_completion: Annotated[
        bool,
        typer.Option("--install-completion", help="Install completion for the current shell."),
    ] = False,
    show_completion: Annotated[
        bool,
        typer.Option("--show-completion", help="Show the script of completion for this shell."),
    ] = False,
) -> int:
    """Compute what a convolutional network costs and sees: shapes, parameters, MACs, receptive
    fields.

    A TARGET is a network file, FILE::VARIANT, the name of a built-in network
    ('convcalc list networks'), or - for stdin.
    """
    ctx.obj.update(output_format, output_file, color, quiet, root, allow_outside, limit)
    if version:
        from convcalc._version import __version__

        print_text(f"convcalc {__version__}")
        raise typer.Exit
    if install_completion or show_completion:
        from convcalc.cli.shells import install, script_of, shell_of_user

        shell = shell_of_user()
        if show_completion:
            print_text(script_of(shell).removesuffix("\n"))
        else:
            path = install(shell)
            print_text(f"installed the completion of {shell} in {path}; it works in new shells")
        raise typer.Exit
    if ctx.invoked_subcommand is None:
        print_text(ctx.get_help())
        return COULD_NOT_RUN
    return 0
