"""``convcalc import``: what goes where, exit codes, and what it refuses."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from command import Command, environment
from importing.archives import exported
from onnx_files import model, node


@pytest.fixture
def resnet(folder: Path) -> Path:
    file = folder / "resnet18.onnx"
    file.write_bytes(exported("dynamo")["tv_resnet18"])
    return file


@pytest.mark.usefixtures("resnet")
def test_the_text_goes_to_stdout_and_what_was_done_to_stderr(convcalc: Command) -> None:
    ran = convcalc("import resnet18.onnx")
    assert ran.code == 0
    assert ran.out.startswith("# imported from resnet18.onnx\n")
    assert "49 layers in" in ran.err
    assert convcalc("import resnet18.onnx -q").err == ""


@pytest.mark.usefixtures("resnet")
def test_a_file_is_written_once_and_describes_the_model(convcalc: Command) -> None:
    line = "import resnet18.onnx -o net.convcalc.yaml"
    assert convcalc(line).code == 0
    again = convcalc(line)
    assert again.code == 2
    assert "already exists" in again.err
    assert convcalc(f"{line} --force").code == 0
    for number in ("params", "macs", "layers"):
        read, made = (
            convcalc(f"get totals.{number} {file}").out
            for file in ("resnet18.onnx", "net.convcalc.yaml")
        )
        assert read == made
    assert convcalc("check net.convcalc.yaml").code == 0


@pytest.mark.usefixtures("folder")
def test_a_network_that_ships_is_imported_as_any_other(convcalc: Command) -> None:
    ran = convcalc("import resnet50")
    assert ran.code == 0
    assert "written out" not in ran.err


@pytest.mark.usefixtures("resnet")
def test_a_size_is_that_of_the_option(convcalc: Command) -> None:
    assert "input: [3, 96, 96]" in convcalc("import resnet18.onnx -i 3x96x96").out


@pytest.mark.usefixtures("resnet")
def test_several_models_need_a_word(convcalc: Command) -> None:
    ran = convcalc("import resnet18.onnx resnet18.onnx")
    assert ran.code == 2
    assert "--as variants" in ran.err
    assert convcalc("import resnet18.onnx --as files").code == 2


@pytest.mark.usefixtures("resnet")
def test_models_that_do_not_fit_are_said_to(convcalc: Command) -> None:
    ran = convcalc("import resnet18.onnx unet --as variants")
    assert ran.code == 2
    assert "no network file can be written" in ran.err


def test_a_model_with_errors_is_not_written(folder: Path, convcalc: Command) -> None:
    conv = node("Conv", ["x", "w"], ["y"], "conv", kernel_shape=[3, 3])
    shapes = {"x": [1, 3, 32, 32]}, {"y": [1, 8, 31, 31]}, {"w": [8, 3, 3, 3]}
    (folder / "wrong.onnx").write_bytes(model([conv], *shapes))
    ran = convcalc("import wrong.onnx -o net.convcalc.yaml")
    assert ran.code == 1
    assert not (folder / "net.convcalc.yaml").exists()


def test_an_operator_without_a_rule_is_opaque_in_the_file_too(
    folder: Path, convcalc: Command
) -> None:
    conv = node("Conv", ["x", "w"], ["y"], "/conv/Conv", kernel_shape=[3, 3])
    late = node("Detect", ["y"], ["z"], "/head/Detect")
    shapes = {"x": [1, 3, 32, 32]}, {"z": [1, 8]}, {"w": [8, 3, 3, 3]}
    (folder / "late.onnx").write_bytes(model([conv, late], *shapes))
    ran = convcalc("import late.onnx")
    assert ran.code == 0
    assert "opaque" in ran.out
    assert "CC501" in ran.err


def test_the_same_model_gives_the_same_bytes_whatever_hashes_are(resnet: Path) -> None:
    texts = {
        subprocess.run(
            [sys.executable, "-m", "convcalc", "import", str(resnet), "--root", str(resnet.parent)],
            env={**environment(), "PYTHONHASHSEED": seed},
            cwd=resnet.parent,
            capture_output=True,
            check=True,
        ).stdout
        for seed in ("1", "2", "3")
    }
    assert len(texts) == 1
