# ruff: noqa: E501  # a row on one line is easier to read than one in pieces
"""Faults of the machine: a folder that is gone, few file handles, no permission, a full disk."""

from __future__ import annotations

import os
import resource
import shlex
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest
from confined import Outcome, confined, require_calm
from gitrepo import repository

NAME = "net.convcalc.yaml"
NET = "convcalc: 1\nname: net\ninput: [3, 8, 8]\nlayers: [relu]\n"
STALE = f"{NET}expect:\n  net: {{macs: 1}}\n"
START = "import sys; from convcalc.cli import main; sys.exit(main())"
GONE = f"import os; os.rmdir(os.getcwd()); {START}"


# --- a folder that is gone -------------------------------------------------------------------------


@pytest.mark.exhaustive
@pytest.mark.parametrize(
    ("line", "code", "says"),
    [
        ("get totals.params resnet18", 0, "11689512"),
        ("rf --stack k=3", 0, "3×3"),
        ("get totals.params -", 1, "the file is empty"),
        ("check", 2, "the current folder no longer exists"),
        ("check .", 2, "the current folder no longer exists"),
        ("check {net}", 2, "the current folder no longer exists"),
        ("check --root .", 2, "the current folder no longer exists"),
        ("show net.yaml", 2, "no such file"),
        ("show HEAD:net.yaml", 2, "the current folder no longer exists"),
        ("diff HEAD:./ .", 2, "the current folder no longer exists"),
        ("diff {net} old.json", 2, "the current folder no longer exists"),
        ("pin", 2, "the current folder no longer exists"),
        ("new x", 2, "the current folder no longer exists"),
        ("show resnet18 -o x", 2, "the current folder no longer exists"),
        ("check --summary-file x", 2, "the current folder no longer exists"),
    ],
)
def test_a_current_folder_that_is_gone(line: str, code: int, says: str, tmp_path: Path) -> None:
    (tmp_path / NAME).write_text(NET)
    (tmp_path / "gone").mkdir()
    outcome = confined(shlex.split(line.format(net=tmp_path / NAME)), tmp_path / "gone", code=GONE)
    require_calm(outcome, codes=(code,))
    assert says in outcome.text, outcome.text


# --- few file handles ------------------------------------------------------------------------------


@pytest.mark.exhaustive
@pytest.mark.parametrize("handles", [6, 7, 8, 10, 12])
@pytest.mark.parametrize(
    ("line", "codes"),
    [
        ("check", (0,)),
        (f"show {NAME} -o out", (0,)),
        (f"show HEAD:{NAME}", (0, 2)),
        ("diff HEAD:./ .", (0, 2)),
        ("pin --check", (1,)),
    ],
)
def test_few_file_handles(handles: int, line: str, codes: tuple[int, ...], tmp_path: Path) -> None:
    files = {f"n{number}.convcalc.yaml": NET for number in range(20)}
    folder = repository(tmp_path / "project", {**files, NAME: NET})
    outcome = confined(shlex.split(line), folder, limits={resource.RLIMIT_NOFILE: handles})
    require_calm(outcome, codes=codes)
    assert outcome.code != 2 or "too many open files" in outcome.text, outcome.text


# --- no permission ---------------------------------------------------------------------------------


@pytest.fixture
def shared(tmp_path: Path) -> Iterator[Path]:
    """A project, whose folders can be removed afterwards."""
    (tmp_path / "pyproject.toml").touch()
    (tmp_path / NAME).write_text(STALE)
    yield tmp_path
    for path in (tmp_path, *tmp_path.rglob("*")):
        if path.is_dir():
            path.chmod(0o755)


def as_plain_user(folder: Path, line: str) -> Outcome:
    """Runs a command without root's power to read and write everything."""
    drop = (
        "import ctypes; ctypes.CDLL(None).capset("
        "(ctypes.c_uint32 * 2)(0x20080522, 0), (ctypes.c_uint32 * 6)()); "
    )
    return confined(shlex.split(line), folder, code=(drop if os.geteuid() == 0 else "") + START)


def closed(folder: Path, name: str, text: str = "") -> None:
    (folder / name).write_text(text)
    (folder / name).chmod(0)


def closed_folder(folder: Path) -> None:
    (folder / "inside").mkdir(mode=0)


def read_only(folder: Path) -> None:
    (folder / NAME).chmod(0o444)
    folder.chmod(0o555)


