"""Networks at a revision: real repositories, and the messages where there is none."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from gitrepo import commit, git, repository, shallow_clone

import convcalc
from convcalc.language.reading import read_network
from convcalc.language.sources.git import MissingFile, earlier, resolve
from convcalc.language.sources.project import opened
from convcalc.language.sources.repository import Repository
from convcalc.language.sources.repository import repository as repository_of_this_run
from convcalc.language.sources.target import Target, TargetError

BLOCKS = """\
convcalc: 1
blocks:
  Body:
    params: {c: int}
    layers: [{conv: {out: c, k: WIDE}}]
"""
NET = """\
convcalc: 1
name: net
input: [3, 32, 32]
params: {c: 8}
variants: {net_wide: {c: 16}}
imports: {b: ../blocks/body.convcalc.yaml, s: blocks/conv_bn.convcalc.yaml}
layers:
  - b.Body: {c: c}
  - s.ConvBn: {out: 4}
"""
FILES = {
    "models/net.convcalc.yaml": NET,
    "blocks/body.convcalc.yaml": BLOCKS.replace("WIDE", "1"),
}
# 3·c·k² weights and c biases, then ConvBn: 4·c weights (k = 1) and 2·4 of the norm
PARAMS = {(1, 8): 3 * 8 + 8 + 4 * 8 + 8, (3, 8): 27 * 8 + 8 + 4 * 8 + 8}


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A network whose imported block was widened in a second commit and removed in a third."""
    folder = repository(
        tmp_path / "project",
        FILES,
        {"blocks/body.convcalc.yaml": BLOCKS.replace("WIDE", "3")},
    )
    (folder / "models/net.convcalc.yaml").unlink()
    commit(folder, {})
    monkeypatch.chdir(folder)
    return folder


def params(target: Target | str) -> int:
    network = read_network(target if isinstance(target, Target) else resolve(target))
    assert [str(problem) for problem in network.problems] == []
    return convcalc.analyse(network).totals.params


def message(text: str) -> tuple[str, str]:
    with pytest.raises(TargetError) as caught:
        resolve(text)
    return caught.value.message, caught.value.help


# --- what is read ------------------------------------------------------------------------------


def test_imports_come_from_the_revision_of_the_file(project: Path) -> None:
    assert params("HEAD~1:models/net.convcalc.yaml") == PARAMS[3, 8]
    assert params("HEAD~2:models/net.convcalc.yaml") == PARAMS[1, 8]
    assert not (project / "models/net.convcalc.yaml").exists()


def test_a_revision_can_be_a_tag_an_object_name_or_a_point_in_time(project: Path) -> None:
    git(project, "tag", "v1.0", "HEAD~2")
    for name in ("v1.0", git(project, "rev-parse", "v1.0"), "main~2", "HEAD@{0}~2"):
        assert params(f"{name}:models/net.convcalc.yaml") == PARAMS[1, 8]


def test_three_dots_are_where_the_branches_parted(project: Path) -> None:
    git(project, "checkout", "--quiet", "-b", "side", "HEAD~2")
    commit(project, {"other.txt": "side"})
    assert params("main...:models/net.convcalc.yaml") == PARAMS[1, 8]
    assert params("main...side:models/net.convcalc.yaml") == PARAMS[1, 8]


@pytest.mark.usefixtures("project")
def test_a_variant_may_follow() -> None:
    target = resolve("HEAD~2:models/net.convcalc.yaml::net_wide")
    assert read_network(target).variant == "net_wide"


