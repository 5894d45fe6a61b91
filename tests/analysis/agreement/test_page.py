"""What docs/verify.md shows is what the commands print, and its files are files."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest
from command import Command
from importing.archives import exported
from onnx_files import model, node
from places import ROOT

import convcalc as library

UPDATES = os.environ.get("CONVCALC_UPDATE_GOLDEN")  # before the tests hide the environment
PAGE = ROOT / "docs" / "verify.md"
TEXT = PAGE.read_text("utf-8")
BLOCKS = re.findall(r"^```console\n(\$ convcalc (.*?)\n.*?)^```$", TEXT, re.MULTILINE | re.DOTALL)
(NET,) = re.findall(r"^```yaml\n# models/net.convcalc.yaml\n(.*?)^```$", TEXT, re.M | re.DOTALL)


def onnx(channels: int) -> bytes:
    """A convolution and an activation."""
    conv = node("Conv", ["x", "w"], ["y"], "/conv/Conv", kernel_shape=[3, 3], pads=[1, 1, 1, 1])
    relu = node("Relu", ["y"], ["z"], "/act/Relu")
    sizes = {"x": [1, 3, 32, 32]}, {"z": [1, channels, 32, 32]}, {"w": [channels, 3, 3, 3]}
    return model([conv, relu], *sizes)


@pytest.fixture
def project(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The project of the page."""
    monkeypatch.setenv("COLUMNS", "100")
    (folder / "resnet50.onnx").write_bytes(exported("torchscript")["tv_resnet50"])
    (folder / "models").mkdir()
    (folder / "models" / "net.convcalc.yaml").write_text(NET, "utf-8")
    (folder / "models" / "net.onnx").write_bytes(onnx(16))
    (folder / "models" / "net_wide.onnx").write_bytes(onnx(24))
    return folder


@pytest.mark.usefixtures("project")
@pytest.mark.parametrize(("block", "line"), BLOCKS, ids=[line for _, line in BLOCKS])
def test_a_command_prints_what_the_page_shows(block: str, line: str, convcalc: Command) -> None:
    """With CONVCALC_UPDATE_GOLDEN=1 the page is written anew."""
    ran = convcalc(line)
    shown = f"$ convcalc {line}\n{(ran.out + ran.err).strip()}\n"
    if UPDATES:
        PAGE.write_text(PAGE.read_text("utf-8").replace(block, shown), "utf-8")
    else:
        assert shown == block


@pytest.mark.usefixtures("project")
def test_the_program_of_the_page() -> None:
    found = library.verify("models/net.convcalc.yaml", "models/net.onnx")
    assert found.agrees
    wide = library.verify("models/net.convcalc.yaml::wide", "models/net_wide.onnx")
    assert not wide.agrees
