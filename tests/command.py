"""The command line, in this process or in one of its own; the fixtures are in ``conftest.py``."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from collections.abc import Callable
from typing import Any, NamedTuple

import pytest
from places import ROOT

from convcalc.cli import main

RUN = "import sys; from convcalc.cli import main; sys.exit(main())"


class Ran(NamedTuple):
    """What a command did."""

    code: int
    out: str
    err: str


Command = Callable[[str], Ran]


def command(capsys: pytest.CaptureFixture[str]) -> Command:
    """Runs a command line in this process."""

    def run(line: str = "") -> Ran:
        capsys.readouterr()  # what was printed before is not the command's
        code = main(shlex.split(line))
        return Ran(code, *capsys.readouterr())

    return run


def verb(name: str) -> Any:
    """A fixture that runs one command in an empty folder: ``explain = verb("explain")``."""

    @pytest.fixture
    def fixture(request: pytest.FixtureRequest, convcalc: Command) -> Command:
        request.getfixturevalue("folder")
        return lambda line="": convcalc(f"{name} {line}")

    return fixture


def without_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """The developer's environment and that of a CI system play no part."""
    for name in list(os.environ):
        if name.startswith(("CONVCALC_", "GITHUB_", "CI_")) or name in COLOURS:
            monkeypatch.delenv(name)


COLOURS = ("NO_COLOR", "FORCE_COLOR", "COLUMNS")


def environment(**more: str) -> dict[str, str]:
    """The environment of a process that is to find this package."""
    return {**os.environ, "PYTHONPATH": str(ROOT), **more}


def process(*arguments: str, code: str = RUN, **more: Any) -> subprocess.CompletedProcess[Any]:
    """Runs a command line, or other code, in a process of its own."""
    return subprocess.run(
        [sys.executable, "-c", code, *arguments],
        capture_output=True,
        check=False,
        env=environment(**more.pop("env", {})),
        **more,
    )
