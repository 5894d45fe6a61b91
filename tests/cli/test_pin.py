"""``convcalc pin``: what it writes and tells, and that no file is ever lost."""

from __future__ import annotations

import os
import resource
import shutil
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from command import Command, environment, verb
from hypothesis import given
from hypothesis import strategies as st
from pins import BOTH, NET
from shipped import FILES, names_of, network, report

from convcalc.analysis.analyse import analyse
from convcalc.checking.budgets.pin_edits import Pin, pinned_text
from convcalc.cli import main
from convcalc.language.reading import read_network
from convcalc.language.sources.atomic_write import Changed, replace_file
from convcalc.language.sources.shipped import shipped_folder
from convcalc.language.sources.target import Target

# --- the command ---------------------------------------------------------------------------------


run = verb("pin")


STALE = f"{NET}expect:\n  net: {{params: 1}}\n  {BOTH[1]}\n"
FRESH = STALE.replace("params: 1}", "params: 224}")


@pytest.mark.shipped
@pytest.mark.parametrize("file", FILES)
def test_what_ships_is_pinned_to_the_byte(file: str) -> None:
    text = (shipped_folder() / file).read_bytes().decode()
    pins = [Pin(name, report(name), network(name).expect[name]) for name in names_of(file)]
    assert pinned_text(text, pins) == text


@pytest.mark.exhaustive
@pytest.mark.parametrize("file", FILES)
def test_the_command_leaves_what_ships_as_it_is(file: str, run: Command) -> None:
    shutil.copytree(shipped_folder(), "specs")
    assert run(f"specs/{file}") == (0, "", "")
    assert Path("specs", file).read_bytes() == (shipped_folder() / file).read_bytes()


def test_numbers_are_written_and_told(run: Command) -> None:
    Path("a.convcalc.yaml").write_text(STALE, "utf-8")
    Path("b.convcalc.yml").write_text(FRESH, "utf-8")
    before = Path("b.convcalc.yml").stat()
    assert run("") == (0, "", "pinned a.convcalc.yaml\n")
    assert Path("a.convcalc.yaml").read_text("utf-8") == FRESH
    assert Path("b.convcalc.yml").stat().st_mtime_ns == before.st_mtime_ns
    assert run("") == (0, "", "")


def test_check_and_diff_write_nothing(run: Command) -> None:
    Path("a.convcalc.yaml").write_text(STALE, "utf-8")
    assert run("--check .") == (1, "", "would pin a.convcalc.yaml\n")
    ran = run("--diff a.convcalc.yaml")
    assert ran.code == 1
    assert "-  net: {params: 1}\n+  net: {params: 224}\n" in ran.out
    assert Path("a.convcalc.yaml").read_text("utf-8") == STALE
    Path("a.convcalc.yaml").write_text(FRESH, "utf-8")
    assert run("--check .") == run("--diff .") == (0, "", "")


@pytest.mark.parametrize("text", [STALE, STALE[:-1], NET[:-1], STALE.replace("\n", "\r\n")])
def test_the_diff_can_be_applied(text: str, run: Command) -> None:
    Path("a.convcalc.yaml").write_text(text, "utf-8", newline="")
    assert main(["pin", "--diff", "a.convcalc.yaml", "-o", "a.patch"]) == 1
    subprocess.run(["git", "apply", "-p0", "a.patch"], check=True)
    applied = Path("a.convcalc.yaml").read_bytes()
    Path("a.convcalc.yaml").write_text(text, "utf-8", newline="")
    assert run("a.convcalc.yaml").code == 0
    assert Path("a.convcalc.yaml").read_bytes() == applied


def test_a_network_with_problems_is_not_pinned_and_the_others_are(run: Command) -> None:
    Path("bad.convcalc.yaml").write_text(STALE.replace("conv:", "cov:"), "utf-8")
    Path("good.convcalc.yaml").write_text(STALE, "utf-8")
    Path("odd.convcalc.yaml").write_text(STALE.replace("  wide:", "  wider:", 1), "utf-8")
    for name in ("gone.convcalc.yaml", "resnet50"):
        ran = run(f"bad.convcalc.yaml {name} good.convcalc.yaml")
        assert ran.code == 2
        assert ran.err.startswith(f"error: no such file: {name}\n")
    assert run("'gone-*.convcalc.yaml'").code == 2
    ran = run("")
    assert ran.code == 1
    assert "unknown-operator" in ran.err
    assert ran.err.endswith("pinned good.convcalc.yaml\n")
    assert Path("bad.convcalc.yaml").read_text("utf-8") == STALE.replace("conv:", "cov:")
    assert "expect names 'wide', which is not a variant" in ran.err


