"""What docs/models.md shows is what the commands print."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from command import Command
from gitrepo import repository
from importing.archives import exported
from onnx_files import model, node
from places import ROOT

PAGE = (ROOT / "docs" / "models.md").read_text("utf-8")
CONSOLE = re.findall(r"^```console\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
COMMANDS = [
    part.partition("\n")[::2] for block in CONSOLE for part in re.split(r"^\$ ", block, flags=re.M)
]
SHOWN = [(line.removeprefix("convcalc "), text) for line, text in COMMANDS if line]


@pytest.fixture
def project(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The project of the page: models in a repository."""
    monkeypatch.setenv("COLUMNS", "100")
    (folder / "resnet18.onnx").write_bytes(exported("torchscript")["tv_resnet18"])
    conv = node("Conv", ["x", "w"], ["y"], "/conv/Conv", kernel_shape=[3, 3])
    late = node("Detect", ["y"], ["z"], "/head/Detect")
    shapes = {"x": [1, 3, 32, 32]}, {"z": [1, 8]}, {"w": [8, 3, 3, 3]}
    (folder / "late.onnx").write_bytes(model([conv, late], *shapes))
    repository(folder, {"convcalc.toml": ""})
    return folder


@pytest.mark.usefixtures("project")
@pytest.mark.parametrize(("line", "text"), SHOWN, ids=[line for line, _ in SHOWN])
def test_a_command_prints_what_the_page_shows(line: str, text: str, convcalc: Command) -> None:
    ran = convcalc(line)
    assert (ran.out + ran.err).strip() == text.strip()


def test_the_network_file_of_the_page_checks(project: Path, convcalc: Command) -> None:
    (text,) = re.findall(r"^```yaml\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    (project / "resnet18.convcalc.yaml").write_text(text)
    ran = convcalc("check resnet18.convcalc.yaml")
    assert ran.code == 0
    assert "2 of 2 budgets passed, 3 of 3 pinned numbers held" in ran.out
