"""Results that are kept: the same as computed ones whatever changes, and nobody can place them."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from checked import FAILS, GOOD, WARNS, write
from command import RUN, Command, Ran, environment
from gitrepo import commit, git, repository
from onnx_files import node, through

from convcalc.checking import run as running
from convcalc.language.sources import kept, reads
from convcalc.language.sources.gate import read
from convcalc.language.sources.kept import VARIABLE, Kept
from convcalc.language.sources.project import Project, use_project
from convcalc.language.sources.reads import Reads, noted

BLOCK = "convcalc: 1\nname: lib\nblocks:\n  B:\n    layers: [{conv: {out: 8, k: 3}}]\n"
USER = (
    "convcalc: 1\nname: net\nimports: {lib: lib.convcalc.yaml}\ninput: [3, 32, 32]\n"
    "layers: [lib.B]\n"
)
VALUES = (
    "convcalc: 1\nname: net\nparams: {w: {from: values.json, key: w}}\n"
    "input: [3, 32, 32]\nlayers: [{conv: {out: w, k: 3}}]\n"
)
PINNED = GOOD + "expect: {net: {params: 0}}\n"
BUDGETS = (
    "convcalc-budgets: 1\nbudgets:\n"
    "  - {name: small, models: ['*.convcalc.yaml'], assert: {params: {max: 500}}}\n"
)


@pytest.fixture
def cache(folder: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: Any) -> Path:
    """The folder of kept results, beside a project that is the current folder."""
    (folder / ".git").mkdir()
    made = tmp_path_factory.mktemp("cache") / "results"
    monkeypatch.setenv(VARIABLE, str(made))
    return made


def entries(cache: Path) -> list[Path]:
    return sorted(path for path in cache.glob("??/*") if path.is_file())


@pytest.fixture
def computed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The files that ``check`` really examines, as it goes on."""
    files: list[str] = []
    whole = running.Run.examine_target

    def examine_target(self: Any, found: Any, *rest: Any) -> Any:
        files.append(found.file)
        return whole(self, found, *rest)

    monkeypatch.setattr(running.Run, "examine_target", examine_target)
    return files


# --- check -------------------------------------------------------------------------------------


@pytest.mark.usefixtures("cache")
def test_what_has_not_changed_is_not_checked_again(convcalc: Command, computed: list[str]) -> None:
    for name, text in {"good": GOOD, "warns": WARNS, "fails": FAILS, "pinned": PINNED}.items():
        write(f"{name}.convcalc.yaml", text)
    first = convcalc("check")
    assert len(computed) == 4
    assert convcalc("check") == first
    assert convcalc("check -f json") == convcalc("check -f json --no-cache")
    assert len(computed) == 8  # by --no-cache
    write("good.convcalc.yaml", GOOD.replace("32", "16"))
    convcalc("check")
    assert computed[8:] == ["good.convcalc.yaml"]


def replaced(file: str, text: str) -> Callable[[], object]:
    return lambda: Path(file).write_text(text, "utf-8")


def linked(file: str, to: str) -> Callable[[], object]:
    def link() -> None:
        Path(file).unlink(missing_ok=True)
        Path(file).symlink_to(to)

    return link


CHANGES: dict[str, tuple[str, Callable[[], object]]] = {
    "the file": (USER, replaced("net.convcalc.yaml", WARNS)),
    "the file, only in its comment": (USER, replaced("net.convcalc.yaml", USER + "# x\n")),
    "an import": (USER, replaced("lib.convcalc.yaml", BLOCK.replace("8", "9"))),
    "an import is broken": (USER, replaced("lib.convcalc.yaml", BLOCK.replace("conv", "cnv"))),
    "an import is gone": (USER, lambda: Path("lib.convcalc.yaml").unlink()),
    "an import leads out": (USER, linked("lib.convcalc.yaml", "/etc/hostname")),
    "an import is a link": (USER, linked("lib.convcalc.yaml", "other.convcalc.yaml")),
    "values": (VALUES, replaced("values.json", '{"w": 5}')),
    "values are damaged": (VALUES, replaced("values.json", '{"w": ')),
    "values are gone": (VALUES, lambda: Path("values.json").unlink()),
    "budgets": (USER, replaced("convcalc.budgets.yaml", BUDGETS.replace("500", "50"))),
    "budgets are gone": (USER, lambda: Path("convcalc.budgets.yaml").unlink()),
    "settings": (USER, replaced("convcalc.toml", 'ignore = ["CC2"]\n[limits]\nlayers = 1\n')),
    "nothing": (USER, lambda: None),
}


