"""The progress bar: where it is shown, and that the screen in the end is what it is without one.

Commands run on a terminal of their own. None waits for a second to pass: the bar comes at once or
after an hour, and each step waits until it is drawn.
"""

from __future__ import annotations

import os
import re
import signal
import struct
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from command import environment, without_settings

pty = pytest.importorskip("pty", reason="this system has no pseudo-terminals")
fcntl = pytest.importorskip("fcntl")
termios = pytest.importorskip("termios")

NETWORK = "convcalc: 1\nname: n\ninput: [3, 8, 8]\nlayers:\n- {conv: {out: 8, k: KERNEL}}\n"
# Runs a command in which the bar is due after some seconds; each step waits for it if it is due.
SCRIPT = """
import sys, time
from convcalc.cli import process, progress
progress.FIRST = float(sys.argv.pop(1))
class Bar(progress.Bar):
    def step(self, name):
        super().step(name)
        end = time.monotonic() + 30
        while not progress.FIRST and not self.is_drawn and time.monotonic() < end:
            time.sleep(0.01)
progress.Bar = Bar
sys.exit(process())
"""
NOW, LATE = "0", "3600"
COLUMNS = 80
COLOR = r"\x1b\[[\d;]*m"


@pytest.fixture(autouse=True)
def _files(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    without_settings(monkeypatch)
    monkeypatch.delenv("CI", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    for number, kernel in enumerate((3, 9, 3, 9)):
        text = NETWORK.replace("KERNEL", str(kernel))
        (folder / f"n{number}.convcalc.yaml").write_text(text, "utf-8")


class Seen(NamedTuple):
    """What came to a terminal, and the exit code."""

    raw: str
    code: int

    @property
    def screen(self) -> str:
        """What stands on the screen in the end."""
        lines, column = [""], 0
        for piece in re.findall(r"\x1b\[[\d;]*[a-zA-Z]|.|\n", self.raw, re.DOTALL):
            if piece == "\n":
                lines.append("")
                column = 0
            elif piece == "\r":
                column = 0
            elif piece == "\x1b[2K":
                lines[-1] = ""
            elif not re.fullmatch(COLOR, piece):
                lines[-1] = lines[-1][:column].ljust(column) + piece + lines[-1][column + 1 :]
                column += 1
        return "\n".join(line.rstrip() for line in lines)

    @property
    def bars(self) -> list[str]:
        """Each bar that was drawn, without colours."""
        drawn = re.findall(r"\r\x1b\[2K([^\r\n]+)\r", self.raw)
        return [re.sub(COLOR, "", each) for each in drawn]


@contextmanager
def started(first: str, *words: str, **more: Any) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    """A command on a terminal, and the end at which what it writes is read."""
    ours, its = pty.openpty()
    fcntl.ioctl(its, termios.TIOCSWINSZ, struct.pack("HHHH", 24, COLUMNS, 0, 0))
    streams: dict[str, Any] = {"stdout": its, "stderr": its, **more}
    command = [sys.executable, "-c", SCRIPT, first, *words]
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, env=environment(), **streams)
    os.close(its)
    try:
        yield process, ours
    finally:
        process.kill()
        process.communicate()
        os.close(ours)


def read(end: int, until: str = "") -> str:
    """What is written to a terminal, to its end or until some text is there."""
    content = b""
    while not until or until.encode() not in content:
        try:
            piece = os.read(end, 65536)
        except OSError:  # nobody has the terminal any more
            break
        if not piece:
            break
        content += piece
    return content.decode("utf-8", "replace").replace("\r\n", "\n")


def seen(first: str, *words: str, **more: Any) -> Seen:
    """What a command shows on a terminal."""
    with started(first, *words, **more) as (process, end):
        raw = read(end)
        return Seen(raw, process.wait())


def test_a_long_check_shows_how_far_it_is_and_leaves_no_trace() -> None:
    shown, plain = seen(NOW, "check"), seen(LATE, "check")
    assert shown.code == plain.code == 1
    assert shown.screen == plain.screen
    assert plain.screen.count("error[CC105]") == 2
    assert {each.split()[2] for each in shown.bars} >= {
        "1/4",
        "3/4",
    }  # each after something was written
    assert shown.bars[0].startswith("checking ━")
    assert all(len(each) < COLUMNS for each in shown.bars)
    assert any("n2.convcalc.yaml" in each for each in shown.bars)


def test_a_short_run_shows_nothing() -> None:
    assert seen(LATE, "check").bars == []


@pytest.mark.parametrize(
    ("words", "variables"),
    [
        (("check", "-q"), {}),
        (("check",), {"CI": "true"}),
        (("check",), {"TERM": "dumb"}),
        (("check",), {"CONVCALC_QUIET": "1"}),
    ],
)
def test_nothing_is_shown_where_nobody_watches(
    words: Sequence[str], variables: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    shown = seen(NOW, *words)
    assert shown.bars == []
    assert "\x1b[2K" not in shown.raw


def test_nothing_is_shown_beside_a_pipe_which_may_lead_to_a_pager() -> None:
    assert seen(NOW, "check", stdout=subprocess.PIPE).raw == ""
    assert seen(NOW, "check", stderr=subprocess.PIPE).bars == []


def test_a_result_in_a_file_has_no_bar_in_it(tmp_path: Path) -> None:
    for line in (("check",), ("check", "-o", str(tmp_path / "result"))):
        with (tmp_path / "result").open("wb") as stream:
            shown = seen(NOW, *line, stdout=stream)
        assert shown.screen == ""
        assert shown.bars
        text = (tmp_path / "result").read_text("utf-8")
        assert "error[CC105]" in text
        assert "\x1b" not in text
        assert "checking" not in text


def test_an_interrupt_leaves_no_trace() -> None:
    with started(NOW, "check") as (process, end):
        raw = read(end, until="checking")
        process.send_signal(signal.SIGINT)
        raw += read(end)
        assert process.wait() == 130
    assert Seen(raw, 130).screen.count("checking") == 0


def test_a_name_cannot_steer_the_terminal(folder: Path) -> None:
    name = "\x1b[2J\x9b1m\n[bold]:smile:\u202e" + "x" * 100 + ".convcalc.yaml"
    (folder / "sub").mkdir()
    (folder / "sub" / name).write_text(NETWORK.replace("KERNEL", "3"), "utf-8")
    (folder / "sub" / "z.convcalc.yaml").write_text(NETWORK.replace("KERNEL", "3"), "utf-8")
    shown = seen(NOW, "check", "sub")
    (bar,) = {each for each in shown.bars if "1/2" in each and "bold" in each and "0:00:00" in each}
    assert r"sub/\x1b[2J\x9b1m\n[bold]:" in bar
    left = re.sub(r"\x1b\[(2K|[012]m)", "", shown.raw)
    assert re.sub(r"[\r\n]", "", left).isprintable()


@pytest.mark.parametrize(
    "broken",
    [
        "import rich.progress as p; p.Progress.__init__ = None",  # it cannot be drawn
        "import threading\ndef start(self): raise RuntimeError\nthreading.Thread.start = start",
    ],
)
def test_a_bar_that_fails_does_not_fail_the_command(
    broken: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(globals(), "SCRIPT", f"{broken}\n{SCRIPT.replace('+ 30', '+ 0.5')}")
    shown = seen(NOW, "check")
    assert (shown.code, shown.bars) == (1, [])
    assert "Traceback" not in shown.raw
    assert shown.raw.count("error[CC105]") == 2


def test_without_colours_the_bar_has_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    shown = seen(NOW, "check")
    assert shown.bars
    assert not re.search(COLOR, shown.raw)


def test_nothing_is_shown_where_a_person_may_be_typing() -> None:
    text = NETWORK.replace("KERNEL", "3").encode()
    script = [sys.executable, "-c", SCRIPT, NOW, "export", "-", "--to", "torch"]
    ours, its = pty.openpty()
    subprocess.run(script, input=text, stdout=its, stderr=its, env=environment(), check=True)
    os.close(its)
    raw = read(ours)
    os.close(ours)
    assert "class N" in raw
    assert "exporting" not in raw


def test_an_error_does_not_stay_behind_the_bar(folder: Path) -> None:
    (folder / "n0.convcalc.yaml").unlink()
    shown = seen(NOW, "pin", "n1.convcalc.yaml", "n2.convcalc.yaml", "--check")
    assert any(each.startswith("pinning ━") for each in shown.bars)
    plain = seen(LATE, "pin", "n1.convcalc.yaml", "n2.convcalc.yaml", "--check")
    assert shown.screen == plain.screen


def test_what_has_no_number_of_steps_shows_that_it_is_alive() -> None:
    """``import``, ``export``, ``verify`` and ``diff`` draw from the beginning."""
    with started(NOW, "import", "efficientdet_d0", "-o", "net.convcalc.yaml") as (process, end):
        raw = read(end)
        assert process.wait() == 0
    shown = Seen(raw, 0)
    assert shown.bars
    assert re.match(r"importing [-\\|/] 0:00:\d\d efficientdet_d0", shown.bars[0])
    assert shown.screen.count("importing") == 0
    assert Path("net.convcalc.yaml").exists()


@pytest.mark.parametrize("words", ["show efficientdet_d0 --no-cache", "rf efficientdet_d0"])
def test_one_large_network_shows_that_it_is_alive(words: str) -> None:
    shown, plain = (seen(when, *words.split()) for when in (NOW, LATE))
    assert re.match(r"analysing [-\\|/] 0:00:\d\d efficientdet_d0", shown.bars[0])
    assert shown.screen == plain.screen
    assert not plain.bars
