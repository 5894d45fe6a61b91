"""What ships for CI, and the page about it, at work on a repository with a real history.

The example has the files of ``docs/ci.md``: a network that is pinned and has budgets, committed
on ``main``; and a branch that makes it wider by half.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from action import ACTION, step
from command import Command, without_settings
from gitrepo import commit, git, repository, shallow_clone
from jsonschema import Draft7Validator
from places import ROOT

from convcalc.cli import main

PAGE = (ROOT / "docs" / "ci.md").read_text("utf-8")
NET, BUDGETS = "models/net.convcalc.yaml", "convcalc.budgets.yaml"
WIDER = "width: 24"


def blocks(language: str) -> list[str]:
    """The code blocks of the page in one language."""
    return re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


def files() -> dict[str, str]:
    """The blocks that name a file in their first line."""
    named = (block.partition("\n") for block in blocks("yaml"))
    return {head.removeprefix("# "): f"{head}\n{rest}" for head, _, rest in named}


@pytest.fixture(autouse=True)
def _clean(monkeypatch: pytest.MonkeyPatch) -> None:
    without_settings(monkeypatch)


@pytest.fixture
def origin(tmp_path: Path) -> Path:
    """The repository: ``main``, and the branch ``wider`` with one commit more."""
    shown = files()
    folder = repository(tmp_path / "origin", {name: shown[name] for name in (NET, BUDGETS)})
    git(folder, "checkout", "--quiet", "-b", "wider")
    commit(folder, {NET: shown[NET].replace("width: 16", WIDER)})
    assert main(["pin", "--quiet", str(folder)]) == 0
    commit(folder, {}, "pin")
    git(folder, "reset", "--quiet", "--soft", "main")  # both changes are one commit
    commit(folder, {}, "wider")
    return folder


@pytest.fixture
def clone(origin: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A whole clone with ``main`` checked out, and the current folder."""
    folder = tmp_path / "clone"
    git(origin, "clone", "--quiet", "--branch=main", origin.as_uri(), str(folder))
    monkeypatch.chdir(folder)
    return folder


# --- a real history ------------------------------------------------------------------------------


def test_what_is_committed_on_main_is_clean(clone: Path, convcalc: Command) -> None:
    assert git(clone, "rev-list", "--count", "origin/wider") == "2"
    ran = convcalc("check")
    assert (ran.code, ran.out.splitlines()[-1]) == (
        0,
        "Found 0 errors, 0 warnings in 1 model, 4 of 4 budgets passed, 3 of 3 pinned numbers held.",
    )
    assert convcalc("pin --check") == (0, "", "")
    assert convcalc("diff origin/main:./ . --exit-code").code == 0


def test_check_compares_with_the_base(clone: Path, convcalc: Command) -> None:
    git(clone, "checkout", "--quiet", "wider")
    ran = convcalc("check")
    assert ran.code == 1
    assert "regression: params grew from 5.418 k in origin/main to 11.58 k (+113.7 %)" in ran.out
    assert "regression: macs grew from 1.622 M in origin/main to 3.318 M (+104.5 %)" in ran.out
    assert "say in the pull request why it must be larger" in ran.out
    git(clone, "update-ref", "refs/remotes/origin/main", "wider")
    assert convcalc("check").code == 0


def test_diff_tells_what_the_branch_changes(clone: Path, convcalc: Command) -> None:
    git(clone, "checkout", "--quiet", "wider")
    for old in ("origin/main", "HEAD~1", "origin/main..."):
        ran = convcalc(f"diff {old}:{NET} {NET} --exit-code --exact")
        assert ran.code == 1
        assert "out_channels 16 → 24" in ran.out
        assert "+6,160" in ran.out  # 27·8 + 8, then 9·(24·48 - 16·32) + 16, then 10·16
        assert convcalc(f"diff {old}:./ . --fail-on params:+2%").code == 1
        assert convcalc(f"diff {old}:./ . --fail-on params:+120%").code == 0


