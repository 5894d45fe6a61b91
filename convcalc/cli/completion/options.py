"""The options of a command with their help texts, as the help page has them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from convcalc.cli.app import COMMANDS, command_line

HELP = "Show this message and exit."


def options(command: str) -> Iterator[tuple[str, str]]:
    """The options of a command, or of the program, by their long names."""
    program: Any = command_line()
    asked = program.get_command(None, command) if command in COMMANDS else program
    for param in asked.params:
        if param.param_type_name == "option":
            about = (param.help or "").partition(". ")[0].removesuffix(".")
            for name in param.opts:
                if name.startswith("--") or len(param.opts) == 1:
                    yield name, about
    yield "--help", HELP.removesuffix(".")
