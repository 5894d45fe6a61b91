"""``convcalc verify``: two targets, exit codes, formats, a model that the file names."""

from __future__ import annotations

import json
import struct
import subprocess
import sys
from pathlib import Path

import jsonschema
import pytest
from command import Command, verb
from gitrepo import repository
from importing.archives import exported
from onnx_files import model, node
from places import ROOT

import convcalc as library
from convcalc.output.schemas.verify import verify_schema

verify = verb("verify")

NET = """\
convcalc: 1
name: net
input: [3, 32, 32]
params: {width: 16, act: true}
blocks:
  Unit:
    params: {c: int, act: true}
    layers:
      - conv: {out: c, k: 3, p: 1, bias: false}
      - batch_norm
      - {relu: {}, if: act}
layers:
  - Unit: {c: width}
  - {Unit: {c: width, act: act}, repeat: 3}
  - global_avg_pool
  - linear: {out: 10}
"""


@pytest.fixture
def net(folder: Path) -> Path:
    """Two copies of a network."""
    for name in ("one", "two"):
        (folder / f"{name}.convcalc.yaml").write_text(NET, "utf-8")
    (folder / "resnet18.onnx").write_bytes(exported("dynamo")["tv_resnet18"])
    return folder


ONE, TWO = "one.convcalc.yaml", "two.convcalc.yaml"


@pytest.mark.usefixtures("net")
def test_networks_that_are_the_same(verify: Command) -> None:
    assert verify(f"{ONE} {TWO}").code == 0
    assert verify("resnet18 resnet18.onnx").code == 0
    assert verify("resnet34 resnet18.onnx").code == 1
    assert verify("resnet18.onnx resnet18.onnx").code == 0


@pytest.mark.usefixtures("net")
def test_values_and_sizes_are_those_of_the_design(verify: Command) -> None:
    ran = verify(f"{ONE} {TWO} --set width=32")
    assert ran.code == 1
    assert "out_channels 32 ↔ 16  3 more" in ran.out
    assert "one factor 1/2 in out_channels explains 4 of 4 differences" in ran.out
    assert verify(f"{ONE} {TWO} -i 3x48x48").code == 0
    assert "linear" not in ran.out  # whose input follows


def test_the_design_is_read_at_the_size_of_the_model(net: Path, verify: Command) -> None:
    (net / TWO).write_text(NET.replace("[3, 32, 32]", "[3, 40, 40]"), "utf-8")
    assert verify(f"{ONE} {TWO}").code == 0
    (net / TWO).write_text(NET.replace("[3, 32, 32]", "[1, 32, 32]"), "utf-8")
    ran = verify(f"{ONE} {TWO} -f json")
    assert ran.code == 1
    (finding,) = json.loads(ran.out)["findings"]
    assert finding["differences"][0]["changes"] == {"in_channels": {"design": 3, "model": 1}}


def test_a_model_of_open_sizes_is_read_at_those_of_the_design(
    net: Path, verify: Command, convcalc: Command
) -> None:
    conv = node("Conv", ["x", "w"], ["y"], "/conv/Conv", kernel_shape=[3, 3])
    sizes = {"x": ["b", 3, "h", "w"]}, {"y": [None] * 4}, {"w": [4, 3, 3, 3]}
    (net / "open.onnx").write_bytes(model([conv], *sizes))
    layers = "layers: [conv: {out: 4, k: 3, bias: false}]"
    text = f"convcalc: 1\nname: net\ninput: [3, 9, 9]\nverify: open.onnx\n{layers}\n"
    (net / ONE).write_text(text, "utf-8")
    for line in (f"{ONE} open.onnx", ONE):
        ran = verify(line)
        assert ran.code == 0
        assert "output   4×7×7  4×7×7" in ran.out
    assert convcalc(f"check {ONE}").code == 0
    assert library.verify(str(net / ONE), str(net / "open.onnx"), allow_outside=True).agrees