def test_a_shallow_clone_is_told_what_to_do_and_then_finds_the_same(
    origin: Path, clone: Path, tmp_path: Path, convcalc: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    git(clone, "checkout", "--quiet", "wider")
    whole = convcalc("check -f json").out
    shallow = shallow_clone(origin, tmp_path / "shallow")  # of wider, which is checked out there
    monkeypatch.chdir(shallow)
    ran = convcalc("check")
    assert ran.code == 1
    assert "nothing to compare with: unknown revision 'origin/main'" in ran.out
    for line in ("check", "diff origin/main:./ ."):
        advice = re.search(r"fetch it by: (git fetch \S+ \S+ \S+)", "".join(convcalc(line)[1:]))
        assert advice is not None
    assert advice[1] == "git fetch --depth=1 origin main:refs/remotes/origin/main"
    assert advice[1] in PAGE
    git(shallow, *shlex.split(advice[1])[1:])
    assert convcalc("check -f json").out == whole
    assert convcalc("diff origin/main:./ . --fail-on params:+2%").code == 1


# --- the page ------------------------------------------------------------------------------------


def commands() -> Iterator[str]:
    for block in blocks("bash"):
        for line in block.splitlines():
            yield line.partition("#")[0].strip()


def test_the_commands_of_the_page_work_in_their_order(clone: Path, convcalc: Command) -> None:
    listed = list(commands())
    assert len([line for line in listed if line.startswith("convcalc ")]) >= 8
    for line in listed:
        program, *arguments = shlex.split(line)
        if program == "git":
            git(clone, *arguments)
        else:
            assert program == "convcalc"
            assert convcalc(shlex.join(arguments)).code == 0, line
    assert git(clone, "status", "--porcelain") == "?? old.json"


@pytest.mark.usefixtures("clone")
def test_the_test_of_the_page_passes_and_fails_where_it_should() -> None:
    (code,) = blocks("python")
    names: dict[str, Any] = {}
    exec(compile(code, "ci.md", "exec"), names)
    names["test_the_network_fits_the_device"]()
    Path(NET).write_text(files()[NET].replace("width: 16", "width: 64"), "utf-8")
    with pytest.raises(AssertionError, match=r"params max 20k: 76.94 k exceeds 20 k"):
        names["test_the_network_fits_the_device"]()


def test_every_configuration_of_the_page_is_yaml_with_a_name() -> None:
    names = set(files())
    assert names == {
        NET,
        BUDGETS,
        ".pre-commit-config.yaml",
        ".github/workflows/convcalc.yaml",
        ".gitlab-ci.yml",
    }
    for text in files().values():
        assert isinstance(yaml.safe_load(text), dict)


# --- pre-commit ----------------------------------------------------------------------------------


def hooks() -> dict[str, dict[str, Any]]:
    loaded = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text("utf-8"))
    return {hook["id"]: hook for hook in loaded}