def test_an_unknown_number_is_never_pinned(run: Command) -> None:
    unknown = STALE.replace("[3, 16, 16]", "[3, null, null]").replace("params: 1}", "macs: 1}")
    Path("a.convcalc.yaml").write_text(unknown, "utf-8")
    ran = run("")
    assert ran.code == 1
    assert ran.err == "error: a.convcalc.yaml is not pinned: macs of net is unknown\n"
    assert Path("a.convcalc.yaml").read_text("utf-8") == unknown
    Path("a.convcalc.yaml").write_text(NET.replace("[3, 16, 16]", "[3, null, null]"), "utf-8")
    assert run("").code == 0
    assert (
        Path("a.convcalc.yaml")
        .read_text("utf-8")
        .endswith("expect:\n  net: {params: 224}\n  wide: {params: 448}\n")
    )


def test_a_file_of_blocks_has_nothing_to_pin(run: Command) -> None:
    text = "convcalc: 1\nblocks:\n  B: {layers: [relu]}\n"
    Path("b.convcalc.yaml").write_text(text, "utf-8")
    assert run("") == (0, "", "")
    assert Path("b.convcalc.yaml").read_text("utf-8") == text


def test_what_cannot_be_read_does_not_stop_the_others(run: Command) -> None:
    Path("a.convcalc.yaml").mkdir()
    Path("b.convcalc.yaml").symlink_to("nowhere")
    Path("c.convcalc.yaml").write_bytes(b"\xff\xfe")
    Path("d.convcalc.yaml").write_text(STALE, "utf-8")
    ran = run("b.convcalc.yaml c.convcalc.yaml d.convcalc.yaml")
    assert ran.code == 2
    assert "error: cannot read b.convcalc.yaml: no such file or directory" in ran.err
    assert "is not UTF-8" in ran.err
    assert ran.err.endswith("pinned d.convcalc.yaml\n")
    assert run("a.convcalc.yaml").err.startswith("error: no network file in a.convcalc.yaml\n")


@given(st.binary(max_size=6), st.integers(0, len(STALE)), st.integers(0, 8))
def test_a_damaged_file_is_pinned_right_or_left_alone(junk: bytes, at: int, cut: int) -> None:
    """Whatever a file holds, afterwards its network is the same."""
    from convcalc.cli.commands.pin import _pin
    from convcalc.cli.console import Settings

    data = STALE.encode()
    path = Path(os.environ["PYTEST_PIN_FOLDER"]) / "x.convcalc.yaml"
    path.write_bytes(data[:at] + junk + data[at + cut :])
    done = _pin(str(path), Settings())
    assert done.code in (0, 1)
    if done.new != done.old:
        old, new = (read_network(Target("x", None, text)) for text in (done.old, done.new))
        assert analyse(new).totals.params == analyse(old).totals.params
        assert [str(p) for p in new.problems] == [str(p) for p in old.problems]


@pytest.fixture(autouse=True, scope="module")
def _folder(tmp_path_factory: pytest.TempPathFactory) -> Any:
    os.environ["PYTEST_PIN_FOLDER"] = str(tmp_path_factory.mktemp("pin"))
    yield
    del os.environ["PYTEST_PIN_FOLDER"]


