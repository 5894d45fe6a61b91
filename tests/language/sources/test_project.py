"""Which project a file belongs to, and what the gate lets through."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

import convcalc
from convcalc.cli import main
from convcalc.language.sources.gate import read
from convcalc.language.sources.project import Outside, Project, opened, project, use_project
from convcalc.testing import assert_budget

NET = "convcalc: 1\nname: net\ninput: [3, 8, 8]\nlayers: [relu]\n"
WIDE = "convcalc: 1\nname: net\ninput: [3, 8, 8]\nlayers: [{conv: {out: 8, k: 1, bias: false}}]\n"


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A project with others in it and beside it; convcalc is started in a folder of it."""
    for mark in (
        "home/.git/",
        "home/package/pyproject.toml",
        "home/module/.git",
        "other/convcalc.toml",
    ):
        path = tmp_path / mark
        path.parent.mkdir(parents=True, exist_ok=True)
        path.mkdir() if mark.endswith("/") else path.touch()
    for folder in (
        "home/models",
        "home/module/deep",
        "home/package/deep",
        "other/deep",
        "plain/deep",
    ):
        (tmp_path / folder).mkdir(parents=True, exist_ok=True)
    for name, target in {
        "home/out": "../other",
        "home/plain": "../plain",
        "home/again": "models",
        "plain/to_home": "../home",
        "plain/deep/up": "..",
        "link": "other",
    }.items():
        (tmp_path / name).symlink_to(target)
    monkeypatch.chdir(tmp_path / "home/models")
    yield tmp_path


@pytest.mark.parametrize(
    ("file", "root"),
    [
        ("n", "home"),
        ("deep/er/n", "home"),
        ("../n", "home"),
        ("../package/deep/n", "home"),  # settings of its own do not make it another project
        ("../module/n", "home/module"),  # but a repository does
        ("../module/deep/n", "home/module"),
        ("../../other/deep/n", "other"),
        ("../../plain/deep/n", "plain/deep"),  # nothing marks it
        ("../out/n", "home"),  # a link makes no project either
        ("../out/deep/n", "home"),
        ("../again/n", "home"),
        ("../plain/deep/n", "home"),
        ("../../link/n", "link"),  # nothing says that this link is not the user's own
        ("../../plain/to_home/models/n", "plain/to_home"),
        ("../../n", ""),
    ],
)  # fmt: skip
def test_the_project_of_a_file_goes_by_its_name(file: str, root: str, tree: Path) -> None:
    assert Project().root_of(file) == os.path.normpath(tree / root)
    assert Project().root_of(str(tree / "home/models" / file)) == os.path.normpath(tree / root)


def test_the_root_that_is_given_is_that_of_all_files(tree: Path) -> None:
    given = Project("../package")
    assert {given.root_of(file) for file in ("n", "../n", "/n")} == {str(tree / "home/package")}
    assert given.folder == str(tree / "home/package")
    assert Project().folder == str(tree / "home")


def test_without_marks_the_folder_itself_is_the_project(
    tree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tree / "plain")
    assert Project().folder == str(tree / "plain")
    assert Project().root_of("deep/n") == str(tree / "plain/deep")
    assert Project().root_of("to_home/models/n") == str(tree / "plain")
    assert Project().root_of("deep/up/n") == str(tree / "plain/deep/up")


@pytest.mark.usefixtures("tree")
def test_every_folder_is_found_the_same_in_any_order() -> None:
    """What is remembered of one folder does not change what is found for another."""
    files = [
        "n",
        "../module/deep/n",
        "../package/n",
        "../../other/n",
        "../out/n",
        "../../n",
        "../n",
    ]
    alone = {file: Project().root_of(file) for file in files}
    for order in (files, files[::-1], sorted(files)):
        together = Project()
        assert {file: together.root_of(file) for file in order} == alone


def test_real_paths_are_those_of_the_system(tree: Path) -> None:
    here = Project()
    for path in (
        "n",
        "../again/x",
        "../out/deep/../n",
        "../../plain/deep/up/up",
        "/",
        "/etc/..",
        "",
    ):
        expected = os.path.realpath(os.path.normpath(Path.cwd() / path))
        assert here.real(path) == here.real(path) == expected
    (tree / "home/models/circle").symlink_to("circle")
    assert here.real("circle") == os.path.realpath("circle")
    assert here.real("a\0b") == str(tree / "home/models/a\0b")


def test_the_link_that_leads_out_is_named_with_its_end(tree: Path) -> None:
    (tree / "home/models/first").symlink_to("second")
    (tree / "home/models/second").symlink_to("../out/deep")
    here = Project()
    assert here.link_out("first/n", here.folder) == ("first", str(tree / "other/deep"))
    assert here.link_out("../again/first/n", here.folder)[0] == "../again/first"
    assert here.link_out("../again/n", here.folder) == ("", "")
    assert here.link_out(str(tree / "home/out/n"), here.folder)[0] == str(tree / "home/out")
    assert here.link_out("../../link/n", here.folder) == ("", "")  # it lies elsewhere