@pytest.mark.usefixtures("cache")
@pytest.mark.parametrize("change", CHANGES)
def test_what_is_kept_is_what_is_computed(change: str, convcalc: Command) -> None:
    network, makes = CHANGES[change]
    write("net.convcalc.yaml", network)
    write("lib.convcalc.yaml", BLOCK)
    write("other.convcalc.yaml", BLOCK.replace("8", "7"))
    write("values.json", '{"w": 3}')
    write("convcalc.budgets.yaml", BUDGETS)
    lines = ["check -f json", "check -f full net.convcalc.yaml", "show net.convcalc.yaml -f json"]
    for line in lines:
        assert convcalc(line) == convcalc(f"{line} --no-cache")
    makes()
    for line in lines:
        now = convcalc(line)
        assert now == convcalc(f"{line} --no-cache") == convcalc(line)


@pytest.mark.usefixtures("cache")
def test_an_import_that_was_missing_and_then_is_there(convcalc: Command) -> None:
    write("net.convcalc.yaml", USER)
    assert convcalc("check net.convcalc.yaml").code == 1
    write("lib.convcalc.yaml", BLOCK)
    assert convcalc("check net.convcalc.yaml").code == 0
    linked("lib.convcalc.yaml", "/etc/hostname")()
    assert convcalc("check net.convcalc.yaml").code == 1
    linked("lib.convcalc.yaml", "real.yaml")()
    write("real.yaml", BLOCK)
    assert convcalc("check net.convcalc.yaml").code == 0


@pytest.mark.usefixtures("cache")
@pytest.mark.parametrize(
    "option", ["--limit work=1", "--variant big", "--allow-outside", "--strict"]
)
def test_options_have_results_of_their_own(option: str, convcalc: Command) -> None:
    write("net.convcalc.yaml", WARNS + "params: {w: 1}\nvariants: {big: {w: 2}}\n")
    plain = convcalc("check")
    for _ in range(2):
        assert convcalc(f"check {option}") == convcalc(f"check {option} --no-cache")
    assert convcalc("check") == plain


@pytest.mark.usefixtures("cache")
def test_what_depends_on_a_revision_is_not_kept(
    convcalc: Command, computed: list[str], folder: Path
) -> None:
    (folder / ".git").rmdir()
    pinned = GOOD.replace("[relu]", CONV_8) + COMPARED
    repository(folder, {"net.convcalc.yaml": pinned})
    git(folder, "branch", "base")
    assert convcalc("check").code == 0
    commit(folder, {"net.convcalc.yaml": pinned.replace("out: 8", "out: 4")})
    git(folder, "branch", "-f", "base")
    write("net.convcalc.yaml", pinned)
    assert convcalc("check").code == 1
    assert len(computed) == 2


CONV_8 = "[{conv: {out: 8, k: 3}}]"
COMPARED = "budgets: {compare: {base: base}, params: {max_increase: 0}}\n"


@pytest.mark.usefixtures("cache")
def test_the_policy_of_a_revision_keeps_nothing(
    convcalc: Command, computed: list[str], folder: Path
) -> None:
    (folder / ".git").rmdir()
    repository(folder, {"net.convcalc.yaml": WARNS})
    for number in (1, 2):
        convcalc("check --policy HEAD")
        assert len(computed) == number


# --- show and list -----------------------------------------------------------------------------


