"""What docs/import.md shows is what the commands print."""

from __future__ import annotations

import lzma
import os
import re
from pathlib import Path

import pytest
from command import Command
from importing.archives import exported
from places import ROOT, TESTS

FILE = ROOT / "docs" / "import.md"
BLOCK = re.compile(r"^```console\n\$ convcalc ([^\n]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
SHOWN = BLOCK.findall(FILE.read_text("utf-8"))
MODELS = {"resnet18": "tv_resnet18", "resnet50": "tv_resnet50", "resnext50": "tv_resnext50_32x4d"}
UPDATE = bool(os.environ.get("CONVCALC_UPDATE_GOLDEN"))


@pytest.fixture
def models(folder: Path) -> Path:
    """The models of the page."""
    for name, model in MODELS.items():
        (folder / f"{name}.onnx").write_bytes(exported("torchscript")[model])
    stored = TESTS / "exporting" / "data" / "detector.json.xz"
    (folder / "detector.pt2").write_bytes(lzma.decompress(stored.read_bytes()))
    return folder


def test_the_detector_of_the_page_is_the_one_that_was_exported() -> None:
    (code,) = re.findall(r"^```python\n(.*?)^```$", FILE.read_text("utf-8"), re.M | re.S)
    assert code == (TESTS / "torch" / "detector.py").read_text("utf-8")


def updated(line: str, now: str) -> None:
    """Makes the page what is printed now."""
    text = FILE.read_text("utf-8")
    start = f"```console\n$ convcalc {line}\n"
    before, _, after = text.partition(start)
    FILE.write_text(before + start + now + after[after.index("```") :], "utf-8")


@pytest.mark.usefixtures("models")
@pytest.mark.parametrize(("line", "text"), SHOWN, ids=[line for line, _ in SHOWN])
def test_a_command_prints_the_whole_output_that_the_page_shows(
    line: str, text: str, convcalc: Command
) -> None:
    ran = convcalc(line)
    assert ran.code == 0
    if UPDATE:
        updated(line, ran.out + ran.err)
    else:
        assert ran.out + ran.err == text
