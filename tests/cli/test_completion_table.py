"""The table of completion says of every command what typer says of it.

``CONVCALC_UPDATE_GOLDEN=1 pytest -n0 tests/cli/test_completion_table.py`` writes it anew.
"""

from __future__ import annotations

import os
import subprocess
import sys
from importlib import import_module
from typing import Any

import pytest
from command import Command
from places import ROOT

from convcalc.cli.app import COMMANDS, SHARED, app_of, command_line, module_of
from convcalc.cli.completion import table
from convcalc.cli.completion.values import _FILES, _OF_COMMAND, _OF_PARAM
from convcalc.output.formats import FORMATS

FILE = ROOT / "convcalc" / "cli" / "completion" / "table.py"
HEAD = '''"""The parameters of each command that take a value: written by a test, held to typer's.

Code that completes a value needs no more, and typer takes longer to import than most are found.
"""

# ruff: noqa: E501

from __future__ import annotations

from collections.abc import Mapping

'''


def options(params: list[Any]) -> dict[str, str]:
    """The options that take a value, with the names of their parameters."""
    valued = [p for p in params if p.param_type_name == "option" and not p.is_flag]
    return {word: param.name for param in valued for word in param.opts}


def arguments(params: list[Any]) -> tuple[str, ...]:
    """The names of the arguments in order, one that takes several words with a star."""
    found = [param for param in params if param.param_type_name == "argument"]
    return tuple(f"{param.name}{'*' * (param.nargs == -1)}" for param in found)


def made() -> str:
    """The text of the table."""
    shared = options([param for param in command_line().params if param.name in SHARED])
    apps = {name: app_of(name) for name in COMMANDS}
    about = {name: str(app.help).partition("\n")[0].removesuffix(".") for name, app in apps.items()}
    takes = {name: (arguments(app.params), options(app.params)) for name, app in apps.items()}
    formats = {"": FORMATS}
    for name in COMMANDS:
        module = import_module(f"convcalc.cli.commands.{module_of(name)}")
        formats[name] = tuple(getattr(module, "FORMATS", ()))
    text = (
        f"{HEAD}# What each command does.\nABOUT: Mapping[str, str] = {about!r}\n\n"
        f"# Options of every command.\nSHARED: Mapping[str, str] = {shared!r}\n\n"
        "# The output formats of each command, and of those before a command.\n"
        f"FORMATS: Mapping[str, tuple[str, ...]] = {formats!r}\n\n"
        "# Arguments in order, and options of each command; a star is for several words.\n"
        f"COMMANDS: Mapping[str, tuple[tuple[str, ...], Mapping[str, str]]] = {takes!r}\n"
    )
    command = [sys.executable, "-m", "ruff", "format", "-q", "--stdin-filename", str(FILE), "-"]
    return subprocess.run(
        command, input=text, capture_output=True, check=True, cwd=ROOT, encoding="utf-8"
    ).stdout


def test_the_table_says_what_typer_says() -> None:
    if os.environ.get("CONVCALC_UPDATE_GOLDEN"):
        FILE.write_text(made(), "utf-8")
    else:
        assert FILE.read_text("utf-8") == made()


def test_every_parameter_has_values_or_is_known_to_have_none() -> None:
    without = {"batch", "top", "position", "channel", "stack", "suggest", "filter", "policy"}
    without |= {"stdin_filename", "name", "limits", "step"}
    without |= {"where", "sample", "seed", "shard", "chunk", "jobs", "dask"}
    for command, (names, own) in table.COMMANDS.items():
        for param in {*own.values(), *(name.removesuffix("*") for name in names)}:
            known = (command, param) in _OF_COMMAND or param in _OF_PARAM or param in _FILES
            assert known != (param in without and (command, param) not in _OF_COMMAND), param


@pytest.mark.parametrize("name", COMMANDS)
@pytest.mark.usefixtures("folder")
def test_a_command_is_offered_its_own_formats(name: str, convcalc: Command) -> None:
    names, _ = table.COMMANDS[name]
    words = {"schema": "network", "list": "networks", "cache": "dir", "operator": "conv"}
    words |= {"convention": "thop", "rule": "CC201", "get": "totals.macs vgg11", "layer": "relu"}
    words |= {"new": "x -o -", "export": "vgg11 --to torch", "import": "x.onnx", "pin": ""}
    words |= {"help": "tutorial", "device": "show a100", "solve": "vgg11 --form classes"}
    words |= {"sweep": "vgg11 --over input=224"}
    said = convcalc(f"{name} {words.get(name, ' '.join(['vgg11'] * len(names)))} -f nosuch").err
    listed = said.partition("must be one of: ")[2].split("\n")[0]
    assert tuple(filter(None, listed.split(", "))) == table.FORMATS.get(name, ())
