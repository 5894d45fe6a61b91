"""Full disks, closed streams, odd encodings, interrupts, too little memory: a sentence, no bug."""

from __future__ import annotations

import os
import resource
import shlex
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
from command import RUN, Command, environment, process
from confined import Outcome, confined, require_calm

from convcalc.cli import main

NETWORK = """\
convcalc: 1
name: n
input: [3, 8, 8]
layers:
- {conv: {out: 8, k: 3}, id: a}
"""
WRONG = NETWORK.replace("k: 3", "k: 9")
COMMANDS = (
    *("--version", "--help", "", "show -h", "show n.convcalc.yaml", "show n.convcalc.yaml -f json"),
    *("check", "check -f github", "check -f json", "diff n.convcalc.yaml vgg11", "pin --diff ."),
    *("layer relu -i 3", "rf n.convcalc.yaml", "explain n.convcalc.yaml", "get network vgg11"),
    *("list rules", "operator conv", "convention thop", "rule CC201", "schema", "new x -o -"),
    *("--show-completion",),
)


@pytest.fixture(autouse=True)
def _files(folder: Path) -> None:
    (folder / "n.convcalc.yaml").write_text(f"{NETWORK}expect: {{n: {{params: 1}}}}\n", "utf-8")
    (folder / "wrong.yaml").write_text(WRONG, "utf-8")


def redirected(line: str, redirections: str, **more: str) -> subprocess.CompletedProcess[str]:
    """Runs a command line with redirections of the shell."""
    words = [sys.executable, "-c", RUN.replace("main", "process"), *shlex.split(line)]
    return subprocess.run(
        ["sh", "-c", f'exec "$@" {redirections}', "sh", *words],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
        env=environment(**more),
        encoding="utf-8",
    )


# --- streams -----------------------------------------------------------------------------------


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no full device")
@pytest.mark.parametrize("line", COMMANDS)
@pytest.mark.exhaustive
def test_a_full_disk_is_told(line: str) -> None:
    ran = redirected(line, ">/dev/full")
    assert ran.returncode == 2
    assert ran.stderr.endswith("no space left on device\n")
    assert ran.stderr.startswith("error: ")


@pytest.mark.parametrize("line", COMMANDS)
@pytest.mark.exhaustive
def test_a_closed_stdout_is_told(line: str) -> None:
    ran = redirected(line, ">&-")
    if line == "--show-completion":  # of the library for the command line, which prints nothing
        assert "Traceback" not in ran.stderr
    else:
        expected = "error: cannot write the result: standard output is closed\n"
        assert (ran.returncode, ran.stderr) == (2, expected)


@pytest.mark.parametrize("redirections", ["2>&-", "2>/dev/full", "<&-", "<&- 2>&-"])
@pytest.mark.parametrize(
    ("line", "code"), [("check", 1), ("show n.convcalc.yaml", 0), ("show wrong.yaml", 1), ("x", 2)]
)
@pytest.mark.exhaustive
def test_the_result_does_not_depend_on_the_other_streams(
    line: str, code: int, redirections: str
) -> None:
    ran = redirected(line, redirections)
    assert (ran.returncode, ran.stdout) == (code, redirected(line, "").stdout)


def test_a_file_is_never_opened_in_place_of_a_closed_stream(folder: Path) -> None:
    ran = redirected("show wrong.yaml n.convcalc.yaml -o out.txt", "<&- >&- 2>&-")
    assert ran.returncode == 1
    text = (folder / "out.txt").read_text("utf-8")
    assert "error" not in text
    assert text.startswith("layer ")


def test_a_closed_stdin_is_told() -> None:
    for line in ("show -", "check -"):
        assert redirected(line, "<&-").stderr == "error: standard input is closed\n"


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "utf-16", "utf-7", "cp037", "idna"])
@pytest.mark.exhaustive
def test_any_encoding_of_the_streams_will_do(encoding: str, folder: Path) -> None:
    for line in (["show", "n.convcalc.yaml"], ["show", "é→\u202e\ud83d"[:3]], ["check"], ["-h"]):
        outcome = confined(line, folder, PYTHONIOENCODING=encoding)
        require_calm(outcome)


@pytest.mark.parametrize("columns", ["0", "-1", "x", "1", "9" * 5000, "٣", "1e9", " 80"])
def test_any_width_will_do(
    columns: str, monkeypatch: pytest.MonkeyPatch, convcalc: Command
) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    monkeypatch.setenv("LINES", columns)
    for line in (
        *(
            "show n.convcalc.yaml",
            "rf n.convcalc.yaml --map --strip --path",
            "show -h",
            "list rules",
        ),
        *("explain n.convcalc.yaml", "operator conv"),
    ):
        ran = convcalc(line)
        assert (ran.code, ran.err) == (0, "")
        assert max(map(len, ran.out.splitlines())) < 2000


def test_a_word_that_is_no_utf_8_is_told() -> None:
    for line in (["show", "\udcff"], ["--\udcff"], ["list", "rules", "\udcff"], ["rule", "\udcff"]):
        words = [os.fsencode(word) for word in line]
        ran = subprocess.run(
            [sys.executable, "-c", RUN, *words], capture_output=True, check=False, env=environment()
        )
        assert b"\\udcff" in ran.stderr
        assert b"Traceback" not in ran.stderr


