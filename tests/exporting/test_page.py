"""What docs/export.md shows is what the commands print."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from command import Command
from places import ROOT

PAGE = (ROOT / "docs" / "export.md").read_text("utf-8")
CONSOLE = re.findall(r"^```console\n\$ convcalc (.*?)\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
FILES = re.findall(r"^```yaml\n# (\S+)\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


@pytest.fixture
def project(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The project of the page: its network files."""
    monkeypatch.setenv("COLUMNS", "100")
    for name, text in FILES:
        (folder / name).write_text(text, "utf-8")
    return folder


@pytest.mark.usefixtures("project")
@pytest.mark.parametrize(("line", "text"), CONSOLE, ids=[line for line, _ in CONSOLE])
def test_a_command_prints_what_the_page_shows(line: str, text: str, convcalc: Command) -> None:
    ran = convcalc(line)
    assert (ran.out + ran.err).strip() == text.strip()


def test_a_file_is_replaced_with_force_only(project: Path, convcalc: Command) -> None:
    line = "export small.convcalc.yaml --to torch -o small.py"
    assert convcalc(line).code == 0
    first = (project / "small.py").read_text("utf-8")
    (project / "small.py").write_text("mine", "utf-8")
    assert convcalc(line).code == 2
    assert (project / "small.py").read_text("utf-8") == "mine"
    assert convcalc(f"{line} --force").code == 0
    assert (project / "small.py").read_text("utf-8") == first


def test_an_unknown_format_is_named(project: Path, convcalc: Command) -> None:
    assert project
    ran = convcalc("export small.convcalc.yaml --to jax")
    assert ran.code == 2
    assert "torch" in ran.err