def hooked(name: str, folder: Path) -> tuple[int, str]:
    """What pre-commit does: the entry, and the staged files that match, in one process."""
    hook = hooks()[name]
    staged = git(folder, "ls-files").splitlines()
    matching = [file for file in staged if re.search(hook["files"], file)]
    done = subprocess.run(
        [*program(hook["entry"]), *matching],
        cwd=folder,
        capture_output=True,
        check=False,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    return done.returncode, done.stdout + done.stderr


def program(entry: str) -> list[str]:
    """The command of an entry, run by the Python of the tests."""
    first, *rest = shlex.split(entry)
    assert first == "convcalc"
    return [sys.executable, "-m", "convcalc", *rest]


def test_the_hooks_have_what_pre_commit_asks_for() -> None:
    assert set(hooks()) == {"convcalc-check", "convcalc-pin", "convcalc-verify"}
    for name, hook in hooks().items():
        assert hook["language"] == "python"
        assert hook["require_serial"] is True
        assert re.search(hook["files"], "models/net.convcalc.yaml")
        assert bool(re.search(hook["files"], "net.onnx")) == (name == "convcalc-verify")
        assert {"name", "entry", "description"} <= set(hook)
    configuration = yaml.safe_load(files()[".pre-commit-config.yaml"])
    named = {hook["id"] for hook in configuration["repos"][0]["hooks"]}
    assert named == set(hooks())


def test_the_hooks_pass_what_is_clean_and_mend_what_is_not(clone: Path) -> None:
    assert hooked("convcalc-check", clone)[0] == 0
    assert hooked("convcalc-pin", clone) == (0, "")
    Path(NET).write_text(Path(NET).read_text("utf-8").replace("params: 5418", "params: 1"), "utf-8")
    code, text = hooked("convcalc-check", clone)
    assert code == 1
    assert "expect-drift" in text
    assert hooked("convcalc-pin", clone) == (0, f"pinned {NET}\n")
    assert git(clone, "status", "--porcelain") == ""


def test_the_hook_finds_a_model_that_parted_from_its_design(clone: Path) -> None:
    assert hooked("convcalc-verify", clone)[0] == 0
    example = ROOT / "tests" / "rules" / "CC504"
    for name in ("net.convcalc.yaml", "model.onnx"):
        (clone / "models" / name).write_bytes((example / "good" / name).read_bytes())
    git(clone, "add", ".")
    assert hooked("convcalc-verify", clone)[0] == 0
    text = (example / "bad" / "net.convcalc.yaml").read_text("utf-8")
    (clone / "models" / "net.convcalc.yaml").write_text(text, "utf-8")
    code, text = hooked("convcalc-verify", clone)
    assert code == 1
    assert "model-differs" in text


# --- the action ----------------------------------------------------------------------------------


def test_the_action_is_a_composite_action() -> None:
    assert ACTION["runs"]["using"] == "composite"
    assert set(ACTION["outputs"]) == {"markdown"}
    for each in ACTION["runs"]["steps"]:
        assert each["shell"] == "bash"
        assert "${{" not in each["run"], "a value from outside must not become part of a script"
        script = re.fullmatch(r'bash "\$ACTION/(\.ci/\w+)".*', each["run"])
        assert script is not None
        subprocess.run(["bash", "-n", ROOT / script[1]], check=True)
    for spec in ACTION["inputs"].values():
        assert {"description", "default"} <= set(spec)


def test_the_action_annotates_and_compares(clone: Path, tmp_path: Path) -> None:
    base = git(clone, "rev-parse", "origin/main")
    clean = step(clone, tmp_path / "work", base=base)
    assert (clean.code, clean.outputs) == (0, {"markdown": ""})
    git(clone, "checkout", "--quiet", "wider")
    done = step(clone, tmp_path / "work", base=base)
    assert done.code == 1
    assert re.search(rf"^::error title=convcalc \(CC\d+\),file={NET},line=\d+", done.log, re.M)
    markdown = done.outputs["markdown"]
    assert markdown.startswith("<!-- convcalc:report -->\n")
    assert f"**{NET}**" in markdown
    assert markdown.rstrip("\n") in done.summary


def test_the_action_fetches_the_base_of_a_shallow_clone(origin: Path, tmp_path: Path) -> None:
    (origin / BUDGETS).unlink()
    commit(origin, {}, "without budgets")
    shallow = shallow_clone(origin, tmp_path / "shallow")
    base = git(origin, "rev-parse", "main")
    done = step(shallow, tmp_path / "work", base=base, policy="")
    assert done.code == 0, done.log
    assert "out_channels 16 → 24" in done.outputs["markdown"]
    limits = {"base": base, "policy": "", "fail-on": "params:+200% macs:+2%"}
    held = step(shallow, tmp_path / "work", **limits)
    assert held.code == 1
    assert "macs grew from 1.622 M to 3.318 M" in held.log
    assert "params grew" not in held.log


def test_the_action_without_a_base_only_checks(clone: Path, tmp_path: Path) -> None:
    done = step(clone, tmp_path / "work", base="", paths="models/*.yaml")
    assert (done.code, done.outputs) == (0, {})


def test_the_workflow_of_the_page_uses_inputs_and_outputs_that_there_are() -> None:
    workflow = yaml.safe_load(files()[".github/workflows/convcalc.yaml"])
    check, comment = (workflow["jobs"][name] for name in ("check", "comment"))
    (own,) = [each for each in check["steps"] if each.get("id") == "convcalc"]
    assert set(own["with"]) <= set(ACTION["inputs"])
    for name in ACTION["inputs"]:
        assert f"| `{name}` |" in PAGE
    assert check["outputs"]["markdown"] == "${{ steps.convcalc.outputs.markdown }}"
    (post,) = comment["steps"]
    assert post["env"]["BODY"] == "${{ needs.check.outputs.markdown }}"
    assert "<!-- convcalc:report -->" in post["run"]
    subprocess.run(["bash", "-n", "-c", post["run"]], check=True)


def test_what_may_write_sees_no_checkout_and_what_sees_one_may_not_write() -> None:
    workflow = yaml.safe_load(files()[".github/workflows/convcalc.yaml"])
    assert workflow["permissions"] == {}
    for job in workflow["jobs"].values():
        uses = [each["uses"] for each in job["steps"] if "uses" in each]
        writes = "write" in job["permissions"].values()
        assert writes != any(each.startswith("actions/checkout@") for each in uses)
        for each in uses:
            assert re.search(r"@[0-9a-f]{40}$", each), "a tag can be moved"


# --- GitLab --------------------------------------------------------------------------------------


def test_the_job_for_gitlab_writes_its_reports(clone: Path, convcalc: Command) -> None:
    job = yaml.safe_load(files()[".gitlab-ci.yml"])["convcalc"]
    base = git(clone, "rev-parse", "origin/main")
    git(clone, "checkout", "--quiet", "wider")
    assert job["before_script"][1].split()[1] == "/opt/convcalc/.ci/install"
    lines = [line.replace("$CI_MERGE_REQUEST_DIFF_BASE_SHA", base) for line in job["script"]]
    codes = [convcalc(line.removeprefix("convcalc ")).code for line in lines]
    assert codes == [0, 1, 1]
    reports = job["artifacts"]["reports"]
    found = json.loads(Path(reports["codequality"]).read_text("utf-8"))
    entry = {"type": "object", "required": ["description", "check_name", "fingerprint", "severity"]}
    Draft7Validator({"type": "array", "minItems": 2, "items": entry}).validate(found)
    assert Path(reports["junit"]).read_text("utf-8").startswith("<?xml")