# --- interrupts --------------------------------------------------------------------------------

# Interrupts the n-th import of a command, as a signal can that comes at this moment.
INTERRUPTED = """
import sys
from convcalc.cli import process

class Interrupt:
    left = int(sys.argv.pop(1))

    def find_spec(self, name, path=None, target=None):
        Interrupt.left -= 1
        if Interrupt.left < 0:
            raise KeyboardInterrupt

sys.meta_path.insert(0, Interrupt())
sys.exit(process())
"""


@pytest.mark.parametrize("number", [*range(6), 10, 20, 40, 80, 120, 160])
@pytest.mark.exhaustive
def test_an_interrupt_while_modules_are_imported_is_quiet(number: int) -> None:
    ran = process(str(number), "show", "n.convcalc.yaml", "--depth", "all", code=INTERRUPTED)
    assert (ran.returncode, ran.stderr.strip(), ran.stdout) == (130, b"", b"")


def test_an_interrupt_where_python_ignores_it_ends_the_process() -> None:
    code = """
import sys
from convcalc import cli

class Odd:
    def __del__(self):
        raise KeyboardInterrupt

def main():
    Odd()
    return 0

cli.main = main
sys.exit(cli.process())
"""
    ran = process(code=code)
    assert (ran.returncode, ran.stderr) == (130, b"")


def test_no_interrupt_comes_after_the_command_is_done() -> None:
    code = """
import signal, sys
from convcalc import cli

cli.main = lambda: 1
signal.signal(signal.SIGINT, signal.default_int_handler)
code = cli.process()
signal.raise_signal(signal.SIGINT)
sys.exit(code)
"""
    ran = process(code=code)
    assert (ran.returncode, ran.stderr) == (1, b"")


def test_a_termination_is_quiet() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", RUN, "show", "-"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment(),
    ) as running:
        assert running.stdin is not None
        running.stdin.write(b"#" * 100_000)  # more than a pipe holds: now it reads
        running.send_signal(signal.SIGTERM)
        out, err = running.communicate()
    assert (running.returncode, out, err) == (-signal.SIGTERM, b"", b"")


# --- the machine -------------------------------------------------------------------------------

WIDE = "rf --stack s=1000003,1000003,1000003"
LITTLE = {resource.RLIMIT_AS: 400 * 2**20}


@pytest.mark.parametrize(
    "line", [f"{WIDE} -f json", f"{WIDE} --path", f"{WIDE} --strip", f"{WIDE} --svg x.svg"]
)
def test_too_little_memory_is_told(line: str, folder: Path) -> None:
    outcome = confined(shlex.split(line), folder, limits=LITTLE)
    require_calm(outcome)
    if outcome.code:
        assert outcome.err.startswith(b"error: ")
        assert outcome.code == 2


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (MemoryError(), "error: the memory of this machine is not enough"),
        (RecursionError("maximum"), "error: something is nested too deeply"),
        (OverflowError("shift count"), "error: a number is too large"),
        (ValueError("Exceeds the limit (4300 digits) for integer string conversion"), "too large"),
        (OSError(24, "Too many open files", "x\n.yaml"), r"too many open files: x\n.yaml"),
        (PermissionError(13, "Permission denied"), "error: permission denied"),
    ],
)
def test_a_fault_of_the_machine_is_no_bug(
    error: Exception, words: str, monkeypatch: pytest.MonkeyPatch, convcalc: Command
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr("convcalc.checking.examination.Examination.examine", fail)
    ran = convcalc("check n.convcalc.yaml")
    assert ran.code == 2
    assert words.removeprefix("error: ") in ran.out
    assert "bug" not in ran.out
    monkeypatch.setattr("convcalc.language.reading.NetworkSource.network", fail)
    monkeypatch.delitem(sys.modules, "convcalc.cli.loading", raising=False)
    ran = convcalc("show n.convcalc.yaml")
    monkeypatch.delitem(sys.modules, "convcalc.cli.loading", raising=False)
    assert (ran.code, ran.out) == (2, "")
    assert words in ran.err
    assert "bug" not in ran.err


@pytest.mark.parametrize("line", ["check", "check -f json", "pin", "diff n.yaml m.yaml", "new x"])
def test_a_folder_that_is_gone_is_told(line: str, tmp_path: Path) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    code = f"import os; os.rmdir({str(gone)!r}); {RUN}"
    ran: Outcome = confined(line.split(), gone, code=code)
    require_calm(ran, codes=(2,))
    assert ran.err.startswith(b"error: ")


@pytest.mark.parametrize("count", [6, 7, 8, 10])
@pytest.mark.exhaustive
def test_few_file_handles_are_enough_or_told(count: int, folder: Path) -> None:
    lines: Sequence[str] = (
        "check",
        "show n.convcalc.yaml",
        "pin --check",
        "diff n.convcalc.yaml .",
    )
    for line in lines:
        require_calm(confined(line.split(), folder, limits={resource.RLIMIT_NOFILE: count}))


def test_the_last_help_is_for_bugs_alone(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise ValueError("something else\n::error::x")

    monkeypatch.setattr("convcalc.cli.app.run", fail)
    assert main([]) == 2
    err = capsys.readouterr().err
    assert "this is a bug" in err
    assert err.count("\n") == 3
