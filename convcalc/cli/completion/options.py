"""The options of a command with their help texts, as the help page has them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from convcalc.cli.app import COMMANDS, SHARED, app_of, command_line

HELP = "Show this message and exit."


def options(command: str) -> Iterator[tuple[str, str]]:
    """The options of a command, or of the program, by their long names."""
    params: list[Any] = list(command_line().params)
    if command in COMMANDS:
        params = [param for param in params if param.name in SHARED]
        params = [*app_of(command).params, *params]
    for param in params:
        if param.param_type_name == "option":
            about = (param.help or "").partition(". ")[0].removesuffix(".")
            for name in param.opts:
                if name.startswith("--") or len(param.opts) == 1:
                    yield name, about
    yield "--help", HELP.removesuffix(".")