CHANGES = {
    "missing": ("  - {Unit: {c: width, act: act}, repeat: 3}\n", ""),
    "missing in the model: relu": ("{c: width, act: act}", "{c: width, act: false}"),
    "operator batch_norm ↔ group_norm": ("- batch_norm", "- group_norm: {groups: 4}"),
    "operator relu ↔ silu": ("{relu: {}", "{silu: {}"),
    "stride 1 ↔ 2": ("k: 3, p: 1,", "k: 3, p: 1, s: 2,"),
    "padding 1+1 ↔ 2+2, dilation": ("k: 3, p: 1,", "k: 3, p: 2, d: 2,"),
    "groups 1 ↔ 1": ("bias: false}", "bias: false, g: 1}"),
    "bias false ↔ true": ("bias: false}", "bias: true}"),
}


@pytest.mark.parametrize("said", [key for key in CHANGES if key[:3] not in ("pad", "gro")])
def test_what_differs_is_said(said: str, net: Path, verify: Command) -> None:
    (net / TWO).write_text(NET.replace(*CHANGES[said]), "utf-8")
    ran = verify(f"{ONE} {TWO}")
    assert ran.code == 1
    assert said in " ".join(ran.out.split())


@pytest.mark.parametrize("change", CHANGES.values())
def test_json_is_as_the_schema_says(change: tuple[str, str], net: Path, verify: Command) -> None:
    (net / TWO).write_text(NET.replace(*change), "utf-8")
    ran = verify(f"{ONE} {TWO} -f json")
    found = json.loads(ran.out)
    jsonschema.Draft7Validator(verify_schema()).validate(found)
    assert found["agrees"] == (ran.code == 0)
    assert (found["findings"] == []) == found["agrees"]


def test_folded_norms_are_looked_through_or_not(net: Path, verify: Command) -> None:
    assert verify("resnet18 resnet18.onnx --fold-norms yes").code == 0
    ran = verify("resnet18 resnet18.onnx --fold-norms no")
    assert ran.code == 1
    assert "missing in the model: batch_norm" in ran.out
    assert verify("resnet18 resnet18.onnx --fold-norms often").code == 2
    (net / TWO).write_text(NET.replace("- batch_norm", "- instance_norm"), "utf-8")
    assert verify(f"{ONE} {TWO}").code == 1


def test_what_cannot_be_read_exits_with_2(net: Path, verify: Command) -> None:
    (net / "bad.onnx").write_bytes(b"\x08\x08\x12")
    (net / "bad.convcalc.yaml").write_text("convcalc: 1\nlayers: [what]\n", "utf-8")
    for line in ("resnet18 none.onnx", "resnet18 bad.onnx", f"bad.convcalc.yaml {ONE}", ONE):
        assert verify(line).code == 2


def test_a_revision(net: Path, verify: Command) -> None:
    repository(net, {ONE: NET})
    (net / ONE).write_text(NET.replace("width: 16", "width: 8"), "utf-8")
    ran = verify(f"{ONE} HEAD:{ONE}")
    assert ran.code == 1
    assert "out_channels 8 ↔ 16" in ran.out


def test_the_file_names_its_model(net: Path, verify: Command, convcalc: Command) -> None:
    text = 'convcalc: 1\nname: r\ninput: [3, 64, 64]\nverify: resnet18.onnx\nlayers: ["relu"]\n'
    (net / ONE).write_text(text, "utf-8")
    ran = verify(ONE)
    assert ran.code == 1
    assert ran.out.startswith(f"{ONE} ↔ resnet18.onnx: 1 of 48 layers agree")
    found = convcalc(f"check {ONE} -f json").out
    assert "CC504" in found


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("none.onnx", "cannot read 'none.onnx'"),
        ("../../none.onnx", "lies outside"),
        ("[a, b]", "'verify' is the path of a model file"),
        ("timm:resnet18", "runs code of timm, which is not allowed here"),
        ("'torch:os:system(c=ls)'", "runs code of os, which is not allowed here"),
    ],
)
def test_a_model_that_cannot_be_read_is_said_at_its_place(
    value: str, said: str, net: Path, convcalc: Command
) -> None:
    (net / ONE).write_text(NET.replace("params:", f"verify: {value}\nparams:", 1), "utf-8")
    ran = convcalc(f"check {ONE}")
    assert ran.code == 1
    assert said in ran.out
    assert f"{ONE}:4:9" in ran.out
    assert "CC504" not in ran.out


