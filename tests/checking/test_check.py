"""``convcalc check``: exit codes, settings, streams, and growth since a revision."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from checked import CONV, FAILS, GOOD, WARNS, Check, write
from places import ROOT

from convcalc.checking.configuration import Configuration, configuration
from convcalc.checking.discovery import discover
from convcalc.checking.processes import jobs_for, map_in_order
from convcalc.cli import main
from convcalc.language.sources.gate import read
from convcalc.language.sources.target import TargetError

pytestmark = pytest.mark.usefixtures("project")


# --- exit codes --------------------------------------------------------------------------------


def test_exit_codes(check: Check) -> None:
    write("good.convcalc.yaml")
    write("warns.convcalc.yaml", WARNS)
    write("fails.convcalc.yaml", FAILS)
    assert check("good.convcalc.yaml").code == 0
    assert check("warns.convcalc.yaml").code == 0
    assert check("warns.convcalc.yaml", "--strict").code == 1
    assert check("fails.convcalc.yaml").code == 1
    assert check("fails.convcalc.yaml", "--exit-zero").code == 0
    assert check("warns.convcalc.yaml", "--strict", "--exit-zero").code == 0
    assert check("nowhere.convcalc.yaml").code == 2
    assert check("nowhere.convcalc.yaml", "--exit-zero").code == 2
    assert check("--select", "CC999").code == 2
    assert check("--nothing").code == 2


def test_one_file_does_not_stop_the_others(check: Check) -> None:
    for name in "abc":
        write(f"{name}.convcalc.yaml", FAILS)
    Path("b.convcalc.yaml").write_bytes(b"name: \xff\n")
    ran = check("a.convcalc.yaml", "gone.convcalc.yaml", "b.convcalc.yaml", "c.convcalc.yaml")
    assert ran.code == 2
    assert ran.places == [
        "a.convcalc.yaml:4 CC012",
        "gone.convcalc.yaml:1 CC000",
        "b.convcalc.yaml:1 CC001",
        "c.convcalc.yaml:4 CC012",
    ]


def test_no_file_at_all_is_an_error(check: Check) -> None:
    for words in ([], ["."], ["models"], ["*.convcalc.yaml"]):
        Path("models").mkdir(exist_ok=True)
        ran = check(*words)
        assert ran.code == 2
        assert "no network file in " in ran.err
    assert check("models", "--force-exclude").code == 2


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (lambda path: path.symlink_to("nowhere"), "no such file or directory"),
        (lambda path: path.symlink_to(path), "too many levels of symbolic links"),
        (os.mkfifo, "it is not a regular file"),
    ],
)
def test_what_is_no_file_says_so(make: Any, reason: str, check: Check) -> None:
    make(Path("net.convcalc.yaml"))
    for words in ([], ["net.convcalc.yaml"]):
        ran = check(*words)
        assert ran.code == 2
        assert f"cannot read the file: {reason}" in ran.out


def test_a_file_without_permission_says_so(check: Check, monkeypatch: pytest.MonkeyPatch) -> None:
    write("net.convcalc.yaml")

    def refused(*_: object) -> int:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "open", refused)
    ran = check()
    assert ran.code == 2
    assert "cannot read the file: permission denied" in ran.out


def test_a_file_that_changes_while_it_is_read_is_not_judged(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    file = write("net.convcalc.yaml")
    fstat = os.fstat

    def changing(descriptor: int) -> os.stat_result:
        found = fstat(descriptor)
        with file.open("a") as more:
            more.write("# more\n")
        return found

    monkeypatch.setattr(os, "fstat", changing)
    with pytest.raises(OSError, match="changed while it was read"):
        read(str(file), 10**6)


def test_a_file_is_read_up_to_its_limit_only() -> None:
    with Path("big.convcalc.yaml").open("wb") as file:
        file.truncate(10**12)
    assert len(read("big.convcalc.yaml", 1000)) == 1001


# --- settings ----------------------------------------------------------------------------------


def test_the_closest_file_holds_alone(check: Check) -> None:
    write("a/net.convcalc.yaml", WARNS)
    write("a/b/net.convcalc.yaml", WARNS)
    write("convcalc.toml", "ignore = ['CC203']\nstrict = true\n")
    assert check("a").code == 0
    write("a/b/pyproject.toml", "[tool.convcalc]\n")
    assert check("a").places == ["net.convcalc.yaml:5 CC203"]
    write("a/b/pyproject.toml", "[tool.other]\n")  # is none of ours
    assert check("a").places == []


def test_nothing_outside_the_project_plays_a_part(check: Check) -> None:
    write("convcalc.toml", "ignore = ['CC203']\n")
    write("project/.git/HEAD", "")
    write("project/net.convcalc.yaml", WARNS)
    assert check("project").places == ["net.convcalc.yaml:5 CC203"]


def test_flags_win_over_the_environment_and_that_over_the_file(
    check: Check, monkeypatch: pytest.MonkeyPatch
) -> None:
    write("net.convcalc.yaml", WARNS)
    write("convcalc.toml", "select = ['CC1']\n")
    assert check().places == []
    monkeypatch.setenv("CONVCALC_SELECT", "CC203")
    assert check().places == ["net.convcalc.yaml:5 CC203"]
    assert check("--select", "CC1").places == []
    monkeypatch.setenv("CONVCALC_STRICT", "1")
    assert check().code == 1


@pytest.mark.parametrize(
    "text",
    [
        "selct = ['CC2']",
        "select = 'CC2'",
        "select = ['XX']",
        "strict = 1",
        "limits = 3",
        "[limits]\nlayrs = 3",
        "[limits]\nlayers = 0",
        "[limits]\nlayers = true",
        "[severity]\nCC9 = 'error'",
        "[severity]\nCC204 = 'off'",
        "[per-file-ignores]\n'a/*' = 'CC2'",
        "exclude = [1]",
        "output-format = 'xml'",
        "budgets = 3",
        "a = [",
        "variant = 3",
        "per-file-ignores = 3",
    ],
)
def test_a_wrong_setting_is_an_error_that_names_it(text: str, check: Check) -> None:
    write("net.convcalc.yaml")
    write("convcalc.toml", text + "\n")
    ran = check()
    assert ran.code == 2
    assert "convcalc.toml" in ran.err + ran.out


def test_all_settings_at_once() -> None:
    table = {
        "select": ["CC2"],
        "ignore": ["CC204"],
        "severity": {"CC203": "error"},
        "per-file-ignores": {"old/": ["CC2"]},
        "exclude": ["x/"],
        "models": ["*.onnx"],
        "respect-gitignore": False,
        "budgets": "b.yaml",
        "variant": "all",
        "strict": True,
        "output-format": "github",
        "limits": {"bytes": 9, "nodes": 8, "depth": 7, "problems": 6, "layers": 5},
    }
    found = configuration(table, "/p/convcalc.toml")
    own = {name.replace("_", "-") for name in Configuration._fields[2:-2]}
    assert {*table, "shown"} == own
    assert found.limits.document == (9, 8, 7, 6)
    assert found.limits.layers == 5
    with pytest.raises(TargetError):
        configuration([], "/p/convcalc.toml")


def test_severities_selection_and_per_file_ignores(check: Check) -> None:
    write("new/net.convcalc.yaml", WARNS)
    write("old/net.convcalc.yaml", WARNS)
    write("convcalc.toml", "[severity]\nCC203 = 'error'\n[per-file-ignores]\n'old/*' = ['CC2']\n")
    ran = check()
    assert (ran.code, ran.places) == (1, ["net.convcalc.yaml:5 CC203"])
    budgets = (
        "convcalc-budgets: 1\nbudgets: [{name: a, models: '*/*.yaml', assert: {layers: {max: 1}}}]"
    )
    write("convcalc.budgets.yaml", budgets)
    assert check("old").places == ["convcalc.budgets.yaml:2 CC309"]
    write("convcalc.toml", "[per-file-ignores]\n'old/*' = ['CC2', 'CC3']\n")
    assert check("old").places == []
    Path("convcalc.budgets.yaml").unlink()
    write("convcalc.toml", "[severity]\nCC203 = 'ignore'\n")
    assert check().places == []
    write("convcalc.toml", "select = ['CC203']\nignore = ['CC2']\n")
    assert len(check().places) == 2  # the longer beginning decides
    write("convcalc.toml", "select = ['CC2']\nignore = ['CC203']\n")
    assert check().places == []


def test_errors_of_a_file_cannot_be_hidden(check: Check) -> None:
    write("net.convcalc.yaml", FAILS.replace("[rleu]", "[rleu]  # convcalc: ignore[CC012]"))
    write("convcalc.toml", "ignore = ['CC0']\n[severity]\nCC012 = 'ignore'\n")
    assert check("--ignore", "CC").places == ["net.convcalc.yaml:4 CC012"]


def test_limits_are_settings(check: Check) -> None:
    write("net.convcalc.yaml", GOOD.replace("[relu]", "[{relu: {}, repeat: 50}]"))
    assert check().places == []
    for limit in ("layers = 20", "nodes = 10", "bytes = 20", "depth = 1"):
        write("convcalc.toml", f"[limits]\n{limit}\n")
        assert [place.rpartition(" ")[2] for place in check().places] == ["CC013"], limit


# --- results stream ----------------------------------------------------------------------------


def test_results_stream_in_a_fixed_order() -> None:
    from convcalc.checking.run import Options, Run
    from convcalc.output.findings.base import View, chunks

    for name in "ab":
        write(f"{name}.convcalc.yaml", FAILS)
    begun: list[str] = []

    def slowly() -> Any:
        for result in Run(Options()).check(discover(["."])):
            begun.append(result.file)
            yield result

    for form in ("full", "concise"):
        begun.clear()
        first = next(iter(chunks(form, slowly(), View())))
        assert "a.convcalc.yaml" in first
        assert begun == ["a.convcalc.yaml"]


def test_several_processes_give_the_same_in_the_same_order() -> None:
    items = list(range(100))
    assert list(map_in_order(lambda n: (n, "x" * n * 2000), items, 4)) == [
        (n, "x" * n * 2000) for n in items
    ]
    processes = set(map_in_order(lambda _: os.getpid(), items, 3))
    assert len(processes) == 3
    assert os.getpid() not in processes
    first = map_in_order(lambda n: n, items, 2)
    assert next(first) == 0
    first.close()  # nobody waits for the rest
    assert jobs_for(3) == 1


def test_what_a_process_leaves_when_it_dies_is_done_here() -> None:
    here = os.getpid()

    def work(number: int) -> int:
        if number == 7 and os.getpid() != here:
            os._exit(1)
        return number

    assert list(map_in_order(work, list(range(20)), 2)) == list(range(20))


def test_many_files_give_what_each_gives_alone(check: Check) -> None:
    for n in range(30):
        write(f"{n:02}.convcalc.yaml", (GOOD, WARNS, FAILS)[n % 3])
    alone = [check(f"{n:02}.convcalc.yaml").places for n in range(30)]
    assert check().places == [place for places in alone for place in places]


def test_quiet_says_nothing_where_nothing_is_wrong(check: Check) -> None:
    write("net.convcalc.yaml")
    assert check("-q").out == ""


# --- a repository with two commits ---------------------------------------------------------------


@pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")
def test_growth_since_a_revision(check: Check) -> None:
    shutil.rmtree(".git")
    identity = ["-c", "user.name=a", "-c", "user.email=a@b"]
    budgets = (
        "convcalc-budgets: 1\nbudgets:\n- name: no-surprises\n"
        "  models: ['models/**/*.convcalc.yaml']\n"
        "  compare: {base: HEAD, missing: pass}\n  assert:\n    params: {max_increase: 2%}\n"
    )
    write("convcalc.budgets.yaml", budgets)
    file = write("models/a/net.convcalc.yaml", WARNS.replace(CONV, CONV[:-1] + ", bias: false}"))
    subprocess.run(["git", "init", "-q", "."], check=True)
    subprocess.run(["git", "add", "."], check=True)
    subprocess.run(["git", *identity, "commit", "-q", "-m", "one"], check=True)
    assert check().code == 0
    text = file.read_text()
    file.write_text(text.replace("out: 8", "out: 9"))
    ran = check()
    assert (ran.code, ran.places) == (1, ["convcalc.budgets.yaml:7 CC306"])
    assert "params grew from 232 in HEAD to 261 (+12.5 %), by more than 2%" in ran.out
    write("models/new/other.convcalc.yaml", GOOD)
    assert check("models/new").code == 0  # 'missing: pass'
    write("convcalc.budgets.yaml", budgets.replace("pass", "fail"))
    ran = check("models/new")
    assert "HEAD has no such network to compare with" in ran.out
    write("convcalc.budgets.yaml", budgets.replace("HEAD", "origin/main"))
    ran = check("models/a")
    words = "[CC310] unknown-number: nothing to compare with: unknown revision"
    assert (ran.code, f"warning{words}" in ran.out) == (0, True)  # 'missing: pass'
    write("convcalc.budgets.yaml", budgets.replace("HEAD", "origin/main").replace("pass", "fail"))
    assert f"error{words}" in check("models/a").out


def test_a_file_of_budgets_can_be_named_itself(check: Check) -> None:
    write("convcalc.budgets.yaml", "convcalc-budgets: 1\nbudgts: []\n")
    ran = check("convcalc.budgets.yaml")
    assert ran.code == 1
    assert ran.places == ["convcalc.budgets.yaml:1 CC010", "convcalc.budgets.yaml:2 CC003"]


# --- the README --------------------------------------------------------------------------------


def test_the_readme_shows_what_check_prints(capsys: pytest.CaptureFixture[str]) -> None:
    text = (ROOT / "README.md").read_text("utf-8")
    blocks = re.findall(r"^```(\w*)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    network = next(body for kind, body in blocks if body.startswith("# tiny.convcalc.yaml"))
    budgets = next(body for kind, body in blocks if body.startswith("budgets:"))
    shown = next(body for kind, body in blocks if body.startswith("error[CC301]"))
    write("tiny.convcalc.yaml", network + budgets)
    assert main(["check"]) == 1
    assert capsys.readouterr().out == shown