@pytest.mark.exhaustive
@pytest.mark.parametrize(
    ("build", "line", "code", "says"),
    [
        (lambda p: closed(p, "x.convcalc.yaml"), "check", 2, "cannot read the file: permission denied"),
        (lambda p: closed(p, "x.convcalc.yaml"), "get network x.convcalc.yaml", 2, "permission denied"),
        (lambda p: closed(p, "x.convcalc.yaml"), "pin --check", 2, "permission denied"),
        (lambda p: closed(p, "x.json"), f"diff x.json {NAME}", 2, "permission denied"),
        (lambda p: closed(p, "convcalc.toml"), "check", 2, "permission denied"),
        (lambda p: closed(p, ".gitignore") or (p / ".git").mkdir(), "check", 2, "permission denied"),
        (lambda p: closed(p, "convcalc.budgets.yaml"), "check", 2, "permission denied"),
        (closed_folder, "check", 2, "permission denied"),
        (closed_folder, f"show inside/{NAME}", 2, f"cannot read inside/{NAME}: permission denied"),
        (closed_folder, f"show {NAME} -o inside/x", 2, "permission denied"),
        (read_only, f"show {NAME} -o x", 2, "cannot write x: permission denied"),
        (read_only, "pin", 2, f"cannot write {NAME}: the file is write-protected"),
        (read_only, "new x", 2, "cannot write x.convcalc.yaml: permission denied"),
        (read_only, "check --summary-file x", 2, "cannot write x: permission denied"),
        (read_only, "check --add-ignore", 2, f"cannot write {NAME}: the file is write-protected"),
        (lambda p: closed(p, "out"), f"show {NAME} -o out", 2, "cannot write out: the file is write-protected"),
    ],
)  # fmt: skip
def test_what_is_not_permitted_is_told(
    build: object, line: str, code: int, says: str, shared: Path
) -> None:
    build(shared)  # type: ignore[operator]
    outcome = as_plain_user(shared, line)
    require_calm(outcome, codes=(code,))
    assert says in outcome.text, outcome.text
    assert (shared / NAME).read_text() == STALE


# --- a full disk -----------------------------------------------------------------------------------

FULL = (
    "import resource, signal; signal.signal(signal.SIGXFSZ, signal.SIG_IGN); "
    f"resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100)); {START}"
)


@pytest.mark.exhaustive
@pytest.mark.parametrize(
    "line",
    [
        f"show {NAME} -f json -o out",
        "check -f json -o out --show-passed",
        f"rf {NAME} --svg out",
        "new out.convcalc.yaml --force -o out",
        "schema network -o out",
        "list networks -o out",
    ],
)
def test_a_full_disk_leaves_the_old_result_whole(line: str, tmp_path: Path) -> None:
    (tmp_path / NAME).write_text(STALE)
    (tmp_path / "out").write_text("the old result")
    outcome = confined(shlex.split(line), tmp_path, code=FULL)
    require_calm(outcome, codes=(2,))
    assert "cannot write out: file too large" in outcome.text
    assert (tmp_path / "out").read_text() == "the old result"
    assert sorted(path.name for path in tmp_path.iterdir()) == [NAME, "out"]


def test_a_full_disk_leaves_no_half_summary(tmp_path: Path) -> None:
    (tmp_path / NAME).write_text(NET)
    (tmp_path / "summary").write_text("of another step\n" * 5)
    outcome = confined(["check", "--summary-file", "summary"], tmp_path, code=FULL)
    require_calm(outcome, codes=(2,))
    assert "cannot write summary: file too large" in outcome.text
    assert (tmp_path / "summary").read_text() == "of another step\n" * 5


def test_a_result_keeps_the_permissions_of_what_it_replaces(tmp_path: Path) -> None:
    (tmp_path / NAME).write_text(NET)
    (tmp_path / "old").write_text("old")
    (tmp_path / "old").chmod(0o640)
    for name in ("old", "new"):
        require_calm(confined(["show", NAME, "-o", name], tmp_path), codes=(0,))
    assert stat.S_IMODE((tmp_path / "old").stat().st_mode) == 0o640
    mask = os.umask(0)
    os.umask(mask)
    assert stat.S_IMODE((tmp_path / "new").stat().st_mode) == 0o666 & ~mask


def test_a_result_may_lie_anywhere_and_behind_the_users_own_links(tmp_path: Path) -> None:
    project = repository(tmp_path / "project", {NAME: NET})
    (tmp_path / "results").mkdir()
    (tmp_path / "link").symlink_to("results")
    (project / "inner").mkdir()
    (project / "latest").symlink_to("inner")
    for place in (tmp_path / "results/a", Path("../link/b"), Path("latest/c")):
        require_calm(confined(["show", NAME, "-o", str(place)], project), codes=(0,))
    require_calm(confined(["check", "--summary-file", "../link/b"], project), codes=(0,))
    assert (project / "inner/c").exists()
    assert (tmp_path / "results/b").read_text().count("\n") > 3


def test_an_output_that_is_a_stream_is_written_as_it_is(tmp_path: Path) -> None:
    """What was there before stays, as it does when a shell appends."""
    (tmp_path / NAME).write_text(NET)
    outcome = confined(["get", "totals.layers", NAME, "-o", "/dev/stdout"], tmp_path)
    assert (outcome.code, outcome.out) == (0, b"1\n")
    require_calm(confined(["show", NAME, "-o", "/dev/null"], tmp_path), codes=(0,))
    commands = f"(echo first; python -c '{START}' get totals.layers {NAME} -o /dev/stdout) >out"
    code = "import os, sys; sys.exit(os.waitstatus_to_exitcode(os.system(sys.argv[1])))"
    require_calm(confined([commands], tmp_path, code=code), codes=(0,))
    assert (tmp_path / "out").read_text() == "first\n1\n"


def test_stdin_is_an_input_too(tmp_path: Path) -> None:
    (tmp_path / NAME).write_text(NET)
    code = f"import os; os.dup2(os.open('{NAME}', os.O_RDONLY), 0); {START}"
    outcome = confined(["show", "-", "-o", NAME], tmp_path, code=code)
    require_calm(outcome, codes=(2,))
    assert "it is an input of this command" in outcome.text
    assert (tmp_path / NAME).read_text() == NET