def test_a_variant_has_a_model_of_its_own(net: Path, convcalc: Command) -> None:
    text = NET.replace("params:", "verify: two.onnx\nvariants: {wide: {width: 32}}\nparams:", 1)
    conv = node("Conv", ["x", "w"], ["y"], kernel_shape=[1, 1])
    content = model([conv], {"x": [1, 3, 8, 8]}, {"y": [1, 4, 8, 8]}, {"w": [4, 3, 1, 1]})
    (net / "two.onnx").write_bytes(content)
    (net / ONE).write_text(text, "utf-8")
    ran = convcalc(f"check {ONE}")
    assert ran.out.count("CC504") == 1  # the base: the model is not that of the variant


def tensors(sizes: dict[str, list[int]]) -> bytes:
    """A file of tensors without their numbers."""
    header, at = {}, 0
    for name, shape in sizes.items():
        size = 4
        for each in shape:
            size *= each
        header[name] = {"dtype": "F32", "shape": shape, "data_offsets": [at, at + size]}
        at += size
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + bytes(at)


def test_a_table_of_tensors_is_compared_by_sizes(net: Path, verify: Command) -> None:
    sizes: dict[str, list[int]] = {}
    for layer in library.load(str(net / ONE), allow_outside=True).layers:
        for name, shape in layer.analysis.stored.items():
            sizes[f"{layer.path}.{name}"] = list(shape)
    (net / "a.safetensors").write_bytes(tensors(sizes))
    ran = verify(f"{ONE} a.safetensors")
    assert ran.code == 0
    assert f"{len(sizes)} of {len(sizes)} tensors agree" in ran.out
    assert "cannot be known" in ran.out
    sizes[next(reversed(sizes))] = [11]
    (net / "a.safetensors").write_bytes(tensors(sizes))
    ran = verify(f"{ONE} a.safetensors")
    assert ran.code == 1
    assert "sizes 10 ↔ 11" in ran.out


def test_names_of_strangers_are_shown_and_not_obeyed(net: Path, verify: Command) -> None:
    name = "/\x1b[31mred\n| a | <b>"
    conv = node("Conv", ["x", "w"], ["y"], name, kernel_shape=[1, 1])
    content = model([conv], {"x": [1, 3, 8, 8]}, {"y": [1, 4, 8, 8]}, {"w": [4, 3, 1, 1]})
    (net / "evil.onnx").write_bytes(content)
    for form in ("table", "markdown", "json"):
        ran = verify(f"{ONE} evil.onnx -f {form}")
        assert ran.code == 1
        assert "\x1b" not in ran.out
    assert "<b>" not in verify(f"{ONE} evil.onnx -f markdown").out


def test_the_same_bytes_whatever_the_hashes(net: Path) -> None:
    line = "import sys; from convcalc.cli import main; sys.exit(main())"
    texts = {
        subprocess.run(
            [sys.executable, "-c", line, "verify", "resnet101", "resnet18.onnx", "-f", "json"],
            cwd=net,
            env={"PYTHONPATH": str(ROOT), "PYTHONHASHSEED": seed, "PYTHONIOENCODING": "utf-8"},
            capture_output=True,
            check=False,
        ).stdout
        for seed in "123"
    }
    assert len(texts) == 1
    assert texts.pop()


def test_a_policy_sees_that_a_file_names_its_model_no_more(net: Path, convcalc: Command) -> None:
    text = NET.replace("params:", "verify: resnet18.onnx\nparams:", 1)
    repository(net, {ONE: text})
    (net / ONE).write_text(NET, "utf-8")
    ran = convcalc(f"check {ONE} --policy HEAD")
    assert "CC404" in ran.out
    assert "net is not held against resnet18.onnx any more" in ran.out
    (net / ONE).write_text(text.replace("resnet18.onnx", "other.onnx"), "utf-8")
    ran = convcalc(f"check {ONE} --policy HEAD")
    assert "net is held against other.onnx, not against resnet18.onnx" in ran.out
