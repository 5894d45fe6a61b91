"""A model as the target of commands: by its content, by a scheme, at a revision, in a network
file."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from command import Command
from gitrepo import commit, repository
from onnx_files import model, node

import convcalc as library
from convcalc.importing.formats import detect

CONV = node("Conv", ["x", "w", "b"], ["y"], "/conv/Conv", kernel_shape=[3, 3], pads=[1, 1, 1, 1])
WEIGHTS = {"w": [8, 3, 3, 3], "b": [8]}
PARAMS = 8 * 3 * 9 + 8
MACS = 8 * 3 * 9 * 32 * 32
SMALL = model([CONV], {"x": [1, 3, 32, 32]}, {"y": [1, 8, 32, 32]}, WEIGHTS)
WIDE = model([CONV], {"x": [1, 3, 32, 32]}, {"y": [1, 16, 32, 32]}, {"w": [16, 3, 3, 3], "b": [16]})
OPEN = model([CONV], {"x": ["n", 3, "h", "w"]}, {"y": ["n", 8, "h", "w"]}, WEIGHTS)


@pytest.fixture
def models(folder: Path) -> Path:
    """A folder with models."""
    for name, content in (("small", SMALL), ("wide", WIDE), ("open", OPEN)):
        (folder / f"{name}.onnx").write_bytes(content)
    return folder


@pytest.mark.parametrize("name", ["model.onnx", "model", "model.bin", "model.yaml", "a:b"])
def test_a_model_is_known_by_its_content(folder: Path, convcalc: Command, name: str) -> None:
    (folder / name).write_bytes(SMALL)
    assert convcalc(f"get totals.params {name}").out == f"{PARAMS}\n"


@pytest.mark.usefixtures("models")
def test_a_scheme_says_the_format(convcalc: Command) -> None:
    assert convcalc("get totals.macs onnx:small.onnx").out == f"{MACS}\n"
    for missing in ("missing.onnx", "resnet50"):
        ran = convcalc(f"show onnx:{missing}")
        assert (ran.code, ran.err) == (2, f"error: no such file: {missing}\n")


def test_a_text_under_a_scheme_is_a_damaged_model(models: Path, convcalc: Command) -> None:
    (models / "net.yaml").write_text("convcalc: 1\n")
    ran = convcalc("show onnx:net.yaml")
    assert ran.code == 1
    assert "CC503" in ran.err


def test_the_name_is_the_graphs_or_the_files(models: Path, convcalc: Command) -> None:
    assert convcalc("get network small.onnx").out == "net\n"
    plain = model([CONV], {"x": [1, 3, 32, 32]}, {"y": [1, 8, 32, 32]}, WEIGHTS, name="main_graph")
    (models / "best.onnx").write_bytes(plain)
    assert convcalc("get network best.onnx").out == "best\n"


@pytest.mark.usefixtures("models")
def test_sizes_may_be_given_and_must_be_where_they_are_open(convcalc: Command) -> None:
    assert convcalc("get totals.macs small.onnx -i 3x64x64").out == f"{4 * MACS}\n"
    assert "is unknown" in convcalc("get totals.macs open.onnx").err
    assert convcalc("get totals.macs open.onnx -i 3x32x32").out == f"{MACS}\n"
    assert convcalc("get totals.macs open.onnx -i x=3x32x32 --batch 2").out == f"{2 * MACS}\n"
    ran = convcalc("show open.onnx -i image=3x32x32")
    assert (ran.code, "no input 'image'" in ran.err) == (2, True)
    ran = convcalc("show open.onnx -i 3x32")
    assert (ran.code, "has 3 sizes" in ran.err) == (2, True)
    ran = convcalc("show small.onnx --set width=2")
    assert (ran.code, "without params" in ran.err) == (2, True)


@pytest.mark.usefixtures("models")
def test_a_wrong_number_of_channels_is_an_error_at_the_node(convcalc: Command) -> None:
    ran = convcalc("show small.onnx -i 4x32x32")
    assert ran.code == 1
    assert "a weight for 3 channels meets 4" in ran.err
    assert "small.onnx: node /conv/Conv" in ran.err


def test_revisions_of_a_model_are_compared(folder: Path, convcalc: Command) -> None:
    repository(folder, {"convcalc.toml": ""})
    (folder / "net.onnx").write_bytes(SMALL)
    commit(folder, {"a.txt": "1"})
    (folder / "net.onnx").write_bytes(WIDE)
    assert convcalc("get totals.params HEAD:net.onnx").out == f"{PARAMS}\n"
    ran = convcalc("diff HEAD:net.onnx net.onnx -f json")
    found = json.loads(ran.out)["totals"]["params"]
    assert (found["old"], found["new"]) == (PARAMS, 2 * PARAMS)


def test_a_network_file_may_have_the_layers_of_a_model(models: Path, convcalc: Command) -> None:
    text = (
        "convcalc: 1\nname: deployed\nmodel: small.onnx\nvariants:\n  big: {model: wide.onnx}\n"
        f"expect:\n  deployed: {{params: {PARAMS}}}\n  big: {{params: {2 * PARAMS}}}\n"
        "budgets:\n  params: {max: 300}\n"
    )
    (models / "net.convcalc.yaml").write_text(text)
    ran = convcalc("check net.convcalc.yaml -f json")
    (finding,) = json.loads(ran.out)["files"][0]["findings"]
    assert finding["code"] == "CC301"
    assert "big" in finding["within"]
    assert convcalc("get totals.macs net.convcalc.yaml -i 3x64x64").out == f"{4 * MACS}\n"
    (models / "small.onnx").unlink()
    ran = convcalc("show net.convcalc.yaml")
    assert (ran.code, "CC015" in ran.err) == (1, True)


def test_a_model_outside_the_project_is_not_read(models: Path, convcalc: Command) -> None:
    inside = models / "project"
    inside.mkdir()
    (inside / "convcalc.toml").touch()
    (inside / "net.convcalc.yaml").write_text("convcalc: 1\nmodel: ../small.onnx\n")
    ran = convcalc("show project/net.convcalc.yaml")
    assert (ran.code, "outside the project" in ran.err) == (1, True)


def test_check_finds_the_models_that_the_settings_name(models: Path, convcalc: Command) -> None:
    assert convcalc("check .").code == 2
    (models / "convcalc.toml").write_text("models = ['*.onnx', '!wide.onnx']\n")
    assert "in 2 models" in convcalc("check .").out
    assert "in 1 model." in convcalc("check wide.onnx").out


def test_a_model_of_any_size_is_checked(folder: Path, convcalc: Command) -> None:
    """Weights are not read, here more of them than a network file may have bytes."""
    from onnx_files import field

    (folder / "large.onnx").write_bytes(SMALL + field(14, b"\n\x01w" + bytes(10**6)))
    ran = convcalc("check large.onnx")
    assert (ran.code, "in 1 model" in ran.out) == (0, True)


@pytest.mark.usefixtures("folder")
def test_a_check_runs_no_code_by_itself(convcalc: Command) -> None:
    ran = convcalc("check timm:resnet18 torch:os:system")
    assert ran.code == 2
    assert ran.out.count("which is not allowed here") == 2
    assert "--allow-code" in ran.out


def test_a_file_that_is_not_there_is_one_near_it(models: Path, convcalc: Command) -> None:
    ran = convcalc("show smal.onnx")
    assert (ran.code, "use 'small.onnx'" in ran.err) == (2, True)
    assert models.exists()


def test_pins_of_a_model_stand_beside_it(models: Path, convcalc: Command) -> None:
    assert convcalc("pin small.onnx --check").code == 1
    assert not (models / "small.convcalc.yaml").exists()
    assert convcalc("pin small.onnx").code == 0
    found = (models / "small.convcalc.yaml").read_text()
    assert f"params: {PARAMS}" in found
    assert convcalc("pin small.onnx --check").code == 0
    (models / "small.onnx").write_bytes(WIDE)
    assert convcalc("check small.convcalc.yaml").code == 1
    assert convcalc("pin small.onnx").code == 0
    assert f"params: {2 * PARAMS}" in (models / "small.convcalc.yaml").read_text()


def test_a_model_is_held_to_the_pins_beside_it(models: Path, convcalc: Command) -> None:
    """As a hook runs it, which names the files that changed."""
    assert convcalc("pin small.onnx").code == 0
    assert "3 of 3 pinned numbers held" in convcalc("check small.onnx").out
    (models / "small.onnx").write_bytes(WIDE)
    assert convcalc("check small.onnx").code == 1


def test_a_remark_says_how_a_model_was_read(models: Path, convcalc: Command) -> None:
    assert "note: small.onnx: exported by tests\n" in convcalc("show small.onnx").err
    (models / "net.convcalc.yaml").write_text("convcalc: 1\nmodel: small.onnx\n")
    assert "exported by tests" in convcalc("show net.convcalc.yaml").err
    assert convcalc("show net.convcalc.yaml -q").err == ""


def test_a_finding_names_its_element(models: Path, convcalc: Command) -> None:
    late = node("Detect", ["y"], ["z"], "/head/Detect")
    whole = model([CONV, late], {"x": [1, 3, 32, 32]}, {"z": [1, 8]}, WEIGHTS)
    (models / "late.onnx").write_bytes(whole)
    (found,) = json.loads(convcalc("check late.onnx -f json").out)["files"][0]["findings"]
    assert (found["code"], found["element"]) == ("CC501", "node /head/Detect")
    run = json.loads(convcalc("check late.onnx -f sarif").out)["runs"][0]
    (place,) = run["results"][0]["locations"]
    assert place["logicalLocations"] == [{"fullyQualifiedName": "node /head/Detect"}]
    assert "is unknown" in convcalc("get totals.macs late.onnx").err
    assert convcalc("get totals.params late.onnx").out == f"{PARAMS}\n"


@pytest.mark.usefixtures("models")
def test_python_reads_a_model() -> None:
    assert library.analyse(library.load("small.onnx")).totals.macs == MACS


def test_texts_are_no_models() -> None:
    for text in (b"", b"\x08", b"convcalc: 1\n", b"name: net\n", b"\x00" * 64):
        assert detect(text, "net") == ""
