"""The place where text is shown: colours, widths, encodings and pipes."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from command import RUN, Command, environment, process

from convcalc.cli.console import PIECE, Settings

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


def test_a_closed_pipe_ends_what_is_made_early(monkeypatch: pytest.MonkeyPatch) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    made = []

    def fragments() -> Iterator[str]:
        for number in range(1000):
            made.append(number)
            yield "x" * PIECE

    with open(writer, "w", encoding="utf-8") as closed:  # noqa: PTH123 - a descriptor
        monkeypatch.setattr("sys.stdout", closed)
        Settings().write_fragments(fragments())
    assert len(made) < 10


def test_fragments_are_one_text_on_a_stream_and_in_a_file(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pieces = ["a", "\n::b::", "\n" + "c" * PIECE, "\n", "##[d]", "e"]
    text = f"a\n\\x3a:b::\n{'c' * PIECE}\n#\\x23[d]e\n"
    screen = Screen(terminal=False)
    monkeypatch.setattr("sys.stdout", screen)
    Settings().write_fragments(pieces)
    assert screen.getvalue() == text
    settings = Settings()
    settings.output_file = "out.txt"
    settings.write_fragments(pieces)
    assert Path("out.txt").read_text("utf-8") == text


def test_a_file_is_as_it_was_if_a_fragment_cannot_be_made() -> None:
    def fragments() -> Iterator[str]:
        yield "new" * PIECE
        raise KeyboardInterrupt

    Path("out.txt").write_text("old", "utf-8")
    settings = Settings()
    settings.output_file = "out.txt"
    with pytest.raises(KeyboardInterrupt):
        settings.write_fragments(fragments())
    assert Path("out.txt").read_text("utf-8") == "old"
    assert sorted(path.name for path in Path().glob(".convcalc-*")) == []


LONG = """convcalc: 1
name: long
input: [1, 8, 8]
layers:
  - seq: [{conv: {out: 1, k: 3, p: 1}}, relu]
    repeat: 1200
"""


def test_rows_that_are_alike_are_folded_on_a_terminal_alone(convcalc: Command) -> None:
    Path("long.yaml").write_text(LONG, "utf-8")
    folded, whole = convcalc("show long.yaml"), convcalc("show long.yaml --no-fold")
    assert folded.out.count("\n") == 16
    assert "┌ conv[0…1199] ×1,200" in folded.out
    assert "└ relu[0…1199] ×1,200" in folded.out
    assert "folded           2,400 rows into 2:" in folded.out
    assert whole.out.count("\n") == 2413
    assert "folded" not in whole.out
    assert whole.out.split("\n")[-4:-1] == folded.out.split("\n")[-5:-2]
    assert convcalc("show long.yaml -f csv").out.count("\n") == 2401
    assert convcalc("show long.yaml -f csv --no-fold").out.count("\n") == 2401
    top = convcalc("show long.yaml --top 2100 --sort params").out
    assert "conv[0…1199] ×1,200" in top
    assert "relu[0…899] ×900" in top
    assert "other" in top
