"""The generated pages are current, and what the README shows works as it stands there."""

from __future__ import annotations

import importlib.util
import json
import re
import shlex
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from types import ModuleType

import pytest
from jsonschema import Draft7Validator
from places import ROOT

import convcalc
from convcalc.analysis.conventions import convention, convention_names
from convcalc.cli import main
from convcalc.model.operators.manual import summary
from convcalc.model.operators.registry import operator_class, operator_names

DOCS = ROOT / "docs"
README = (ROOT / "README.md").read_text("utf-8")
EXAMPLE = "tiny.convcalc.yaml"


@cache
def generator() -> ModuleType:
    spec = importlib.util.spec_from_file_location("generate", DOCS / "generate.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


# --- docs/ -----------------------------------------------------------------------------------


def test_the_generated_pages_are_current() -> None:
    assert generator().stale() == [], "run: python docs/generate.py"


def test_the_check_finds_a_page_that_is_not_current(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(generator(), "FOLDER", tmp_path)
    assert generator().main(["--check"]) == 1
    assert list(tmp_path.iterdir()) == []
    assert generator().main([]) == 0
    assert generator().main(["--check"]) == 0
    (tmp_path / "operators.md").write_text("old", "utf-8")
    assert generator().main(["--check"]) == 1


def test_every_convention_has_its_section() -> None:
    page = (DOCS / "conventions.md").read_text("utf-8")
    headings = re.findall(r"^### (.+)$", page.partition("## The conventions")[2], re.MULTILINE)
    assert headings == convention_names()


def test_the_numbers_on_the_page_about_numbers_are_those_of_the_conventions() -> None:
    page = (DOCS / "which_number.md").read_text("utf-8")
    rows = re.findall(r"^\| ([\d.]+) \|.*`--convention (\S+)` \|$", page, re.MULTILINE)
    assert len(rows) == 9
    network = convcalc.load("resnet50")
    for shown, name in rows:
        counted = convcalc.analyse(network, convention=name).totals.convention
        digits = len(shown.partition(".")[2])
        assert f"{counted[convention(name).counts[0].key] / 10**9:.{digits}f}" == shown


def test_every_operator_has_its_section_and_its_place_in_the_index() -> None:
    page = (DOCS / "operators.md").read_text("utf-8")
    headings = re.findall(r"^### (.+)$", page, re.MULTILINE)
    assert sorted(headings) == operator_names()
    index, *_ = page.partition("\n## ")
    assert sorted(re.findall(r"\(#(\w+)\)", index)) == operator_names()
    for name in operator_names():
        text = page.partition(f"\n### {name}\n")[2].partition("\n### ")[0]
        assert summary(operator_class(name)) in text
        assert "| input | fields |" in text


@pytest.mark.parametrize(
    ("name", "group"),
    [
        ("coord_conv", "Convolutions and linear maps"),
        ("cond_conv", "Dynamic and deformable"),
        ("max_unpool", "Pooling"),
        ("deform_roi_pool", "Regions of interest"),
        ("layer_scale", "Norms and scales"),
        ("glu", "Activations"),
        ("flatten", "Resizing and moves"),
        ("mul", "Joins"),
        ("opaque", "Other"),
    ],
)
def test_an_operator_stands_in_the_section_of_its_folder(name: str, group: str) -> None:
    assert name in generator().operators_by_group()[group]


@pytest.mark.parametrize("name", ["network", "report"])
def test_the_schemas_are_schemas(name: str) -> None:
    text = (DOCS / f"{name}.schema.json").read_text("utf-8")
    Draft7Validator.check_schema(json.loads(text))


def test_every_operator_has_an_entry_in_the_schema() -> None:
    schema = json.loads((DOCS / "network.schema.json").read_text("utf-8"))
    assert set(operator_names()) <= set(schema["definitions"]["layer"]["properties"])


# --- README.md -------------------------------------------------------------------------------


def blocks(language: str, text: str = README) -> list[str]:
    """The code blocks of one language that stand at the margin."""
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


def example() -> str:
    (found,) = [block for block in blocks("yaml") if block.startswith(f"# {EXAMPLE}\n")]
    return found


def commands() -> Iterator[tuple[str, str]]:
    """The lines of the block of commands, each without and with its comment."""
    section = README.partition("\n## Commands\n")[2].partition("\n## ")[0]
    for line in blocks("bash", section)[0].splitlines():
        command, _, comment = line.partition("#")
        if command.strip():
            yield command.strip(), comment.strip()


def test_the_example_of_the_readme_works(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / EXAMPLE
    path.write_text(example(), "utf-8")
    report = convcalc.analyse(convcalc.load(str(path)))
    assert report.problems == ()
    assert report.outputs["linear"].dims == (1, 10)
    assert main(["show", str(path)]) == 0
    assert "tiny" in capsys.readouterr().out


def test_the_readme_has_commands() -> None:
    assert len(list(commands())) >= 5


@pytest.mark.parametrize(("command", "comment"), list(commands()))
def test_a_command_of_the_readme_works(
    command: str,
    comment: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """A file that the line names is the example; a number in the comment is what it prints."""
    monkeypatch.chdir(tmp_path)
    program, *arguments = shlex.split(command)
    assert program == "convcalc"
    for argument in arguments:
        if argument.endswith(".convcalc.yaml"):
            Path(argument).write_text(example(), "utf-8")
    code = main(arguments)
    printed = capsys.readouterr()
    assert (code, printed.err) == (0, "")
    number = re.search(r": (\d+)$", comment)
    assert number is None or printed.out.strip() == number[1]


@pytest.mark.parametrize("code", blocks("python"))
def test_the_python_of_the_readme_works(code: str) -> None:
    exec(compile(code, "README.md", "exec"), {})
