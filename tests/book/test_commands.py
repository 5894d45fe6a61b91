"""Every command that a page of the book shows works, and every one that it mentions exists."""

from __future__ import annotations

import inspect
import re
import shlex
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import pytest
from book_pages import DOCS, blocks
from command import Command
from command_pages import pages
from gitrepo import commit, git, repository
from test_pages import FOLLOWED

import convcalc as library
from convcalc.diagnostics.work import LIMITS

# Which tests run the commands of the other pages that show some.
RUN_BY = {
    "ci": "tests/test_ci.py",
    "completion": "tests/cli/test_completion.py",
    "export": "tests/exporting/test_page.py",
    "import": "tests/exporting/source/test_page.py",
    "models": "tests/importing/test_page.py",
    "verify": "tests/analysis/agreement/test_page.py",
    "policy": "test_the_commands_about_policies_work",
    "receptive-fields": "test_the_commands_about_receptive_fields_work",
    "which_number": "test_the_commands_about_numbers_work",
    "files": "it shows one refusal, which tests/safety/test_files.py has",
    "language": "tests/language/test_manual.py",
    "architecture": "",
    "memory": "",
}
TWO_INPUTS = """\
convcalc: 1
inputs: {left: [3, 64, 64], right: [3, 64, 64]}
layers:
  - {conv: {out: 8, k: 3, p: 1}, from: left, id: stage1}
  - {conv: {out: 8, k: 3, p: 1}, from: right, id: stage2}
  - add: [stage1, stage2]
  - {conv: {out: 8, k: 3, p: 1, g: 2}, id: stage4}
"""


def shown(name: str, language: str = "bash") -> list[str]:
    """The command lines of the blocks of a page, without their comments."""
    text = (DOCS / f"{name}.md").read_text("utf-8")
    lines = [
        line for kind, content in blocks(text) if kind == language for line in content.split("\n")
    ]
    found = (re.sub(r"\s+#.*", "", line.removeprefix("$ ")).strip() for line in lines)
    return [line for line in found if line.startswith("convcalc ")]


def test_every_page_with_commands_has_a_test_that_runs_them() -> None:
    names = {path.stem for path in DOCS.glob("*.md")}
    showing = {name for name in names if shown(name) or shown(name, "console")}
    assert showing <= {*FOLLOWED, *RUN_BY}


@pytest.mark.parametrize("line", shown("receptive-fields"))
def test_the_commands_about_receptive_fields_work(
    line: str, folder: Path, convcalc: Command
) -> None:
    (folder / "net.yaml").write_text(TWO_INPUTS, "utf-8")
    ran = convcalc(line.removeprefix("convcalc "))
    assert (ran.code, ran.err) == (0, "")


@pytest.mark.parametrize("line", shown("which_number"))
def test_the_commands_about_numbers_work(line: str, folder: Path, convcalc: Command) -> None:
    assert folder
    assert convcalc(line.removeprefix("convcalc ")).code == 0


def test_the_commands_about_policies_work(
    folder: Path, convcalc: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The page's own example: main has the budget, the branch raises it and is larger."""
    text = (DOCS / "policy.md").read_text("utf-8")
    (budgets,) = (content for kind, content in blocks(text) if kind == "yaml")
    page = (DOCS / "ci.md").read_text("utf-8")
    (net,) = (content for _, content in blocks(page) if content.startswith("# models/net.convc"))
    net = net.partition("expect:")[0]
    origin = repository(
        folder / "origin", {"convcalc.budgets.yaml": budgets, "net.convcalc.yaml": net}
    )
    git(origin, "clone", "--quiet", str(origin), str(folder / "clone"))
    monkeypatch.chdir(folder / "clone")
    wider = net.replace("width: 16", "width: 20")
    raised = budgets.replace("max: 6k", "max: 9k")
    commit(Path.cwd(), {"net.convcalc.yaml": wider, "convcalc.budgets.yaml": raised})
    (printed,) = (each for kind, each in blocks(text) if kind == "text" and "CC403" in each)
    lines = shown("policy")
    assert len(lines) == 3
    for line in lines:
        assert convcalc(line.removeprefix("convcalc ")).code == 1
    ran = convcalc("check --policy origin/main")
    for heading in re.findall(r"^error.*$", printed, re.MULTILINE):
        assert heading in ran.out


@pytest.mark.parametrize("line", shown("export"))
def test_the_commands_about_export_work(line: str, folder: Path, convcalc: Command) -> None:
    if "onnx" in line and find_spec("onnx") is None:
        pytest.skip("onnx is not installed")
    ran = convcalc(line.removeprefix("convcalc "))
    assert ran.code == 0
    assert (folder / line.rsplit(maxsplit=1)[-1]).is_file()


# --- commands within sentences -------------------------------------------------------------------


def mentioned() -> list[tuple[str, str]]:
    """Each command line in code within a sentence or a table, with its page."""
    found = []
    for path in sorted(DOCS.glob("*.md")):
        text = re.sub(r"^```.*?^```$", "", path.read_text("utf-8"), flags=re.M | re.DOTALL)
        found += [(path.name, line) for line in re.findall(r"`(convcalc [a-z][^`]*)`", text)]
    return [*dict.fromkeys((name, " ".join(line.split())) for name, line in found)]


@cache
def options() -> dict[str, set[str]]:
    """The options of each command."""
    found = pages()
    words = {
        name: set(re.findall(r"--?[\w-]+", _text(page.options))) for name, page in found.items()
    }
    return {name: {*own, *words[""], "--help", "-h"} for name, own in words.items()}


def _text(entries: object) -> str:
    return " ".join(usage for usage, _ in entries)  # type: ignore[attr-defined]


@pytest.mark.parametrize(("name", "line"), mentioned())
def test_a_command_in_a_sentence_exists(name: str, line: str) -> None:
    words = shlex.split(line.replace("'", ""))
    command = words[1]
    assert command in options(), name
    for word in words[2:]:
        if word.startswith("-") and word != "-":
            assert word.partition("=")[0] in options()[command], f"{name}: {line}"


def test_there_are_commands_in_sentences() -> None:
    assert len(mentioned()) > 40


# --- Python ------------------------------------------------------------------------------------


def test_the_calls_of_the_page_about_python_have_these_parameters() -> None:
    page = (DOCS / "python.md").read_text("utf-8")
    calls = re.findall(r"^\| `convcalc\.(\w+)\(([^`]*)\)`", page, re.MULTILINE)
    assert len(calls) == 9
    for name, arguments in calls:
        known = inspect.signature(getattr(library, name)).parameters
        for word in re.findall(r"(\w+)=", arguments):
            assert word in known or (name == "limits" and word in LIMITS), f"{name}({word})"
