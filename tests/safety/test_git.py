# ruff: noqa: E501  # a row on one line is easier to read than one in pieces
"""Hostile repositories: false bases, settings that would run code, and objects that would hang.

Each row builds a repository and runs one command in it. A script lies ready that leaves a mark if
anything runs it.
"""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from confined import Outcome, confined, require_calm
from gitrepo import APART, commit, git, repository, shallow_clone

NAME = "net.convcalc.yaml"
SECRET = "TOP-SECRET"


def net(channels: int = 8, more: str = "") -> str:
    return (
        "convcalc: 1\nname: net\ninput: [3, 8, 8]\n"
        f"{more}layers:\n- conv: {{out: {channels}, k: 1, bias: false}}\n"
    )


GROWN = net(800, "budgets:\n  compare: {base: main}\n  params: {max_increase: 0}\n")
GREW = "params grew from 24 in main to 2.4"
TRACKED = (
    "import os, sys; from convcalc.language.sources.repository import repository; "
    "names = repository().tracked(*sys.argv[1:]); "
    "print(*map(os.fsencode, sorted(names)), sep='\\n')"
)
RUN = (
    "import convcalc.language.sources.git_process as g; g.PATIENCE = {}; "
    "import sys; from convcalc.cli import main; sys.exit(main())"
)
LONG, SHORT = 40, 0.5  # seconds: a busy machine is no defect, and what hangs need not hang long


def run(folder: Path, line: str, patience: float = LONG, **variables: str) -> Outcome:
    """Runs a command where nothing may run the script."""
    code = RUN.format(patience)
    outcome = confined(shlex.split(line), folder, code=code, **APART, **variables)
    assert not mark(folder).exists(), "something of the repository ran"
    assert SECRET not in outcome.text
    return outcome


def mark(folder: Path) -> Path:
    """What the script leaves, in the folder of the test."""
    return next(path for path in (folder, *folder.parents) if path.name.startswith("test_")) / "ran"


def script(folder: Path) -> str:
    """A program that leaves a mark."""
    path = folder.parent / "script"
    path.write_text(f"#!/bin/sh\ntouch {mark(folder)}\ncat\n")
    path.chmod(0o755)
    return str(path)