@pytest.fixture
def loaded(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """What ``show`` really reads, as it goes on."""
    from convcalc.cli.loading import Reading

    read: list[object] = []
    whole = Reading.reports

    def reports(self: Any, targets: Any) -> Any:
        read.append(targets)
        return whole(self, targets)

    monkeypatch.setattr(Reading, "reports", reports)
    return read


SHOWN = [
    "show net.convcalc.yaml",
    "show net.convcalc.yaml --color always",
    "show net.convcalc.yaml -f json",
    "show net.convcalc.yaml -f csv --exact",
    "show net.convcalc.yaml --set w=3",
    "show net.convcalc.yaml -i 3x64x64 --depth all",
    "show net.convcalc.yaml resnet18",
    "list networks resnet",
    "list rules",
    "list rules nosuch",
]
PARAM = GOOD.replace("[relu]", "[{conv: {out: w, k: 3}}]") + "params: {w: 8}\n"


@pytest.mark.usefixtures("cache")
def test_each_command_line_has_its_own_result(convcalc: Command, loaded: list[object]) -> None:
    write("net.convcalc.yaml", PARAM)
    for _ in range(2):
        for line in SHOWN:
            assert convcalc(line) == convcalc(f"{line} --no-cache"), line
    assert len(loaded) == 3 * sum(line.startswith("show net") for line in SHOWN[:6])


@pytest.mark.usefixtures("cache")
def test_the_environment_and_the_terminal_count(
    convcalc: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    write("net.convcalc.yaml", PARAM)
    line = "show net.convcalc.yaml"
    plain = convcalc(line)
    monkeypatch.setenv("CONVCALC_COUNT", "elementwise")
    assert convcalc(line) == convcalc(f"{line} --no-cache") != plain
    monkeypatch.setenv("COLUMNS", "50")
    assert convcalc(line) == convcalc(f"{line} --no-cache")
    monkeypatch.setenv("CONVCALC_NO_CACHE", "1")
    monkeypatch.setenv(VARIABLE, "nowhere")
    assert convcalc(line).code == 0


def test_a_result_with_a_remark_is_not_kept(convcalc: Command, cache: Path) -> None:
    write("net.convcalc.yaml", GOOD.replace("[3, 32, 32]", "[32, 32, 3]"))
    first = convcalc("show net.convcalc.yaml")
    assert "warning" in first.err
    assert convcalc("show net.convcalc.yaml") == first
    write("fails.convcalc.yaml", FAILS)
    first = convcalc("show fails.convcalc.yaml")
    assert (first.code, convcalc("show fails.convcalc.yaml")) == (1, first)
    assert not entries(cache)


def test_a_result_that_is_written_to_a_file(convcalc: Command, cache: Path) -> None:
    write("net.convcalc.yaml", PARAM)
    texts = []
    for number in range(2):
        assert convcalc(f"show net.convcalc.yaml -o {number}.txt") == Ran(0, "", "")
        texts.append(Path(f"{number}.txt").read_text("utf-8"))
    assert texts[0] == texts[1]
    assert len(entries(cache)) == 1
    assert convcalc("show net.convcalc.yaml -o net.convcalc.yaml").code == 2  # it is an input
    assert Path("net.convcalc.yaml").read_text("utf-8") == PARAM


@pytest.mark.usefixtures("cache")
def test_a_file_beside_takes_the_name_of_a_shipped_network(convcalc: Command) -> None:
    shipped = convcalc("show resnet18")
    assert convcalc("show resnet18") == shipped
    write("resnet18", GOOD)
    assert convcalc("show resnet18") == convcalc("show resnet18 --no-cache") != shipped


def onnx(outputs: int) -> bytes:
    """A convolution; such a file is mapped, and most of it never looked at."""
    weights = {"w": [outputs, 3, 3, 3]}
    return through([node("Conv", ["x", "w"], ["y"])], [1, 3, 9, 9], "y", weights=weights)


@pytest.mark.usefixtures("cache")
def test_a_mapped_model_is_known_by_its_size_and_times(
    convcalc: Command, loaded: list[object], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reads, "SETTLED", 0)
    model = Path("m.onnx")
    model.write_bytes(onnx(4))
    first = convcalc("show m.onnx -f csv")
    assert (first.code, convcalc("show m.onnx -f csv")) == (0, first)
    assert len(loaded) == 1
    times = model.stat()
    model.write_bytes(onnx(5))
    os.utime(model, ns=(times.st_atime_ns, times.st_mtime_ns))  # as if nothing had happened
    assert convcalc("show m.onnx -f csv") == convcalc("show m.onnx -f csv --no-cache") != first
    Path("other.onnx").write_bytes(onnx(4))
    Path("other.onnx").replace(model)
    assert convcalc("show m.onnx -f csv") == first


@pytest.mark.usefixtures("cache")
def test_a_model_that_was_just_written_may_change_without_a_sign(
    convcalc: Command, loaded: list[object]
) -> None:
    Path("m.onnx").write_bytes(onnx(4))
    convcalc("show m.onnx")
    convcalc("show m.onnx")
    assert len(loaded) == 2


@pytest.mark.usefixtures("cache")
def test_a_project_that_becomes_smaller_refuses_what_was_imported(convcalc: Command) -> None:
    write("inner/net.convcalc.yaml", USER.replace("lib: lib.", "lib: ../lib."))
    write("lib.convcalc.yaml", BLOCK)
    lines = ["show inner/net.convcalc.yaml", "check inner/net.convcalc.yaml"]
    assert [convcalc(line).code for line in lines] == [0, 0]
    Path("inner/.git").mkdir()
    assert [convcalc(line).code for line in lines] == [1, 1]


# --- where they are kept -----------------------------------------------------------------------


def test_nothing_is_read_from_within_the_project(
    convcalc: Command, cache: Path, monkeypatch: pytest.MonkeyPatch, folder: Path
) -> None:
    write("net.convcalc.yaml", FAILS)
    inside = folder / "deep" / ".convcalc_cache"
    for name in (str(inside), "deep/.convcalc_cache", "."):
        monkeypatch.setenv(VARIABLE, name)
        ran = convcalc("check")
        assert ran.code == 2
        assert "inside the project, where a pull request could place results" in ran.err
        assert convcalc("check --no-cache").code == 1
    monkeypatch.setenv(VARIABLE, str(cache / "link"))
    cache.mkdir()
    (cache / "link").symlink_to(folder)
    assert convcalc("check").code == 2


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="without owners of files")
def test_a_folder_that_others_may_write_into_is_not_used(convcalc: Command, cache: Path) -> None:
    write("net.convcalc.yaml")
    cache.mkdir()
    cache.chmod(0o777)
    assert "somebody else may write into it" in convcalc("check").err
    cache.chmod(0o700)
    assert convcalc("check").code == 0


def test_in_a_checkout_they_are_kept_only_if_a_folder_is_named(
    monkeypatch: pytest.MonkeyPatch, folder: Path
) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    assert kept.open_kept() is None
    monkeypatch.setenv("XDG_CACHE_HOME", str(folder.parent / "caches"))
    assert kept.place().folder == str(folder.parent / "caches" / "convcalc")


def test_dir_and_clear(convcalc: Command, cache: Path) -> None:
    write("net.convcalc.yaml", PARAM)
    assert convcalc("cache clear") == Ran(0, "", "Removed 0 results, 0.0 KiB.\n")
    convcalc("check")
    convcalc("show net.convcalc.yaml")
    (cache / "mine.txt").write_text("not an entry")
    ran = convcalc("cache dir")
    assert ran.out == f"{cache}\n"
    assert ran.err.startswith("2 results, ")
    assert convcalc("-q cache clear") == Ran(0, "", "")
    assert not entries(cache)
    assert {path.name for path in cache.iterdir()} == {"mine.txt", "CACHEDIR.TAG"}
    assert convcalc("cache empty").code == 2


def test_a_part_of_the_folder_has_an_upper_size(cache: Path) -> None:
    found = Kept(str(cache), "build")
    for number in range(40):
        found.keep(f"{7:02x}{number:038x}", Reads(), "x" * 100_000)
    sizes = [path.stat().st_size for path in entries(cache)]
    assert 500_000 < sum(sizes) <= kept.MOST_PART
    assert found.find(f"{7:02x}{39:038x}") is not None  # the newest one
    found.keep("f" * 40, Reads(), "x" * kept.MOST_ENTRY)
    assert found.find("f" * 40) is None


# --- damage, several processes, kills ----------------------------------------------------------


def test_a_damaged_entry_does_not_count(convcalc: Command, cache: Path) -> None:
    write("net.convcalc.yaml", WARNS)
    first = convcalc("check")
    (entry,) = entries(cache)
    whole = entry.read_bytes()
    for at in range(0, len(whole), 61):
        flipped = bytes([whole[at] ^ 1])
        for damaged in (whole[:at], whole[:at] + flipped + whole[at + 1 :], whole + flipped):
            entry.write_bytes(damaged)
            assert convcalc("check") == first
    entry.unlink()
    entry.mkdir()
    assert convcalc("check") == first


def test_an_unwritable_folder_is_no_error(
    convcalc: Command, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write("net.convcalc.yaml", WARNS)
    first = convcalc("check")

    def full(*_: Any) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("convcalc.language.sources.atomic_write._write_all", full)
    convcalc("cache clear")
    assert convcalc("check") == first
    assert not entries(cache)


def processes(lines: list[str]) -> Iterator[subprocess.Popen[bytes]]:
    for line in lines:
        yield subprocess.Popen(
            [sys.executable, "-c", RUN, *shlex.split(line)],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=environment(),
        )


@pytest.mark.usefixtures("cache")
def test_several_processes_at_once(convcalc: Command) -> None:
    for number in range(20):
        write(f"{number}.convcalc.yaml", WARNS.replace("8", str(number + 1)))
    wanted = convcalc("check --no-cache").out
    started = list(processes(["check"] * 6))
    for process in started:
        out, _ = process.communicate()
        assert out.decode() == wanted
    assert convcalc("check").out == wanted


@pytest.mark.usefixtures("cache")
def test_killed_processes_leave_nothing_wrong(convcalc: Command) -> None:
    for number in range(30):
        write(f"{number}.convcalc.yaml", WARNS.replace("8", str(number + 1)))
    wanted = convcalc("check --no-cache")
    for delay in range(8):
        (process,) = processes(["check"])
        time.sleep(0.15 + delay / 40)
        process.send_signal(signal.SIGKILL)
        process.communicate()
        assert convcalc("check") == wanted
        convcalc("cache clear")


@pytest.mark.usefixtures("cache")
def test_a_result_that_nobody_read_to_its_end_is_not_kept(convcalc: Command) -> None:
    layers = "  - {conv: {out_channels: 8, kernel_size: 3, padding: 1}}\n" * 400
    write("net.convcalc.yaml", f"convcalc: 1\nname: net\ninput: [3, 8, 8]\nlayers:\n{layers}")
    line = "show net.convcalc.yaml -f json"
    wanted = convcalc(f"{line} --no-cache")
    (process,) = processes([line])
    assert process.stdout is not None
    process.stdout.read(100)
    process.stdout.close()
    process.wait()
    assert convcalc(line) == wanted


# --- what is noted -----------------------------------------------------------------------------


def test_an_entry_holds_odd_names() -> None:
    noticed = Reads()
    noticed.found["a b\n\tc\udcff", 7, ""] = "state"
    noticed.found["", 0, "/r"] = "!other"
    text = "line\n\n\nline \ud800 ×\n"
    found = kept._parse(kept._text(noticed, text))
    assert found is not None
    assert (found[0], found[1].found) == (text, noticed.found)


@pytest.mark.usefixtures("folder")
def test_files_are_noted_only_where_it_is_asked_for() -> None:
    write("a.txt", "x")
    use_project(Project())
    with noted() as found:
        read("a.txt", 5)
        with pytest.raises(FileNotFoundError):
            read("b.txt", 5)
    read("a.txt", 6)
    use_project(None)
    assert [(path, most) for path, most, _ in found.found] == [("a.txt", 5), ("b.txt", 5)]
    assert found.is_complete