# --- replacing a file ----------------------------------------------------------------------------


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize("mode", [0o644, 0o600, 0o755, 0o664])
def test_permissions_stay(mode: int, tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_bytes(b"old")
    path.chmod(mode)
    replace_file(str(path), b"old", b"new")
    assert path.read_bytes() == b"new"
    assert stat.S_IMODE(path.stat().st_mode) == mode
    assert names(tmp_path) == ["x"]


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    real, link = tmp_path / "folder" / "x", tmp_path / "link"
    real.write_bytes(b"old")
    link.symlink_to("folder/x")
    replace_file(str(link), b"old", b"new")
    assert link.is_symlink()
    assert real.read_bytes() == b"new"
    assert names(tmp_path / "folder") == ["x"]


def test_what_somebody_else_wrote_is_not_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_bytes(b"theirs")
    with pytest.raises(Changed):
        replace_file(str(path), b"old", b"new")
    assert path.read_bytes() == b"theirs"
    assert names(tmp_path) == ["x"]


def test_the_content_is_on_the_disk_before_the_name_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The calls are made as they are, and noted down."""
    path = tmp_path / "x"
    path.write_bytes(b"old")
    calls: list[tuple[str, bytes]] = []
    fsync, rename = os.fsync, os.replace

    def noted_fsync(descriptor: int) -> None:
        is_file = stat.S_ISREG(os.fstat(descriptor).st_mode)
        written = Path(f"/proc/self/fd/{descriptor}").read_bytes() if is_file else b""
        calls.append(("fsync", written))
        fsync(descriptor)

    def noted_rename(source: str, target: str) -> None:
        calls.append(("rename", Path(source).read_bytes()))
        rename(source, target)

    monkeypatch.setattr(os, "fsync", noted_fsync)
    monkeypatch.setattr(os, "replace", noted_rename)
    replace_file(str(path), b"old", b"new")
    assert calls == [("fsync", b"new"), ("rename", b"new"), ("fsync", b"")]


FULL = """
import resource, signal, sys
from convcalc.cli import main
signal.signal(signal.SIGXFSZ, signal.{action})
resource.setrlimit(resource.RLIMIT_FSIZE, ({size}, {size}))
sys.exit(main(["pin", "net.convcalc.yaml"]))
"""


def filling(folder: Path, action: str, size: int) -> subprocess.CompletedProcess[str]:
    """Pins in a process that may write only so many bytes into a file; the kernel says so."""
    code = FULL.format(action=action, size=size)
    return subprocess.run(
        [sys.executable, "-c", code],
        cwd=folder,
        capture_output=True,
        check=False,
        text=True,
        env=environment(PYTHONDONTWRITEBYTECODE="1"),
    )


@pytest.mark.parametrize("size", [0, 1, 200])
def test_a_full_disk_loses_nothing(size: int, tmp_path: Path) -> None:
    (tmp_path / "net.convcalc.yaml").write_text(STALE, "utf-8")
    done = filling(tmp_path, "SIG_IGN", size)
    assert done.returncode == 2
    assert done.stderr == "error: cannot write net.convcalc.yaml: file too large\n"
    assert (tmp_path / "net.convcalc.yaml").read_text("utf-8") == STALE
    assert names(tmp_path) == ["net.convcalc.yaml"]


def test_a_process_that_is_killed_while_it_writes_loses_nothing(tmp_path: Path) -> None:
    """The kernel ends it in the middle of the file; what it leaves is no network file."""
    (tmp_path / "net.convcalc.yaml").write_text(STALE, "utf-8")
    resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))
    done = filling(tmp_path, "SIG_DFL", 100)
    assert done.returncode == -signal.SIGXFSZ
    assert (tmp_path / "net.convcalc.yaml").read_text("utf-8") == STALE
    assert main(["pin", "--check", str(tmp_path)]) == 1
    assert main(["pin", str(tmp_path)]) == 0
    assert (tmp_path / "net.convcalc.yaml").read_text("utf-8") == FRESH


def test_an_interrupt_leaves_nothing_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(_: int) -> None:
        raise KeyboardInterrupt

    path = tmp_path / "net.convcalc.yaml"
    path.write_text(STALE, "utf-8")
    monkeypatch.setattr(os, "fsync", interrupted)
    assert main(["pin", str(path)]) == 130
    assert path.read_text("utf-8") == STALE
    assert names(tmp_path) == ["net.convcalc.yaml"]


# --- what else is kept ---------------------------------------------------------------------------

LEFT_OVER = ".convcalc-0123456789abcdef.tmp"
OLD = 1_000_000_000  # a time long ago


def left_over(folder: Path, name: str = LEFT_OVER, time: float = OLD) -> Path:
    """What a killed process leaves."""
    path = folder / name
    path.write_bytes(b"half")
    os.utime(path, (time, time))
    return path


def test_extended_attributes_stay(tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_bytes(b"old")
    try:
        os.setxattr(path, "user.origin", b"by hand")
    except (AttributeError, OSError):
        pytest.skip("this disk keeps none")
    replace_file(str(path), b"old", b"new")
    assert path.read_bytes() == b"new"
    assert os.getxattr(path, "user.origin") == b"by hand"


def test_one_of_several_names_is_refused(run: Command) -> None:
    """To replace it would leave the other name with the old content."""
    Path("a.convcalc.yaml").write_text(STALE, "utf-8")
    os.link("a.convcalc.yaml", "b")
    ran = run("")
    assert ran.code == 2
    assert ran.err == (
        "error: cannot write a.convcalc.yaml: it has several names (hard links), which would no "
        "longer be the same file\n"
    )
    assert Path("a.convcalc.yaml").samefile("b")
    assert Path("b").read_text("utf-8") == STALE


def test_what_a_killed_process_left_is_removed(run: Command) -> None:
    Path("a.convcalc.yaml").write_text(STALE, "utf-8")
    left_over(Path())
    assert run("").code == 0
    assert names(Path()) == ["a.convcalc.yaml"]


def other_name(folder: Path) -> Path:
    return left_over(folder, ".convcalc-0123456789abcdeg.tmp")


def name_around(folder: Path) -> Path:
    return left_over(folder, f"x{LEFT_OVER}")


def too_new(folder: Path) -> Path:
    path = folder / LEFT_OVER
    path.write_bytes(b"half")
    return path


def of_folder(folder: Path) -> Path:
    (folder / LEFT_OVER).mkdir()
    os.utime(folder / LEFT_OVER, (OLD, OLD))
    return folder / LEFT_OVER


def of_link(folder: Path) -> Path:
    (folder / "precious").write_bytes(b"precious")
    (folder / LEFT_OVER).symlink_to("precious")
    os.utime(folder / LEFT_OVER, (OLD, OLD), follow_symlinks=False)
    return folder / LEFT_OVER


def of_pipe(folder: Path) -> Path:
    os.mkfifo(folder / LEFT_OVER)
    os.utime(folder / LEFT_OVER, (OLD, OLD))
    return folder / LEFT_OVER


@pytest.mark.parametrize("make", [other_name, name_around, too_new, of_folder, of_link, of_pipe])
def test_nothing_else_is_removed(make: Any, tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_bytes(b"old")
    kept = make(tmp_path)
    replace_file(str(path), b"old", b"new")
    assert kept.name in names(tmp_path)
    assert (
        not (tmp_path / "precious").exists() or (tmp_path / "precious").read_bytes() == b"precious"
    )


def test_what_a_running_process_writes_is_not_removed(tmp_path: Path) -> None:
    import fcntl

    path = tmp_path / "x"
    path.write_bytes(b"old")
    held = left_over(tmp_path)
    with held.open("rb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        replace_file(str(path), b"old", b"new")
        assert held.exists()
    replace_file(str(path), b"new", b"old")
    assert not held.exists()


ENDLESS = """
import sys
import time
from convcalc.language.sources.atomic_write import replace_file
old, new = sys.argv[2].encode(), sys.argv[3].encode()
print("ready", flush=True)
while True:
    replace_file(sys.argv[1], old, new)
    old, new = new, old
"""


@pytest.mark.exhaustive
@pytest.mark.parametrize("moment", range(24))
def test_whenever_it_is_killed_one_of_both_is_whole(moment: int, tmp_path: Path) -> None:
    path = tmp_path / "x"
    old, new = "old " * 5000, "new" * 9000
    path.write_text(old)
    process = subprocess.Popen(
        [sys.executable, "-c", ENDLESS, str(path), old, new],
        stdout=subprocess.PIPE,
        env=environment(),
    )
    assert process.stdout is not None
    assert process.stdout.readline() == b"ready\n"
    time.sleep(moment * 0.0007)
    process.kill()
    process.communicate()
    found = path.read_text()
    assert found in (old, new)
    for left in set(names(tmp_path)) - {"x"}:
        os.utime(tmp_path / left, (OLD, OLD))
    replace_file(str(path), found.encode(), b"newest")
    assert names(tmp_path) == ["x"]
