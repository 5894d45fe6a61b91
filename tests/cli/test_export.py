"""``convcalc export``: files that are written or not, and what is said."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from command import Command

NET = "convcalc: 1\nname: net\ninput: [4, 8, 8]\nlayers: [{conv: {out: 8, k: 3}}, relu]\n"


pytestmark = pytest.mark.usefixtures("net")


@pytest.fixture
def net(folder: Path) -> None:
    """A network file in the current folder."""
    (folder / "net.convcalc.yaml").write_text(NET)


@pytest.mark.parametrize("form", ["torch", "keras"])
def test_code_goes_to_stdout_or_to_a_new_file(convcalc: Command, form: str) -> None:
    printed = convcalc(f"export net.convcalc.yaml --to {form}")
    ast.parse(printed.out)
    command = f"export net.convcalc.yaml --to {form} -o net.py"
    written = convcalc(command)
    assert (printed.code, written.code, written.out) == (0, 0, "")
    assert Path("net.py").read_text() == printed.out
    again = convcalc(command)
    assert again.code == 2
    assert "net.py already exists" in again.err
    assert convcalc(f"{command} --force").code == 0


@pytest.mark.parametrize("form", ["torch", "keras", "onnx -o net.onnx"])
def test_a_network_with_a_problem_is_not_written(convcalc: Command, form: str) -> None:
    Path("net.convcalc.yaml").write_text(NET.replace("k: 3", "k: 3, groups: 3"))
    if form.startswith("onnx"):
        pytest.importorskip("onnx")
    found = convcalc(f"export net.convcalc.yaml --to {form}")
    assert (found.code, found.out) == (1, "")
    assert "does-not-divide" in found.err
    assert "--> net.convcalc.yaml:4:" in found.err
    assert not Path("net.onnx").exists()


def test_what_has_no_counterpart_is_named(convcalc: Command) -> None:
    Path("net.convcalc.yaml").write_text(
        NET.replace("relu", "{opaque: {output: [8, 6, 6], params: 1, macs: 1}}")
    )
    found = convcalc("export net.convcalc.yaml --to torch")
    assert found.code == 2
    assert "opaque" in found.err


def test_a_word_that_is_no_format(convcalc: Command) -> None:
    found = convcalc("export net.convcalc.yaml --to pytorch")
    assert found.code == 2
    assert "torch, keras, onnx" in found.err


def test_an_onnx_file_needs_a_name(convcalc: Command) -> None:
    found = convcalc("export net.convcalc.yaml --to onnx")
    assert found.code == 2
    assert "-o network.onnx" in found.err


@pytest.mark.parametrize("form", ["torch", "keras", "onnx -o net.onnx"])
@pytest.mark.parametrize("target", ["net.convcalc.yaml::wide", "net.convcalc.yaml --variant wide"])
def test_a_variant_that_is_not_there(convcalc: Command, form: str, target: str) -> None:
    Path("net.convcalc.yaml").write_text(NET + "params: {c: 1}\nvariants: {big: {c: 2}}\n")
    found = convcalc(f"export {target} --to {form}")
    assert (found.code, found.out) == (2, "")
    assert "has no variant 'wide'" in found.err
    assert "big" in found.err