def test_a_path_counts_from_the_top_or_with_a_dot_from_the_current_folder(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(project / "blocks")
    for path in ("models/net.convcalc.yaml", "../models/net.convcalc.yaml"):
        assert resolve(f"HEAD~1:{path}").file == "HEAD~1:models/net.convcalc.yaml"
    assert resolve("HEAD:./body.convcalc.yaml").file == "HEAD:blocks/body.convcalc.yaml"


def test_the_earlier_state_of_a_file_is_found_from_anywhere(
    project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    git(project, "checkout", "--quiet", "HEAD~1")
    monkeypatch.chdir(project / "blocks")
    file = Target("../models/net.convcalc.yaml", "net_wide")
    assert earlier(file, "HEAD~1").file == "HEAD~1:models/net.convcalc.yaml"
    monkeypatch.chdir(tmp_path)
    file = Target("project/models/net.convcalc.yaml", "net_wide")
    with pytest.raises(TargetError, match="the folder is not in a git repository"):
        earlier(file, "HEAD~1")
    with opened("project"):
        found = earlier(file, "HEAD~1")
        assert (found.file, found.variant) == ("HEAD~1:models/net.convcalc.yaml", "net_wide")
        assert params(found._replace(variant=None)) == PARAMS[1, 8]


def test_a_name_comes_from_the_path_without_the_revision(project: Path) -> None:
    commit(project, {"a.b/plain.convcalc.yaml": NET.replace("name: net\n", "")})
    git(project, "tag", "v1.0")
    assert read_network(resolve("v1.0:a.b/plain.convcalc.yaml")).name == "plain"


def test_a_link_within_the_repository_is_followed(project: Path) -> None:
    git(project, "checkout", "--quiet", "HEAD~1")
    Path("link.convcalc.yaml").symlink_to("models/net.convcalc.yaml")
    Path("out.convcalc.yaml").symlink_to("/etc/hostname")
    commit(project, {})
    assert resolve("HEAD:link.convcalc.yaml").text == NET.encode()
    assert message("HEAD:out.convcalc.yaml")[0] == (
        "cannot read HEAD:out.convcalc.yaml: 'out.convcalc.yaml' is a link that leads out of the "
        "repository, to /etc/hostname"
    )


def test_problems_name_the_revision(project: Path) -> None:
    commit(project, {"bad.convcalc.yaml": "convcalc: 1\nname: bad\nlayer: []\n"})
    network = read_network(resolve("HEAD:bad.convcalc.yaml"))
    assert "HEAD:bad.convcalc.yaml:3:1" in {str(problem.place) for problem in network.problems}


@pytest.mark.parametrize("path", ["../../outside.convcalc.yaml", "/etc/hostname", "../secret.yaml"])
def test_nothing_outside_the_project_is_imported(
    path: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not outside the repository, and not outside a project of its own within it."""
    (tmp_path / "outside.convcalc.yaml").write_text(BLOCKS)
    net = NET.replace("../blocks/body.convcalc.yaml", path)
    files = {"sub/net.convcalc.yaml": net, "sub/pyproject.toml": "", "secret.yaml": BLOCKS}
    monkeypatch.chdir(repository(tmp_path / "nested", files) / "sub")
    problems = read_network(resolve("HEAD:sub/net.convcalc.yaml")).problems
    assert problems[0].name == "unreadable-import"
    assert "outside the project's folder HEAD:sub" in problems[0].message


@pytest.mark.parametrize("path", ["../outside.convcalc.yaml", "/etc/hostname"])
def test_nothing_outside_the_repository_is_imported(path: str, project: Path) -> None:
    (project.parent / "outside.convcalc.yaml").write_text(BLOCKS)
    commit(project, {"net.convcalc.yaml": NET.replace("../blocks/body.convcalc.yaml", path)})
    problems = read_network(resolve("HEAD:net.convcalc.yaml")).problems
    assert problems[0].message == f"'{path}' lies outside the project's folder HEAD:"


def test_the_content_is_that_of_git_to_the_byte(project: Path) -> None:
    odd = "convcalc: 1\r\nname: net\r\nnote: é\r\nlayers: []"
    commit(project, {"odd names/ü x.convcalc.yaml": odd, ".gitattributes": "* text=auto eol=lf\n"})
    shown = subprocess.run(
        ["git", "show", "HEAD:odd names/ü x.convcalc.yaml"], capture_output=True, check=True
    ).stdout
    assert resolve("HEAD:odd names/ü x.convcalc.yaml").text == shown


@pytest.mark.usefixtures("project")
def test_many_files_are_read_through_one_process() -> None:
    resolve("HEAD~1:models/net.convcalc.yaml")
    reading = repository_of_this_run().objects.reading.process
    resolve("HEAD~2:models/net.convcalc.yaml")
    assert reading is not None
    assert repository_of_this_run().objects.reading.process is reading


@pytest.mark.usefixtures("project")
def test_the_process_ends_with_its_repository() -> None:
    found = Repository(str(Path.cwd()))
    found.content(found.commit("HEAD"), "blocks/body.convcalc.yaml", 1000)
    asking, reading = found.objects.asking.process, found.objects.reading.process
    assert asking is not None
    assert reading is not None
    assert (asking.poll(), reading.poll()) == (None, None)
    del found
    assert None not in (asking.poll(), reading.poll())


# --- what cannot be read -------------------------------------------------------------------------


@pytest.mark.usefixtures("project")
def test_an_unknown_revision_is_named_with_the_nearest() -> None:
    assert message("mian:x.yaml") == ("unknown revision 'mian'", "use 'main'")
    assert message("nothing:x.yaml") == (
        "unknown revision 'nothing'",
        "'git branch --all' and 'git tag' list them",
    )
    assert message("main..HEAD:x.yaml")[0] == "unknown revision 'main..HEAD'"
    assert message("--help:x.yaml")[0] == "unknown revision '--help'"
    assert message("a\nb:x.yaml")[0] == "unknown revision 'a\nb'"


def test_a_remote_branch_that_was_not_fetched_is_fetched(project: Path) -> None:
    git(project, "remote", "add", "origin", "nowhere")
    assert message("origin/topic:x.yaml")[1] == "fetch it by: git fetch origin topic"


@pytest.mark.usefixtures("project")
def test_a_path_that_is_not_in_the_revision_is_an_error_of_its_own() -> None:
    with pytest.raises(MissingFile) as caught:
        resolve("HEAD~1:models/net.convcalc.yml")
    assert caught.value.message == "revision 'HEAD~1' has no file 'models/net.convcalc.yml'"
    assert caught.value.help == "use 'HEAD~1:models/net.convcalc.yaml'"
    with pytest.raises(MissingFile):
        earlier(Target("models/net.convcalc.yaml"), "HEAD")
    assert message("HEAD:blocks")[0] == "cannot read HEAD:blocks: it is a folder"


def test_a_path_of_the_current_folder_is_told_how_to_be_written(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(project / "blocks")
    assert message("HEAD:body.convcalc.yaml") == (
        "revision 'HEAD' has no file 'body.convcalc.yaml' at the top of the repository",
        "use 'HEAD:./body.convcalc.yaml' for the one in this folder",
    )


def test_a_shallow_clone_says_what_to_do_and_it_helps(
    project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    git(project, "branch", "release", "HEAD~1")
    monkeypatch.chdir(shallow_clone(project, tmp_path / "clone"))
    text, advice = message("HEAD~1:models/net.convcalc.yaml")
    assert text == "unknown revision 'HEAD~1'"
    assert advice.startswith("this clone is shallow; fetch the rest by: git fetch --unshallow")
    text, advice = message("origin/release:models/net.convcalc.yaml")
    assert text == "unknown revision 'origin/release'"
    fetch = advice.removeprefix("this clone is shallow; fetch it by: git ")
    git(tmp_path / "clone", *fetch.split())
    assert params("origin/release:models/net.convcalc.yaml") == PARAMS[3, 8]
    assert "fetch the rest by" in message("origin/release...:models/net.convcalc.yaml")[1]
    git(tmp_path / "clone", "fetch", "--quiet", "--unshallow")
    assert params("origin/release...:models/net.convcalc.yaml") == PARAMS[3, 8]


def test_a_partial_clone_is_not_taken_for_a_missing_file(
    project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A git that fetches in spite of GIT_NO_LAZY_FETCH (before 2.45) would find the file."""
    git(project, "config", "uploadpack.allowFilter", "true")
    clone = tmp_path / "clone"
    git(project, "clone", "--quiet", "--filter=blob:none", project.as_uri(), str(clone))
    git(clone, "remote", "set-url", "origin", "nowhere")
    monkeypatch.chdir(clone)
    text, advice = message("HEAD~2:blocks/body.convcalc.yaml")
    assert text.startswith("cannot read HEAD~2:blocks/body.convcalc.yaml")
    assert "partial clone" in advice


def test_without_a_repository_or_without_git_there_is_no_history(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    text, advice = message("HEAD:x.yaml")
    assert text == "cannot read HEAD:x.yaml: the folder is not in a git repository"
    assert "convcalc show … -f json -o old.json" in advice
    monkeypatch.setenv("PATH", str(tmp_path))
    (tmp_path / ".git").write_text("gitdir: elsewhere")
    assert message("HEAD:x.yaml")[0] == "cannot read HEAD:x.yaml: git is not installed"


def test_an_empty_repository_has_no_revision(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(repository(tmp_path / "empty"))
    assert message("HEAD:x.yaml")[0] == "unknown revision 'HEAD'"


def test_text_from_elsewhere_has_no_history() -> None:
    with pytest.raises(TargetError, match="- has no history"):
        earlier(Target("-", None, "convcalc: 1"), "HEAD")


# --- where it can be named -----------------------------------------------------------------------


@pytest.mark.usefixtures("project")
def test_commands_and_load_take_a_revision(capsys: pytest.CaptureFixture[str]) -> None:
    from convcalc.cli import main

    network = convcalc.load("HEAD~2:models/net.convcalc.yaml", variant="net_wide")
    assert network.file == "HEAD~2:models/net.convcalc.yaml"
    assert main(["get", "totals.params", "HEAD~2:models/net.convcalc.yaml"]) == 0
    assert capsys.readouterr().out == f"{PARAMS[1, 8]}\n"
    assert main(["show", "HEAD:models/net.convcalc.yaml"]) == 2
    assert "has no file" in capsys.readouterr().err


def test_only_a_revision_pays_for_git() -> None:
    code = "import sys, convcalc; convcalc.load('vgg16'); print('convcalc.history' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True)
    assert done.stdout == "False\n"