def test_what_was_opened_is_checked_and_not_its_name_before(
    tree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody puts a link in the place of a folder between the look and the opening."""
    for folder in ("home/models/inside", "other"):
        (tree / folder).mkdir(exist_ok=True)
        (tree / folder / "n").write_text(folder)
    assert read("inside/n", 100) == b"home/models/inside"
    real_open = os.open

    def swapping(path: str, *rest: int, **more: int) -> int:
        if path == "inside/n":
            shutil.rmtree("inside")
            Path("inside").symlink_to("../../other")
        return real_open(path, *rest, **more)

    monkeypatch.setattr(os, "open", swapping)
    with pytest.raises(Outside, match="'inside' is a link that leads out of the project"):
        read("inside/n", 100)


def test_without_the_list_of_open_files_the_gate_holds_too(
    tree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tree / "other/n").write_text("other")
    Path("n").write_text("here")

    def missing(path: str) -> str:
        raise FileNotFoundError(2, "no such file", path)

    monkeypatch.setattr(os, "readlink", missing)
    assert read("n", 100) == b"here"
    with pytest.raises(Outside):
        read("../../home/n", 100, root=str(tree / "other"))


# --- the switches --------------------------------------------------------------------------------


@pytest.fixture
def linked(tree: Path) -> Path:
    """A network and a report that are links out of the project."""
    (tree / "other/n.convcalc.yaml").write_text(WIDE)
    Path("n.convcalc.yaml").symlink_to("../../other/n.convcalc.yaml")
    report = {"path": str(tree / "other/old.json")}
    assert main(["show", "../../other/n.convcalc.yaml", "-f", "json", "-o", report["path"]]) == 0
    assert json.loads((tree / "other/old.json").read_text())["network"] == "net"
    Path("old.json").symlink_to("../../other/old.json")
    return tree


def test_load_takes_the_switches(linked: Path) -> None:
    with pytest.raises(convcalc.TargetError, match="leads out of the project") as caught:
        convcalc.load("n.convcalc.yaml")
    assert "--allow-outside" in caught.value.help
    assert convcalc.load("n.convcalc.yaml", allow_outside=True).name == "net"
    assert convcalc.load("n.convcalc.yaml", root=str(linked)).name == "net"
    with pytest.raises(convcalc.TargetError, match="lies outside the project's folder"):
        convcalc.load("../../other/n.convcalc.yaml", root=".")
    assert project().folder == str(linked / "home")  # they hold for one call only


@pytest.mark.usefixtures("linked")
def test_assert_budget_takes_the_switches() -> None:
    compared = {"compare": {"base": "old.json"}, "params": {"max_increase": 0}}
    with pytest.raises(convcalc.TargetError, match="leads out of the project"):
        assert_budget("n.convcalc.yaml", params={"max": 24})
    assert_budget("n.convcalc.yaml", allow_outside=True, **compared)
    assert_budget("n.convcalc.yaml", root=Path("../.."), **compared)
    network = convcalc.load("n.convcalc.yaml", allow_outside=True)
    with pytest.raises(AssertionError, match="leads out of the project"):
        assert_budget(network, **compared)


@pytest.mark.parametrize(
    ("words", "code"),
    [
        ("get totals.params n.convcalc.yaml", 2),
        ("get totals.params n.convcalc.yaml --allow-outside", 0),
        ("--allow-outside get totals.params n.convcalc.yaml", 0),
        ("get totals.params n.convcalc.yaml --root ../..", 0),
        ("--root ../.. get totals.params n.convcalc.yaml", 0),
        ("--root .. get totals.params n.convcalc.yaml", 2),
        ("--root nowhere get totals.params n.convcalc.yaml", 2),
        ("diff old.json n.convcalc.yaml", 2),
        ("diff old.json n.convcalc.yaml --allow-outside", 0),
        ("pin --check", 2),
        ("pin --check --allow-outside", 1),
        ("check", 2),
        ("check --allow-outside", 0),
        ("check --root ../..", 0),
        ("check ../../other --root ../../other", 0),
        ("check . --root ../../other", 2),
        ("check --root ../../other", 0),
        ("show resnet18 --root ../../other", 0),
    ],
)  # fmt: skip
def test_every_command_takes_the_switches(words: str, code: int, linked: Path) -> None:
    assert main(words.split()) == code, linked


def test_the_environment_names_the_root_and_a_flag_wins(
    linked: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CONVCALC_ROOT", "../..")
    assert main(["get", "totals.params", "n.convcalc.yaml"]) == 0
    assert main(["get", "totals.params", "n.convcalc.yaml", "--root", ".."]) == 2
    assert project().given == "", linked


@pytest.mark.parametrize("key", ["root = '/'", "allow-outside = true", "allow_outside = true"])
def test_no_settings_file_has_them(
    key: str, linked: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("convcalc.toml").write_text(f"{key}\n")
    assert main(["check"]) == 2, linked
    assert "unknown key" in capsys.readouterr().err


def test_a_search_upward_ends_at_the_root_that_is_given(
    tree: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("n.convcalc.yaml").write_text(NET)
    (tree / "home/convcalc.toml").write_text("nonsense = 1\n")
    (tree / "home/convcalc.budgets.yaml").write_text("nonsense: 1\n")
    assert main(["check"]) == 2
    assert "unknown key" in capsys.readouterr().err
    assert main(["check", "--root", "."]) == 0


def test_a_run_leaves_no_project_behind(tree: Path) -> None:
    with opened("..") as outer:
        with opened(allow_outside=True) as inner:
            assert project() is inner
        assert project() is outer
    assert project().given == "", tree
    use_project(Project(".."))
    try:
        assert project().given
        main(["list", "networks", "-q"])
        assert not project().given
    finally:
        use_project(None)