@pytest.fixture(scope="session")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository with a network that has grown since the branch ``main``."""
    folder = tmp_path_factory.mktemp("original") / "project"
    repository(folder, {f"models/{NAME}": net(), NAME: net()})
    git(folder, "checkout", "--quiet", "-b", "topic")
    commit(folder, {f"models/{NAME}": GROWN, NAME: GROWN})
    return folder


@pytest.fixture
def project(original: Path, tmp_path: Path) -> Path:
    """A copy of it."""
    return Path(shutil.copytree(original, tmp_path / "project"))


def test_the_growth_is_seen(project: Path) -> None:
    outcome = run(project, "check models")
    require_calm(outcome, codes=(1,))
    assert GREW in outcome.text


# --- the repository is found from the start folder -------------------------------------------------


def false_repository(folder: Path, *options: str) -> None:
    """A repository in which ``main`` has the network as it is now."""
    other = repository(folder.parent / "other", {NAME: GROWN, f"models/{NAME}": GROWN})
    git(folder.parent, "clone", "--quiet", *options, str(other), str(folder))


def bare_inside(folder: Path) -> None:
    false_repository(folder / "false", "--bare")
    for path in (folder / "false").iterdir():
        path.rename(folder / "models" / path.name)


def nested_folder(folder: Path) -> None:
    false_repository(folder / "false")
    (folder / "false/.git").rename(folder / "models/.git")


def nested_file(folder: Path) -> None:
    false_repository(folder.parent / "false")
    (folder / "models/.git").write_text(f"gitdir: {folder.parent}/false/.git\n")


def nested_link(folder: Path) -> None:
    false_repository(folder.parent / "false")
    (folder / "models/.git").symlink_to(folder.parent / "false/.git")


def replaced(folder: Path) -> None:
    git(folder, "replace", "main", "topic")


def grafted(folder: Path) -> None:
    false = git(folder, "commit-tree", "topic^{tree}", "-m", "false")
    commits = git(folder, "rev-parse", "topic")
    (folder / ".git/info/grafts").write_text(f"{commits} {false}\n")


def other_worktree(folder: Path) -> None:
    false_repository(folder.parent / "false")
    git(folder, "config", "core.worktree", str(folder.parent / "false"))


def as_options(folder: Path) -> None:
    """Branches and files that look like options."""
    git(folder, "update-ref", "refs/heads/--output=x", "main")
    commit(folder, {f"--help/{NAME}": GROWN})


@pytest.mark.parametrize(
    "build",
    [
        bare_inside,
        nested_folder,
        nested_file,
        nested_link,
        replaced,
        grafted,
        other_worktree,
        as_options,
    ],
)
def test_no_tree_supplies_a_false_base(build: Callable[[Path], None], project: Path) -> None:
    build(project)
    outcome = run(project, f"check models/{NAME}")
    require_calm(outcome, codes=(1,))
    assert GREW in outcome.text, outcome.text


@pytest.mark.exhaustive
@pytest.mark.parametrize(
    "variables",
    [
        {"GIT_DIR": "../false/.git"},
        {"GIT_DIR": "../false/.git", "GIT_WORK_TREE": "."},
        {"GIT_OBJECT_DIRECTORY": "../false/.git/objects"},
        {"GIT_ALTERNATE_OBJECT_DIRECTORIES": "../false/.git/objects", "GIT_COMMON_DIR": "../false"},
        {"GIT_NAMESPACE": "false", "GIT_REPLACE_REF_BASE": "refs/heads"},
        {"GIT_INDEX_FILE": "../false/.git/index", "GIT_GRAFT_FILE": "../false/graft"},
        {"GIT_EXTERNAL_DIFF": "false", "GIT_PAGER": "false", "GIT_TRACE": "1", "GIT_FLUSH": "0"},
        {"GIT_DIR": ".git"},  # as a hook has it
        {"GIT_DIR": ".git", "GIT_INDEX_FILE": ".git/index", "GIT_PREFIX": "models/"},
    ],
    ids=" ".join,
)
def test_no_variable_leads_to_another_repository(variables: dict[str, str], project: Path) -> None:
    false_repository(project.parent / "false")
    outcome = run(project, "check models", **variables)
    require_calm(outcome, codes=(1,))
    assert GREW in outcome.text, outcome.text


def test_from_a_folder_that_is_a_bare_repository_too_the_outer_one_is_read(project: Path) -> None:
    bare_inside(project)
    outcome = run(project / "models", f"get totals.params main:./{NAME}")
    assert (outcome.code, outcome.out) == (0, b"24\n")


def test_a_file_of_a_submodule_has_its_history_elsewhere(project: Path) -> None:
    other = repository(project.parent / "module", {NAME: GROWN})
    git(
        project,
        "-c",
        "protocol.file.allow=always",
        "submodule",
        "add",
        "--quiet",
        str(other),
        "sub",
    )
    commit(project, {})
    git(project, "branch", "--force", "main")
    outcome = run(project, "check sub")
    require_calm(outcome, codes=(1,))
    assert "'sub' is a submodule, which is a repository of its own" in outcome.unwrapped
    assert "'sub' is a submodule" in run(project, f"show HEAD:sub/{NAME}").text
    assert run(project / "sub", f"get totals.params HEAD:{NAME}").out == b"2400\n"
    require_calm(run(project, "diff HEAD:./ ."))


# --- settings of a repository that would run something -----------------------------------------------


def test_no_setting_of_a_repository_runs_a_program(project: Path) -> None:
    program = script(project)
    for name in (
        "core.fsmonitor",
        "core.sshCommand",
        "core.gitProxy",
        "core.pager",
        "core.editor",
        "core.askPass",
        "core.alternateRefsCommand",
        "credential.helper",
        "diff.external",
        "gpg.program",
        "filter.evil.clean",
        "filter.evil.smudge",
        "filter.evil.process",
        "diff.evil.textconv",
        "diff.evil.command",
        "alias.cat-file",
        "alias.ls-tree",
        "alias.rev-parse",
        "uploadpack.packObjectsHook",
        "pager.rev-parse",
        "pager.ls-tree",
    ):
        git(project, "config", name, program if not name.startswith("alias") else f"!{program}")
    git(project, "config", "core.hooksPath", str(project.parent))
    for hook in ("post-index-change", "reference-transaction", "pre-auto-gc", "fsmonitor-watchman"):
        (project.parent / hook).symlink_to(program)
        (project / ".git/hooks").mkdir(exist_ok=True)
        (project / f".git/hooks/{hook}").symlink_to(program)
    (project / ".gitattributes").write_text(
        "* filter=evil diff=evil text working-tree-encoding=x\n"
    )
    git(project, "config", "--unset", "filter.evil.process")
    for line in (
        f"check models/{NAME}",
        f"show main:{NAME}",
        "diff HEAD:./ .",
        "show mian:x",
        "check",
    ):
        require_calm(run(project, line))


def test_no_setting_runs_a_program_when_tracked_files_are_listed(project: Path) -> None:
    git(project, "config", "core.fsmonitor", script(project))
    git(project, "config", "core.hooksPath", str(project.parent))
    (project.parent / "post-index-change").symlink_to(project.parent / "script")
    outcome = confined([], project, code=TRACKED, **APART)
    assert not mark(project).exists()
    assert outcome.out.split() == [f"b'models/{NAME}'".encode(), f"b'{NAME}'".encode()]


def test_the_tracked_files_are_those_of_the_index(project: Path, tmp_path: Path) -> None:
    """Ignored or not, whatever they are called, from wherever convcalc is started."""
    for name in (os.fsdecode(b"\xff.convcalc.yaml"), "a\nb.convcalc.yaml", "[*]/x.convcalc.yml"):
        (project / name).parent.mkdir(exist_ok=True)
        (project / name).write_text(net())
    (project / ".gitignore").write_text("*.yaml\n")
    git(project, "add", "--force", "--all")
    (project / "untracked.convcalc.yaml").write_text(net())
    expected = [
        b".gitignore",
        b"[*]/x.convcalc.yml",
        b"a\nb.convcalc.yaml",
        b"models/net.convcalc.yaml",
        b"net.convcalc.yaml",
        b"\xff.convcalc.yaml",
    ]
    for folder in (project, project / "models"):
        found = confined([], folder, code=TRACKED, **APART).out
        assert found.decode().splitlines() == [repr(name) for name in expected]
    found = confined([".convcalc.yaml"], project, code=TRACKED, **APART).out
    assert found.decode().splitlines() == [
        repr(n) for n in expected if n.endswith(b".convcalc.yaml")
    ]
    git(tmp_path, "clone", "--quiet", "--bare", str(project), "bare.git")
    assert confined([], tmp_path / "bare.git", code=TRACKED, **APART).out == b"\n"


@pytest.mark.parametrize("url", ["ext::{} %S", "ssh://-oProxyCommand={}/x", "file://{}", "{}"])
def test_a_partial_clone_fetches_nothing(url: str, project: Path, tmp_path: Path) -> None:
    git(project, "config", "uploadpack.allowFilter", "true")
    clone = tmp_path / "clone"
    git(
        project,
        "clone",
        "--quiet",
        "--filter=blob:none",
        "--no-checkout",
        project.as_uri(),
        str(clone),
    )
    program = script(clone)
    git(clone, "config", "remote.origin.url", url.format(program))
    git(clone, "config", "protocol.allow", "always")
    git(clone, "config", "protocol.ext.allow", "always")
    git(clone, "config", "core.sshCommand", program)
    outcome = run(clone, f"show origin/main:{NAME}")
    require_calm(outcome, codes=(2,))
    assert "it is a partial clone" in outcome.text


def test_a_program_in_the_tree_is_not_taken_for_git(project: Path) -> None:
    (project / "git").symlink_to(script(project))
    for path in ("", ".", "models/.."):
        outcome = run(
            project, f"get totals.params main:{NAME}", PATH=f"{path}:{os.environ['PATH']}"
        )
        assert (outcome.code, outcome.out) == (0, b"24\n"), outcome.text


# --- words ---------------------------------------------------------------------------------------


@pytest.mark.exhaustive
@pytest.mark.parametrize(
    ("word", "says"),
    [
        ("HEAD:/etc/passwd", "'/etc/passwd' is not a path in a repository"),
        ("HEAD:../secret.yaml", "'../secret.yaml' leads out of the repository"),
        ("HEAD:./../secret.yaml", "'../secret.yaml' leads out of the repository"),
        ("HEAD:models/../../secret.yaml", "its path leads out of the repository"),
        ("HEAD:models/../../../../etc/passwd", "its path leads out of the repository"),
        ("--output=x:net.yaml", "unknown revision '--output=x'"),
        ("-h:net.yaml", "no such option"),
        ("--help:net.yaml", ""),
        (":net.yaml", "unknown revision ''"),
        ("'a\nb:net.yaml'", "unknown revision 'a"),
        ("'HEAD\t:net.yaml'", "unknown revision"),
        ("HEAD..main:net.yaml", "unknown revision 'HEAD..main'"),
        ("^HEAD:net.yaml", "unknown revision '^HEAD'"),
        ("HEAD^{tree}:net.yaml", "unknown revision"),
        (f"{'H' * 50_000}:net.yaml", "unknown revision"),
        (f"HEAD:{'d/' * 20_000}net.yaml", "its path is too long"),
        (f"HEAD:{'../' * 20_000}net.yaml", "leads out of the repository"),
        ("...:net.yaml", "has no file 'net.yaml'"),
        ("HEAD:models", "it is a folder"),
        (f"HEAD:{NAME}/x", f"has no file '{NAME}/x'"),
    ],
)  # fmt: skip
def test_a_word_is_refused_at_once(word: str, says: str, project: Path) -> None:
    (project.parent / "secret.yaml").write_text(f"{net()}{SECRET}: 7\n")
    dashes = "-- " if word.startswith("-") and says.startswith("unknown revision") else ""
    outcome = run(project, f"show {dashes}{word}")
    require_calm(outcome, codes=(0, 2) if not says else (2,))
    assert says in outcome.text.lower() or says in outcome.text, outcome.text
    assert not (project / "x").exists()


LINK, FILE = "120000", "100644"

# --- objects -------------------------------------------------------------------------------------


def made(folder: Path, kind: str, content: bytes) -> str:
    """The hash of a new object, however wrong it is."""
    command = ["git", "hash-object", "-w", "-t", kind, "--stdin", "--literally"]
    done = subprocess.run(command, input=content, cwd=folder, capture_output=True, check=True)
    return done.stdout.decode().strip()


def entries(*listed: tuple[str, str | bytes, str]) -> bytes:
    """The content of a tree."""
    names = [(mode, os.fsencode(name), hash_) for mode, name, hash_ in listed]
    return b"".join(
        mode.encode() + b" " + name + b"\0" + bytes.fromhex(hash_) for mode, name, hash_ in names
    )


def head(folder: Path, tree: str) -> None:
    """Makes a tree that of the branch."""
    text = f"tree {tree}\nauthor a <a> 0 +0000\ncommitter a <a> 0 +0000\n\nx\n"
    git(folder, "update-ref", "refs/heads/bomb", made(folder, "commit", text.encode()))


def of(*listed: tuple[str, str | bytes, bytes]) -> Callable[[Path], None]:
    """Makes a branch of blobs."""

    def build(folder: Path) -> None:
        blobs = [(mode, name, made(folder, "blob", content)) for mode, name, content in listed]
        head(folder, made(folder, "tree", entries(*blobs)))

    return build


def large_blob(folder: Path) -> None:
    with (folder.parent / "large").open("wb") as file:
        file.truncate(300 * 2**20)
    git(folder, "config", "core.bigFileThreshold", "1m")
    git(folder, "config", "core.compression", "1")
    large = git(folder, "hash-object", "-w", str(folder.parent / "large"))
    head(folder, made(folder, "tree", entries(("100644", NAME, large))))


def large_tree(folder: Path) -> None:
    blob = made(folder, "blob", net().encode())
    listed = (("100644", f"{number:0200d}{NAME}", blob) for number in range(50_000))
    head(folder, made(folder, "tree", entries(*listed)))


def tree_bomb(folder: Path) -> None:
    below = made(folder, "tree", entries(("100644", NAME, made(folder, "blob", net().encode()))))
    for _ in range(10):
        below = made(folder, "tree", entries(*(("40000", f"d{n}", below) for n in range(10))))
    head(folder, below)


def deep_tree(folder: Path) -> None:
    """Written as a stream, for one process per folder would take long."""
    lines = ["commit refs/heads/bomb\ncommitter a <a> 0 +0000\ndata 1\nx\n"]
    lines += [f"M 100644 inline {'d/' * 1500}{NAME}\ndata {len(net())}\n{net()}\n"]
    subprocess.run(
        ["git", "fast-import", "--quiet"], input="".join(lines).encode(), cwd=folder, check=True
    )


def damaged_tree(folder: Path) -> None:
    head(folder, made(folder, "tree", b"100644 net.convcalc.yaml\0short"))


def missing_blob(folder: Path) -> None:
    head(folder, made(folder, "tree", entries(("100644", NAME, "12" * 20))))


def missing_tree(folder: Path) -> None:
    head(folder, "34" * 20)


def damaged_blob(folder: Path) -> None:
    blob = made(folder, "blob", b"something else")
    path = folder / f".git/objects/{blob[:2]}/{blob[2:]}"
    path.chmod(0o644)
    path.write_bytes(b"garbage")
    head(folder, made(folder, "tree", entries(("100644", NAME, blob))))


def tree_for_file(folder: Path) -> None:
    head(folder, made(folder, "tree", entries((FILE, NAME, made(folder, "tree", b"")))))


def file_for_tree(folder: Path) -> None:
    blob = made(folder, "blob", net().encode())
    head(folder, made(folder, "tree", entries(("40000", NAME, blob))))


def commit_for_file(folder: Path) -> None:
    head(folder, made(folder, "tree", entries((FILE, NAME, git(folder, "rev-parse", "main")))))


def odd_entries(folder: Path) -> None:
    """Names that no program would write; none of them leads anywhere."""
    blob = made(folder, "blob", net().encode())
    names = ("..", ".", ".git", "", "a/b", "../x.convcalc.yaml", "/etc/x.convcalc.yaml", NAME, NAME)
    odd = entries(*((mode, name, blob) for mode in (FILE, "0", "777777") for name in names))
    head(folder, made(folder, "tree", odd))


def submodule(folder: Path) -> None:
    head(folder, made(folder, "tree", entries(("160000", NAME, "12" * 20))))


LEADS_OUT = "is a link that leads out of the repository"
CIRCLE = "is a link that leads back to itself"


@pytest.mark.exhaustive
@pytest.mark.parametrize(
    ("build", "code", "says"),
    [
        (of((LINK, NAME, b"/etc/passwd")), 2, f"{LEADS_OUT}, to /etc/passwd"),
        (of((LINK, NAME, b"../secret.yaml")), 2, LEADS_OUT),
        (of((LINK, NAME, b"a/../../secret.yaml")), 2, LEADS_OUT),
        (of((LINK, NAME, NAME.encode())), 2, CIRCLE),
        (of((LINK, NAME, b"./" * 600 + NAME.encode())), 2, CIRCLE),
        (of((LINK, "a", b"net.convcalc.yaml/a"), (LINK, NAME, b"a/a/a/a")), 2, CIRCLE),
        (of((LINK, NAME, b"x" * 5000)), 2, "it is too large: more than 4,096 bytes"),
        (of((LINK, NAME, b"")), 2, "it is a folder"),
        (of((LINK, NAME, b"gone.yaml")), 2, "has no file"),
        (of((LINK, NAME, b"\xff\n")), 2, "has no file"),
        (
            of((FILE, "f", net().encode()), *((LINK, f"l{n}", f"l{n + 1}".encode()) for n in range(50)), (LINK, NAME, b"l0")),
            2,
            CIRCLE,
        ),
        (of((FILE, "f", net().encode()), (LINK, NAME, b"./f")), 0, "net"),
        (of((FILE, NAME, b"x" * 300_000)), 2, "it is too large: more than 262,144 bytes"),
        (of((FILE, NAME, b"\xff\xfe\0")), 2, ""),
        (of((FILE, NAME, b"")), 1, "CC"),
        (large_blob, 2, "it is too large: more than 262,144 bytes"),
        (large_tree, 2, "it is too large: more than 8 MiB"),
        (damaged_tree, 2, "its content is not in this clone"),
        (damaged_blob, 2, "its content is not in this clone"),
        (missing_blob, 2, "its content is not in this clone"),
        (missing_tree, 2, "its content is not in this clone"),
        (tree_for_file, 2, "the repository is damaged"),
        (file_for_tree, 2, "it is a folder"),
        (commit_for_file, 2, "the repository is damaged"),
        (odd_entries, 0, "net"),
        (submodule, 2, "is a submodule, which is a repository of its own"),
        (tree_bomb, 2, "has no file"),
    ],

)  # fmt: skip
def test_a_hostile_object_is_met_calmly(
    build: Callable[[Path], None], code: int, says: str, project: Path
) -> None:
    (project.parent / "secret.yaml").write_text(f"{net()}{SECRET}: 7\n")
    build(project)
    outcome = run(project, f"show bomb:{NAME}")
    require_calm(outcome, codes=(code,) if says else (1, 2))
    assert says in outcome.text, outcome.text
    require_calm(run(project, "diff bomb:./ ."))


@pytest.mark.parametrize("build", [tree_bomb, deep_tree], ids=["wide", "deep"])
def test_a_tree_without_end_is_not_listed(build: Callable[[Path], None], project: Path) -> None:
    build(project)
    outcome = run(project, "diff bomb:./ .")
    require_calm(outcome)
    path = "d/" * 1500
    require_calm(run(project, f"show bomb:{path}{NAME}"), codes=(2,))


def test_a_file_below_900_folders_is_read(project: Path) -> None:
    deep_tree(project)
    git(project, "update-ref", "refs/heads/bomb", made_below(project, 600))
    outcome = run(project, f"get totals.params bomb:{'d/' * 900}{NAME}")
    assert (outcome.code, outcome.out) == (0, b"24\n"), outcome.text


def made_below(folder: Path, depth: int) -> str:
    """A commit of what stands below so many folders of the branch."""
    tree = git(folder, "rev-parse", f"bomb:{'d/' * depth}")
    return git(folder, "commit-tree", tree, "-m", "x")


ODD = ["a\nb", "t\tb", '"q"', "\\", "é", b"\xff\xfe", "\x1b[31m", "-o", ":x", "a::b", "*", "\u202e"]


def test_odd_names_at_a_revision_are_compared(project: Path) -> None:
    """Those that are there are the same, to the byte; so are those in folders with such names."""
    for name in ODD:
        text = os.fsdecode(os.fsencode(name))
        for path in (f"{text}.convcalc.yaml", f"{text}/n.convcalc.yaml"):
            (project / path).parent.mkdir(exist_ok=True)
            (project / path).write_text(net())
    commit(project, {})
    outcome = run(project, "diff HEAD:./ . --exit-code")
    require_calm(outcome, codes=(0,))
    assert "nothing changed" in outcome.text
    for name in ODD:
        (project / os.fsdecode(os.fsencode(name)) / "n.convcalc.yaml").write_text(net(9))
    outcome = run(project, "diff HEAD:./ . -f json")
    require_calm(outcome, codes=(0,))
    assert outcome.text.count('"changed"') >= len(ODD) or outcome.text.count(
        "n.convcalc.yaml"
    ) >= len(ODD)


@pytest.mark.exhaustive
@pytest.mark.parametrize(
    "name", [name for name in ODD if str(name)[0] != ":" and "::" not in str(name)], ids=ascii
)
def test_an_odd_name_at_a_revision_is_read(name: str | bytes, project: Path) -> None:
    path = os.fsdecode(os.fsencode(name)) + "/n.convcalc.yaml"
    (project / path).parent.mkdir()
    (project / path).write_text(net())
    commit(project, {})
    outcome = run(project, f"get totals.params {shlex.quote(f'HEAD:{path}')}")
    assert (outcome.code, outcome.out) == (0, b"24\n"), outcome.text


# --- repositories that hang or are none ------------------------------------------------------------


def waiting(path: str) -> Callable[[Path], None]:
    """A pipe instead of a file of the repository."""

    def build(folder: Path) -> None:
        place = folder / ".git" / path
        place.parent.mkdir(exist_ok=True)
        place.unlink(missing_ok=True)
        os.mkfifo(place)

    return build


def linked(path: str, target: str) -> Callable[[Path], None]:
    def build(folder: Path) -> None:
        (folder / ".git" / path).unlink(missing_ok=True)
        (folder / ".git" / path).symlink_to(target)

    return build


def settings(text: str) -> Callable[[Path], None]:
    def build(folder: Path) -> None:
        with (folder / ".git/config").open("a") as file:
            file.write(text)

    return build


def dot_git(text: str) -> Callable[[Path], None]:
    """A file instead of the repository."""

    def build(folder: Path) -> None:
        (folder / ".git").rename(folder.parent / "git")
        (folder / ".git").write_text(text)

    return build


def circle(folder: Path) -> None:
    (folder / ".git").rename(folder.parent / "git")
    (folder / ".git").symlink_to(".git")


def pipe(folder: Path) -> None:
    (folder / ".git").rename(folder.parent / "git")
    os.mkfifo(folder / ".git")


def alternates(target: str) -> Callable[[Path], None]:
    def build(folder: Path) -> None:
        (folder / ".git/objects/info").mkdir(exist_ok=True)
        (folder / ".git/objects/info/alternates").write_text(target)

    return build


@pytest.mark.exhaustive
@pytest.mark.parametrize(
    "build",
    [
        waiting("config"),
        waiting("HEAD"),
        waiting("refs/heads/main"),
        waiting("packed-refs"),
        waiting("objects/info/alternates"),
        waiting("info/grafts"),
        waiting("shallow"),
        waiting("commondir"),
        waiting("index"),
        linked("config", "/dev/zero"),
        linked("packed-refs", "/dev/zero"),
        linked("HEAD", "/etc/passwd"),
        settings("[include]\npath = /dev/zero\n"),
        settings("[include]\npath = ../config\n"),
        settings("[include]\npath = config\n"),
        settings("[core\n"),
        settings("[core]\nrepositoryformatversion = 9\n"),
        settings("[extensions]\nunknown = true\n"),
        settings("[core]\nbare = true\n"),
        settings(f"[core]\nx = {'y' * 2**20}\n"),
        alternates("/etc\n../../../..\n"),
        alternates("../../.git/objects\n.\n"),
        dot_git(""),
        dot_git("gitdir: .git\n"),
        dot_git("gitdir: /etc\n"),
        dot_git("gitdir: /dev/zero\n"),
        dot_git("x" * 10**6),
        circle,
        pipe,
    ],
)
def test_a_hostile_repository_ends(build: Callable[[Path], None], project: Path) -> None:
    build(project)
    for line in ("check models", f"show main:{NAME}", "diff main:./ ."):
        require_calm(run(project, line, SHORT))


FAKES = {
    "hangs": "sleep 100",
    "prints without end": "exec yes",
    "complains without end": "exec yes >&2",
    "says nothing": "exit 0",
    "fails": "echo fatal: no; exit 128",
    "dies": "kill -SEGV $$",
    "is no program": "",
}


@pytest.mark.exhaustive
@pytest.mark.parametrize("fault", FAKES)
def test_a_git_that_misbehaves_is_told_of(fault: str, project: Path, tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    program = tmp_path / "bin/git"
    program.write_text(f"#!/bin/sh\n{FAKES[fault]}\n" if FAKES[fault] else "\0\0\0")
    program.chmod(0o755)
    path = f"{tmp_path / 'bin'}:{os.environ['PATH']}"
    outcome = run(project, f"show main:{NAME}", SHORT, PATH=path)
    require_calm(outcome, codes=(2,))
    assert outcome.err.startswith(b"error: "), outcome.text


# --- repositories of every kind -------------------------------------------------------------------


def params(folder: Path, word: str, **variables: str) -> str:
    outcome = run(folder, f"get totals.params {word}", **variables)
    assert outcome.code == 0, outcome.text
    return outcome.out.decode().strip()


def test_a_bare_repository_is_read_from_its_own_folder(project: Path, tmp_path: Path) -> None:
    git(tmp_path, "clone", "--quiet", "--bare", str(project), "bare.git")
    bare = tmp_path / "bare.git"
    assert params(bare, f"main:{NAME}") == "24"
    assert params(bare, f"main:models/{NAME}", GIT_DIR=".") == "24"
    assert params(tmp_path, f"main:{NAME} --root bare.git") == "24"
    require_calm(run(bare, "diff main:./ topic:./"), codes=(0,))
    assert "the folder is not in a git repository" in run(bare / "refs", f"show main:{NAME}").text


def test_a_hook_of_a_server_reads_what_is_just_received(project: Path, tmp_path: Path) -> None:
    """Such objects lie apart until the hook has agreed; only its variables say where."""
    import sys

    from places import ROOT

    git(tmp_path, "clone", "--quiet", "--bare", str(project), "bare.git")
    hook = tmp_path / "bare.git/hooks/pre-receive"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(
        f"#!/bin/sh\nread old new ref\nPYTHONPATH={ROOT} {sys.executable} -m convcalc "
        f"get totals.params $new:{NAME} >{tmp_path}/seen 2>&1\n"
    )
    hook.chmod(0o755)
    commit(project, {NAME: net(9)})
    git(project, "push", "--quiet", str(tmp_path / "bare.git"), "topic")
    assert (tmp_path / "seen").read_text() == "27\n"


def test_a_hook_of_a_commit_reads_the_base(project: Path, tmp_path: Path) -> None:
    import sys

    from places import ROOT

    git(project, "worktree", "add", "--quiet", str(tmp_path / "tree"), "-b", "other")
    hook = project / ".git/hooks/pre-commit"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(
        f"#!/bin/sh\nPYTHONPATH={ROOT} {sys.executable} -m convcalc "
        f"get totals.params main:{NAME} >>{tmp_path}/seen 2>&1\n"
    )
    hook.chmod(0o755)
    commit(project, {"x": "1"})
    commit(tmp_path / "tree", {"x": "1"})
    assert (tmp_path / "seen").read_text() == "24\n24\n"


def test_a_repository_that_only_variables_name_is_read(project: Path, tmp_path: Path) -> None:
    """As those do who keep their home folder in one."""
    (project / ".git").rename(tmp_path / "files.git")
    place = {"GIT_DIR": str(tmp_path / "files.git"), "GIT_WORK_TREE": str(project)}
    assert params(project, f"main:{NAME}", **place) == "24"
    assert GREW in run(project, "check models", **place).text


@pytest.mark.parametrize("kind", ["worktree", "separate", "shallow", "submodule", "bare worktree"])
def test_every_kind_of_repository_is_read(kind: str, project: Path, tmp_path: Path) -> None:
    folder = tmp_path / "here"
    if kind == "worktree":
        git(project, "worktree", "add", "--quiet", str(folder), "main")
    elif kind == "separate":
        git(
            tmp_path,
            "clone",
            "--quiet",
            f"--separate-git-dir={tmp_path / 'apart'}",
            str(project),
            str(folder),
        )
    elif kind == "shallow":
        shallow_clone(project, folder)
        git(folder, "fetch", "--quiet", "--depth=1", "origin", "main:main")
    elif kind == "submodule":
        outer = repository(tmp_path / "outer", {"x": ""})
        git(
            outer,
            "-c",
            "protocol.file.allow=always",
            "submodule",
            "add",
            "--quiet",
            str(project),
            "here",
        )
        folder = outer / "here"
    else:
        git(tmp_path, "clone", "--quiet", "--bare", str(project), str(tmp_path / "b/.git"))
        git(tmp_path / "b/.git", "worktree", "add", "--quiet", str(folder), "main")
        assert params(tmp_path / "b", f"main:{NAME}") == "24"
    name = "main" if kind in ("worktree", "shallow", "bare worktree") else "origin/main"
    assert params(folder, f"{name}:{NAME}") == "24"
    assert params(folder / "models", f"{name}:./{NAME}") == "24"
    require_calm(run(folder, f"diff {name}:./ . --depth 1"), codes=(0,))


def test_a_repository_of_sha256_is_read(tmp_path: Path) -> None:
    folder = tmp_path / "long"
    folder.mkdir()
    git(folder, "init", "--quiet", "--initial-branch=main", "--object-format=sha256")
    commit(folder, {f"a/{NAME}": net()})
    assert params(folder, f"main:a/{NAME}") == "24"
    require_calm(run(folder, "diff HEAD:./ ."), codes=(0,))


def test_the_repository_of_somebody_else_is_not_read(project: Path) -> None:
    somebody = {"GIT_TEST_ASSUME_DIFFERENT_OWNER": "1"}
    outcome = run(project, f"show main:{NAME}", **somebody)
    require_calm(outcome, codes=(2,))
    assert "belongs to somebody else" in outcome.text
    assert f"git config --global --add safe.directory {project}" in outcome.text
    trusted = {
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": "safe.directory",
        "GIT_CONFIG_VALUE_0": str(project),
    }
    assert params(project, f"main:{NAME}", **somebody, **trusted) == "24"
