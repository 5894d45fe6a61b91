"""The place where text is shown: colours, widths, encodings and pipes."""

from __future__ import annotations

import io
import os
import subprocess
import sys

import pytest
from command import RUN, Command, environment, process

from convcalc.cli.console import Settings

pytestmark = pytest.mark.usefixtures("folder")


class Screen(io.StringIO):
    """A stream that may be a terminal, in some encoding."""

    def __init__(self, *, terminal: bool, encoding: str = "utf-8") -> None:
        super().__init__()
        self.terminal = terminal
        self.__dict__["_encoding"] = encoding

    def isatty(self) -> bool:
        return self.terminal

    @property
    def encoding(self) -> str:  # type: ignore[override]
        return str(self.__dict__["_encoding"])


@pytest.mark.parametrize(
    ("flag", "environment", "terminal", "colored"),
    [
        ("", {}, True, True),
        ("", {}, False, False),
        ("", {"TERM": "dumb"}, True, False),
        ("", {"NO_COLOR": "1"}, True, False),
        ("", {"FORCE_COLOR": "1"}, False, True),
        ("", {"FORCE_COLOR": "1", "NO_COLOR": "1"}, True, False),
        ("", {"CONVCALC_COLOR": "always", "NO_COLOR": "1"}, False, True),
        ("always", {"NO_COLOR": "1"}, False, True),
        ("never", {"FORCE_COLOR": "1", "CONVCALC_COLOR": "always"}, True, False),
    ],
)
def test_colour_goes_by_flag_then_environment_then_terminal(
    flag: str,
    environment: dict[str, str],
    terminal: bool,
    colored: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("TERM", "xterm")
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr("sys.stdout", Screen(terminal=terminal))
    settings = Settings()
    settings.update("", "", flag, False, "")
    assert settings.style().color is colored


def test_no_escape_is_printed_where_colour_is_off(convcalc: Command) -> None:
    assert "\x1b" in convcalc("show resnet18 --color always").out
    assert "\x1b" not in convcalc("show resnet18 --color never").out
    assert "\x1b" not in convcalc("layer relu -i 3 --color never").out


def test_a_pipe_is_as_wide_as_the_table_and_columns_are_obeyed(
    monkeypatch: pytest.MonkeyPatch, convcalc: Command
) -> None:
    assert max(map(len, convcalc("show resnet50").out.splitlines())) > 80
    monkeypatch.setenv("COLUMNS", "60")
    assert max(map(len, convcalc("show resnet50").out.splitlines())) <= 60


@pytest.mark.parametrize(
    "line",
    [
        "show resnet50",
        "show -h",
        "layer -h",
        "layer conv out=3 k=3 -i 3x5x5",
        "operator conv",
        "show x×y.yaml",
        "new -h",
    ],
)
def test_an_ascii_terminal_gets_ascii(line: str) -> None:
    ran = process(*line.split(), env={"PYTHONIOENCODING": "ascii"})
    assert ran.returncode in (0, 2)
    assert (ran.stdout + ran.stderr).isascii()
    assert b"\\x" not in ran.stdout
    assert b"Traceback" not in ran.stderr


def test_a_closed_pipe_is_quiet() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    for line in ("show resnet50", "show resnet50 -f json", "schema", "get totals.macs resnet50"):
        ran = subprocess.run(
            [sys.executable, "-c", RUN, *line.split()],
            stdout=writing,
            stderr=subprocess.PIPE,
            check=False,
            env=environment(),
        )
        assert (ran.returncode, ran.stderr) == (0, b""), line
    os.close(writing)
