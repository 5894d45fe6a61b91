"""The action on a checkout that is full of traps: files that would be run if anything looked for
them there, names and revisions that would be read as options or commands."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from action import CHECK, INSTALL, Done, run, step
from command import without_settings
from gitrepo import commit, git, repository
from places import ROOT

NET = "convcalc: 1\nname: net\ninput: [3, 8, 8]\nlayers: [{conv: {out: 4, k: 3}}]\n"
MODULES = [
    "secrets",
    "yaml",
    "typer",
    "rich",
    "pip",
    "venv",
    "ensurepip",
    "sitecustomize",
    "usercustomize",
    "os",
    "sys",
    "subprocess",
    "json",
    "convcalc",
    "encodings",
    "site",
    "runpy",
    "sysconfig",
    "compileall",
    "click",
    "pygments",
    "difflib",
    "tomllib",
]
PROGRAMS = [
    "python3",
    "python",
    "git",
    "convcalc",
    "bash",
    "sh",
    "od",
    "tr",
    "sed",
    "head",
    "wc",
    "cat",
    "pip",
    "mkdir",
    "cp",
]
REVISIONS = [
    "--upload-pack=touch ran",
    "-c core.fsmonitor=touch",
    "--output=ran",
    "$(touch ran)",
    "main; touch ran",
    "main\ntouch ran",
    "main:models",
    "a..b",
    "HEAD^{/::}",
    "ext::sh -c touch% ran",
    "refs/../../x",
    "0" * 40,
    "-",
    ":/first",
    "@{-1}",
]


@pytest.fixture(autouse=True)
def _clean(monkeypatch: pytest.MonkeyPatch) -> None:
    without_settings(monkeypatch)
    monkeypatch.delenv("PYTHONPATH", raising=False)


@pytest.fixture
def trapped(tmp_path: Path) -> Path:
    """A checkout with a network, and a trap under every name that something might look for."""
    folder = repository(tmp_path / "checkout", {"models/net.convcalc.yaml": NET})
    base = git(folder, "rev-parse", "HEAD")
    marks = tmp_path / "marks"
    marks.mkdir()
    files = {}
    for name in MODULES:
        trap = f"open({str(marks / name)!r}, 'w').close()\nraise SystemExit(0)\n"
        files |= {f"{name}.py": trap, f"{name}/__init__.py": trap, f"{name}/__main__.py": trap}
    files["pyproject.toml"] = '[build-system]\nrequires = []\nbackend-path = ["."]\n'
    files["pyproject.toml"] += 'build-backend = "secrets"\n'
    files["setup.py"] = files["secrets.py"]
    files["pip.conf"] = "[global]\nindex-url = file:///nowhere\n"
    files["pyvenv.cfg"] = f"home = {folder}\n"
    files["requirements.txt"] = "./evil\n"
    files[".gitattributes"] = "* filter=evil diff=evil textconv=evil\n"
    files[".gitmodules"] = (
        '[submodule "x"]\npath = x\nurl = ext::sh -c touch% ran\nupdate = !touch\n'
    )
    files["::stop-commands::x.convcalc.yaml"] = NET.replace(
        "name: net", 'name: "a\\n::add-mask::b"'
    )
    commit(folder, files)
    for name in PROGRAMS:
        trap = folder / name if not (folder / name).is_dir() else folder / name / "run"
        trap.write_text(f"#!/bin/sh\ntouch {marks / name}.program\n", "utf-8")
        trap.chmod(0o755)
    git(folder, "tag", "base", base)
    return folder


def require_untouched(checkout: Path, done: Done) -> None:
    """Nothing of the checkout ran, and nothing of it is read as a command of GitHub's."""
    marks = checkout.parent / "marks"
    assert list(marks.iterdir()) == [], done.log
    assert not (checkout / "ran").exists()
    for line in done.log.splitlines():
        if "::" in line[:3]:
            assert line.startswith(("::error ", "::warning ", "::notice ", "::error title=")), line


def test_the_check_runs_nothing_of_the_checkout(trapped: Path, tmp_path: Path) -> None:
    base = git(trapped, "rev-parse", "base")
    done = step(trapped, tmp_path / "work", base=base, policy="")
    require_untouched(trapped, done)
    assert done.code in (0, 1), done.log
    assert done.outputs["markdown"].startswith("<!-- convcalc:report -->\n")
    assert "\n::" not in done.summary


@pytest.mark.parametrize("name", REVISIONS)
@pytest.mark.parametrize("which", ["base", "policy"])
def test_a_revision_is_a_name_and_nothing_else(
    name: str, which: str, trapped: Path, tmp_path: Path
) -> None:
    done = step(trapped, tmp_path / "work", **{"base": "", "policy": "", which: name})
    require_untouched(trapped, done)
    assert done.code == 2, done.log
    assert f"::error title=convcalc::the {which} is no commit of this repository" in done.log


def test_a_name_of_a_branch_is_a_base(trapped: Path, tmp_path: Path) -> None:
    done = step(trapped, tmp_path / "work", base="base", policy="")
    assert "markdown" in done.outputs, done.log


@pytest.mark.exhaustive
def test_the_installation_runs_nothing_of_the_checkout(trapped: Path, tmp_path: Path) -> None:
    """The whole action, installed as it is for users, even from within the checkout."""
    work = tmp_path / "work"
    work.mkdir()
    part = {**INSTALL, "working-directory": str(trapped)}
    done = run(part, trapped, work)
    if done.code and ("Connection" in done.log or "No matching distribution" in done.log):
        pytest.skip("no package index can be reached")
    assert done.code == 0, done.log
    require_untouched(trapped, done)
    base = git(trapped, "rev-parse", "base")
    done = run(CHECK, trapped, work, base=base, policy="")
    require_untouched(trapped, done)
    assert done.code in (0, 1), done.log
    installed = work / "convcalc" / "bin" / "convcalc"
    ran = subprocess.run(
        [installed, "get", "totals.params", "resnet50"],
        cwd=trapped,
        check=True,
        capture_output=True,
        text=True,
    )
    assert ran.stdout == "25557032\n"
    require_untouched(trapped, done)


def test_each_requirement_is_locked_by_hash_and_is_what_convcalc_asks_for() -> None:
    import tomllib

    folder = ROOT / ".ci"
    asked = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["dependencies"]
    written = [
        line
        for line in (folder / "requirements.in").read_text("utf-8").splitlines()
        if not line.startswith("#")
    ]
    assert written == asked
    locked = (folder / "requirements.txt").read_text("utf-8").replace("\\\n", " ").splitlines()
    for line in locked:
        if line.strip() and not line.startswith("#"):
            assert "==" in line
            assert "--hash=sha256:" in line
    assert "http" not in "".join(locked)


ZIZMOR = shutil.which(
    "zizmor", path=os.pathsep.join([str(Path(sys.executable).parent), os.defpath])
)


@pytest.mark.skipif(ZIZMOR is None, reason="zizmor is not installed")
def test_zizmor_finds_nothing(tmp_path: Path) -> None:
    from test_ci import files

    workflow = tmp_path / ".github" / "workflows" / "convcalc.yaml"
    workflow.parent.mkdir(parents=True)
    workflow.write_text(files()[".github/workflows/convcalc.yaml"], "utf-8")
    done = subprocess.run(
        [
            "zizmor",
            "--offline",
            "--no-progress",
            "--persona=pedantic",
            ROOT / "action.yml",
            ROOT / ".github" / "workflows",
            workflow,
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    assert "No findings to report" in done.stdout + done.stderr
